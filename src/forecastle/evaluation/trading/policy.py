"""Policies: from what a forecast says to the position that is wanted.

A position is a signed fraction of the account's equity: 1 is long with all of it, −0.5 short with half. NaN is no
decision: what is held stays, as long as the last decision's forecast reaches.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, ModelError
from forecastle.evaluation.trading.signal import Signal


class Policy(Protocol):
    """What makes positions of forecasts.

    Attributes
    ----------
    step
        Step of the horizon that is read, and the longest time in bars that a decision is held; None: the last one.
    limits
        Lowest and highest position.
    hysteresis
        Smallest change of a position that is worth an order.
    """

    @property
    def step(self) -> int | None:
        """Step that is read."""
        ...

    @property
    def limits(self) -> Sequence[float]:
        """Lowest and highest position."""
        ...

    @property
    def hysteresis(self) -> float:
        """Smallest change worth an order."""
        ...

    def positions(self, signal: Signal) -> FloatArray:
        """Wanted position of each decision, inside the limits, shape (N,); NaN: no decision."""
        ...


@dataclass(frozen=True)
class Rule(ABC):
    """What our policies have in common.

    Parameters
    ----------
    step
        Step of the horizon that is read, and the longest time in bars that a decision is held; None: the last one.
    limits
        Lowest and highest position, as fractions of the equity: ``[-1, 1]``, long only ``[0, 1]``, twice as much
        ``[-2, 2]`` (which `account.leverage` must allow).
    hysteresis
        Smallest change of the position that is worth an order; to be flat is always worth one.

    Raises
    ------
    ConfigError
        If a value cannot be.
    """

    step: int | None = None
    limits: Sequence[float] = (-1.0, 1.0)
    hysteresis: float = 0.0

    def __post_init__(self) -> None:
        if self.step is not None and self.step < 1:
            raise ConfigError(f"step must be at least 1, got {self.step}")
        if len(self.limits) != 2 or not -math.inf < self.limits[0] <= 0 <= self.limits[1] < math.inf:
            raise ConfigError(f"limits must be a lowest and a highest position around 0, got {list(self.limits)}")
        if self.limits[0] == self.limits[1]:
            raise ConfigError("limits must leave room for a position, got [0, 0]")
        if not 0 <= self.hysteresis < math.inf:
            raise ConfigError(f"hysteresis must be at least 0, got {self.hysteresis}")

    @abstractmethod
    def positions(self, signal: Signal) -> FloatArray:
        """Wanted position of each decision, inside the limits, shape (N,); NaN: no decision."""

    def _limited(self, wanted: FloatArray) -> FloatArray:
        """Positions cut to the limits."""
        return np.clip(wanted, self.limits[0], self.limits[1])

    def _full(self, expected: FloatArray) -> FloatArray:
        """The whole of the limit on the side of each expected return, 0 where it is 0."""
        low, high = self.limits
        return np.where(expected > 0, high, np.where(expected < 0, low, 0.0))


@dataclass(frozen=True)
class Sign(Rule):
    """As much as the limits allow, on the side of the expected return.

    Examples
    --------
    >>> nothing = np.zeros(3)
    >>> Sign(limits=[0, 1]).positions(Signal(np.array([0.1, 0.0, -0.1]), nothing, nothing, nothing, 1, 252.0))
    array([1., 0., 0.])
    """

    def positions(self, signal: Signal) -> FloatArray:
        """Wanted positions, shape (N,)."""
        return self._full(signal.expected)


@dataclass(frozen=True)
class Threshold(Rule):
    """As `Sign`, but only where the expected move is above `multiple` times what buying and selling again costs.

    Elsewhere there is no decision: what is held stays until the forecast that it came from is over.

    Parameters
    ----------
    multiple
        How many times the costs the expected move must be.

    Raises
    ------
    ConfigError
        If `multiple` is negative.
    """

    multiple: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.multiple < math.inf:
            raise ConfigError(f"multiple must be at least 0, got {self.multiple}")

    def positions(self, signal: Signal) -> FloatArray:
        """Wanted positions, shape (N,); NaN where the move is not worth its costs."""
        worth = np.abs(signal.expected) > self.multiple * signal.cost
        return np.where(worth, self._full(signal.expected), np.nan)


@dataclass(frozen=True)
class VolatilityTargeted(Rule):
    """On the side of the expected return, with a position whose volatility is the wanted one.

    The size is the wanted volatility over the EWMA volatility at the origin, by the year with the root of time
    (Moreira and Muir, Volatility-Managed Portfolios, Journal of Finance 72, 2017, with the volatility in the place of
    the variance), cut to the limits. Each symbol is sized by itself: the volatility of several in equal parts is at
    most the wanted one, and the lower the less they move together.

    Parameters
    ----------
    volatility
        Wanted, per year, as a fraction: 0.1 is 10 %.

    Raises
    ------
    ConfigError
        If `volatility` is not above 0.
    """

    volatility: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.volatility < math.inf:
            raise ConfigError(f"volatility must be above 0, got {self.volatility}")

    def positions(self, signal: Signal) -> FloatArray:
        """Wanted positions, shape (N,)."""
        yearly = signal.scale * math.sqrt(signal.bars_per_year)
        size = self.volatility / np.maximum(yearly, 1e-12)
        return self._limited(np.sign(signal.expected) * size)


@dataclass(frozen=True)
class Kelly(Rule):
    """A fraction of the position that makes the expected logarithm of the equity largest.

    That is ``μ/σ²`` of the predicted law to second order (Thorp, The Kelly Criterion in Blackjack, Sports Betting and
    the Stock Market, 2006, equation 7.7), with μ the expected *log* return: the term ½ that a driftless log price would
    add, a long position for ever, is left out, since no forecast here claims it.

    Parameters
    ----------
    fraction
        Of the whole Kelly position, in (0, 1].

    Raises
    ------
    ConfigError
        If `fraction` is not inside (0, 1].
    """

    fraction: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.fraction <= 1:
            raise ConfigError(f"fraction must be above 0 and at most 1, got {self.fraction}")

    def positions(self, signal: Signal) -> FloatArray:
        """Wanted positions, shape (N,); 0 where a single forecast has no width.

        Raises
        ------
        ModelError
            If no forecast has a width: they are points, and not distributions.
        """
        wide = signal.deviation > 0
        if len(signal) and not wide.any():
            raise ModelError(
                "policy kelly needs a distribution, got a point forecast: all its quantiles are one number"
            )
        variance = np.where(wide, signal.deviation, 1.0) ** 2
        return self._limited(np.where(wide, self.fraction * signal.expected / variance, 0.0))
