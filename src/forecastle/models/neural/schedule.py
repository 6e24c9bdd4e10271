r"""Schedule: the learning rate over training, a function of the step alone.

A linear rise, then a half cosine down to a share of it (Loshchilov and Hutter, SGDR, ICLR 2017, equation 5, without
restarts).
"""

from __future__ import annotations

import math
from typing import Any

import pytorch_lightning as pl

from forecastle.errors import ConfigError


class Schedule(pl.Callback):
    """Sets the learning rate before each step.

    Parameters
    ----------
    warmup
        Share of all steps over which it rises, inside [0, 1).
    final
        Share of the full rate at the last step, inside [0, 1].

    Raises
    ------
    ConfigError
        If one of them lies outside.
    """

    def __init__(self, warmup: float = 0.05, final: float = 0.05) -> None:
        if not 0 <= warmup < 1:
            raise ConfigError(f"warmup must lie inside [0, 1), got {warmup}")
        if not 0 <= final <= 1:
            raise ConfigError(f"final must lie inside [0, 1], got {final}")
        self.warmup, self.final = warmup, final

    def factor(self, step: int, steps: float) -> float:
        """Share of the full rate at a step, of `steps` in all.

        >>> [round(Schedule(warmup=0.25, final=0.0).factor(step, 8), 2) for step in (0, 1, 2, 5, 8)]
        [0.5, 1.0, 1.0, 0.5, 0.0]
        """
        rise = self.warmup * steps
        if step < rise:
            return min((step + 1) / rise, 1.0)
        done = min((step - rise) / (steps - rise), 1.0)
        return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * done))

    def on_train_batch_start(self, trainer: pl.Trainer, *rest: Any) -> None:  # noqa: ARG002
        """Set the rate of every group of parameters."""
        factor = self.factor(trainer.global_step, trainer.estimated_stepping_batches)
        for optimizer in trainer.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = factor * group.setdefault("initial_lr", group["lr"])
