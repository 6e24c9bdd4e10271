"""Teller: after each epoch of a network it tells who watches how well the network does on the validation part."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl

from forecastle.models.neural.monitored import CRPS, DIRECTIONS
from forecastle.models.neural.recording import Recorder
from forecastle.runs.watching import Measure, Series, Watch


class Teller(pl.Callback):
    """Tells the CRPS of each epoch; those before a restart are told again, so that the series is whole.

    A training in several processes tells nothing: one of them cannot stop the others.

    Parameters
    ----------
    watch
        What is told.
    recorder
        Keeps the epochs before a restart.
    """

    def __init__(self, watch: Watch, recorder: Recorder) -> None:
        self._series = Series(watch, Measure(CRPS, DIRECTIONS[CRPS]), most=0)
        self._series.begin()
        self._recorder = recorder

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Tell of the epochs before a restart."""
        for epoch, value in enumerate(self._recorder.curves.get(CRPS, ()), start=1):
            self._tell(trainer, epoch, value)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell of this epoch, not of the untrained network."""
        training: Any = pl_module
        if not trainer.sanity_checking:
            self._tell(trainer, training.trained(), float(trainer.callback_metrics[CRPS]))

    def _tell(self, trainer: pl.Trainer, epoch: int, value: float) -> None:
        if trainer.world_size == 1:
            self._series.tell(epoch, value)
