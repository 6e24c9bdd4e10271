"""Alpha158: the rolling statistics that qlib publishes as a data set for models, by their formulas.

Yang, Liu, Zhou, Bian and Liu (2020), *Qlib: an AI-oriented quantitative investment platform*; the formulas are those of
its loader ``Alpha158DL`` (microsoft/qlib, qlib/contrib/data/loader.py), 158 columns under its names in lower case. Four
things differ. A row stands only once its window is full. Where qlib adds 1e-12 to a denominator, nothing is added and a
denominator of 0 gives 0. Slopes and correlations in windows that do not move are 0 (qlib: missing, also in windows
that move by less than 2e-5, in which a currency lives). Candles hold no traded average price: vwap0 is taken from
(high + low + close) / 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.features import rolling
from forecastle.features.frame import ByColumn
from forecastle.features.library import call
from forecastle.features.trailing import Trailing, ratio, volume_of

WINDOWS = (5, 10, 20, 30, 60)
"""Windows of the published set, in bars."""

CANDLE = ("kmid", "klen", "kmid2", "kup", "kup2", "klow", "klow2", "ksft", "ksft2", "open0", "high0", "low0", "vwap0")
"""qlib's names of the columns that one candle gives, in its order."""

_share = partial(ratio, empty=0.0)


class AlphaCandle(ByColumn):
    """The candle's own columns of Alpha158: body, shadows and prices, by open, range or close; warm-up one bar.

    kmid (c-o)/o, klen (h-l)/o, kup (h-max(o,c))/o, klow (min(o,c)-l)/o, ksft (2c-h-l)/o; with a 2 over h-l in place
    of o; and open, high, low and typical price over the close.

    Examples
    --------
    >>> len(AlphaCandle().columns)
    13
    """

    scale = "fraction of open, range or close"
    columns = tuple(f"alpha158_candle_{name}" for name in CANDLE)
    warmup: int = 1
    needs: tuple[str, ...] = ()
    tolerance: float = 1e-9

    def each(self, bars: Bars) -> Iterator[FloatArray]:
        """The columns in their order, each of shape (T,), float64; row t uses bar t alone."""
        o, h, l, c = bars.open, bars.high, bars.low, bars.close  # noqa: E741  the letters of the formulas
        size = h - l
        yield (c - o) / o
        yield size / o
        yield _share(c - o, size)
        for part in (h - np.maximum(o, c), np.minimum(o, c) - l, (c - l) - (h - c)):
            yield part / o
            yield _share(part, size)
        for price in (o, h, l, (h + l + c) / 3):
            yield price / c


class AlphaWindow(Trailing):
    """Columns of Alpha158 over the last n bars, for each n.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one group of columns for each.
    """

    least = 2

    def __init__(self, timeperiod: int | Sequence[int] = WINDOWS) -> None:
        super().__init__(timeperiod)


class AlphaPrice(AlphaWindow):
    """Alpha158's path of the close c over n bars, by the last close; warm-up n + 1 bars.

    roc c_{t-n}/c, ma mean/c, std deviation (over n - 1)/c, beta slope of the least-squares line/c, rsqr the share R²
    that the line explains, resi the last close's distance from the line/c.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives six columns for each.

    Examples
    --------
    >>> AlphaPrice(5).columns[:2]
    ('alpha158_price_roc_5', 'alpha158_price_ma_5')
    """

    name = "alpha158_price"
    scale = "fraction of the close; rsqr 0 to 1"
    outputs = ("roc", "ma", "std", "beta", "rsqr", "resi")
    extra = 1

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """Six columns."""
        close = bars.close
        now = close[period - 1 :]
        middle, variance = rolling.moments(close, period)
        spread = np.sqrt(variance * (period / (period - 1)))
        slope, explained = rolling.line(close, period)
        left = (now - middle) - slope * ((period - 1) / 2)
        return close[:-period] / close[period:], middle / now, spread / now, slope / now, explained, left / now


