"""Bars of a closed market: flat ones that a feed writes at weekends, and a Saturday that repeats the Friday."""

from __future__ import annotations

import numpy as np

from forecastle.arrays import BoolArray
from forecastle.data.checks import Defect
from forecastle.data.rows import Rows
from forecastle.data.session import weekend
from forecastle.data.timeframe import DAY

NEARLY_ALL = 0.9
"""Share of the bars of all weekends that must be flat: a market that trades at weekends has flat bars there, too."""


def repeated_day(rows: Rows) -> BoolArray:
    """A bar at a weekend whose prices and volume are those of the bar 24 hours before, and that is not flat."""
    found = np.zeros(len(rows), dtype=bool)
    inside = np.flatnonzero(weekend(rows.time))
    if not len(inside):
        return found
    moments = rows.time.view(np.int64)
    before = np.searchsorted(moments, moments[inside] - DAY)
    there = moments[before] == moments[inside] - DAY
    same = (rows.prices[inside] == rows.prices[before]).all(axis=1)
    if rows.volume is not None:
        same &= rows.volume[inside] == rows.volume[before]
    moving = np.ptp(rows.prices[inside], axis=1) > 0
    found[inside] = there & same & moving
    return found


def flat_weekend(rows: Rows) -> BoolArray:
    """A bar at a weekend whose four prices repeat the close before, where nearly all bars of weekends do."""
    found = np.zeros(len(rows), dtype=bool)
    inside = np.flatnonzero(weekend(rows.time)[1:]) + 1
    stale = (rows.prices[inside] == rows.prices[inside - 1, 3:]).all(axis=1)
    if stale.sum() >= NEARLY_ALL * len(inside):
        found[inside[stale]] = True
    return found


WEEKEND_DEFECTS = (
    Defect("saturday", "duplicates", "a weekend bar that repeats the one a day before", repeated_day),
    Defect("weekend", "flat", "a flat bar at a weekend, when the market is closed", flat_weekend),
)
"""Looked for after all others, where the times are a calendar; `drop` and `repair` leave the bars out."""
