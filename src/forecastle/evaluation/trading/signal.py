"""Signals: what a forecast says of the return over the next bars, in the two numbers that a policy needs."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError
from forecastle.models.forecast import ClassForecast, Forecast, QuantileForecast, SampleForecast
from forecastle.windows.context import Task


@dataclass(frozen=True, eq=False)
class Signal:
    """What is known of each decision when it is made, shape (N,).

    Parameters
    ----------
    expected
        Expected log return from the close at the origin to the close of the bar `step` bars later.
    deviation
        Standard deviation of that return, log return; 0 where the forecast is a point.
    scale
        EWMA volatility per bar at the origin, log return.
    cost
        Of buying and selling again at the costs of the origin, as a fraction of what is traded.
    step
        How many bars ahead the return ends.
    bars_per_year
        Of the symbols' bars before the first decision.
    """

    expected: FloatArray
    deviation: FloatArray
    scale: FloatArray
    cost: FloatArray
    step: int
    bars_per_year: float

    def __len__(self) -> int:
        return len(self.expected)


def check_task(task: Task, step: int | None) -> None:
    """Refuse a target that says nothing of where the price goes, and a step that is not forecast.

    Raises
    ------
    ConfigError
        If the target is neither ``log_return`` nor one with classes ``down`` and ``up``, or the step is none of its.
    """
    target = task.target
    if step is not None and step not in task.steps:
        steps = ", ".join(map(str, task.chosen)) or f"1 to {task.horizon}"
        raise ConfigError(f"policy.step must be a step that is forecast ({steps}), got {step}")
    if target.name != "log_return" and not {"up", "down"} <= set(target.classes):
        raise ConfigError(
            "policy: a target that tells up from down is wanted (log_return, direction, triple_barrier or trend_scan), "
            f"got target={target.name}"
        )


def read_forecast(forecast: Forecast, task: Task, scale: FloatArray, step: int) -> tuple[FloatArray, FloatArray]:
    """Expected log return and its standard deviation at a step, shape (N,) each, float64.

    Quantiles are read as the normal law next to them: the line ``μ + σ z`` through the quantiles over the normal
    quantiles of their levels, by least squares, which is exact for a normal law and does not cut its tails. Of classes
    ``down`` and ``up`` (any other is no move) the size is that of a driftless random walk, whichever side comes true:
    ``(p_up − p_down) · σ √step · √(2/π)``.

    Parameters
    ----------
    forecast
        Of N windows.
    task
        What was asked.
    scale
        EWMA volatility per bar at each origin, (N,).
    step
        One of the task's steps, in bars.
    """
    if isinstance(forecast, SampleForecast):
        forecast = forecast.quantiles(task.quantile_levels)
    values = forecast.values[:, task.steps.index(step)].astype(np.float64)
    if isinstance(forecast, ClassForecast):
        names = task.target.classes
        lean = values[:, names.index("up")] - values[:, names.index("down")]
        spread = scale * np.sqrt(step)
        return lean * spread * np.sqrt(2 / np.pi), spread
    return _normal(forecast, values)


def _normal(forecast: QuantileForecast, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the normal law next to the quantiles (N, Q)."""
    normal = NormalDist()
    z = np.array([normal.inv_cdf(level) for level in forecast.levels])
    if len(z) == 1:
        return values[:, 0], np.zeros(len(values))
    centred = z - z.mean()
    slope = values @ (centred / (centred @ centred))
    point = values[:, 0] == values[:, -1]  # rounding must not make a distribution of a point
    deviation = np.where(point, 0.0, np.maximum(slope, 0.0))
    expected = values.mean(axis=1) - deviation * z.mean()
    nothing = np.abs(expected) <= np.finfo(np.float32).eps * deviation  # rounding must not take a side
    return np.where(nothing, 0.0, expected), deviation
