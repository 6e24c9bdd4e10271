"""Checkpoints: the best few epochs by a monitored value, and the last one to go on from.

Files of a training lie in one folder: ``epoch_0007.pt`` (weights alone, on the CPU, after seven epochs; 0 is the
untrained network), ``ranking.json`` (which of them are kept, best first), ``last.ckpt`` (everything that is needed to
go on). Each is written beside, read again and then renamed; only files that the ranking names are ever removed.
"""

# ruff: noqa: TID253

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from forecastle.errors import ConfigError, ModelError
from forecastle.models.neural.files import read_tensors, write_tensors, write_text
from forecastle.models.neural.monitored import CRPS, direction

RANKING, LAST = "ranking.json", "last.ckpt"


class Ranking:
    """The best epochs of a folder; the folder's own file is the truth, so that it survives any end.

    Parameters
    ----------
    folder
        Where the files lie.
    keep
        How many.
    mode
        ``min`` or ``max``: which way a score is better. Of equal scores the earlier epoch's is better.
    """

    def __init__(self, folder: Path, keep: int, mode: str) -> None:
        self.folder, self.keep, self.mode = folder, keep, mode

    def entries(self) -> list[tuple[float, int, str]]:
        """Score, epoch and file of each, best first.

        Raises
        ------
        ModelError
            If the file is damaged.
        """
        path = self.folder / RANKING
        if not path.is_file():
            return []
        try:
            found = [(float(score), int(epoch), str(name)) for score, epoch, name in json.loads(path.read_text())]
        except (ValueError, TypeError) as error:
            raise ModelError(f"{path} is no ranking of checkpoints: {error}") from error
        return [entry for entry in found if Path(entry[2]).name == entry[2]]

    def offer(self, score: float, epoch: int, weights: dict[str, torch.Tensor]) -> bool:
        """Keep the weights if they are among the best: written, verified, ranked, and then the worst removed.

        A score that is not a number is never kept. An epoch that comes again, after a restart, takes its old place.
        """
        if math.isnan(score):
            return False
        name = f"epoch_{epoch:04d}.pt"
        others = [entry for entry in self.entries() if entry[1] != epoch]
        sign = 1 if self.mode == "min" else -1
        ranked = sorted([*others, (score, epoch, name)], key=lambda entry: (sign * entry[0], entry[1]))
        kept, gone = ranked[: self.keep], ranked[self.keep :]
        if (score, epoch, name) in kept:
            self._write(weights, self.folder / name)
        write_text(json.dumps(kept), self.folder / RANKING)
        for _, _, old in gone:
            (self.folder / old).unlink(missing_ok=True)
        return (score, epoch, name) in kept

    def _write(self, weights: dict[str, torch.Tensor], path: Path) -> None:
        write_tensors(weights, path)
        found = read_tensors(path)
        if found.keys() != weights.keys() or not all(_same(found[key], weights[key]) for key in weights):
            raise ModelError(f"{path} does not hold what was written to it; is the disk full or failing?")


def _same(left: torch.Tensor, right: torch.Tensor) -> bool:
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
        Ranking(folder, self.keep, self.mode).offer(float(found), training.trained(), training.weights())


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
