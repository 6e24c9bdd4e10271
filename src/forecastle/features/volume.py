"""Volume: which side it is on, and how unusual it is; free of the market's own unit of volume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.features.rolling import moments, total
from forecastle.features.trailing import Trailing, ratio, volume_of


class OnBalanceVolume(Trailing):
    """On-balance volume of the last n bars as a share of their volume, in [-1, 1]; warm-up n + 1 bars.

    ``Σ sign(close_t - close_{t-1}) · volume_t / Σ volume_t`` over n bars, 0 where nothing was traded: the rise over n
    bars of Granville's (1963) on-balance volume, which itself is a running total that never forgets its first bar.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> OnBalanceVolume(20).columns
    ('obv_20',)
    """

    name = "obv"
    scale = "-1 to 1"
    extra = 1
    needs = ("volume",)

    def __init__(self, timeperiod: int | Sequence[int] = 20) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        volume = volume_of(bars)[1:]
        signed = np.sign(np.diff(bars.close)) * volume
        return (ratio(total(signed, period), total(volume, period), empty=0.0),)


class AccumulationDistribution(Trailing):
    """Accumulation/distribution of the last n bars as a share of their volume, in [-1, 1]; warm-up n bars.

    ``Σ place_t · volume_t / Σ volume_t`` over n bars with ``place = (2 close - high - low) / (high - low)``, 0 in a bar
    without range and where nothing was traded: the rise over n bars of Williams' line as Chaikin weighs it, and known
    as Chaikin's money flow. The line itself is a running total that never forgets its first bar.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> AccumulationDistribution(20).columns
    ('accumulation_20',)
    """

    name = "accumulation"
    scale = "-1 to 1"
    needs = ("volume",)

    def __init__(self, timeperiod: int | Sequence[int] = 20) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        volume = volume_of(bars)
        place = ratio((bars.close - bars.low) - (bars.high - bars.close), bars.high - bars.low, empty=0.0)
        return (ratio(total(place * volume, period), total(volume, period), empty=0.0),)


class VWAPDistance(Trailing):
    """Distance of the close from the volume-weighted average price of the last n bars; warm-up n bars.

    ``(close_t - Σ price · volume / Σ volume) / close_t``, a fraction of the close, with each bar's price taken as
    ``(high + low + close) / 3``; 0 where nothing was traded.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> VWAPDistance([20, 60]).columns
    ('vwap_distance_20', 'vwap_distance_60')
    """

    name = "vwap_distance"
    scale = "fraction of the close"
    needs = ("volume",)

    def __init__(self, timeperiod: int | Sequence[int] = 20) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        volume = volume_of(bars)
        price = (bars.high + bars.low + bars.close) / 3
        close = bars.close[period - 1 :]
        traded = total(volume, period)
        average = ratio(total(price * volume, period), traded, empty=0.0)
        return (np.where(traded > 0, (close - average) / close, 0.0),)


class VolumeZScore(Trailing):
    """How far the volume lies from its mean over the last n bars, in their standard deviations; warm-up n bars.

    The present bar is among the n; the standard deviation is over n, not n - 1; 0 where the volume does not change.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> VolumeZScore(20).columns
    ('volume_zscore_20',)
    """

    name = "volume_zscore"
    scale = "standard deviations"
    least = 2
    needs = ("volume",)

    def __init__(self, timeperiod: int | Sequence[int] = 20) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        volume = volume_of(bars)
        middle, variance = moments(volume, period)
        return (ratio(volume[period - 1 :] - middle, np.sqrt(variance), empty=0.0),)
