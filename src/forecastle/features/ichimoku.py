"""Ichimoku: the lines of the cloud at the bar where they are known, none of them shifted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.features.frame import ByColumn
from forecastle.features.library import call
from forecastle.features.talib import RANGE_WARMUP, ranges
from forecastle.features.trailing import whole_numbers


class Ichimoku(ByColumn):
    """Distance of the close from the lines of Hosoda's (1969) cloud, in average true ranges of 14 bars.

    Columns: ``conversion`` and ``base``, the middle between highest high and lowest low over so many bars (tenkan and
    kijun); ``span_a``, the mean of those two, and ``span_b``, the middle over `span` bars. A chart draws the spans 26
    bars ahead and the close 26 bars back; here each line stands at the bar where it is known, and the shifted close is
    left out, since it would show the future. 0 where the market has no range. Warm-up: that of the average true range,
    388 bars, or the longest line if that is longer.

    Parameters
    ----------
    conversion
        Bars of the fast line; a list gives one column for each.
    base
        Bars of the slow line; a list gives one column for each.
    span
        Bars of the slowest line; a list gives one column for each.

    Examples
    --------
    >>> Ichimoku().columns
    ('ichimoku_conversion_9', 'ichimoku_base_26', 'ichimoku_span_a_9_26', 'ichimoku_span_b_52')
    """

    scale = "average true ranges"
    needs: tuple[str, ...] = ()
    tolerance: float = 1e-9

    def __init__(
        self, conversion: int | Sequence[int] = 9, base: int | Sequence[int] = 26, span: int | Sequence[int] = 52
    ) -> None:
        self.conversion = whole_numbers("ichimoku", "conversion", conversion, 2)
        self.base = whole_numbers("ichimoku", "base", base, 2)
        self.span = whole_numbers("ichimoku", "span", span, 2)
        self.columns = (
            *(f"ichimoku_conversion_{period}" for period in self.conversion),
            *(f"ichimoku_base_{period}" for period in self.base),
            *(f"ichimoku_span_a_{fast}_{slow}" for fast, slow in itertools.product(self.conversion, self.base)),
            *(f"ichimoku_span_b_{period}" for period in self.span),
        )
        self.warmup = max(RANGE_WARMUP, *self.conversion, *self.base, *self.span)

    def each(self, bars: Bars) -> Iterator[FloatArray]:
        """The columns in their order, each of shape (T,), float64."""
        size = ranges(bars)
        middle = {
            period: call("MIDPRICE", bars.high, bars.low, timeperiod=period)[0]
            for period in (*self.conversion, *self.base)
        }
        for period in (*self.conversion, *self.base):
            yield (bars.close - middle[period]) / size
        for fast, slow in itertools.product(self.conversion, self.base):
            yield (bars.close - (middle[fast] + middle[slow]) / 2) / size
        for period in self.span:
            yield (bars.close - call("MIDPRICE", bars.high, bars.low, timeperiod=period)[0]) / size
