"""Recorder: the curves of a training, its end, and what early stopping saved."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from forecastle.models.neural.files import write_tensors, write_text
from forecastle.models.neural.monitored import CRPS

logger = logging.getLogger(__name__)

CURVES, FINAL = "curves.json", "final.pt"


class Recorder(pl.Callback):
    """Keeps one value of each logged quantity, and of the learning rate, for each epoch; tells how training ended."""

    def __init__(self) -> None:
        self.curves: dict[str, list[float]] = {}
        self.untrained: dict[str, float] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Note what the untrained network reaches."""
        if trainer.sanity_checking:
            self.untrained = {name: float(value) for name, value in trainer.callback_metrics.items()}

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the epoch."""
        training: Any = pl_module
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        values["train/loss"] = float(trainer.strategy.reduce(training.mean_loss(), reduce_op="mean"))
        values["train/learning_rate"] = float(trainer.optimizers[0].param_groups[0]["lr"])
        for name, value in sorted(values.items()):
            self.curves.setdefault(name, []).append(value)
        logger.debug("epoch %d: %s", trainer.current_epoch + 1, values)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the last weights and the curves, and tell how many epochs were saved."""
        if not trainer.is_global_zero:
            return
        training: Any = pl_module
        folder = Path(trainer.default_root_dir)
        write_tensors(training.weights(), folder / FINAL)
        write_text(json.dumps(self.curves), folder / CURVES)
        done, most = len(self.curves.get("train/loss", ())), trainer.max_epochs or -1
        watched = self.curves.get(CRPS, ())
        best = f", {CRPS} {min(watched):.4f} at best" if watched else ""
        best += f", {self.untrained[CRPS]:.4f} untrained" if CRPS in self.untrained else ""
        if trainer.should_stop and 0 < done < most:
            logger.info("stopped early after %d of %d epochs, %d saved%s", done, most, most - done, best)
        else:
            logger.info("trained for %d epochs%s", done, best)

    def state_dict(self) -> dict[str, Any]:
        """The curves so far, and where they began."""
        return {"curves": self.curves, "untrained": self.untrained}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what `state_dict` gave."""
        self.curves, self.untrained = state_dict["curves"], state_dict["untrained"]
