"""Trailing: the frame of our own indicators, which look back over a number of bars."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.errors import ConfigError


class Trailing(ABC):
    """An indicator with the same columns for each of one or more look-backs.

    A subclass says its name, its outputs and, in `values`, how they follow from the bars; naming, warm-up and NaN
    are done here.

    Parameters
    ----------
    timeperiod
        Look-back in bars, or several: one group of columns for each.

    Attributes
    ----------
    name : str
        First part of the column names.
    outputs : tuple of str
        Second part of the column names; one empty word where there is one column for each look-back.
    least : int
        Smallest look-back, in bars.
    extra : int
        Bars that are read beyond the look-back (1 where returns are averaged).

    Raises
    ------
    ConfigError
        If a look-back is no whole number, too small, or given twice.
    """

    name: ClassVar[str]
    outputs: ClassVar[tuple[str, ...]] = ("",)
    least: ClassVar[int] = 1
    extra: ClassVar[int] = 0
    needs_volume: bool = False
    tolerance: float = 1e-9

    def __init__(self, timeperiod: int | Sequence[int]) -> None:
        given = [timeperiod] if isinstance(timeperiod, (int, float, str)) or timeperiod is None else list(timeperiod)
        for value in given:
            if not isinstance(value, int) or isinstance(value, bool) or value < self.least:
                raise ConfigError(
                    f"{self.name}: timeperiod must be a whole number of at least {self.least}, got {value!r}"
                )
        if not given or len(set(given)) != len(given):
            raise ConfigError(f"{self.name}: one or more different timeperiods wanted, got {given}")
        self.timeperiod = tuple(given)
        self.columns = tuple(
            "_".join(filter(None, (self.name, output, str(period)))) for period in given for output in self.outputs
        )
        self.warmup = max(self.needed(period) for period in given)

    def needed(self, period: int) -> int:
        """Bars until the columns of one look-back are right."""
        return period + self.extra

    @abstractmethod
    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One array for each output; each ends at the last bar and may begin later than the first."""

    def compute(self, bars: Bars) -> FloatArray:
        """Return the columns, shape (T, len(columns)), float64, NaN in the first ``warmup - 1`` rows.

        Row t uses bars at or before t.
        """
        filled = np.full((len(self.columns), len(bars)), np.nan)
        if len(bars) >= self.warmup:
            found = (column for period in self.timeperiod for column in self.values(bars, period))
            for row, column in zip(filled, found, strict=True):
                row[len(bars) - len(column) :] = column
            filled[:, : self.warmup - 1] = np.nan
        return filled.T


def rolling_mean(values: FloatArray, period: int) -> FloatArray:
    """Mean of each `period` neighbours, shape (T - period + 1,).

    Every window is summed afresh, so that no rounding is carried along and a window of zeros gives 0.

    >>> rolling_mean(np.array([1.0, 3.0, 5.0]), 2)
    array([2., 4.])
    """
    means: FloatArray = np.convolve(values, np.ones(period), mode="valid") / period
    return means


def ratio(part: FloatArray, whole: FloatArray, empty: float) -> FloatArray:
    """``part / whole``, and `empty` where `whole` is 0.

    >>> ratio(np.array([1.0, 0.0]), np.array([4.0, 0.0]), empty=0.5)
    array([0.25, 0.5 ])
    """
    shares: FloatArray = np.divide(part, whole, out=np.full(part.shape, empty), where=whole != 0)
    return shares
