"""Schedule: from positions decided at origins to the position wanted at the open of every bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecastle.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Schedule:
    """What one symbol's account is to hold.

    Parameters
    ----------
    first
        Row of the bar at whose open the first decision can be executed.
    target
        Wanted position from that open on, shape (M,); the last one is 0, everything is sold there.
    active
        Whether the bar lies within the reach of some forecast, shape (M,); elsewhere the account is not judged.
    """

    first: int
    target: FloatArray
    active: BoolArray


def schedule(row: IntArray, position: FloatArray, reach: int, bars: int, hysteresis: float = 0.0) -> Schedule:
    """Execute each decision at the next open; hold it until the next decision, for at most `reach` bars.

    Decisions overlap where they follow each other faster than their forecasts end: the newest one counts.

    Parameters
    ----------
    row
        Row of the bar whose close is the origin of each decision, shape (N,), ascending.
    position
        Wanted, shape (N,); NaN: no decision.
    reach
        Longest time in bars that a decision is held.
    bars
        T, bars of the symbol; at the open of the last one everything is sold.
    hysteresis
        A change of the position by less is not traded, unless it ends at 0.

    Examples
    --------
    >>> schedule(np.array([2, 3, 8]), np.array([1.0, np.nan, -1.0]), 3, 20).target
    array([ 1.,  1.,  1.,  0.,  0.,  0., -1., -1., -1.,  0.])
    """
    opens = row + 1
    first, last = int(opens[0]), min(int(opens[-1]) + reach, bars - 1)
    opens, position = opens[opens <= last] - first, position[opens <= last]
    count = last - first + 1
    number = np.arange(count)
    decided = ~np.isnan(position)
    target = np.zeros(count)
    held = _latest(opens[decided], count)
    valid = (held >= 0) & (number - held < reach)
    wanted = np.zeros(count)
    wanted[opens[decided]] = position[decided]
    target[valid] = wanted[held[valid]]
    asked = _latest(opens, count)
    active = (asked >= 0) & (number - asked < reach)
    target[-1], active[-1] = 0.0, False
    return Schedule(first, _damped(target, hysteresis) if hysteresis else target, active)


def _latest(opens: IntArray, count: int) -> IntArray:
    """The latest of some opens at or before each of them all, -1 where there is none, shape (M,)."""
    marks = np.full(count, -1)
    marks[opens] = opens
    return np.maximum.accumulate(marks)


def _damped(target: FloatArray, hysteresis: float) -> FloatArray:
    """The position that is held where small changes are left undone, shape (M,)."""
    held, kept = 0.0, []
    for wanted in target.tolist():
        if wanted == 0.0 or abs(wanted - held) >= hysteresis:
            held = wanted
        kept.append(held)
    return np.array(kept)
