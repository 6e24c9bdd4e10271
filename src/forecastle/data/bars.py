"""Bars: validated candles of one symbol; Panel: the bars of several symbols.

A bar is labelled by its **open** time (UTC) and is **known** at ``open + interval``, never before; bars whose lengths
differ (the days of New York) carry the time at which each ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd
import xxhash

from forecastle.arrays import SPAN, TIME, FloatArray, TimeArray
from forecastle.errors import DataError

PRICES = ("open", "high", "low", "close")

OPTIONAL = ("volume", "spread")
"""Columns that a market or a file may lack."""


@dataclass(frozen=True, eq=False)
class Bars:
    """Candles of one symbol, clean: checked by `forecastle.data.quality` before they get here.

    Parameters
    ----------
    symbol
        Name of the series.
    interval
        Length of a bar, ``timedelta64[us]``.
    time
        Open times, shape (T,), ``datetime64[us]``, UTC, strictly increasing.
    open, high, low, close
        Prices in quote currency, shape (T,), float64, finite and positive.
    volume
        Traded (or tick) volume per bar, shape (T,), or None where the market reports none.
    spread
        Ask minus bid in quote currency (price units, not points), shape (T,), finite and not negative; None where it is
        unknown. Where bid and ask prices are read, the four prices are their means and this is the spread at the close.
    calendar
        False where the times are an order only (a benchmark without trusted dates), so that nothing may be
        derived from hour, weekday or date.
    close_time
        When each bar ends, UTC, shape (T,), where bars differ in length: a day on a clock with daylight saving has 23
        to 25 hours. None: each ends at ``open + interval``.

    Raises
    ------
    DataError
        If lengths differ, times do not strictly increase, or a bar ends before it began or after the next one began.
    """

    symbol: str
    interval: np.timedelta64
    time: TimeArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray | None = None
    spread: FloatArray | None = None
    calendar: bool = True
    close_time: TimeArray | None = None

    def __post_init__(self) -> None:
        columns = [getattr(self, name) for name in ("time", *PRICES, *OPTIONAL, "close_time")]
        lengths = {len(column) for column in columns if column is not None}
        if len(lengths) != 1:
            raise DataError(f"{self.symbol}: columns of one length wanted, got lengths {sorted(lengths)}")
        if not np.all(self.time[1:] > self.time[:-1]):
            raise DataError(f"{self.symbol}: bar times must strictly increase")
        end = self.close_time
        if end is not None and not (np.all(end > self.time) and np.all(end[:-1] <= self.time[1:])):
            raise DataError(f"{self.symbol}: each bar must end after it began and before the next one begins")

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice) -> Bars:
        """The bars of a slice, as views."""
        names = (*PRICES, *OPTIONAL, "close_time")
        columns = {name: column[rows] for name in names if (column := getattr(self, name)) is not None}
        return replace(self, time=self.time[rows], **columns)

    @property
    def known(self) -> TimeArray:
        """When each bar is known: its open time plus the interval, or its `close_time`, shape (T,)."""
        return self.time + self.interval if self.close_time is None else self.close_time

    @cached_property
    def content(self) -> str:
        """Hash of everything in these bars, 32 hexadecimal digits; equal bars give equal hashes."""
        digest = xxhash.xxh3_128()
        digest.update(f"{self.symbol}\0{int(self.interval.astype(SPAN).astype(np.int64))}\0{self.calendar}".encode())
        digest.update(np.ascontiguousarray(self.time.astype(TIME)).view(np.int64).data)
        for name in (*PRICES, "volume"):
            column = getattr(self, name)
            digest.update(name.encode() if column is not None else b"-")
            if column is not None:
                digest.update(np.ascontiguousarray(column, dtype=np.float64).data)
        if self.spread is not None:
            digest.update(b"spread")
            digest.update(np.ascontiguousarray(self.spread, dtype=np.float64).data)
        if self.close_time is not None:
            digest.update(b"close_time")
            digest.update(np.ascontiguousarray(self.close_time.astype(TIME)).view(np.int64).data)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Panel:
    """The bars of one or more symbols, in the order of their names; times need not match between them.

    Raises
    ------
    DataError
        If there are no bars, two share a symbol, or the intervals differ.
    """

    members: tuple[Bars, ...]

    def __post_init__(self) -> None:
        symbols = [bars.symbol for bars in self.members]
        if not symbols:
            raise DataError("no bars: the source gave no symbol")
        if len(set(symbols)) != len(symbols):
            raise DataError(f"each symbol once wanted, got {symbols}")
        if len({bars.interval for bars in self.members}) > 1:
            raise DataError(
                f"one interval for all symbols wanted, got {sorted({str(b.interval) for b in self.members})}"
            )
        object.__setattr__(self, "members", tuple(sorted(self.members, key=lambda bars: bars.symbol)))

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[Bars]:
        return iter(self.members)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(bars.symbol for bars in self.members)

    @property
    def interval(self) -> np.timedelta64:
        """Length of a bar."""
        return self.members[0].interval

    @cached_property
    def content(self) -> str:
        """Hash of all bars, 32 hexadecimal digits."""
        return xxhash.xxh3_128_hexdigest("".join(bars.content for bars in self.members).encode())


class BarSource(Protocol):
    """Where candles come from.

    A source gives a **raw table** and repairs nothing: columns ``symbol, time, open, high, low, close`` and, where they
    are known, ``volume`` and ``spread`` (price units); ``time`` is the bar's open time as ``datetime64[us, UTC]``.
    Rows may be dirty (duplicate, unsorted, NaN): `forecastle.data.quality` judges them next.
    """

    interval: str | None
    calendar: bool

    def history(self, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """All rows with open time in [start, end)."""
        ...

    def recent(self, count: int, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """The newest `count` rows of each symbol before `end`."""
        ...

    def fingerprint(self) -> str:
        """A cheap text that changes when the answer of `history` may change (path, size and mtime of a file)."""
        ...
