"""Callbacks of an estimator's training: early stopping and the best epochs, under the names that networks' have."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from forecastle.errors import ConfigError
from forecastle.models.epochwise.watch import DIRECTIONS, LOSS, check_monitor, gains
from forecastle.models.ranking import Ranking, ranked
from forecastle.runs import archive


@dataclass(frozen=True, eq=False)
class Progress:
    """How far one training has come; callbacks are shared by many and keep nothing themselves.

    Parameters
    ----------
    estimator
        As it is after this epoch.
    curves
        ``train/loss``, ``validation/loss`` and ``validation/score``, one value for each epoch so far.
    kept
        Score, epoch and copy of the estimator of the best epochs, best first.
    """

    estimator: Any
    curves: dict[str, list[float]] = field(default_factory=dict)
    kept: list[tuple[float, int, Any]] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """Epochs so far."""
        return len(self.curves[LOSS])


@runtime_checkable
class EpochCallback(Protocol):
    """What is asked after each epoch, and told where a training fails."""

    def epoch_ended(self, progress: Progress) -> bool:
        """Whether training should stop."""
        ...

    def failed(self, progress: Progress, folder: Path) -> None:
        """Save what is worth it, into a folder that may not be there yet."""
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

    def failed(self, progress: Progress, folder: Path) -> None:
        """Nothing to save."""


class TopCheckpoints:
    """Keeps the estimators of the best epochs; the best is what is used after training.

    They are kept in memory, since an epoch is often shorter than its file takes to write; where training fails they
    are written. A score that is not a number is never kept; of equal ones the earlier epoch's is better.

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
        """Keep a copy of this epoch's estimator if it is among the best; never stop."""
        score = progress.curves[self.monitor][-1]
        if not math.isnan(score):
            best = ranked([*progress.kept, (score, progress.epoch, None)], DIRECTIONS[self.monitor])[: self.keep]
            progress.kept[:] = [
                (value, epoch, copy.deepcopy(progress.estimator) if kept is None else kept)
                for value, epoch, kept in best
            ]
        return False

    def failed(self, progress: Progress, folder: Path) -> None:
        """Write the best epochs so far, and their ranking."""
        folder.mkdir(parents=True, exist_ok=True)
        ranking = Ranking(folder, self.keep, DIRECTIONS[self.monitor], "skops")
        for score, epoch, estimator in progress.kept:
            ranking.offer(score, epoch, partial(archive.write, {"estimator": estimator}))
