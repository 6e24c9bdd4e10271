"""FeatureFrame: what is known at each bar, and the Indicator contract that fills it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, runtime_checkable

import numpy as np

from forecastle.arrays import FloatArray, IntArray
from forecastle.data.bars import Bars

NEEDS: Mapping[str, Callable[[Bars], bool]] = MappingProxyType(
    {"volume": lambda bars: bars.volume is not None, "calendar": lambda bars: bars.calendar}
)
"""What an indicator may need beside the prices, and whether bars have it."""


@runtime_checkable
class Indicator(Protocol):
    """One or more columns computed from bars; row t uses bars at or before t, never later ones.

    Attributes
    ----------
    warmup
        Bars that are needed before a row is right: the last row computed from the last `warmup` bars equals the
        row computed from the whole history (DESIGN: float64, before the cast, within 1e-9 relative). The first
        ``warmup - 1`` rows are NaN.
    columns
        Column names such as ``("rsi_14",)``.
    needs
        What must be there beside the prices, of `NEEDS`: ``volume`` where the bars' volume is read, ``calendar`` where
        anything is derived from hour, weekday or date.
    tolerance
        Relative tolerance of the warm-up contract; 1e-9 unless the indicator states a larger one and its reason.

    Notes
    -----
    For `forecastle indicators` it may also say its ``scale`` (unit or range of the values, in words) and, in place of
    the first line of its documentation, what it is ``about``. One that is not defined at every bar (a share of a range
    that is 0, a figure that is published once a month) says ``may_miss = True`` and gives NaN there.
    """

    warmup: int
    columns: tuple[str, ...]
    needs: tuple[str, ...]
    tolerance: float

    def compute(self, bars: Bars) -> FloatArray:
        """Return the columns, shape (T, len(columns)), float64, NaN before the warm-up is over.

        After it every value is finite, or NaN where the indicator says that it may miss.
        """
        ...


def may_miss(indicator: Indicator) -> bool:
    """Whether an indicator says that it is not defined at every bar, so that NaN after its warm-up is no mistake."""
    return bool(getattr(indicator, "may_miss", False))


class ByColumn(ABC):
    """An indicator that gives its columns one after the other, so that the engine need not hold them all at once.

    Attributes
    ----------
    warmup, columns
        As in `Indicator`.
    """

    warmup: int
    columns: tuple[str, ...]

    @property
    def computes(self) -> bool:
        """Whether a subclass has a `compute` of its own, which is then what counts."""
        return type(self).compute is not ByColumn.compute

    @abstractmethod
    def each(self, bars: Bars) -> Iterator[FloatArray]:
        """The columns in their order, each of shape (T,), of at least `warmup` bars; row t uses bars at or before t.

        What stands in the first ``warmup - 1`` rows is of no meaning.
        """

    def compute(self, bars: Bars) -> FloatArray:
        """Return the columns, shape (T, len(columns)), float64, NaN in the first ``warmup - 1`` rows.

        Row t uses bars at or before t.
        """
        filled = np.full((len(self.columns), len(bars)), np.nan)
        if len(bars) >= self.warmup:
            for row, column in zip(filled, self.each(bars), strict=True):
                row[self.warmup - 1 :] = column[self.warmup - 1 :]
        return filled.T


@dataclass(frozen=True, eq=False)
class FeatureFrame:
    """Features of all symbols of a panel, one after the other in the panel's order.

    Parameters
    ----------
    values
        Shape (T, D), float32; NaN where an indicator has not warmed up, or says that it has no value.
    columns
        Names, length D.
    lengths
        Bars of each symbol, shape (number of symbols,); sums to T.
    warmup
        The longest warm-up among the indicators, in bars.
    left_out
        Indicators that were left out, with the reason.
    """

    values: FloatArray
    columns: tuple[str, ...]
    lengths: IntArray
    warmup: int
    left_out: dict[str, str]