class AlphaExtreme(AlphaWindow):
    """Alpha158's extremes of the last n bars; warm-up n bars.

    max highest high/c, min lowest low/c, rsv the close's place between them, imax and imin their bars (1 the oldest, n
    the newest, of equals the oldest) over n, imxd the difference of the two.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives six columns for each.

    Examples
    --------
    >>> AlphaExtreme(5).columns[:2]
    ('alpha158_extreme_max_5', 'alpha158_extreme_min_5')
    """

    name = "alpha158_extreme"
    scale = "fraction of the close; share of the range or of the window"
    outputs = ("max", "min", "rsv", "imax", "imin", "imxd")

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """Six columns."""
        now = bars.close[period - 1 :]
        high = call("MAX", bars.high, timeperiod=period)[0][period - 1 :]
        low = call("MIN", bars.low, timeperiod=period)[0][period - 1 :]
        highest = rolling.oldest_extreme(bars.high, period)
        lowest = rolling.oldest_extreme(-bars.low, period)
        places = (highest / period, lowest / period, (highest - lowest) / period)
        return high / now, low / now, _share(now - low, high - low), *places


class AlphaRank(AlphaWindow):
    """Alpha158's order of the last n closes; warm-up n bars.

    qtlu and qtld their 80 % and 20 % quantile (linear between two closes)/c, rank the last close's place among them in
    (0, 1].

    Parameters
    ----------
    timeperiod
        n, bars; a list gives three columns for each.

    Examples
    --------
    >>> AlphaRank(5).columns
    ('alpha158_rank_qtlu_5', 'alpha158_rank_qtld_5', 'alpha158_rank_rank_5')
    """

    name = "alpha158_rank"
    scale = "fraction of the close; rank 0 to 1"
    outputs = ("qtlu", "qtld", "rank")

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """Three columns."""
        now = bars.close[period - 1 :]
        upper, lower = rolling.quantiles(bars.close, period, (0.8, 0.2))
        return upper / now, lower / now, rolling.rank(bars.close, period)


class AlphaCount(AlphaWindow):
    """Alpha158's rises and falls of the close over n bars; warm-up n + 1 bars.

    cntp, cntn, cntd: share of bars that rose, that fell, and the difference; sump, sumn, sumd: sum of the rises, of the
    falls, and their difference, over the sum of both.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives six columns for each.

    Examples
    --------
    >>> AlphaCount(5).columns[:2]
    ('alpha158_count_cntp_5', 'alpha158_count_cntn_5')
    """

    name = "alpha158_count"
    scale = "0 to 1; differences -1 to 1"
    outputs = ("cntp", "cntn", "cntd", "sump", "sumn", "sumd")
    extra = 1

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """Six columns."""
        change = np.diff(bars.close)
        rose, fell = (rolling.mean((sign * change > 0).astype(np.float64), period) for sign in (1, -1))
        return rose, fell, rose - fell, *_sides(change, period)


class AlphaVolume(AlphaWindow):
    """Alpha158's columns of volume v over n bars; warm-up n + 1 bars.

    corr of c and ln(v + 1); cord of c_t/c_{t-1} and ln(v_t/v_{t-1} + 1); vma mean/v and vstd deviation (over n - 1)/v;
    wvma deviation over mean of abs(c_t/c_{t-1} - 1) v_t; vsump, vsumn, vsumd: sump, sumn, sumd of the volume.
    v_t/v_{t-1} counts as 1 where v_{t-1} is 0. The 1 in corr's logarithm is one unit of volume: the column is free of
    that unit only where volumes are far above 1.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives eight columns for each.

    Examples
    --------
    >>> AlphaVolume(5).columns[:2]
    ('alpha158_volume_corr_5', 'alpha158_volume_cord_5')
    """

    name = "alpha158_volume"
    scale = "-1 to 1; ratio to the volume"
    outputs = ("corr", "cord", "vma", "vstd", "wvma", "vsump", "vsumn", "vsumd")
    extra = 1
    needs = ("volume",)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """Eight columns."""
        close, volume = bars.close[1:], volume_of(bars)
        moved, traded = close / bars.close[:-1], ratio(volume[1:], volume[:-1], empty=1.0)
        change, volume = np.diff(volume), volume[1:]
        now = volume[period - 1 :]
        middle, variance = rolling.moments(volume, period)
        weight, spread = rolling.moments(np.abs(moved - 1) * volume, period)
        sample = period / (period - 1)
        return (
            rolling.correlation(close, np.log(volume + 1), period),
            rolling.correlation(moved, np.log(traded + 1), period),
            _share(middle, now),
            _share(np.sqrt(variance * sample), now),
            _share(np.sqrt(spread * sample), weight),
            *_sides(change, period),
        )


def _sides(change: FloatArray, period: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sum of the rises, of the falls, and their difference, over the sum of both."""
    up, down = (rolling.total(np.maximum(sign * change, 0.0), period) for sign in (1, -1))
    both = up + down
    return _share(up, both), _share(down, both), _share(up - down, both)
