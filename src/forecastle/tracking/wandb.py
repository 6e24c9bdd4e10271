"""Runs reported to Weights & Biases, offline unless online is asked for."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from forecastle.errors import ConfigError, MissingExtraError, nearest
from forecastle.tracking.flat import flatten
from forecastle.tracking.tracker import RunInfo, Table

MODES = ("offline", "online")
TAG_LENGTH = 64
"""Longest tag that W&B accepts, in characters."""
NAME_LENGTH = 128
"""Longest name of a run that is shown, in characters."""
FINISHED = "forecastle.finished"
"""Empty file that is laid beside an offline run's log when the log is whole."""
PATIENCE = 30
"""Longest wait for W&B's server when a run starts online, in seconds."""


class WandbTracker:
    """Sends configuration, curves, metrics, model and report to W&B.

    W&B's run id is the run's own id. Online, a run that is already there is resumed, and what it already has is not
    added again. Offline, a run is written whole in place of what lies there of the same id, unless W&B has uploaded
    that, which stays; so ``wandb sync`` may be repeated. An offline run has the report and the model beside its log,
    the model as links to the same bytes where that can be, so that neither is missed when it is uploaded.

    Parameters
    ----------
    project : str
        W&B's project.
    mode : {"offline", "online"}
        Offline writes files and opens no connection. Online needs ``wandb login`` or ``WANDB_API_KEY``.
    entity : str or None
        User or team that owns the project; W&B's own default where None.
    folder : str
        Folder in which W&B makes its ``wandb`` folder.

    Raises
    ------
    MissingExtraError
        If wandb is not installed.
    ConfigError
        If the mode is neither of the two, or, at `start`, if online has no login.

    Examples
    --------
    >>> WandbTracker(mode="disabled")
    Traceback (most recent call last):
        ...
    forecastle.errors.ConfigError: mode must be one of offline, online, got 'disabled' (tracker.mode)
    """

    wants_report = True

    def __init__(
        self, project: str = "forecastle", mode: str = "offline", entity: str | None = None, folder: str = "."
    ) -> None:
        if mode not in MODES:
            raise ConfigError(
                f"mode must be one of {', '.join(MODES)}, got {mode!r}{nearest(mode, MODES)} (tracker.mode)"
            )
        specification = importlib.util.find_spec("wandb")
        if specification is None or specification.origin is None:  # a plain folder called wandb has no origin
            raise MissingExtraError(
                "tracker=wandb needs the package wandb, which is not installed: pip install 'forecastle[wandb]'"
            )
        self._project = project
        self._offline = mode == "offline"
        self._entity = entity
        self._folder = Path(folder).absolute()
        self._run: Any = None
        self._points = 0

    @property
    def place(self) -> str:
        """The project, and for offline runs W&B's folder."""
        project = "/".join(filter(None, (self._entity or os.environ.get("WANDB_ENTITY"), self._project)))
        host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname
        return f"wandb {project} offline in {self._folder}" if self._offline else f"wandb {project} at {host}"

    def holds(self, identity: str) -> bool:
        """Whether the offline run lies in the folder, whole; what is online cannot be seen from here."""
        return not self._offline or any((each / FINISHED).exists() for each in self._copies(identity))

    def start(self, info: RunInfo) -> None:
        """Open the run."""
        self._points = 0
        self._run = None
        self._run = self._open(info)
        self._run.define_metric("*", step_metric="step")

    def _open(self, info: RunInfo, kind: str | None = None) -> Any:
        import wandb

        self._folder.mkdir(parents=True, exist_ok=True)
        settings = wandb.Settings(
            root_dir=str(self._folder),
            console="off",
            disable_git=True,
            init_timeout=PATIENCE,
            login_timeout=PATIENCE,
            save_code=False,
            silent=True,
            x_disable_machine_info=True,
            x_disable_stats=True,
        )
        if self._offline:
            for copy in self._copies(info.id):
                if not (copy / f"run-{info.id}.wandb.synced").exists():
                    shutil.rmtree(copy)
        wandb.setup(settings=wandb.Settings(silent=True))
        if not self._offline and not wandb.login(prompt=False):  # else W&B would ask for a key and wait
            raise ConfigError(
                "W&B wants a login to be sent anything, got none: run `wandb login` or set WANDB_API_KEY, or keep "
                "files for `wandb sync` by tracker.mode=offline"
            )
        return wandb.init(
            project=self._project,
            entity=self._entity,
            mode="offline" if self._offline else "online",
            id=info.id,
            name=_shorten(info.name, NAME_LENGTH),
            group=info.group,
            job_type=kind,
            tags=[_shorten(tag, TAG_LENGTH) for tag in info.tags],
            config=dict(info.config),
            resume="allow",
            reinit="create_new",
            settings=settings,
        )

    def _copies(self, identity: str) -> list[Path]:
        """Folders of W&B that hold the offline run of this id."""
        return [
            path.parent for path in sorted(self._folder.glob(f"wandb/offline-run-*-{identity}/run-{identity}.wandb"))
        ]

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Add one point to each named curve, drawn over ``step``.

        W&B drops a point that is older than the newest. So points are numbered as they come, which lets steps begin
        again, and makes a resumed run drop exactly what it has.
        """
        if self._run is not None:
            self._run.log({"step": step, **values}, step=self._points)
            self._points += 1

    def finish(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        """Write metrics into the run's summary, model and report as its artifacts, and close it."""
        run, self._run = self._run, None
        if run is None:
            return
        own = Path(run.dir).parent
        try:
            run.summary.update(dict(flatten(metrics)))
            if (folder / "report.html").is_file():  # copied, since a report may be drawn anew
                shutil.copy2(folder / "report.html", own)
            if (folder / "model").is_dir():  # linked, since the run may give its model away
                shutil.copytree(folder / "model", own / "model", copy_function=_link, dirs_exist_ok=True)
            _send(run, "report", own, [own / "report.html"])
            _send(run, "model", own / "model", sorted((own / "model").rglob("*")))
        finally:
            run.finish()
        if self._offline:
            (own / FINISHED).touch()

    def abort(self, *, pruned: bool = False) -> None:
        """Close the run as failed, tagged where it was pruned."""
        run, self._run = self._run, None
        if run is not None:
            if pruned:
                run.tags = (*(run.tags or ()), "pruned")
            run.finish(exit_code=1)

    def compare(self, info: RunInfo, table: Table) -> None:
        """Show a comparison as a table, and keep it as an artifact, in a run of its own."""
        import wandb

        run = self._open(info, "comparison")
        try:
            shown = wandb.Table(columns=list(table.columns), data=[list(row) for row in table.rows])
            artifact = wandb.Artifact(info.id, type="comparison")
            artifact.add(shown, "comparison")
            run.log_artifact(artifact)
            run.log({"comparison": shown})
        finally:
            run.finish()
        if self._offline:
            (Path(run.dir).parent / FINISHED).touch()


def _link(source: str, target: str) -> None:
    """Link to the same bytes, or copy them to another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _send(run: Any, kind: str, folder: Path, paths: Sequence[Path]) -> None:
    """Send the files among some paths of a folder as one artifact, which refers to them where they lie."""
    import wandb

    files = [path for path in paths if path.is_file()]
    if not files:
        return
    artifact = wandb.Artifact(f"{kind}-{run.id}", type=kind)
    for file in files:
        artifact.add_file(str(file), name=file.relative_to(folder).as_posix(), policy="immutable")
    run.log_artifact(artifact)
