"""WeightAverage: an exponential moving average of the weights, which is what is watched and kept.

Polyak and Juditsky, Acceleration of stochastic approximation by averaging, SIAM Journal on Control and Optimization 30
(1992); with the growing decay min(decay, (1 + t)/(10 + t)) that is usual since TensorFlow, so that the first epochs are
not dragged back to the beginning.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from forecastle.errors import ConfigError


class WeightAverage(pl.Callback):
    """Averages the weights over steps; validation and checkpoints see the average, training goes on with its own.

    Parameters
    ----------
    decay
        Weight of the average so far, inside (0, 1): .99 looks back over about a hundred steps.

    Raises
    ------
    ConfigError
        If `decay` lies outside.
    """

    def __init__(self, decay: float = 0.99) -> None:
        if not 0 < decay < 1:
            raise ConfigError(f"decay must lie inside (0, 1), got {decay}")
        self.decay = decay
        self._average: dict[str, Tensor] = {}
        self._own: dict[str, Tensor] = {}
        self._count = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Begin with the weights as they are, or go on with the average that was restored."""
        training: Any = pl_module
        state = training.network.state_dict()
        found = self._average or state
        self._average = {name: found[name].detach().to(value.device).clone() for name, value in state.items()}
        training.average = self._average

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *rest: Any) -> None:  # noqa: ARG002
        """Take in the weights after a step."""
        training: Any = pl_module
        decay = min(self.decay, (1 + self._count) / (10 + self._count))
        self._count += 1
        state = training.network.state_dict()
        floats = [name for name, value in state.items() if value.is_floating_point()]
        torch._foreach_lerp_([self._average[name] for name in floats], [state[name] for name in floats], 1 - decay)
        for name in state.keys() - set(floats):
            self._average[name].copy_(state[name])

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the average."""
        training: Any = pl_module
        if not trainer.sanity_checking and self._average:
            self._own = {name: value.detach().clone() for name, value in training.network.state_dict().items()}
            training.network.load_state_dict(self._average)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Go back to the weights of training."""
        training: Any = pl_module
        if self._own:
            training.network.load_state_dict(self._own)
            self._own = {}

    def state_dict(self) -> dict[str, Any]:
        """The average and the number of steps in it."""
        return {"average": self._average, "count": self._count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what `state_dict` gave."""
        self._average, self._count = state_dict["average"], state_dict["count"]
