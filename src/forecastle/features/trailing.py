"""Trailing: the frame of our own indicators, which look back over a number of bars."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.errors import ConfigError, FeatureError
from forecastle.features.frame import ByColumn


class Trailing(ByColumn):
    """An indicator with the same columns for each of one or more look-backs.

    A subclass says its name, its outputs and, in `values`, how they follow from the bars; naming and
    warm-up are done here.

    Parameters
    ----------
    timeperiod
        Look-back in bars, or several: one group of columns for each.

    Attributes
    ----------
    name : str
        First part of the column names.
    scale : str
        Unit or range of the values, in words.
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
    scale: ClassVar[str]
    outputs: tuple[str, ...] = ("",)
    least: ClassVar[int] = 1
    extra: ClassVar[int] = 0
    needs: tuple[str, ...] = ()
    tolerance: float = 1e-9

    def __init__(self, timeperiod: int | Sequence[int]) -> None:
        self.timeperiod = given = whole_numbers(self.name, "timeperiod", timeperiod, self.least)
        self.columns = tuple(
            "_".join(filter(None, (self.name, output, str(period)))) for period in given for output in self.outputs
        )
        self.warmup = max(self.needed(period) for period in given)

    def needed(self, period: int) -> int:
        """Bars until the columns of one look-back are right."""
        return period + self.extra

    @abstractmethod
    def values(self, bars: Bars, period: int) -> Iterable[FloatArray]:
        """One array for each output; each ends at the last bar and may begin later than the first."""

    def each(self, bars: Bars) -> Iterator[FloatArray]:
        """The columns in their order, each of shape (T,), float64."""
        for period in self.timeperiod:
            for column in self.values(bars, period):
                late = len(bars) - len(column)
                yield np.concatenate([np.full(late, np.nan), column]) if late else column


def whole_numbers(name: str, argument: str, value: int | Sequence[int], least: int) -> tuple[int, ...]:
    """One or more different whole numbers of at least `least`, as a tuple.

    >>> whole_numbers("rsi", "timeperiod", [7, 14], least=2)
    (7, 14)

    Raises
    ------
    ConfigError
        If a number is not whole, too small, or given twice, or there is none.
    """
    given = [value] if isinstance(value, (int, float, str)) or value is None else list(value)
    for number in given:
        if not isinstance(number, int) or isinstance(number, bool) or number < least:
            raise ConfigError(f"{name}: {argument} must be a whole number of at least {least}, got {number!r}")
    if not given or len(set(given)) != len(given):
        raise ConfigError(f"{name}: one or more different {argument}s wanted, got {given}")
    return tuple(given)


def positive(name: str, argument: str, value: float) -> float:
    """Return `value` as a float, or refuse what is no positive number.

    >>> positive("keltner", "ranges", 2)
    2.0

    Raises
    ------
    ConfigError
        If it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < np.inf:
        raise ConfigError(f"{name}: {argument} must be a positive number, got {value!r}")
    return float(value)


def volume_of(bars: Bars) -> FloatArray:
    """The bars' volume, shape (T,), which must be there.

    Raises
    ------
    FeatureError
        If there is none.
    """
    if bars.volume is None:
        raise FeatureError(f"{bars.symbol}: bars with volume wanted, got none")
    return bars.volume


def log_returns(bars: Bars) -> FloatArray:
    """``ln(close_t / close_{t-1})`` from the second bar on, shape (T - 1,)."""
    returns: FloatArray = np.log(bars.close[1:] / bars.close[:-1])
    return returns


def ratio(part: FloatArray, whole: FloatArray, empty: float) -> FloatArray:
    """``part / whole``, and `empty` where `whole` is 0.

    >>> ratio(np.array([1.0, 0.0]), np.array([4.0, 0.0]), empty=0.5)
    array([0.25, 0.5 ])
    """
    shares: FloatArray = np.divide(part, whole, out=np.full(part.shape, empty), where=whole != 0)
    return shares
