"""Ranges: what a key of a search space can be, as Optuna's samplers know it and as Hydra's overrides say it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

DIGITS = 6
"""Digits of a real number, from the width of its range on."""


@dataclass(frozen=True)
class Choice:
    """One of several words, without order.

    Parameters
    ----------
    key
        As an override writes it, a plus before it included.
    text
        The range as it was written.
    words
        What it can be, as an override writes it.
    """

    key: str
    text: str
    words: tuple[str, ...]

    def distribution(self) -> BaseDistribution:
        """As Optuna's samplers know it."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.words)

    def word(self, value: Any) -> str:
        """The override's right side for a value that was sampled."""
        return str(value)

    @property
    def samples(self) -> tuple[str, ...]:
        """Every value of the distribution."""
        return self.words

    @property
    def ends(self) -> tuple[str, ...]:
        """The words with which a space is tried before anything is run: all of them."""
        return self.words


@dataclass(frozen=True)
class Steps:
    """Numbers in order, each as far from the next.

    Parameters
    ----------
    key, text
        As for `Choice`.
    values
        The numbers, ascending; all whole, or all real.
    step
        From one to the next, above 0.
    log
        Whether their logarithm is what is searched; they are whole numbers one apart then.
    """

    key: str
    text: str
    values: tuple[int, ...] | tuple[float, ...]
    step: float
    log: bool

    @property
    def low(self) -> float:
        """The smallest; whole where all are."""
        return self.values[0]

    def distribution(self) -> BaseDistribution:
        """As Optuna's samplers know it."""
        from optuna.distributions import FloatDistribution, IntDistribution

        low, high = self.samples[0], self.samples[-1]
        if isinstance(low, int):
            return IntDistribution(low, int(high), step=int(self.step), log=self.log)
        return FloatDistribution(low, high, step=float(f"{self.step:.12g}"))

    def word(self, value: Any) -> str:
        """The override's right side for a value that was sampled: the number of the range that it stands for."""
        return repr(min(self.values, key=lambda each: abs(each - value)))

    @cached_property
    def samples(self) -> tuple[int, ...] | tuple[float, ...]:
        """Every value of the distribution; Optuna wants whole steps, to the digit."""
        if isinstance(self.values[0], int):
            return self.values
        first, step = Decimal(f"{self.values[0]:.12g}"), Decimal(f"{self.step:.12g}")
        return tuple(float(first + number * step) for number in range(len(self.values)))

    @property
    def ends(self) -> tuple[str, ...]:
        """The words with which a space is tried before anything is run."""
        return (repr(self.values[0]), repr(self.values[-1]))


@dataclass(frozen=True)
class Interval:
    """Any number between two, both included.

    Parameters
    ----------
    key, text
        As for `Choice`.
    low, high
        The ends; both whole where whole numbers are searched.
    log
        Whether their logarithm is what is searched.
    """

    key: str
    text: str
    low: float
    high: float
    log: bool

    def distribution(self) -> BaseDistribution:
        """As Optuna's samplers know it."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if isinstance(self.low, int):
            return IntDistribution(self.low, int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def word(self, value: Any) -> str:
        """The override's right side for a value that was sampled; a real number to a millionth of the range.

        More digits would say nothing, and nobody could read or type them.
        """
        if isinstance(self.low, int):
            return repr(value)
        width = math.log(self.high / self.low) if self.log else self.high - self.low
        digits = DIGITS - math.floor(math.log10(width))
        rounded = float(f"{value:.{max(digits, DIGITS)}g}") if self.log else round(value, digits)
        return repr(min(max(rounded, self.low), self.high))

    @property
    def samples(self) -> Sequence[int] | None:
        """Every value of the distribution, or None where there is no end of them."""
        return range(self.low, int(self.high) + 1) if isinstance(self.low, int) else None

    @property
    def ends(self) -> tuple[str, ...]:
        """The words with which a space is tried before anything is run."""
        return (repr(self.low), repr(self.high))


Range = Choice | Steps | Interval
