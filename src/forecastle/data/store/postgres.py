"""PostgresBackend: bulk writing with COPY, bulk reading with ADBC where it is installed, and errors that pass."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from forecastle.arrays import TIME
from forecastle.data.store.address import Address
from forecastle.data.store.series import Candles, Series
from forecastle.data.store.session import CANDLES, SERIES
from forecastle.data.store.sql import SqlBackend, SqlSession, candles_table
from forecastle.data.store.timescale import make_hypertable

CONNECT_TIMEOUT = 10
"""Seconds that a server is waited for, where the URL does not say."""

STRETCH = 250_000
"""Candles that one query reads: a query with parameters is held by the driver until it has all of its answer."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
YEAR_2000 = 946_684_800_000_000
"""From where COPY's binary format counts times, in microseconds since 1970."""

PASSING = ("08", "40", "53", "55P03", "57P", "57014")
"""SQLSTATE, or its beginning, of lost connections, shutdowns, timeouts, conflicts and lacks of resources."""

NOT_PASSING = ("53100",)
"""The disk is full."""

LOST = (
    "could not connect", "connection refused", "connection is bad", "connection is lost", "connection timeout",
    "server closed the connection", "terminating connection", "connection to server was lost", "broken pipe",
    "connection reset", "consuming input failed", "the connection is closed", "starting up", "shutting down",
    "recovery mode", "timeout expired", "could not receive data", "could not send data", "not accepting connections",
    "no connection to the server", "too many clients", "remaining connection slots",
)  # fmt: skip
"""What the client's library says, which knows no SQLSTATE, where the server cannot be reached for now."""


class PostgresSession(SqlSession):
    """See `forecastle.data.store.session.Session`."""

    def __init__(self, connection: sa.Connection, bulk: str | None) -> None:
        super().__init__(connection)
        self._bulk = bulk

    def read(self, series: Series, start: int | None = None, end: int | None = None) -> Iterator[Candles]:
        """Candles in [start, end): record batches through ADBC, else rows through a cursor of the server."""
        if self._bulk is None:
            yield from super().read(series, start, end)
            return
        from adbc_driver_postgresql import dbapi

        query = (
            f"SELECT time AT TIME ZONE 'UTC' AS moment, {', '.join(series.columns)} FROM {CANDLES} "
            'WHERE symbol = $1 AND "interval" = $2 AND time >= $3 AND time < $4 ORDER BY time'
        )
        with dbapi.connect(self._bulk) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")  # all stretches are of one moment
            for bounds in series.stretches(start, end, STRETCH):
                cursor.execute(query, (series.symbol, series.interval, *map(self.moment, bounds)))
                for batch in cursor.fetch_record_batch():
                    columns = {name: batch[name].to_numpy(zero_copy_only=False) for name in series.columns}
                    yield Candles(batch["moment"].to_numpy(zero_copy_only=False).astype(TIME, copy=False), columns)

    def insert(self, series: Series, candles: Candles) -> None:
        """Add candles with COPY in its binary format, whose rows are of one length and so one array."""
        driver: psycopg.Connection[Any] = self.connection.connection.driver_connection  # type: ignore[assignment]
        names = ", ".join(f'"{name}"' for name in ("symbol", "interval", "time", *series.columns))
        with driver.cursor() as cursor, cursor.copy(f"COPY {CANDLES} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(HEADER)
            copy.write(_binary(series, candles).tobytes())
            copy.write(TRAILER)

    def moment(self, moment: int) -> Any:
        """A moment as the driver takes it."""
        return EPOCH + timedelta(microseconds=moment)

    def times(self) -> sa.ColumnElement[Any]:
        """The column of times without a zone, which numpy would refuse."""
        return sa.func.timezone("UTC", candles_table.c.time)

    def settle(self) -> None:
        """Count the table anew, so that a query after a large import uses the index."""
        self.connection.execute(sa.text(f"ANALYZE {CANDLES}"))


class PostgresBackend(SqlBackend):
    """A PostgreSQL server, with TimescaleDB's hypertable where it offers that."""

    def __init__(self, address: Address) -> None:
        super().__init__(address, "postgresql+psycopg")
        if "connect_timeout" not in self.url.query:
            self.url = self.url.update_query_dict({"connect_timeout": str(CONNECT_TIMEOUT)})

    def begun(self, connection: sa.Connection, *, write: bool) -> SqlSession:
        """The session of a transaction that has begun.

        One that writes reads through psycopg, since ADBC's own connection would not see what it wrote.
        """
        if write or find_spec("adbc_driver_postgresql") is None:
            return PostgresSession(connection, None)
        driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        secret = {"password": driver.info.password} if driver.info.password else {}
        return PostgresSession(connection, make_conninfo(driver.info.dsn, **secret))

    def prepare(self, connection: sa.Connection) -> None:
        """Make the tables where they are absent, and keep other writers waiting; readers go on."""
        new = not sa.inspect(connection).has_table(CANDLES)
        super().prepare(connection)
        if new:
            make_hypertable(connection)
        connection.execute(sa.text(f"LOCK TABLE {SERIES} IN SHARE ROW EXCLUSIVE MODE"))

    def passing(self, error: Exception) -> bool:
        """Whether the server was lost or could not be reached, a query took too long, or a resource was short."""
        if isinstance(error, (sa.exc.TimeoutError, ConnectionError, TimeoutError)):
            return True
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        state = getattr(cause, "sqlstate", None)
        if state is not None:
            return str(state).startswith(PASSING) and not str(state).startswith(NOT_PASSING)
        text = str(cause).lower()
        return any(words in text for words in LOST)

    def _options(self) -> dict[str, Any]:
        return {"connect_args": {"options": "-c timezone=UTC"}} if "options" not in self.url.query else {}


def _binary(series: Series, candles: Candles) -> npt.NDArray[np.void]:
    """Candles as COPY's binary rows: a count of fields, then for each its length and its bytes, big-endian."""
    key = [series.symbol.encode(), series.interval.encode()]
    names = ["symbol", "interval", "time", *series.columns]
    kinds = [*(f"V{len(text)}" for text in key), ">i8", *(">f8" for _ in series.columns)]
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in zip(names, kinds, strict=True):
        layout += [(f"{name} length", ">i4"), (name, kind)]
    rows = np.empty(len(candles), dtype=layout)
    rows["fields"] = len(names)
    values = [*(np.void(text) for text in key), candles.moments - YEAR_2000, *candles.columns.values()]
    for name, value in zip(names, values, strict=True):
        rows[f"{name} length"] = rows.dtype[name].itemsize
        rows[name] = value
    return rows
