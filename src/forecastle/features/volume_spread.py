"""Volume spread analysis: how much effort a bar took, and how far it got."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.features.frame import ByColumn
from forecastle.features.rolling import mean
from forecastle.features.trailing import ratio, volume_of, whole_numbers


class VolumeSpread(ByColumn):
    """Volume spread analysis (Williams 1993, after Wyckoff): volume against range against place of the close.

    Columns: ``volume``, the volume over its mean of `volume_ma` bars; ``spread``, the range high - low over its mean of
    `spread_ma` bars; ``close``, the close's place in its bar, -1 at the low, 1 at the high, 0 in a bar without range;
    ``effort``, volume less spread: above 0 where much volume moved the price little. 1 stands for the first two where
    the mean is 0. The present bar is in both means. Warm-up: the longer of the two.

    Parameters
    ----------
    volume_ma
        Bars of the mean volume; a list gives one column for each.
    spread_ma
        Bars of the mean range; a list gives one column for each.

    Examples
    --------
    >>> VolumeSpread(20, 30).columns
    ('volume_spread_volume_20', 'volume_spread_spread_30', 'volume_spread_close', 'volume_spread_effort_20_30')
    """

    scale = "ratio to the mean; close -1 to 1"
    needs: tuple[str, ...] = ("volume",)
    tolerance: float = 1e-9

    def __init__(self, volume_ma: int | Sequence[int] = 20, spread_ma: int | Sequence[int] = 20) -> None:
        self.volume_ma = whole_numbers("volume_spread", "volume_ma", volume_ma, 1)
        self.spread_ma = whole_numbers("volume_spread", "spread_ma", spread_ma, 1)
        self.columns = (
            *(f"volume_spread_volume_{period}" for period in self.volume_ma),
            *(f"volume_spread_spread_{period}" for period in self.spread_ma),
            "volume_spread_close",
            *(
                f"volume_spread_effort_{one}_{other}"
                for one, other in itertools.product(self.volume_ma, self.spread_ma)
            ),
        )
        self.warmup = max(*self.volume_ma, *self.spread_ma)

    def each(self, bars: Bars) -> Iterator[FloatArray]:
        """The columns in their order, each of shape (T,), float64."""
        spread = bars.high - bars.low
        volumes = [_relative(volume_of(bars), period) for period in self.volume_ma]
        yield from volumes
        spreads = [_relative(spread, period) for period in self.spread_ma]
        yield from spreads
        yield ratio((bars.close - bars.low) - (bars.high - bars.close), spread, empty=0.0)
        for one, other in itertools.product(volumes, spreads):
            yield one - other


def _relative(values: FloatArray, period: int) -> FloatArray:
    """Values over their mean of `period` bars, shape (T,), NaN before there are so many."""
    found = np.full(len(values), np.nan)
    found[period - 1 :] = ratio(values[period - 1 :], mean(values, period), empty=1.0)
    return found
