"""Volume: which side it is on, and how unusual it is; free of the market's own unit of volume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.errors import FeatureError
from forecastle.features.library import call
from forecastle.features.trailing import Trailing, ratio, rolling_mean


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
    extra = 1
    needs_volume = True

    def __init__(self, timeperiod: int | Sequence[int] = 20) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        volume = _volume(bars)[1:]
        signed = np.sign(np.diff(bars.close)) * volume
        return (ratio(rolling_mean(signed, period), rolling_mean(volume, period), empty=0.0),)


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
    least = 2
    needs_volume = True

    def __init__(self, timeperiod: int | Sequence[int] = 20) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        volume = _volume(bars)
        (deviation,) = call("STDDEV", volume, timeperiod=period, nbdev=1.0)
        return (ratio(volume[period - 1 :] - rolling_mean(volume, period), deviation[period - 1 :], empty=0.0),)


def _volume(bars: Bars) -> FloatArray:
    """The bars' volume, which must be there."""
    if bars.volume is None:
        raise FeatureError(f"{bars.symbol}: bars with volume wanted, got none")
    return bars.volume
