"""Outcome (a forecast beside what happened) and the Metric contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Protocol

import numpy as np

from forecastle.arrays import BoolArray, FloatArray, IntArray, TimeArray
from forecastle.models.forecast import ClassForecast, QuantileForecast
from forecastle.windows.context import Task


class Direction(Enum):
    """Which way a metric is better."""

    MIN = "min"
    MAX = "max"
    NONE = "none"
    """Neither: a coverage is best at its nominal level."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """A forecast beside what happened.

    Parameters
    ----------
    forecast
        Quantiles, shape (N, H, Q), or class probabilities, shape (N, H, K). Samples are reduced to quantiles first, so
        that every model is scored by one estimator.
    target
        What happened, shape (N, H), float64; class numbers for classes.
    log_close
        Log close at each origin, shape (N,).
    origin
        Shape (N,), UTC.
    symbol
        Number of the symbol, shape (N,).
    fold
        Number of the fold whose model made the forecast, from 0, shape (N,); zeros where it is not given.
    path
        Number of the path, from 0, shape (N,); zeros where it is not given. No window stands twice in one path, so
        that what follows a forecast through time (a position, an account) goes along one path.
    regime
        Third of volatility at the origin (`forecastle.evaluation.slices.regime_of`), shape (N,); −1 where it is not
        given.
    """

    forecast: QuantileForecast | ClassForecast
    target: FloatArray
    log_close: FloatArray
    origin: TimeArray
    symbol: IntArray
    fold: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    path: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    regime: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int8))

    def __post_init__(self) -> None:
        for name, missing in {"fold": 0, "path": 0, "regime": -1}.items():
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(len(self.target), missing))

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, index: IntArray | BoolArray | slice) -> Outcome:
        """The outcome of some of the windows."""
        forecast = replace(self.forecast, values=self.forecast.values[index])
        rest = (getattr(self, name)[index] for name in _COLUMNS)
        return Outcome(forecast, *rest)


_COLUMNS = ("target", "log_close", "origin", "symbol", "fold", "path", "regime")
"""Arrays of an outcome with one entry for each window."""


def pooled(outcomes: Sequence[Outcome]) -> Outcome:
    """Lay outcomes (of the folds of a split) one after the other; at least one is wanted."""
    if len(outcomes) == 1:
        return outcomes[0]
    values = np.concatenate([outcome.forecast.values for outcome in outcomes])
    forecast = replace(outcomes[0].forecast, values=values)
    return Outcome(forecast, *(np.concatenate([getattr(each, name) for each in outcomes]) for name in _COLUMNS))


class Metric(Protocol):
    """One number for a forecast.

    Attributes
    ----------
    name
        As in tables: ``crps``, ``coverage_80``.
    unit
        For people: ``fraction``, ``nats``; ``target`` stands for the unit of the target that is forecast.
    direction
        Which way is better; early stopping, checkpoints, sweeps and comparison read it here.
    classes
        True where it scores class probabilities, False where it scores quantiles.
    """

    name: str
    unit: str
    direction: Direction
    classes: bool

    def applies(self, task: Task) -> bool:
        """True where the metric means something for the task; read before anything is fitted.

        Raises
        ------
        ConfigError
            If it would, but the task lacks a quantile level that it needs; the message says which to add.
        """
        ...

    def score(self, outcome: Outcome) -> float:
        """The number over all windows and steps; NaN where it is undefined (one class only).

        Forecasts and targets are finite: `forecastle.evaluation.score.score_one` refuses others.
        """
        ...

    def by_step(self, outcome: Outcome) -> FloatArray:
        """The number for each step, shape (H,)."""
        ...

    def pointwise(self, outcome: Outcome) -> FloatArray | None:
        """Values whose mean is `score`, shape (N, H), or None where the metric is no mean (a correlation)."""
        ...
