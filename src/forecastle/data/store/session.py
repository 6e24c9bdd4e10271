"""Session and Backend: what a database has to offer to hold candles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from forecastle.data.store.series import Candles, Series

CANDLES = "candles"
"""Table of the candles, with key (symbol, interval, time)."""

SERIES = "candle_series"
"""Table with one row for each symbol and interval."""

CHUNK = 100_000
"""Candles that are written, or read through a cursor, at once."""


class Session(Protocol):
    """A database in one transaction. Moments are open times in microseconds since 1970, UTC."""

    def catalogue(self) -> list[Series]:
        """Every series, in the order of symbol and interval."""
        ...

    def keep(self, series: Series) -> None:
        """Write a series' row of the catalogue, new or in place of the one before."""
        ...

    def span(self, series: Series) -> tuple[int, int, int]:
        """Number, first and last open time of a series' candles as the table itself holds them; zeros for none."""
        ...

    def read(self, series: Series, start: int | None = None, end: int | None = None) -> Iterator[Candles]:
        """Candles with open time in [start, end), stretch after stretch, the oldest first."""
        ...

    def recent(self, series: Series, count: int, end: int | None = None) -> Candles:
        """The newest `count` candles before `end`; reads no others."""
        ...

    def insert(self, series: Series, candles: Candles) -> None:
        """Add candles that are not there."""
        ...

    def update(self, series: Series, candles: Candles) -> None:
        """Put candles in place of those of the same open times."""
        ...

    def settle(self) -> None:
        """Do what helps reading after much was written."""
        ...


class Backend(Protocol):
    """A kind of database."""

    def session(self, *, write: bool) -> AbstractContextManager[Session]:
        """Open a transaction: committed at the end of the block, undone by an error.

        Writing makes the tables where they are absent, and waits for another writer (or tells of it).
        """
        ...

    def passing(self, error: Exception) -> bool:
        """Whether an error may be gone when the same is tried again."""
        ...

    def words(self, error: Exception) -> str:
        """What an error says, for people."""
        ...
