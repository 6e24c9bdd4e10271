"""SqlBackend: a store in a database that SQLAlchemy knows; written for SQLite, and what PostgreSQL builds on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from forecastle.arrays import TIME, FloatArray
from forecastle.data.store.address import Address
from forecastle.data.store.series import COLUMNS, Candles, Series
from forecastle.data.store.session import CANDLES, CHUNK, SERIES, Session
from forecastle.errors import AbsentError

WRITING = "forecastle_writing"
"""Option of a connection whose transaction will write."""


class UnknownDatabaseError(Exception):
    """SQLAlchemy knows no database of this name."""


_moment = sa.BigInteger().with_variant(TIMESTAMP(timezone=True), "postgresql")
"""Microseconds since 1970 (UTC), where the database is not PostgreSQL, which has a type for them."""

_names = sa.String(255).with_variant(sa.Text(collation="C"), "postgresql")
metadata = sa.MetaData()
candles_table = sa.Table(
    CANDLES,
    metadata,
    sa.Column("symbol", _names, primary_key=True),
    sa.Column("interval", _names, primary_key=True),
    sa.Column("time", _moment, primary_key=True),
    *(sa.Column(name, sa.Double, nullable=name not in COLUMNS[:4]) for name in COLUMNS),
    sqlite_with_rowid=False,
)
series_table = sa.Table(
    SERIES,
    metadata,
    sa.Column("symbol", _names, primary_key=True),
    sa.Column("interval", _names, primary_key=True),
    sa.Column("columns", sa.String(80), nullable=False),
    sa.Column("calendar", sa.Boolean, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("checksum", sa.String(32), nullable=False),
)


class SqlSession:
    """See `forecastle.data.store.session.Session`."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def catalogue(self) -> list[Series]:
        """Every series."""
        if not sa.inspect(self.connection).has_table(SERIES):
            return []
        rows = self.connection.execute(sa.select(series_table).order_by("symbol", "interval"))
        return [Series(symbol, interval, tuple(columns.split()), *rest) for symbol, interval, columns, *rest in rows]

    def keep(self, series: Series) -> None:
        """Write a series' row."""
        table = series_table.c
        key = (table.symbol == series.symbol) & (table.interval == series.interval)
        self.connection.execute(series_table.delete().where(key))
        self.connection.execute(series_table.insert(), vars(series) | {"columns": " ".join(series.columns)})

    def span(self, series: Series) -> tuple[int, int, int]:
        """Number, first and last open time."""
        time = self.times()
        query = self._query(series, None, None).with_only_columns(sa.func.count(), sa.func.min(time), sa.func.max(time))
        count, *ends = self.connection.execute(query).one()
        first, last = np.array([end or 0 for end in ends], dtype=TIME).astype(np.int64).tolist()
        return int(count), first, last

    def read(self, series: Series, start: int | None = None, end: int | None = None) -> Iterator[Candles]:
        """Candles in [start, end), through a cursor of the server where there is one."""
        query = self._query(series, start, end).order_by(candles_table.c.time)
        options = {"stream_results": True, "yield_per": CHUNK}
        with self.connection.execute(query, execution_options=options) as result:
            for rows in result.partitions():
                yield _candles(series, rows)

    def recent(self, series: Series, count: int, end: int | None = None) -> Candles:
        """The newest candles, from the end of the key's index."""
        query = self._query(series, None, end).order_by(candles_table.c.time.desc()).limit(count)
        return _candles(series, self.connection.execute(query).fetchall()[::-1])

    def insert(self, series: Series, candles: Candles) -> None:
        """Add candles."""
        self.connection.execute(
            candles_table.insert(), self._rows(candles, symbol=series.symbol, interval=series.interval)
        )

    def update(self, series: Series, candles: Candles) -> None:
        """Replace candles."""
        key = candles_table.c
        one = (key.symbol == series.symbol) & (key.interval == series.interval) & (key.time == sa.bindparam("at"))
        values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in series.columns}
        rows = [
            {"at": row["time"]} | {f"new_{name}": row[name] for name in series.columns} for row in self._rows(candles)
        ]
        self.connection.execute(candles_table.update().where(one).values(values), rows)

    def settle(self) -> None:
        """Nothing helps."""

    def moment(self, moment: int) -> Any:
        """A moment as the driver takes it."""
        return moment

    def times(self) -> sa.ColumnElement[Any]:
        """The column of times, as numpy takes its values."""
        return candles_table.c.time

    def _query(self, series: Series, start: int | None, end: int | None) -> sa.Select[Any]:
        """Time and columns of a series in [start, end)."""
        key = candles_table.c
        query = sa.select(self.times(), *(key[name] for name in series.columns))
        query = query.where(key.symbol == series.symbol, key.interval == series.interval)
        if start is not None:
            query = query.where(key.time >= self.moment(start))
        return query if end is None else query.where(key.time < self.moment(end))

    def _rows(self, candles: Candles, **key: str) -> list[dict[str, Any]]:
        """Candles as a dictionary for each."""
        names = ("time", *candles.columns)
        columns = [map(self.moment, candles.moments.tolist()), *(each.tolist() for each in candles.columns.values())]
        return [key | dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


class SqlBackend:
    """A database of SQLAlchemy's; connected at the first session, and the connection is kept for the next."""

    def __init__(self, address: Address, driver: str | None = None) -> None:
        self._address = address
        try:
            self.url = sa.make_url(address.url)
            self.url = self.url.set(drivername=driver or self.url.drivername)
            self.url.get_dialect().import_dbapi()
        except (sa.exc.NoSuchModuleError, sa.exc.ArgumentError) as error:
            raise UnknownDatabaseError(str(error)) from None

    @cached_property
    def engine(self) -> sa.Engine:
        """The engine; makes no connection by itself."""
        engine = sa.create_engine(self.with_password(), pool_size=1, **self._options())
        if engine.dialect.name == "sqlite":
            # The driver would begin a transaction at the first change only, and after what was read before it.
            sa.event.listen(engine, "connect", _leave_transactions_alone)
            sa.event.listen(engine, "begin", _begin)
        return engine

    def with_password(self) -> sa.URL:
        """The URL with the password that the environment holds."""
        password = None if self.url.get_backend_name() == "sqlite" else self._address.password()
        return self.url if password is None else self.url.set(password=password)

    def _options(self) -> dict[str, Any]:
        return {"poolclass": sa.pool.QueuePool}

    @contextmanager
    def session(self, *, write: bool) -> Iterator[Session]:
        """See `forecastle.data.store.session.Backend`."""
        if self.url.get_backend_name() == "sqlite" and not write:
            self._require_file()
        with self.engine.connect().execution_options(**{WRITING: write}) as connection, connection.begin():
            if write:
                self.prepare(connection)
            yield self.begun(connection, write=write)

    def begun(self, connection: sa.Connection, *, write: bool) -> SqlSession:  # noqa: ARG002  PostgreSQL wants to know
        """The session of a transaction that has begun."""
        return SqlSession(connection)

    def prepare(self, connection: sa.Connection) -> None:
        """Make the tables where they are absent."""
        metadata.create_all(connection)

    def passing(self, error: Exception) -> bool:
        """Whether SQLite's file is locked, or a connection was lost."""
        if isinstance(error, sa.exc.TimeoutError):
            return True
        if not isinstance(error, sa.exc.DBAPIError):
            return False
        locked = isinstance(error, sa.exc.OperationalError) and "database is locked" in str(error.orig)
        return locked or error.connection_invalidated

    def words(self, error: Exception) -> str:
        """The driver's own words, where SQLAlchemy has wrapped them."""
        return str(error.orig if isinstance(error, sa.exc.DBAPIError) else error)

    def _require_file(self) -> None:
        if self.url.database and not Path(self.url.database).is_file():
            raise AbsentError(f"no candle store at {self.url.database}; `forecastle data import` makes one")


def _leave_transactions_alone(connection: Any, record: Any) -> None:  # noqa: ARG001  SQLAlchemy's signature
    connection.isolation_level = None


def _begin(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get(WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _candles(series: Series, rows: Any) -> Candles:
    """Candles of rows that hold time and columns."""
    time, *values = zip(*rows, strict=True) if rows else [()] * (1 + len(series.columns))
    columns: dict[str, FloatArray] = {
        name: np.array(value, dtype=np.float64) for name, value in zip(series.columns, values, strict=True)
    }
    return Candles(np.array(time, dtype=TIME), columns)
