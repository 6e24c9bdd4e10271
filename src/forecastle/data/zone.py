"""Changes of the clock in the middle of the data, as the opening and the close of the weeks show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecastle.arrays import SPAN, TIME, FloatArray, TimeArray
from forecastle.data.timeframe import DAY, WEEK, Moments, days_around

REACH = 8
"""Weeks before and after a change that must show it."""

LEAST, ALONE = 45, 90
"""Minutes by which the week must move to be seen, and above which daylight saving cannot be the reason."""

MINUTE = 60_000_000
SHORTEST, LONGEST = DAY, 5 * DAY
"""Microseconds of a pause that can be a weekend's."""

CLOCKS = ("America/New_York", "Europe/London", "Australia/Sydney", "UTC")
"""Clocks that markets follow. What stands still on one of them is no change of the clock of the data."""

NEAR = 15 * DAY
"""Days around a beginning or end of daylight saving within which an hour is put down to it."""

Minutes = FloatArray


@dataclass(frozen=True)
class ZoneChange:
    """The clock of the data changes in the week that begins with a bar.

    Parameters
    ----------
    row
        Position of that bar.
    before, after
        The time at which a week opens, in minutes of the day in New York, medians of eight weeks.
    """

    row: int
    before: int
    after: int

    @property
    def minutes(self) -> int:
        """By how much the opening moves, from −720 to 719."""
        return (self.after - self.before + 720) % 1440 - 720


def zone_changes(time: TimeArray, interval: np.timedelta64) -> list[ZoneChange]:
    """Find where the clock that the times follow changes: opening **and** close of the week move by the same span.

    The weekly opening and close of the eight weeks before are compared with those of the eight weeks after, by their
    medians, on the clocks of New York, London and Sydney and in UTC. A change is one on each of these clocks; one of
    about an hour near a date of daylight saving is none, so that data which follow other dates than their market are
    not taken for it. Opening hours that are extended move one end of the week only.

    Nothing is found in bars of a day or more, in a market that does not pause for at least a day each week, and in the
    first and last eight weeks.

    Parameters
    ----------
    time
        Open times, shape (T,), strictly increasing.
    interval
        Length of a bar.
    """
    length = int(interval.astype(SPAN).astype(np.int64))
    moments = time.astype(TIME, copy=False).view(np.int64)
    rows = _openings(moments)
    if length >= DAY or len(rows) < 2 * REACH:
        return []
    ends = np.stack([moments[rows], moments[rows - 1] + length])  # opening and the close before it, shape (2, weeks)
    levels = [_levels(ends, clock) for clock in CLOCKS]
    shifts = np.stack([_turn(middle[:, REACH:] - middle[:, :-REACH]) for middle, _ in levels])  # (clocks, 2, splits)
    both = (np.abs(shifts) >= LEAST).all(axis=1) & (np.abs(_turn(shifts[:, 0] - shifts[:, 1])) < LEAST)
    middle, away = levels[0]
    split = np.flatnonzero(both.all(axis=0))
    changes = []
    for group in np.split(split, np.flatnonzero(np.diff(split) > REACH) + 1) if len(split) else []:
        at, week = _best(away[:, :-REACH] + away[:, REACH:], group)
        if abs(shifts[0, 0, at]) > ALONE or not _near_saving(int(ends[0, REACH + at])):
            changes.append(ZoneChange(int(rows[REACH + week]), int(middle[0, at]), int(middle[0, at + REACH])))
    return changes


def _openings(moments: Moments) -> npt.NDArray[np.int64]:
    """Position of the first bar after the longest pause of each week, where that can be a weekend's."""
    paused = np.flatnonzero(moments[1:] - moments[:-1] >= SHORTEST) + 1
    pause = moments[paused] - moments[paused - 1]
    week = (moments[paused] + DAY) // WEEK  # from Wednesday to Wednesday
    order = np.lexsort((pause, week))
    longest = order[np.append(week[order][1:] != week[order][:-1], True)] if len(order) else order
    return paused[longest[pause[longest] <= LONGEST]]


def _levels(ends: Moments, clock: str) -> tuple[Minutes, Minutes]:
    """Median minute of the day of each stretch of `REACH` weeks, and how far the weeks are from it in sum."""
    local = pd.DatetimeIndex(ends.ravel().view(TIME), tz="UTC").tz_convert(clock).tz_localize(None)
    minute = (local.as_unit("us").to_numpy().view(np.int64) // MINUTE % 1440).reshape(ends.shape)
    usual = np.median(minute, axis=1, keepdims=True)
    around = np.lib.stride_tricks.sliding_window_view(_turn(minute - usual), REACH, axis=1)
    middle = np.median(around, axis=2)
    return (middle + usual) % 1440, np.abs(around - middle[:, :, None]).sum(axis=2)


def _turn(minutes: Minutes) -> Minutes:
    """Minutes between two times of day, the short way round."""
    return (minutes + 720) % 1440 - 720


def _near_saving(moment: int) -> bool:
    """Whether daylight saving begins or ends anywhere within `NEAR` of a moment."""
    for clock in CLOCKS[:-1]:
        edge = days_around(moment - NEAR, moment + NEAR, f"00:00 {clock}").edge
        turns = edge[1:][np.diff(edge) != DAY]
        if np.any(np.abs(turns - moment) <= NEAR):
            return True
    return False


def _best(cost: Minutes, group: npt.NDArray[np.int64]) -> tuple[int, int]:
    """The split of a group that leaves the weeks nearest to their medians, and the week in which the clock changes.

    Either both ends of the week change between an opening and the close after it, or the clock changes at a weekend.
    """
    following = np.minimum(group + 1, cost.shape[1] - 1)
    within, weekend = cost[0, group] + cost[1, group], cost[0, group] + cost[1, following]
    if weekend.min() <= within.min():
        at = int(group[weekend.argmin()])
        return at, at
    at = int(group[within.argmin()])
    return at, at - 1
