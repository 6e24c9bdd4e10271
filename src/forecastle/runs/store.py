"""The store of runs: one folder each, complete or not there; found by id or by the beginning of it."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from forecastle import paths
from forecastle.errors import RunError, nearest
from forecastle.runs.damage import ALWAYS, damage
from forecastle.runs.process import ended, process
from forecastle.runs.tags import tags

MADE = ("id", "name", "data", "created", "config_hash", "bars", "code", "versions")
"""What the manifest of a run always tells."""

SCORED = ("validation",)
"""What its metrics always tell."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Parameters
    ----------
    id
        16 hexadecimal digits.
    folder
        Where it lies.
    reused
        True where it was found and not computed.
    """

    id: str
    folder: Path
    reused: bool = False

    @property
    def metrics(self) -> dict[str, Any]:
        """Scores of the validation part and, where it was opened, of the test part."""
        return _holding(self.folder / paths.METRICS, SCORED)

    @property
    def manifest(self) -> dict[str, Any]:
        """Everything that tells how the run was made."""
        return _holding(self.folder / paths.MANIFEST, MADE)

    @property
    def damage(self) -> str | None:
        """What is wrong with its files, in a few words (``config.yaml is missing``); None where nothing is.

        A thousand runs are asked in a tenth of a second: tables are known by their ends and sizes (`runs.damage`).
        """
        if told := damage(self.folder, (paths.MANIFEST, paths.METRICS, *ALWAYS)):
            return told
        for name, wanted in ((paths.MANIFEST, MADE), (paths.METRICS, SCORED)):
            try:
                node = _holding(self.folder / name, wanted)
            except RunError:
                return f"{name} is not what a run writes"
        traded = any("trading" in part for part in node.values())
        return damage(self.folder, (paths.EQUITY,)) if traded else None

    @property
    def has_weights(self) -> bool:
        """Whether the fitted models were kept; scores and forecasts always are."""
        return (self.folder / paths.MODEL).is_dir()

    @property
    def word(self) -> str:
        """What a command calls it: its id, or its folder where that is not among the usual runs."""
        return self.id if self.folder.parent == usual_store().folder else str(self.folder)

    def curves(self) -> dict[int, dict[str, float]]:
        """Values of each learning curve by step; empty for a model that learns in one step."""
        found: dict[int, dict[str, float]] = {}
        with (self.folder / paths.CURVES).open(newline="") as stream:
            for row in csv.DictReader(stream):
                found.setdefault(int(row["step"]), {})[row["name"]] = float(row["value"])
        return found


class RunStore:
    """Runs below one folder.

    A run is written under a temporary name, put safely on disk and renamed when complete, so that a killed run leaves
    nothing that looks finished.

    Raises
    ------
    RunError
        If there is a file in place of the folder.
    """

    def __init__(self, folder: Path) -> None:
        if folder.is_file():
            raise RunError(f"runs are kept in a folder, but {folder} is a file (output, or FORECASTLE_OUTPUT)")
        self.folder = folder

    def find(self, identity: str) -> Run | None:
        """The finished run of this id, or None."""
        folder = self.folder / identity
        return Run(identity, folder, reused=True) if (folder / paths.MANIFEST).is_file() else None

    def get(self, beginning: str) -> Run:
        """The one finished run that has this tag, or whose id begins so; ``last`` is the newest.

        Raises
        ------
        RunError
            If there is none, or more than one.
        """
        runs = self.all()
        if beginning == "last" and runs:
            return runs[-1]
        tagged = tags(self.folder)
        wanted = tagged.get(beginning, Path(beginning).name)
        found = [run for run in runs if run.id.startswith(wanted)] if beginning else []
        if len(found) == 1:
            return found[0]
        if not found and beginning in tagged:
            raise RunError(f"the tag {beginning!r} names run {wanted}, which is not in {self.folder} any more")
        if not found:
            like = nearest(beginning, tagged)
            raise RunError(
                f"no run {beginning!r} in {self.folder}{like} ({len(runs)} runs there; see `forecastle runs`)"
            )
        raise RunError(f"{beginning!r} begins {len(found)} runs: {', '.join(run.id for run in found[:5])}")

    def all(self) -> list[Run]:
        """All finished runs, oldest first, those with a damaged manifest before them."""
        found = [path.parent for path in self.folder.glob(f"[0-9a-f]*/{paths.MANIFEST}")]
        return sorted((Run(folder.name, folder) for folder in found), key=lambda run: (_created(run), run.id))

    @contextmanager
    def create(self, identity: str, *, replace: bool = False) -> Iterator[Path]:
        """Give a temporary folder; when the block ends well, it becomes the run's folder.

        A run that was finished before, by another process meanwhile say, stays where it is, unless it is to be
        replaced. Any exception leaves nothing.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sweep_out()
        temporary = Path(tempfile.mkdtemp(prefix=f".tmp-{process()}-{identity}-", dir=self.folder))
        try:
            yield temporary
            temporary.chmod(0o755)
            _sync_all([*temporary.rglob("*"), temporary])
            place = self.folder / identity
            replace_folder(temporary, place, keep=None if replace else place / paths.MANIFEST)
            _sync(self.folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _sweep_out(self) -> None:
        """Remove what killed processes of this machine left behind."""
        for path in self.folder.glob(".tmp-*"):
            if ended(path.name.split("-")[1]):
                shutil.rmtree(path, ignore_errors=True)


def usual_store() -> RunStore:
    """Where runs go unless something else is said: ``runs``, or FORECASTLE_OUTPUT."""
    return RunStore(Path(os.environ.get("FORECASTLE_OUTPUT", "runs")))


def located(run: str) -> tuple[RunStore, str]:
    """The store and the name in it that a RUN means: an id, the beginning of one, ``last``, a tag, or a folder."""
    path = Path(run)
    return (RunStore(path.parent), path.name) if path.parent.name else (usual_store(), run)


def _created(run: Run) -> str:
    """When the run was finished, or nothing where that cannot be read."""
    try:
        return str(read_json(run.folder / paths.MANIFEST).get("created", ""))
    except RunError:
        return ""


def replace_folder(new: Path, place: Path, keep: Path | None = None) -> None:
    """Rename a folder to its place, where an older one may stand, which stays if it holds the file `keep`."""
    while True:
        try:
            new.rename(place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return
        if keep and keep.is_file():
            return
        aside = Path(tempfile.mkdtemp(prefix=f".tmp-{process()}-old-", dir=place.parent))
        with suppress(FileNotFoundError):
            place.rename(aside / place.name)
        shutil.rmtree(aside, ignore_errors=True)


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Write JSON as `write_text` writes; NaN is refused. Equal values give equal bytes."""
    write_text(path, json_text(value), durable=durable)


def json_text(value: Any) -> str:
    """JSON as our files hold it; NaN is refused."""
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write a text file under a temporary name, put it on disk, unless it may be lost with the power, then rename."""
    temporary = path.with_name(f".{path.name}.{process()}")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


AGAIN = "`forecastle run` with the same choices computes the run again"
"""What can be done about a damaged file of a run."""


def read_json(path: Path, mend: str = AGAIN) -> dict[str, Any]:
    """Read a JSON object.

    Parameters
    ----------
    path
        Of its file.
    mend
        What can be done where it is damaged, which the error tells.

    Raises
    ------
    RunError
        If the file is missing or damaged.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing: it was removed by hand, or never written; {mend}") from error
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}; {mend}") from error
    if not isinstance(value, Mapping):
        raise RunError(f"{path} is damaged: a JSON object is wanted, got {json.dumps(value)[:40]}; {mend}")
    return dict(value)


def _holding(path: Path, wanted: Sequence[str]) -> dict[str, Any]:
    """Read a JSON object of a run that holds some keys."""
    node = read_json(path)
    if missing := [key for key in wanted if key not in node]:
        raise RunError(f"{path} is damaged: {', '.join(missing)} missing; {AGAIN}")
    return node


def _sync_all(paths: Sequence[Path]) -> None:
    """Put files and folders safely on disk, at once: the disk then waits a few times, and not once for each."""
    list(_threads(os.getpid()).map(_sync, paths))


@lru_cache(maxsize=1)
def _threads(process: int) -> ThreadPoolExecutor:  # noqa: ARG001  a forked process has none of them
    return ThreadPoolExecutor(8, "forecastle-sync")


def _sync(path: Path) -> None:
    """Put a file or a folder's entries safely on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
