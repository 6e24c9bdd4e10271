"""Runs reported to Weights & Biases, offline unless online is asked for."""

from __future__ import annotations

import importlib.util
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from forecastle.errors import ConfigError, MissingExtraError, nearest
from forecastle.tracking.tracker import RunInfo

logger = logging.getLogger(__name__)

MODES = ("offline", "online")
TAG_LENGTH = 64
"""Longest tag that W&B accepts, in characters."""
FINISHED = "forecastle.finished"
"""Empty file that is laid beside an offline run's log when the log is whole."""
PATIENCE = 30
"""Longest wait for W&B's server when a run starts online, in seconds."""


class WandbTracker:
    """Sends configuration, curves, metrics, model and report to W&B.

    W&B's run id is the run's own id. Online, a run that is already there is resumed, and what it already has is not
    added again. Offline, a run that lies whole in the folder is not written a second time, and what a killed
    run left of the same id is removed; so ``wandb sync`` may be repeated. The model is referred to where it lies,
    in the run's folder, which has to be there still when an offline run is uploaded; the report is copied.

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

    def start(self, info: RunInfo) -> None:
        """Open the run, or pass it over where an offline copy of it is whole already."""
        import wandb

        self._run = None
        self._points = 0
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
        if self._offline and _is_whole(Path(settings.wandb_dir), info.id):
            logger.info("run %s is tracked already in %s", info.id, settings.wandb_dir)
            return
        wandb.setup(settings=wandb.Settings(silent=True))
        if not self._offline and not wandb.login(prompt=False):  # else W&B would ask for a key and wait
            raise ConfigError("mode=online needs a login, got none: run `wandb login` or set WANDB_API_KEY")
        self._run = wandb.init(
            project=self._project,
            entity=self._entity,
            mode="offline" if self._offline else "online",
            id=info.id,
            name=info.name,
            group=info.group,
            tags=[_shorten(tag) for tag in info.tags],
            config=dict(info.config),
            resume="allow",
            reinit="create_new",
            settings=settings,
        )
        self._run.define_metric("*", step_metric="step")

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
            _send(run, "report", own, [own / "report.html"])
            _send(run, "model", folder / "model", sorted((folder / "model").rglob("*")))
        finally:
            run.finish()
        if self._offline:
            (own / FINISHED).touch()

    def abort(self) -> None:
        """Close the run as failed."""
        run, self._run = self._run, None
        if run is not None:
            run.finish(exit_code=1)


def flatten(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | str]]:
    """Yield one name and value for each number of a nested mapping; members of a sequence are numbered from 1.

    A missing value (None) is left out, NaN is kept.

    >>> dict(flatten({"test": {"crps": 0.5, "skill": [0.1, None, 0.3]}}))
    {'test/crps': 0.5, 'test/skill/1': 0.1, 'test/skill/3': 0.3}
    """
    for key, value in metrics.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{name}/")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from flatten({str(number): member for number, member in enumerate(value, start=1)}, f"{name}/")
        elif value is not None:
            yield name, value


def _shorten(tag: str) -> str:
    return tag if len(tag) <= TAG_LENGTH else tag[: TAG_LENGTH - 1] + "…"


def _is_whole(folder: Path, run_id: str) -> bool:
    """Whether an offline run of this id lies whole in W&B's folder; remove what is left of one that does not."""
    for record in sorted(folder.glob(f"offline-run-*-{run_id}/run-{run_id}.wandb")):
        if (record.parent / FINISHED).exists():
            return True
        shutil.rmtree(record.parent)
    return False


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
