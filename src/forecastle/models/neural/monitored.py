"""What training watches on the validation part, and which way each of them is better."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torchmetrics import Metric

from forecastle.errors import ConfigError, nearest


class QuantileCRPS(Metric):
    r"""CRPS by quantiles: twice the pinball loss, mean over steps and windows; `forecastle.evaluation`'s own.

    Each level is weighed by the width of its cell, as there: cells meet half way between neighbouring levels. Here it
    is of the target in units of the random walk (z), so that it is .56 for a standard normal, calm and wild times
    weigh the same, and a `min_delta` means the same on every market.
    """

    higher_is_better = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, quantiles: Tensor, target: Tensor, levels: Tensor) -> None:
        """Add B windows: quantiles (B, H, Q), target (B, H), levels (Q,)."""
        error = target.unsqueeze(-1) - quantiles
        ends = levels.new_tensor([0.0]), levels.new_tensor([1.0])
        width = torch.cat([ends[0], (levels[1:] + levels[:-1]) / 2, ends[1]]).diff()
        loss = 2 * (width * torch.maximum(levels * error, (levels - 1) * error)).sum(dim=-1)
        self.total += loss.sum(dtype=torch.float64)
        self.count += loss.numel()

    def compute(self) -> Tensor:
        """The mean so far."""
        return self.total / self.count


LOSS, CRPS = "validation/loss", "validation/crps"
DIRECTIONS: dict[str, Literal["min", "max"]] = {LOSS: "min", CRPS: "max" if QuantileCRPS.higher_is_better else "min"}
"""What every network is watched by; ``min`` where lower is better."""


def direction(monitor: str, mode: str | None = None) -> str:
    """``min`` or ``max``: which way a monitored value is better; `mode` tells it for one's own.

    Raises
    ------
    ConfigError
        If the value is not known and `mode` is not given, or `mode` is neither.
    """
    if monitor in DIRECTIONS:
        return DIRECTIONS[monitor]
    if mode is None:
        raise ConfigError(
            f"monitor must be one of {', '.join(DIRECTIONS)}, got {monitor!r}{nearest(monitor, DIRECTIONS)} "
            "(or your own, with mode=min or mode=max)"
        )
    if mode not in ("min", "max"):
        raise ConfigError(f"mode must be min or max, got {mode!r}")
    return mode
