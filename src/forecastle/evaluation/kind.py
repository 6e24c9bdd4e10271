"""What metrics of one kind share: metrics for numbers, metrics for classes, and metrics that are means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError
from forecastle.evaluation.metric import Direction, Outcome
from forecastle.models.forecast import ClassForecast, QuantileForecast
from forecastle.windows.context import Target, Task


def level_columns(levels: Sequence[float], wanted: Sequence[float], metric: str) -> list[int]:
    """Positions of the wanted quantile levels among those of a forecast.

    Raises
    ------
    ConfigError
        If a level is not there; the message says which to add.

    Examples
    --------
    >>> level_columns((0.1, 0.5, 0.9), (0.9, 0.1), "coverage_80")
    [2, 0]
    >>> level_columns((0.1, 0.5), (0.1, 0.9), "coverage_80")
    Traceback (most recent call last):
        ...
    forecastle.errors.ConfigError: metric coverage_80 needs the quantile levels 0.1, 0.9: add 0.9 to quantile_levels \
(got 2, from 0.1 to 0.5) or leave the metric out
    """
    columns = [next((i for i, level in enumerate(levels) if abs(level - want) < 1e-9), -1) for want in wanted]
    if missing := [want for want, column in zip(wanted, columns, strict=True) if column < 0]:
        raise ConfigError(
            f"metric {metric} needs the quantile levels {_listed(wanted)}: add {_listed(missing)} to quantile_levels "
            f"(got {len(levels)}, from {min(levels):g} to {max(levels):g}) or leave the metric out"
        )
    return columns


def _listed(levels: Sequence[float]) -> str:
    return ", ".join(f"{level:g}" for level in levels)


class NumberMetric:
    """A metric of forecasts of a number, read from quantiles.

    Attributes
    ----------
    needs
        Quantile levels that must be among the forecast's.
    """

    name: str
    unit: str = "target"
    direction: Direction = Direction.MIN
    classes: bool = False
    needs: tuple[float, ...] = ()

    def suits(self, target: Target) -> bool:  # noqa: ARG002 - the answer for any number; narrower metrics read it
        """True where the metric means something for this target, a number."""
        return True

    def applies(self, task: Task) -> bool:
        """True for a number that the metric suits.

        Raises
        ------
        ConfigError
            If the task lacks a quantile level that the metric needs.
        """
        if task.target.classes or not self.suits(task.target):
            return False
        level_columns(task.quantile_levels, self.needs, self.name)
        return True

    def quantiles(self, outcome: Outcome) -> FloatArray:
        """Forecast at the levels of `needs`, in their order, shape (len(needs), N, H), float64."""
        forecast = quantile_forecast(outcome)
        columns = level_columns(forecast.levels, self.needs, self.name)
        return np.stack([forecast.values[..., column].astype(np.float64) for column in columns])


class ClassMetric:
    """A metric of forecasts of class probabilities."""

    name: str
    unit: str = "fraction"
    direction: Direction = Direction.MAX
    classes: bool = True

    def applies(self, task: Task) -> bool:
        """True where classes are forecast."""
        return bool(task.target.classes)


class MeanMetric(ABC):
    """A metric that is the mean of one value for each window and step."""

    @abstractmethod
    def pointwise(self, outcome: Outcome) -> FloatArray:
        """Values whose mean is the score, shape (N, H), float64."""

    def score(self, outcome: Outcome) -> float:
        """Mean over all windows and steps."""
        return float(self.pointwise(outcome).mean())

    def by_step(self, outcome: Outcome) -> FloatArray:
        """Mean over the windows at each step, shape (H,)."""
        return np.asarray(self.pointwise(outcome).mean(axis=0))


def quantile_forecast(outcome: Outcome) -> QuantileForecast:
    """The forecast of an outcome that must be one of quantiles."""
    assert isinstance(outcome.forecast, QuantileForecast), "a metric of numbers was asked to score classes"
    return outcome.forecast


def probabilities(outcome: Outcome) -> FloatArray:
    """Class probabilities of an outcome that must be one of classes, shape (N, H, K), float64."""
    assert isinstance(outcome.forecast, ClassForecast), "a metric of classes was asked to score numbers"
    return outcome.forecast.values.astype(np.float64)
