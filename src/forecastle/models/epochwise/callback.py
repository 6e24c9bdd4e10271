"""Callbacks of an estimator's training: early stopping and the best epochs, under the names that networks' have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from forecastle.errors import ConfigError, ModelError
from forecastle.models.epochwise.watch import DIRECTIONS, LOSS, check_monitor, gains
from forecastle.models.ranking import Ranking
from forecastle.runs import archive

SUFFIX = "skops"


@dataclass(frozen=True, eq=False)
class Progress:
    """How far a training has come.

    Parameters
    ----------
    estimator
        As it is after this epoch.
    curves
        ``train/loss``, ``validation/loss`` and ``validation/score``, one value for each epoch so far.
    folder
        Where files of this training may lie.
    """

    estimator: Any
    curves: dict[str, list[float]]
    folder: Path

    @property
    def epoch(self) -> int:
        """Epochs so far."""
        return len(self.curves[LOSS])


@runtime_checkable
class EpochCallback(Protocol):
    """What is asked after each epoch."""

    def epoch_ended(self, progress: Progress) -> bool:
        """Whether training should stop."""
        ...


class EarlyStopping:
    """Stops training when a monitored value has not got better for some epochs.

    Parameters
    ----------
    monitor
        ``validation/loss`` or ``validation/score``.
    patience
        Epochs without a gain after which it stops.
    min_delta
        What counts as a gain, in the value's unit; the squared error is that of z, about 1 for a random walk.

    Raises
    ------
    ConfigError
        If the monitor is unknown, `patience` is below 1 or `min_delta` is negative.
    """

    def __init__(self, monitor: str = LOSS, patience: int = 5, min_delta: float = 0.001) -> None:
        check_monitor(monitor)
        if patience < 1:
            raise ConfigError(f"patience must be at least 1, got {patience}")
        if min_delta < 0:
            raise ConfigError(f"min_delta must be at least 0, got {min_delta}")
        self.monitor, self.patience, self.min_delta = monitor, patience, min_delta

    def epoch_ended(self, progress: Progress) -> bool:
        """Whether the last gain is `patience` epochs ago."""
        latest = gains(progress.curves[self.monitor], DIRECTIONS[self.monitor], self.min_delta)[-self.patience :]
        return len(latest) == self.patience and not any(latest)


class TopCheckpoints:
    """Keeps the estimators of the best epochs; the best is what is used after training.

    Parameters
    ----------
    monitor
        ``validation/loss`` or ``validation/score``.
    keep
        How many.

    Raises
    ------
    ConfigError
        If the monitor is unknown or `keep` is below 1.
    """

    def __init__(self, monitor: str = LOSS, keep: int = 3) -> None:
        check_monitor(monitor)
        if keep < 1:
            raise ConfigError(f"keep must be at least 1, got {keep}")
        self.monitor, self.keep = monitor, keep

    def epoch_ended(self, progress: Progress) -> bool:
        """Offer this epoch's estimator; never stop."""
        ranking = Ranking(progress.folder, self.keep, DIRECTIONS[self.monitor], SUFFIX)
        score = progress.curves[self.monitor][-1]
        ranking.offer(score, progress.epoch, partial(_keep, progress.estimator))
        return False


def best(folder: Path) -> Any | None:
    """The estimator of the best epoch that was kept, if any was."""
    entries = Ranking(folder, 1, "min", SUFFIX).entries()
    return archive.read(folder / entries[0][2])["estimator"] if entries else None


def _keep(estimator: Any, path: Path) -> None:
    """Write an estimator, whole or not at all, and see that the file holds it."""
    content = archive.pack({"estimator": estimator})
    temporary = path.with_suffix(".part")
    temporary.write_bytes(content)
    if temporary.read_bytes() != content:
        raise ModelError(f"{path} does not hold what was written to it; is the disk full or failing?")
    temporary.replace(path)
