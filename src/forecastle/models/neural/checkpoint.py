"""Checkpoints: the best few epochs by a monitored value, and the last one to go on from.

Files of a training lie in one folder: ``epoch_0007.pt`` (weights alone, on the CPU, after seven epochs; 0 is the
untrained network), ``ranking.json`` (which of them are kept, best first), ``last.ckpt`` (everything that is needed to
go on). Each is written beside, read again and then renamed; only files that the ranking names are ever removed.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from forecastle.errors import ConfigError, ModelError
from forecastle.models.neural.files import read_tensors, write_tensors
from forecastle.models.neural.monitored import CRPS, direction
from forecastle.models.ranking import Ranking

LAST = "last.ckpt"


def keep_weights(weights: dict[str, Tensor], path: Path) -> None:
    """Write weights and read them again.

    Raises
    ------
    ModelError
        If the file does not hold them.
    """
    write_tensors(weights, path)
    found = read_tensors(path)
    if found.keys() != weights.keys() or not all(_same(found[key], weights[key]) for key in weights):
        raise ModelError(f"{path} does not hold what was written to it; is the disk full or failing?")


def _same(left: Tensor, right: Tensor) -> bool:
    """Whether two tensors are equal, NaN to NaN."""
    return left.dtype == right.dtype and torch.allclose(left, right, rtol=0, atol=0, equal_nan=True)


class TopCheckpoints(pl.Callback):
    """Keeps the weights of the best epochs; the best is what is used after training.

    The untrained network takes part as epoch 0, so that training never makes a model worse by what is monitored.

    Parameters
    ----------
    monitor
        ``validation/crps``, ``validation/loss``, or what another callback logs.
    keep
        How many.
    mode
        ``min`` or ``max``, for a value of one's own; the others know it.

    Raises
    ------
    ConfigError
        If the monitor is unknown or `keep` is below 1.
    """

    def __init__(self, monitor: str = CRPS, keep: int = 3, mode: str | None = None) -> None:
        if keep < 1:
            raise ConfigError(f"keep must be at least 1, got {keep}")
        self.monitor, self.keep = monitor, keep
        self.mode = direction(monitor, mode)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Offer the weights of this epoch."""
        if not trainer.is_global_zero:
            return
        found = trainer.callback_metrics.get(self.monitor)
        if found is None and trainer.sanity_checking:  # a value of one's own may need an epoch of training
            return
        if found is None:
            known = ", ".join(sorted(trainer.callback_metrics))
            raise ModelError(f"monitor {self.monitor!r} was not logged (there are: {known})")
        training: Any = pl_module
        folder = Path(trainer.default_root_dir)
        keep = partial(keep_weights, training.weights())
        Ranking(folder, self.keep, self.mode).offer(float(found), training.trained(), keep)


class LastCheckpoint(pl.Callback):
    """Keeps everything that training needs to go on after it was stopped, however it was.

    Parameters
    ----------
    seconds
        Written at the end of an epoch when this much time has passed since it was last; 0 for every epoch. It changes
        no number: what was lost is computed again.

    Raises
    ------
    ConfigError
        If `seconds` is negative.
    """

    def __init__(self, seconds: float = 10.0) -> None:
        if seconds < 0:
            raise ConfigError(f"seconds must be at least 0, got {seconds}")
        self.seconds = seconds
        self._written = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Start the clock."""
        self._written = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Write it when it is time."""
        if not trainer.strategy.broadcast(time.monotonic() - self._written >= self.seconds):
            return
        path = Path(trainer.default_root_dir) / LAST
        temporary = path.with_suffix(".part")
        trainer.save_checkpoint(temporary)
        if trainer.is_global_zero:
            temporary.replace(path)
        self._written = time.monotonic()
