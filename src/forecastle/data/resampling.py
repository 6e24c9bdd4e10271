"""Resampling: slower bars from faster ones, of closed bars only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from forecastle.arrays import SPAN, TIME, FloatArray
from forecastle.data.bars import OPTIONAL, PRICES, Bars, Panel
from forecastle.data.groups import Groups
from forecastle.data.interval import interval_text
from forecastle.data.timeframe import Bins, bins, days_around, parse_timeframe
from forecastle.errors import ConfigError, DataError

MIDNIGHT = "00:00 UTC"

EXTREMES = {"high": np.maximum, "low": np.minimum}

LARGEST = 2.0**52
"""Up to twice this, whole numbers that are not negative are added without rounding."""

BLOCK = 16_384
"""Volumes that are looked at together, so that they stay in the processor's cache."""


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
    steps = _steps(bars, sorted(set(lengths)), day_start)
    given = {name: getattr(bars, name) for name in (*PRICES, *OPTIONAL)}
    made = {name: _column(name, column, steps) for name, column in given.items() if column is not None}
    slower = {step.length: _closed(bars, step, {name: made[name][step.length] for name in made}) for step in steps}
    return tuple(slower[length] for length in lengths)


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
class _Step:
    """Slower bars of one length, the last of which may be incomplete.

    Parameters
    ----------
    length
        Microseconds.
    finer
        Length of the slower bars that they are made of; None: the bars that were given.
    bins
        Where they lie in the bars that were given.
    groups
        Where they lie in what they are made of.
    """

    length: int
    finer: int | None
    bins: Bins
    groups: Groups


def _length(bars: Bars, timeframe: str) -> int:
    """Microseconds of a timeframe."""
    length, interval = parse_timeframe(timeframe), bars.interval.astype(SPAN)
    if length.astype(np.int64) % interval.astype(np.int64):
        raise ConfigError(f"timeframe {timeframe} is no multiple of the bars' interval {interval_text(interval)}")
    return int(length.astype(np.int64))


def _steps(bars: Bars, lengths: Sequence[int], day_start: str) -> list[_Step]:
    """Where the slower bars of each length lie, shorter ones first."""
    moments = bars.time.astype(TIME, copy=False).view(np.int64)
    days = days_around(int(moments[0]), int(moments[-1]), day_start)
    steps: list[_Step] = []
    for length in lengths:
        finer = next((step for step in reversed(steps) if length % step.length == 0), None)
        if finer is None:
            found = bins(moments, length, days)
            steps.append(_Step(length, None, found, Groups(found.first, len(bars))))
            _check_whole(bars, steps[-1])
        else:
            found = bins(finer.bins.open, length, days)
            groups = Groups(found.first, len(finer.bins.open))
            steps.append(_Step(length, finer.length, replace(found, first=finer.bins.first[found.first]), groups))
    return steps


def _check_whole(bars: Bars, step: _Step) -> None:
    """Refuse a faster bar that lies in two slower ones."""
    last = step.groups.last
    if bars.close_time is None:
        known = bars.time.astype(TIME, copy=False).view(np.int64).take(last)
        known += int(bars.interval.astype(SPAN).astype(np.int64))
    else:
        known = bars.close_time.astype(TIME, copy=False).view(np.int64).take(last)
    across = known > step.bins.end
    if across.any():
        at = int(across.argmax())
        begin, close, edge = (moments[at] for moments in (bars.time[last], known.view(TIME), step.bins.end.view(TIME)))
        raise DataError(
            f"{bars.symbol}: the bar at {begin} lies in two of {_text(step.length)}: it ends at {close}, they meet at "
            f"{edge}; another day_start may suit these bars"
        )


def _column(name: str, column: FloatArray, steps: Sequence[_Step]) -> dict[int, FloatArray]:
    """One column of the slower bars by their length.

    High and low are compared as the bits of their floats: prices are positive, and positive floats have the order of
    their bits, which are compared more than twice as fast. Volumes are summed anew for each, but where they are whole
    numbers so small that no sum is rounded, in whatever order they are added.
    """
    base: npt.NDArray[Any] = np.asarray(column, dtype=np.float64)
    if name in EXTREMES:
        base = base.view(np.int64)
    whole = name == "volume" and len(steps) > 1 and _are_whole(base)
    made: dict[int, npt.NDArray[Any]] = {}
    for step in steps:
        faster = base if step.finer is None else made[step.finer]
        if name in EXTREMES:
            made[step.length] = step.groups.reduce(EXTREMES[name], faster)
        elif name == "volume":
            anew = step.finer is not None and not (whole and faster.sum() < LARGEST)
            groups, summed = (Groups(step.bins.first, len(base)), base) if anew else (step.groups, faster)
            made[step.length] = groups.reduce(np.add, summed)
        else:
            made[step.length] = faster.take(step.groups.first if name == "open" else step.groups.last)
    return {length: values.view(np.float64) for length, values in made.items()}


def _are_whole(volume: FloatArray) -> bool:
    """Whether all volumes are whole numbers."""
    blocks = (volume[begin : begin + BLOCK] for begin in range(0, len(volume), BLOCK))
    return all(bool((np.rint(block) == block).all()) for block in blocks)


def _closed(bars: Bars, step: _Step, columns: Mapping[str, Any]) -> Bars:
    """The bars that are complete."""
    time, end = step.bins.open.view(TIME), step.bins.end.view(TIME)
    seen = slice(len(end) if bars[-1:].known[0] == end[-1] else len(end) - 1)
    uneven = not step.bins.even and bool(np.any(step.bins.end[seen] - step.bins.open[seen] != step.length))
    closed = {name: column[seen] for name, column in columns.items()}
    close_time = end[seen] if uneven else None
    return Bars(bars.symbol, np.timedelta64(step.length, "us"), time[seen], **closed, close_time=close_time)


def _text(length: int) -> str:
    return interval_text(np.timedelta64(length, "us"))
