"""Series and Candles: what a store holds of one symbol at one interval, and the checksum of its content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecastle.arrays import TIME, BoolArray, FloatArray, IntArray, TimeArray
from forecastle.data.bars import OPTIONAL, PRICES, Bars
from forecastle.data.clock import utc
from forecastle.data.interval import interval_text
from forecastle.errors import DataError

COLUMNS = (*PRICES, *OPTIONAL)
"""Columns of a candle beside its key, in the order in which tables hold them."""

BLOCK = 65_536
"""Rows that are hashed at once, so that they stay in the processor's cache."""

WORD = 2**64

_ODD = np.array(
    [0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F,
     0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3, 0x589965CC75374CC3],
    dtype=np.uint64,
)  # fmt: skip
"""Odd multipliers without a pattern: one for the time, one for each column, one for the second sum."""


@dataclass(frozen=True, eq=False)
class Candles:
    """A stretch of one series.

    Parameters
    ----------
    time
        Open times, shape (T,), UTC, strictly increasing.
    columns
        ``open high low close`` and, where the series has them, ``volume`` and ``spread``, each of shape (T,), float64.
    """

    time: TimeArray
    columns: dict[str, FloatArray]

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: BoolArray | IntArray | slice) -> Candles:
        """The rows of a mask, of positions or of a slice."""
        return Candles(self.time[rows], {name: column[rows] for name, column in self.columns.items()})

    @property
    def moments(self) -> npt.NDArray[np.int64]:
        """Open times in microseconds since 1970, shape (T,)."""
        return self.time.astype(TIME, copy=False).view(np.int64)


@dataclass(frozen=True)
class Series:
    """What a store knows of one symbol at one interval.

    Parameters
    ----------
    symbol, interval
        The key; the interval as `forecastle.data.interval.interval_text` writes it.
    columns
        Columns that its candles have: the four prices, ``volume`` and ``spread`` where known.
    calendar
        See `forecastle.data.bars.Bars`.
    count
        Number of candles.
    first, last
        Open times of the oldest candle and of the newest, in microseconds since 1970; 0 in an empty series.
    checksum
        32 hexadecimal digits that depend on every candle and not on the order in which they came.
    """

    symbol: str
    interval: str
    columns: tuple[str, ...]
    calendar: bool
    count: int = 0
    first: int = 0
    last: int = 0
    checksum: str = "0" * 32

    @property
    def title(self) -> str:
        """Symbol and interval, for messages."""
        return f"{self.symbol} {self.interval}"

    def stretches(self, start: int | None, end: int | None, count: int) -> Iterator[tuple[int, int]]:
        """Bounds of stretches of [start, end), one after the other, that hold about `count` candles each."""
        if not self.count:
            return
        first = self.first if start is None else max(start, self.first)
        stop = self.last + 1 if end is None else min(end, self.last + 1)
        width = -(-(self.last + 1 - self.first) // -(-self.count // count))
        for begin in range(first, stop, width):
            yield begin, min(begin + width, stop)

    def changed(self, added: Candles, before: Candles, after: Candles) -> Series:
        """The series once `added` came to it and the candles `before` became those `after`."""
        moments = added.moments
        first = int(moments[0]) if len(added) else self.first
        last = int(moments[-1]) if len(added) else self.last
        return replace(
            self,
            count=self.count + len(added),
            first=min(first, self.first) if self.count else first,
            last=max(last, self.last) if self.count else last,
            checksum=_joined(self.checksum, [(1, added), (-1, before), (1, after)]),
        )


def of_bars(bars: Bars) -> tuple[Series, Candles]:
    """The series that bars belong to, empty, and the bars as candles."""
    columns = {name: getattr(bars, name) for name in COLUMNS if getattr(bars, name) is not None}
    series = Series(bars.symbol, interval_text(bars.interval), tuple(columns), bars.calendar)
    return series, Candles(bars.time.astype(TIME, copy=False), columns)


def moment(when: pd.Timestamp | str | None) -> int | None:
    """Microseconds since 1970 of a moment; one without a zone is taken as UTC.

    Raises
    ------
    ConfigError
        If a text is no date.
    """
    found = utc(when)
    return None if found is None else int(found.to_datetime64().astype(TIME).astype(np.int64))


def joined(parts: Iterable[Candles], series: Series) -> Candles:
    """Stretches of a series, oldest first, as one."""
    found = list(parts)
    if not found:
        return Candles(np.empty(0, dtype=TIME), {name: np.empty(0) for name in series.columns})
    if len(found) == 1:
        return found[0]
    columns = {name: np.concatenate([part.columns[name] for part in found]) for name in series.columns}
    return Candles(np.concatenate([part.time for part in found]), columns)


def in_order(candles: Candles, where: str) -> Candles:
    """Candles sorted by time.

    Raises
    ------
    DataError
        If two have one time: the table's key is broken.
    """
    if np.all(candles.time[1:] > candles.time[:-1]):
        return candles
    candles = candles.take(np.argsort(candles.time, kind="stable"))
    if np.any(candles.time[1:] == candles.time[:-1]):
        raise DataError(f"{where}: the store is damaged: two candles have one open time")
    return candles


def _joined(checksum: str, parts: Iterable[tuple[int, Candles]]) -> str:
    """A checksum with the candles of some parts added (+1) and taken away (-1)."""
    sums = [int(checksum[:16], 16), int(checksum[16:], 16)]
    for sign, candles in parts:
        for begin in range(0, len(candles), BLOCK):
            for number, value in enumerate(_sums(candles.take(slice(begin, begin + BLOCK)))):
                sums[number] = (sums[number] + sign * value) % WORD
    return f"{sums[0]:016x}{sums[1]:016x}"


def _sums(candles: Candles) -> tuple[int, int]:
    """Two sums over the hashes of the candles, modulo 2^64."""
    state = candles.moments.view(np.uint64) * _ODD[0]
    for name, column in candles.columns.items():
        state ^= state >> np.uint64(29)
        state += (np.asarray(column, dtype=np.float64) + 0.0).view(np.uint64)  # + 0.0 makes of -0.0 what compares equal
        state *= _ODD[1 + COLUMNS.index(name)]
    state ^= state >> np.uint64(32)
    first = int(state.sum())
    state *= _ODD[-1]
    state ^= state >> np.uint64(29)
    return first % WORD, int(state.sum()) % WORD
