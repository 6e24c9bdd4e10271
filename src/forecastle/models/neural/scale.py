r"""Scale: a target in its own unit, and the same in the scale that a network sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.windows.context import Target, Task, Windows
from forecastle.windows.target import LogReturn


@dataclass(frozen=True, eq=False)
class Scale:
    r"""Takes a target to the scale of the random walk and forecasts back.

    Parameters
    ----------
    steps
        True where a network sees the increment of each step over its own standard deviation (σ between neighbouring
        bars), False where it sees :math:`z_h = y_h / s_h`.
    centre, width
        Mean and standard deviation of z over the training windows, shape (H,); 0 and 1 for a log return, whose random
        walk is centred.
    """

    steps: bool
    centre: FloatArray
    width: FloatArray

    @classmethod
    def of(cls, train: Windows, *, paths: bool) -> Self:
        """The scale for the target of these training windows, for a network of paths or of marginals."""
        task = train.context.task
        if isinstance(task.target, LogReturn):
            return cls(paths, np.zeros(len(task.steps)), np.ones(len(task.steps)))
        z = train.target / task.spread(train.context.scale)
        return cls(False, z.mean(axis=0), np.maximum(z.std(axis=0), 1e-6))

    def shrink(self, windows: Windows) -> FloatArray:
        """The target as a network sees it, shape (N, H), float32."""
        task = windows.context.task
        spread = task.spread(windows.context.scale)
        if self.steps:
            return (np.diff(windows.target, axis=1, prepend=0.0) / _increments(spread)).astype(np.float32)
        return ((windows.target / spread - self.centre) / self.width).astype(np.float32)

    def quantiles(self, values: FloatArray, task: Task, scale: FloatArray) -> FloatArray:
        """Quantiles (N, H, Q) in the target's own unit, not below its lower bound, float32."""
        spread = task.spread(scale)[:, :, None]
        return _bounded((values * self.width[:, None] + self.centre[:, None]) * spread, task.target)

    def paths(self, values: FloatArray, task: Task, scale: FloatArray) -> FloatArray:
        """Samples (N, S, H) in the target's own unit, not below its lower bound, float32."""
        spread = task.spread(scale)[:, None, :]
        if self.steps:
            return _bounded(np.cumsum(values * _increments(spread), axis=2, dtype=np.float64), task.target)
        return _bounded((values * self.width + self.centre) * spread, task.target)

    def to_json(self) -> dict[str, Any]:
        """Plain values for `from_json`."""
        return {"steps": self.steps, "centre": self.centre.tolist(), "width": self.width.tolist()}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(bool(state["steps"]), np.array(state["centre"], float), np.array(state["width"], float))


def _increments(spread: FloatArray) -> FloatArray:
    """Standard deviation of the random walk from each step to the next, from that of the steps, (…, H)."""
    return np.sqrt(np.diff(spread**2, axis=-1, prepend=0.0))


def _bounded(values: FloatArray, target: Target) -> FloatArray:
    if target.lower is not None:
        values = np.maximum(values, target.lower)
    return values.astype(np.float32)
