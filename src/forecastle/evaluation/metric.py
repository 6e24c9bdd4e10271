"""Outcome (a forecast beside what happened) and the Metric contract."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from forecastle.arrays import FloatArray, IntArray, TimeArray
from forecastle.models.forecast import ClassForecast, QuantileForecast


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
    """

    forecast: QuantileForecast | ClassForecast
    target: FloatArray
    log_close: FloatArray
    origin: TimeArray
    symbol: IntArray


class Metric(Protocol):
    """One number for a forecast.

    Attributes
    ----------
    name
        As in tables: ``crps``, ``coverage_80``.
    unit
        For people: ``log return``, ``fraction``, ``nats``.
    direction
        Which way is better; early stopping, checkpoints, sweeps and comparison read it here.
    classes
        True where it scores class probabilities, False where it scores quantiles.
    """

    name: str
    unit: str
    direction: Direction
    classes: bool

    def score(self, outcome: Outcome) -> float:
        """The number over all windows and steps; NaN where it is undefined (one class only)."""
        ...

    def by_step(self, outcome: Outcome) -> FloatArray:
        """The number for each step, shape (H,)."""
        ...

    def pointwise(self, outcome: Outcome) -> FloatArray | None:
        """Values whose mean is `score`, shape (N, H), or None where the metric is no mean (a correlation)."""
        ...
