"""One small function for each defect of a row, and one for each way to mend it.

A check maps `Rows` to a mask, shape (T,), True where the row is defective. A repair maps rows and mask to rows.
They are applied in the order of `DEFECTS`: what comes later may rely on what came before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from forecastle.arrays import BoolArray, FloatArray, IntArray, TimeArray
from forecastle.data.rows import INSERTED, Rows

FLAT_RUN = 10
"""Bars that repeat the close before them, one after the other, from which on they are a flat run."""


JUMP = 0.2
"""Log distance of an open from the close before, above which it is a jump; 5 shares for 4 are 0.22."""

JUMP_STEPS = 10
"""How many times the median move from close to close a jump is at least."""


def no_time(rows: Rows) -> BoolArray:
    """The time is missing, cannot be read, or is no single moment (daylight saving)."""
    return np.isnat(rows.time)


def no_number(rows: Rows) -> BoolArray:
    """A price, the volume or the spread is a text or another thing that is no number."""
    return rows.text


def unsorted(rows: Rows) -> BoolArray:
    """The time lies before that of an earlier row."""
    moments = rows.time.view(np.int64)
    late: BoolArray = moments < np.maximum.accumulate(moments)
    return late


def repeated(rows: Rows) -> BoolArray:
    """The time is that of the row before (rows are sorted by now)."""
    same = np.zeros(len(rows), dtype=bool)
    same[1:] = rows.time[1:] == rows.time[:-1]
    return same


def missing(rows: Rows) -> BoolArray:
    """A price, the volume or the spread is missing (NaN)."""
    return np.isnan(rows.prices).any(axis=1) | np.isnan(_known(rows.volume, rows)) | np.isnan(_known(rows.spread, rows))


def infinite(rows: Rows) -> BoolArray:
    """A price, the volume or the spread is infinite."""
    return np.isinf(rows.prices).any(axis=1) | np.isinf(_known(rows.volume, rows)) | np.isinf(_known(rows.spread, rows))


def non_positive(rows: Rows) -> BoolArray:
    """A price is zero or below, or the volume is below zero."""
    return (rows.prices <= 0).any(axis=1) | (_known(rows.volume, rows) < 0)


def crossed(rows: Rows) -> BoolArray:
    """The spread is below zero: the ask is below the bid."""
    return _known(rows.spread, rows) < 0


def broken_range(rows: Rows) -> BoolArray:
    """The high lies below another price of the bar, or the low above one."""
    _, high, low, _ = rows.prices.T
    broken: BoolArray = (high < rows.prices.max(axis=1)) | (low > rows.prices.min(axis=1))
    return broken


def flat(rows: Rows) -> BoolArray:
    """All four prices repeat the close before, for at least `FLAT_RUN` bars one after the other."""
    stale = np.zeros(len(rows) + 2, dtype=np.int8)
    if len(rows) > 1:
        stale[2:-1] = (rows.prices[1:] == rows.prices[:-1, 3:]).all(axis=1)
    edges = np.diff(stale)
    begin, end = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    long = end - begin >= FLAT_RUN
    turns = np.zeros(len(rows) + 1, dtype=np.int64)
    turns[begin[long]] += 1
    turns[end[long]] -= 1
    inside: BoolArray = np.cumsum(turns[:-1]) > 0
    return inside


def sort(rows: Rows, bad: BoolArray) -> Rows:  # noqa: ARG001
    """Sort by time; rows of the same time keep their order."""
    return rows.take(np.argsort(rows.time, kind="stable"))


def keep_newest(rows: Rows, bad: BoolArray) -> Rows:
    """Keep the last of the rows of one time, as a correction that was appended."""
    return rows.take(~np.append(bad[1:], False))


def carry_forward(rows: Rows, bad: BoolArray) -> Rows:
    """Make of a bar with a bad price a flat one at the last good close before it; of a bad volume zero.

    A bad spread becomes the last good one before it. A bar that has no good close or spread before it is left out.
    """
    good = np.logical_and.reduce(np.isfinite(rows.prices) & (rows.prices > 0), axis=1)
    source = _last(good)
    prices = np.where((bad & ~good)[:, None], rows.prices[source, 3:], rows.prices)
    possible = good | (source >= 0)
    volume, spread = rows.volume, rows.spread
    if volume is not None:
        volume = np.where(bad & ~_fine(volume), 0.0, volume)
    if spread is not None:
        fine = _fine(spread)
        before = _last(fine)
        possible &= fine | (before >= 0)
        spread = np.where(bad & ~fine, spread[before], spread)
    return replace(rows, prices=prices, volume=volume, spread=spread).take(~bad | possible)


def widen(rows: Rows, bad: BoolArray) -> Rows:  # noqa: ARG001
    """Widen high and low until they contain open and close."""
    prices = rows.prices.copy()
    prices[:, 1], prices[:, 2] = rows.prices.max(axis=1), rows.prices.min(axis=1)
    return replace(rows, prices=prices)


def insert_flat(rows: Rows, after: np.ndarray[tuple[int], np.dtype[np.int64]], time: TimeArray) -> Rows:
    """Insert flat bars at these times (ascending), at close and spread of the bars at `after`, with volume zero."""
    joined = Rows(
        position=np.concatenate([rows.position, np.full(len(after), INSERTED)]),
        time=np.concatenate([rows.time, time]),
        prices=np.concatenate([rows.prices, np.repeat(rows.prices[after, 3:], 4, axis=1)]),
        volume=None if rows.volume is None else np.concatenate([rows.volume, np.zeros(len(after))]),
        spread=None if rows.spread is None else np.concatenate([rows.spread, rows.spread[after]]),
        text=np.concatenate([rows.text, np.zeros(len(after), dtype=bool)]),
    )
    return joined.take(np.argsort(joined.time, kind="stable"))


def _known(column: FloatArray | None, rows: Rows) -> FloatArray:
    """A column that may be absent, or zeros instead."""
    return np.zeros(len(rows)) if column is None else column


def _fine(column: FloatArray) -> BoolArray:
    """Where a volume or a spread can be."""
    fine: BoolArray = np.isfinite(column) & (column >= 0)
    return fine


def _last(good: BoolArray) -> IntArray:
    """Position of the last good row up to each row, or -1."""
    return np.maximum.accumulate(np.where(good, np.arange(len(good)), -1))


def jumped(rows: Rows) -> BoolArray:
    """The open stands far from the close before: a share that was split and not adjusted, or a close that never was."""
    far = np.zeros(len(rows), dtype=bool)
    if len(rows) > 1:
        price = np.log(rows.prices)
        usual = np.median(np.abs(np.diff(price[:, 3])))
        far[1:] = np.abs(price[1:, 0] - price[:-1, 3]) > max(JUMP, JUMP_STEPS * usual)
    return far


@dataclass(frozen=True)
class Defect:
    """A kind of defect of a row.

    Parameters
    ----------
    kind
        Its name in reports.
    setting
        The argument of the quality policy that decides about it.
    meaning
        For messages: what is wrong.
    find
        The check.
    repair
        The way to mend it, or None.
    """

    kind: str
    setting: str
    meaning: str
    find: Callable[[Rows], BoolArray]
    repair: Callable[[Rows, BoolArray], Rows] | None = None


DEFECTS = (
    Defect("time", "types", "no time that can be read as one moment", no_time),
    Defect("text", "types", "something other than a number", no_number),
    Defect("order", "order", "a time before that of an earlier row", unsorted, sort),
    Defect("duplicate", "duplicates", "the same time as another row", repeated, keep_newest),
    Defect("missing", "values", "a missing value", missing, carry_forward),
    Defect("infinite", "values", "an infinite value", infinite, carry_forward),
    Defect("non_positive", "values", "a price not above zero or a volume below it", non_positive, carry_forward),
    Defect("crossed", "values", "an ask below the bid (a spread below zero)", crossed, carry_forward),
    Defect("ohlc", "ohlc", "a high or low that does not contain the other prices", broken_range, widen),
    Defect("flat", "flat", f"a run of {FLAT_RUN} or more bars that repeat the close before", flat),
    Defect("jump", "jumps", "an open that stands far from the close before, as after a split of shares", jumped),
)
"""In the order in which they are looked for."""
