"""The check that an indicator does not look ahead and needs no more history than it claims."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from forecastle.arrays import BoolArray, FloatArray, IntArray
from forecastle.data.bars import Bars
from forecastle.errors import FeatureError
from forecastle.features.frame import Indicator, may_miss


@dataclass(frozen=True)
class Verdict:
    """What was found about one column.

    Parameters
    ----------
    column
        Its name.
    ahead
        Bars of the future that it was seen to use, at least; 0 where none was.
    claimed
        Warm-up that the indicator claims, in bars.
    needed
        Warm-up that was found to be enough, in bars (the claim where that is); None where all of the history was not.
    """

    column: str
    ahead: int
    claimed: int
    needed: int | None

    @property
    def ok(self) -> bool:
        """True where nothing is wrong with the column."""
        return self.ahead == 0 and self.needed == self.claimed


def check(indicator: Indicator, bars: Bars, points: int = 12, seed: int = 0) -> tuple[Verdict, ...]:
    """Try whether an indicator's rows change with their future, or with the history before the warm-up.

    At each of several bars t (a) the future is cut off and (b) it is replaced by other candles: every row at or
    before t must stay what it was, to the last bit of float64. (c) The row at t computed from the last `warmup` bars
    must equal the row computed from all of them, within ``tolerance · max(|x|, standard deviation of the column)``.

    Parameters
    ----------
    indicator
        What is tried.
    bars
        Candles to try it on; real ones, and at least ten more than the warm-up.
    points
        How many bars t are tried.
    seed
        Of the candles that replace the future.

    Returns
    -------
    tuple of Verdict
        One for each column.

    Raises
    ------
    FeatureError
        If there are too few bars.
    """
    first, last = indicator.warmup - 1, len(bars) - 1
    if last - first < 10:
        raise FeatureError(
            f"{bars.symbol}: at least {indicator.warmup + 10} bars wanted to try a warm-up of {indicator.warmup}, "
            f"got {len(bars)}"
        )
    full = indicator.compute(bars)
    moments = np.unique(np.linspace(first, last - 1, points).astype(np.int64))
    ahead = np.zeros(len(indicator.columns), dtype=np.int64)
    for moment in moments:
        past = full[: moment + 1]
        for other in (bars[: moment + 1], _other_future(bars, int(moment), seed)):
            ahead = np.maximum(ahead, _reach(indicator.compute(other)[: moment + 1], past))
    needed = _needed(indicator, bars, full, np.unique(np.linspace(first, last, points).astype(np.int64)))
    return tuple(
        Verdict(column, int(reach), indicator.warmup, need)
        for column, reach, need in zip(indicator.columns, ahead, needed, strict=True)
    )


def _reach(found: FloatArray, wanted: FloatArray) -> IntArray:
    """Bars from each column's first changed row to the first bar of the other future; 0 where none changed."""
    changed = ~((found == wanted) | (np.isnan(found) & np.isnan(wanted)))
    return np.where(changed.any(axis=0), len(wanted) - changed.argmax(axis=0), 0)


def _other_future(bars: Bars, moment: int, seed: int) -> Bars:
    """The same bars with other candles after `moment`: prices follow another path, volumes grow."""
    count = len(bars) - moment - 1
    random = np.random.default_rng(seed)
    factor = np.exp(0.05 + np.cumsum(random.normal(0, 0.02, count)))
    before, after = slice(moment + 1), slice(moment + 1, None)

    def join(values: FloatArray, grown: FloatArray) -> FloatArray:
        return np.concatenate([values[before], values[after] * grown])

    return replace(
        bars,
        open=join(bars.open, factor),
        high=join(bars.high, factor),
        low=join(bars.low, factor),
        close=join(bars.close, factor),
        volume=None if bars.volume is None else join(bars.volume, random.uniform(1.5, 3.0, count)),
    )


def _needed(indicator: Indicator, bars: Bars, full: FloatArray, moments: IntArray) -> list[int | None]:
    """The claim where it is enough for a column; else the smallest length that is, found by halving."""
    spread = np.ma.masked_invalid(full[indicator.warmup - 1 :]).std(axis=0).filled(0.0)

    def enough(length: int) -> BoolArray:
        """Whether `length` bars give each column its full-history value at all moments that have so many."""
        good = np.ones(full.shape[1], dtype=bool)
        for moment in moments[moments >= length - 1]:
            row = indicator.compute(bars[moment + 1 - length : moment + 1])[-1]
            allowed = indicator.tolerance * np.maximum(np.abs(full[moment]), spread)
            both_miss = np.isnan(row) & np.isnan(full[moment]) & may_miss(indicator)
            good &= (np.abs(row - full[moment]) <= allowed) | both_miss
        return good

    claim = enough(indicator.warmup)
    found: list[int | None] = []
    for column, good in enumerate(claim):
        low, high = indicator.warmup, len(bars) - 1
        if good or not enough(high)[column]:
            found.append(low if good else None)
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle)[column] else (middle, high)
        found.append(high)
    return found
