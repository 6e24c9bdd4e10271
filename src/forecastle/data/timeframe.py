"""Timeframes: which slower bar a moment belongs to, whatever clock its days follow."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecastle.arrays import BoolArray
from forecastle.data.clock import check_zone
from forecastle.data.interval import parse_interval
from forecastle.errors import ConfigError

DAY = 86_400_000_000
WEEK = 7 * DAY
"""Microseconds."""

NOON = DAY // 2

Moments = npt.NDArray[np.int64]
"""Microseconds since 1970, UTC."""


def parse_timeframe(text: str) -> np.timedelta64:
    """Read a timeframe: ``1W``, ``1D``, or a length that divides a day, such as ``4h`` or ``5min``.

    Raises
    ------
    ConfigError
        If it is none of these: its bars would begin at other times on other days.

    Examples
    --------
    >>> parse_timeframe("4h")
    np.timedelta64(14400000000,'us')
    """
    wanted = f"timeframe must be 1W, 1D, or a length that divides a day such as 4h or 5min, got {text!r}"
    try:
        length = parse_interval(text)
    except ConfigError:
        raise ConfigError(wanted) from None
    if int(length.astype(np.int64)) != WEEK and DAY % int(length.astype(np.int64)):
        raise ConfigError(wanted)
    return length


@dataclass(frozen=True, eq=False)
class Days:
    """Days without a gap.

    Parameters
    ----------
    edge
        When each begins and, last, when the last one ends.
    week
        Whether a week begins there, same shape.
    """

    edge: Moments
    week: BoolArray


def days_around(first: int, last: int, day_start: str) -> Days:
    """Return the days from a week before a moment to a week after another one.

    A week begins with the day that holds Monday noon on the clock of the days: Monday 00:00 where days begin at
    midnight, Sunday 17:00 where they begin at 17:00.

    Parameters
    ----------
    first, last
        Microseconds since 1970, UTC.
    day_start
        Time of day and zone, such as ``00:00 UTC``, ``17:00 America/New_York`` (the day of foreign exchange) or
        ``00:00 Europe/Helsinki`` (of many brokers). With daylight saving, days have 23 to 25 hours.

    Raises
    ------
    ConfigError
        If `day_start` is no time of day and zone.
    """
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d) (\S+)", str(day_start).strip())
    if found is None:
        raise ConfigError(f"day_start must be a time and a zone such as 17:00 America/New_York, got {day_start!r}")
    zone = check_zone(found[3])
    begin = np.timedelta64(60 * int(found[1]) + int(found[2]), "m")
    date = np.arange(first // DAY - 9, last // DAY + 10).astype("datetime64[D]")
    local = pd.DatetimeIndex(date + begin)
    utc = local.tz_localize(zone, ambiguous=np.ones(len(local), dtype=bool), nonexistent="shift_forward")
    edge = utc.tz_convert(None).as_unit("us").to_numpy().view(np.int64)
    noon = date.astype("datetime64[us]").view(np.int64) + (NOON if begin <= np.timedelta64(12, "h") else NOON + DAY)
    return Days(edge, (noon // DAY + 3) % 7 == 0)  # 1970-01-01 was a Thursday


@dataclass(frozen=True, eq=False)
class Bins:
    """The slower bars that hold any of the faster ones, shape (S,).

    Parameters
    ----------
    open, end
        When each begins and ends.
    first
        Position of its first faster bar.
    even
        Whether it is known that all have one length.
    """

    open: Moments
    end: Moments
    first: Moments
    even: bool = False


def bins(moments: Moments, length: int, days: Days) -> Bins:
    """Sort moments into slower bars.

    Shorter ones than a day are counted from the start of their day: on one of 23 or 25 hours the last may be cut short.

    Parameters
    ----------
    moments
        Open times of the faster bars, shape (T,), increasing, within `days`.
    length
        Of a slower bar, microseconds, as `parse_timeframe` allows.
    days
        Say where days and weeks begin.
    """
    edge = days.edge[days.week] if length == WEEK else days.edge
    if length >= DAY:
        at = np.searchsorted(moments, edge)
        held = np.flatnonzero(np.diff(at))
        return Bins(edge[held], edge[held + 1], at[held])
    offset = int(edge[0]) % length
    if not np.any((edge - offset) % length):  # every day begins on one and the same grid
        number = (moments - offset if offset else moments) // length
        first = _changes(number)
        opened = number.take(first)
        opened *= length
        opened += offset
        return Bins(opened, opened + length, first, even=True)
    day = np.diff(np.searchsorted(moments, edge))
    begin = np.repeat(edge[:-1], day)
    opened = begin + (moments - begin) // length * length
    first = _changes(opened)
    end = np.repeat(edge[1:], day)[first]
    return Bins(opened[first], np.minimum(opened[first] + length, end), first)


def _changes(number: Moments) -> Moments:
    """Positions at which a number differs from the one before it; the first is one of them."""
    changed = np.ones(len(number), dtype=bool)
    np.not_equal(number[1:], number[:-1], out=changed[1:])
    return np.flatnonzero(changed)
