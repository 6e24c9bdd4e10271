"""DuckBackend: a store in one DuckDB file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from forecastle.arrays import TIME
from forecastle.data.interval import parse_interval
from forecastle.data.store.series import COLUMNS, Candles, Series, in_order
from forecastle.data.store.session import CANDLES, SERIES, Session
from forecastle.errors import AbsentError

STRETCH = 1_000_000
"""Candles that are read at once."""

TABLES = f"""
CREATE TABLE IF NOT EXISTS store.{CANDLES} (
    symbol VARCHAR NOT NULL, "interval" VARCHAR NOT NULL, time TIMESTAMP NOT NULL,
    open DOUBLE NOT NULL, high DOUBLE NOT NULL, low DOUBLE NOT NULL, close DOUBLE NOT NULL,
    volume DOUBLE, spread DOUBLE,
    PRIMARY KEY (symbol, "interval", time)
);
CREATE TABLE IF NOT EXISTS store.{SERIES} (
    symbol VARCHAR NOT NULL, "interval" VARCHAR NOT NULL, "columns" VARCHAR NOT NULL, calendar BOOLEAN NOT NULL,
    "count" BIGINT NOT NULL, "first" BIGINT NOT NULL, "last" BIGINT NOT NULL, checksum VARCHAR NOT NULL,
    PRIMARY KEY (symbol, "interval")
);
"""
"""Times are UTC."""

LOCKED, ATTACHED = "Could not set lock", "already attached"
"""In what DuckDB says where another process, or another part of this one, has the file open."""

OF_SERIES = 'symbol = ? AND "interval" = ?'


class DuckBackend:
    """A DuckDB file, which is open (and so locked for other processes) during a session only.

    It is attached to a database in memory: that takes a tenth of the time of opening it by itself.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    @cached_property
    def _engine(self) -> duckdb.DuckDBPyConnection:
        quiet: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        return duckdb.connect(":memory:", config=quiet)  # it asks no network for anything

    @contextmanager
    def session(self, *, write: bool) -> Iterator[Session]:
        """See `forecastle.data.store.session.Backend`."""
        if write:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        elif not self._file.is_file():
            raise AbsentError(f"no candle store at {self._file}; `forecastle data import` makes one")
        engine = self._engine
        mode = "TYPE duckdb" if write else "TYPE duckdb, READ_ONLY"
        engine.execute(f"ATTACH ? AS store ({mode})", [str(self._file.absolute())])
        try:
            engine.execute("BEGIN")
            try:
                if write:
                    engine.execute(TABLES)
                yield DuckSession(engine)
                engine.execute("COMMIT")
            except BaseException:
                with suppress(duckdb.Error):  # the first error is the one to tell
                    engine.execute("ROLLBACK")
                raise
        finally:
            engine.execute("DETACH store")

    def passing(self, error: Exception) -> bool:
        """Whether another process has locked the file."""
        return isinstance(error, duckdb.Error) and any(words in str(error) for words in (LOCKED, ATTACHED))

    def words(self, error: Exception) -> str:
        """What an error says; a lock is told by the process that holds it."""
        if not self.passing(error):
            return str(error)
        holder = re.search(r"\(PID \d+\)", str(error))
        return f"is open in another process {holder[0]}" if holder else "is open elsewhere in this process"


class DuckSession:
    """See `forecastle.data.store.session.Session`."""

    def __init__(self, engine: duckdb.DuckDBPyConnection) -> None:
        self._engine = engine

    def catalogue(self) -> list[Series]:
        """Every series."""
        there = "SELECT 1 FROM duckdb_tables() WHERE database_name = 'store' AND table_name = ?"
        if not self._engine.execute(there, [SERIES]).fetchall():
            return []
        query = (
            'SELECT symbol, "interval", "columns", calendar, "count", "first", "last", checksum '
            f'FROM store.{SERIES} ORDER BY symbol, "interval"'
        )
        return [
            Series(symbol, interval, tuple(columns.split()), *rest)
            for symbol, interval, columns, *rest in self._engine.execute(query).fetchall()
        ]

    def keep(self, series: Series) -> None:
        """Write a series' row."""
        self._engine.execute(
            f"INSERT OR REPLACE INTO store.{SERIES} VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                series.symbol,
                series.interval,
                " ".join(series.columns),
                series.calendar,
                series.count,
                series.first,
                series.last,
                series.checksum,
            ],
        )

    def span(self, series: Series) -> tuple[int, int, int]:
        """Number, first and last open time."""
        query = f"SELECT count(*), epoch_us(min(time)), epoch_us(max(time)) FROM store.{CANDLES} WHERE {OF_SERIES}"
        ((count, first, last),) = self._engine.execute(query, [series.symbol, series.interval]).fetchall()
        return int(count), int(first or 0), int(last or 0)

    def read(self, series: Series, start: int | None = None, end: int | None = None) -> Iterator[Candles]:
        """Candles in [start, end).

        The table is not sorted by a query, which costs more than reading it: rows lie in the order in which they were
        imported, and what is out of order is sorted here. Stretches of time bound the memory.
        """
        for bounds in series.stretches(start, end, STRETCH):
            found = self._select(series, *bounds)
            if len(found):
                yield in_order(found, series.title)

    def recent(self, series: Series, count: int, end: int | None = None) -> Candles:
        """The newest candles: a stretch of time before the end, made wider until it holds enough.

        A filter by time skips the parts of the table that lie outside; an ORDER BY with LIMIT would read them all.
        """
        stop = series.last + 1 if end is None else min(end, series.last + 1)
        width = 2 * count * int(parse_interval(series.interval).astype(np.int64))
        while True:
            found = self._select(series, stop - width, stop)
            if len(found) >= count or stop - width <= series.first:
                return in_order(found, series.title).take(slice(max(len(found) - count, 0), None))
            width *= 4

    def insert(self, series: Series, candles: Candles) -> None:
        """Add candles."""
        with self._shown(candles):
            values = ", ".join(name if name in series.columns else "NULL" for name in COLUMNS)
            self._engine.execute(
                f"INSERT INTO store.{CANDLES} SELECT ?, ?, time, {values} FROM given",
                [series.symbol, series.interval],
            )

    def update(self, series: Series, candles: Candles) -> None:
        """Replace candles."""
        with self._shown(candles):
            values = ", ".join(f"{name} = given.{name}" for name in series.columns)
            self._engine.execute(
                f"UPDATE store.{CANDLES} SET {values} FROM given WHERE {CANDLES}.time = given.time AND {OF_SERIES}",
                [series.symbol, series.interval],
            )

    def settle(self) -> None:
        """Nothing helps."""

    def _select(self, series: Series, start: int, end: int) -> Candles:
        query = (
            f"SELECT time, {', '.join(series.columns)} FROM store.{CANDLES} "
            f"WHERE {OF_SERIES} AND time >= make_timestamp(?) AND time < make_timestamp(?)"
        )
        parameters: list[Any] = [series.symbol, series.interval, start, end]
        found = self._engine.sql(query, params=parameters).to_arrow_table()
        columns = {name: found[name].to_numpy() for name in series.columns}
        return Candles(found["time"].to_numpy().astype(TIME, copy=False), columns)

    @contextmanager
    def _shown(self, candles: Candles) -> Iterator[None]:
        """Let a query see candles as the table ``given``."""
        table = pa.table({"time": candles.time, **candles.columns})
        self._engine.register("given", table)
        try:
            yield
        finally:
            self._engine.unregister("given")
