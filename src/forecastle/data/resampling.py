"""Resampling: slower bars from faster ones, of closed bars only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from forecastle.arrays import SPAN, TIME
from forecastle.data.bars import OPTIONAL, PRICES, Bars, Panel
from forecastle.data.groups import Groups
from forecastle.data.interval import interval_text
from forecastle.data.timeframe import Bins, Days, Moments, bins, days_around, parse_timeframe
from forecastle.errors import ConfigError, DataError

MIDNIGHT = "00:00 UTC"

EXTREMES = {"high": np.maximum, "low": np.minimum}

Columns = dict[str, npt.NDArray[Any]]
"""Open, high, low, close and, where there is one, spread and volume; high and low as the bits of their floats: prices
are positive, and positive floats have the order of their bits, which are compared more than twice as fast."""


def resample(bars: Bars, timeframe: str, day_start: str = MIDNIGHT) -> Bars:
    """Make slower bars of faster ones.

    Open is that of the first faster bar, high the highest, low the lowest, close and spread those of the last, volume
    the sum. A bar is labelled by the time at which its timeframe begins, and is known when that ends, not when the last
    faster bar in it does: a week of foreign exchange is known on Sunday, and not on Friday. Where no faster bar lies
    (weekends, holidays) there is none. A last bar whose end has not been seen is left out: it is seen where the last
    faster bar ends there, or begins later. The first bar is made of what is there, so that a reader of a history that
    was cut needs one bar more to warm up.

    Parameters
    ----------
    bars
        T faster bars.
    timeframe
        ``1W``, ``1D``, or a length that divides a day, such as ``4h``; a multiple of the interval of `bars`.
    day_start
        When a day begins, which the others follow: ``00:00 UTC``, ``17:00 America/New_York``, …; see
        `forecastle.data.timeframe.days_around`. A week begins with Monday, or on Sunday where days begin after noon.

    Returns
    -------
    Bars
        S bars, none where no bar is complete, with a ``close_time`` where daylight saving makes their lengths differ.

    Raises
    ------
    ConfigError
        If `timeframe` or `day_start` cannot be.
    DataError
        If the times are no calendar, or a faster bar lies in two slower ones.

    Examples
    --------
    >>> from forecastle.data.quality import QualityPolicy
    >>> from forecastle.data.loading import load
    >>> from forecastle.data.synthetic import SyntheticSource
    >>> hours = load(SyntheticSource(count=100), QualityPolicy())[0].members[0]
    >>> days = resample(hours, "1D", "17:00 America/New_York")
    >>> len(days), str(days.time[0]), str(days.known[0])
    (4, '2015-01-04T22:00:00.000000', '2015-01-05T22:00:00.000000')
    """
    return resample_each(bars, [timeframe], day_start)[0]


def resample_each(bars: Bars, timeframes: Sequence[str], day_start: str = MIDNIGHT) -> tuple[Bars, ...]:
    """Resample to several timeframes, in the order asked for: what `resample` gives for each, bit for bit, but faster.

    A timeframe is made of the slowest one that divides it.
    """
    lengths = [_length(bars, timeframe) for timeframe in timeframes]
    if not bars.calendar:
        raise DataError(f"{bars.symbol}: the times are an order and no calendar: there are no days to resample to")
    if not len(bars):
        return tuple(replace(bars, interval=np.timedelta64(length, "us")) for length in lengths)
    moments = bars.time.astype(TIME, copy=False).view(np.int64)
    days = days_around(int(moments[0]), int(moments[-1]), day_start)
    made: dict[int, _Slow] = {}
    for length in sorted(set(lengths)):
        finer = [other for other in made if length % other == 0]
        if not finer:
            made[length] = _slow(bars, moments, length, days)
            continue
        made[length] = _coarser(bars, made[finer[-1]], length, days)
    return tuple(_closed(bars, made[length], length) for length in lengths)


def resample_panel(panel: Panel, timeframe: str, day_start: str = MIDNIGHT) -> Panel:
    """Resample every symbol.

    Raises
    ------
    DataError
        Also if a symbol has no complete bar.
    """
    members = [resample(bars, timeframe, day_start) for bars in panel]
    for before, after in zip(panel, members, strict=True):
        if not len(after):
            raise DataError(f"{before.symbol}: no complete bar of {timeframe} in {len(before)} bars")
    return Panel(tuple(members))


@dataclass(frozen=True, eq=False)
class _Slow:
    """Slower bars, the last of which may be incomplete; `bins` says where they lie in the bars that were given."""

    bins: Bins
    columns: Columns


def _length(bars: Bars, timeframe: str) -> int:
    """Microseconds of a timeframe."""
    length, interval = parse_timeframe(timeframe), bars.interval.astype(SPAN)
    if length.astype(np.int64) % interval.astype(np.int64):
        raise ConfigError(f"timeframe {timeframe} is no multiple of the bars' interval {interval_text(interval)}")
    return int(length.astype(np.int64))


def _slow(bars: Bars, moments: Moments, length: int, days: Days) -> _Slow:
    """Slower bars of the given ones."""
    found = bins(moments, length, days)
    groups = Groups(found.first, len(bars))
    last = groups.last
    known = bars.time[last] + bars.interval if bars.close_time is None else bars.close_time[last]
    across = known.view(np.int64) > found.end
    if across.any():
        at = int(across.argmax())
        raise DataError(
            f"{bars.symbol}: the bar at {bars.time[last[at]]} lies in two of {_text(length)}: it ends at {known[at]}, "
            f"they meet at {found.end[at : at + 1].view(TIME)[0]}; another day_start may suit these bars"
        )
    given = {name: getattr(bars, name) for name in (*PRICES, *OPTIONAL)}
    columns: Columns = {name: column for name, column in given.items() if column is not None}
    columns |= {name: np.asarray(columns[name], dtype=np.float64).view(np.int64) for name in EXTREMES}
    return _Slow(found, _merge(columns, groups))


def _coarser(bars: Bars, slow: _Slow, length: int, days: Days) -> _Slow:
    """Slower bars yet, of those of a timeframe that divides theirs; volume is summed anew, since the order matters."""
    found = bins(slow.bins.open, length, days)
    first = slow.bins.first[found.first]
    faster = {name: column for name, column in slow.columns.items() if name != "volume"}
    columns = _merge(faster, Groups(found.first, len(slow.bins.first)))
    if bars.volume is not None:
        columns["volume"] = Groups(first, len(bars)).reduce(np.add, bars.volume)
    return _Slow(replace(found, first=first), columns)


def _merge(columns: Columns, groups: Groups) -> Columns:
    """One bar of all those in each group."""
    merged: Columns = {}
    for name, column in columns.items():
        if name in EXTREMES:
            merged[name] = groups.reduce(EXTREMES[name], column)
        elif name == "volume":
            merged[name] = groups.reduce(np.add, column)
        else:
            merged[name] = column.take(groups.first if name == "open" else groups.last)
    return merged


def _closed(bars: Bars, slow: _Slow, length: int) -> Bars:
    """The bars that are complete."""
    time, end = slow.bins.open.view(TIME), slow.bins.end.view(TIME)
    seen = slice(len(end) if bars[-1:].known[0] == end[-1] else len(end) - 1)
    columns: dict[str, Any] = {name: column[seen] for name, column in slow.columns.items()}
    columns |= {name: columns[name].view(np.float64) for name in EXTREMES}
    if np.any(slow.bins.end[seen] - slow.bins.open[seen] != length):
        columns["close_time"] = end[seen]
    return Bars(bars.symbol, np.timedelta64(length, "us"), time[seen], **columns)


def _text(length: int) -> str:
    return interval_text(np.timedelta64(length, "us"))
