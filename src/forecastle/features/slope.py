"""LinearSlope: how steeply a straight line through the last closes rises."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.features.rolling import line
from forecastle.features.talib import RANGE_WARMUP, ranges
from forecastle.features.trailing import Trailing


class LinearSlope(Trailing):
    """Slope of the least-squares line through the last n closes, in average true ranges of 14 bars per bar.

    ``Σ (k - k̄)(close_k - mean) / Σ (k - k̄)²``; 0 where the market has no range. Warm-up: that of the average true
    range, 388 bars, or n if that is longer. (TA-Lib's own slope carries running sums, whose rounding shows where the
    market stands still.)

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> LinearSlope([14, 50]).columns
    ('linear_slope_14', 'linear_slope_50')
    """

    name = "linear_slope"
    scale = "average true ranges per bar"
    least = 2

    def __init__(self, timeperiod: int | Sequence[int] = 14) -> None:
        super().__init__(timeperiod)

    def needed(self, period: int) -> int:
        """The slower of line and range decides."""
        return max(period, RANGE_WARMUP)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        slope = np.zeros(len(bars))
        slope[period - 1 :], _ = line(bars.close, period)
        return (slope / ranges(bars),)
