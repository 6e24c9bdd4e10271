"""The bars that a calendar expects but that are absent: the one that the data themselves show, or that of a market."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from forecastle.arrays import SPAN, TIME, TimeArray
from forecastle.data.session import expected
from forecastle.errors import DataError

WEEK = 7 * 86_400_000_000
"""Microseconds."""

SATURDAY = 2 * 86_400_000_000
"""The first Saturday, 00:00 UTC: weeks are counted from there, so that a week of trading is in one piece."""

REACH = 4
"""Weeks before and after a week that vote on whether a slot of it is open."""

BLOCK = 8_000_000
"""Cells (weeks times slots) that are looked at together."""

MOST = 20_000_000
"""Absent bars beyond which a time is held to be wrong."""

Slots = npt.NDArray[np.int64]


def slots(time: TimeArray, interval: np.timedelta64, market: str = "shown") -> tuple[Slots, Slots]:
    """Number the bars by the slots of their calendar, and find the slots that are absent.

    Where a market is named, a slot is expected to hold a bar where that market is open. Else it is read from the data:
    a week is divided into slots of one interval, and a slot is expected to hold a bar where it does in most of the
    nine weeks around it (fewer at the ends; weeks without any bar do not vote). A majority of neighbours keeps an
    edge where it is, so opening hours may move with daylight saving or for good without a gap being seen; a
    single holiday is seen. Bars longer than a day, or that do not divide a week, are expected at every interval.

    Parameters
    ----------
    time
        Open times, shape (T,), strictly increasing.
    interval
        Length of a bar.
    market
        See `forecastle.data.session.Session`.

    Returns
    -------
    present
        Number of each bar's slot, shape (T,), not decreasing; two bars one interval apart differ by one.
    absent
        Numbers of the expected slots between the first bar and the last that hold no bar, increasing.

    Raises
    ------
    DataError
        If a hole is so long that a time before it or after it must be wrong.
    """
    moments = time.astype(TIME).view(np.int64)
    walked = np.diff(moments)
    length = int(interval.astype(SPAN).astype(np.int64))
    if len(walked) and walked.max() // length > MOST:
        widest = int(walked.argmax())
        raise DataError(f"no bars between {time[widest]} and {time[widest + 1]}: is one of the times wrong?")
    if length > 86_400_000_000 or WEEK % length:
        present = np.concatenate([[0], np.cumsum(np.maximum(np.rint(walked / length).astype(np.int64), 1))])
    else:
        present = (moments - SATURDAY) // length
        if market == "shown":
            return present, _absent(present, WEEK // length)
    absent = _between(present)
    if market == "shown":
        return present, absent
    return present, absent[expected(slot_times(time, interval, present, absent), interval, market)]


def slot_times(time: TimeArray, interval: np.timedelta64, present: Slots, absent: Slots) -> TimeArray:
    """Open times of absent slots: as many intervals after the last bar before each as their numbers say."""
    before = np.searchsorted(present, absent, side="right") - 1
    return time[before] + (absent - present[before]) * interval


def _between(present: Slots) -> Slots:
    """All numbers between the first and the last that are not there."""
    holes = np.flatnonzero(np.diff(present) > 1)
    parts = [np.arange(present[hole] + 1, present[hole + 1]) for hole in holes]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _absent(present: Slots, per_week: int) -> Slots:
    """Expected slots that are absent, from the numbers of those present."""
    week = present // per_week
    starts = np.flatnonzero(np.diff(week, prepend=week[0] - 1))
    weeks = week[starts]  # those that hold any bar
    order = np.repeat(np.arange(len(weeks)), np.diff(starts, append=len(week)))
    followed = np.diff(weeks, append=weeks[-1] + 1)  # 1, or more where weeks without any bar follow
    rows = max(BLOCK // per_week, 2 * REACH + 1)
    found = []
    for first in range(0, len(weeks), rows):
        last = min(first + rows, len(weeks))
        low, high = max(first - REACH, 0), min(last + REACH, len(weeks))
        inside = slice(*np.searchsorted(order, [low, high]))
        held = np.zeros((high - low, per_week), dtype=np.int8)
        held[order[inside] - low, present[inside] % per_week] = 1
        votes = np.concatenate([np.zeros((1, per_week), dtype=np.int32), np.cumsum(held, axis=0, dtype=np.int32)])
        block = np.arange(first, last)
        begin, end = np.maximum(block - REACH, 0), np.minimum(block + REACH + 1, len(weeks))
        expected = 2 * (votes[end - low] - votes[begin - low]) > (end - begin)[:, None]
        row, slot = np.nonzero(expected & (held[block - low] == 0))
        found.append(weeks[block[row]] * per_week + slot)
        for empty in np.flatnonzero(followed[block] > 1):
            open_slots = np.flatnonzero(expected[empty])
            ahead = np.arange(1, followed[block[empty]])
            found.append(((weeks[block[empty]] + ahead)[:, None] * per_week + open_slots).ravel())
    absent = np.sort(np.concatenate(found))
    within: Slots = absent[(absent > present[0]) & (absent < present[-1])]
    return within
