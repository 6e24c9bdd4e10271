"""What goes wrong while a store is read or written, and what is done about it."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import make_bars
from tests.data.store.conftest import PASSWORD, PASSWORD_ENV, Server, close

from forecastle.data.bars import Panel
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.data.retry import Retry
from forecastle.data.store.candle_store import CandleStore
from forecastle.data.store.importing import import_panel
from forecastle.data.store.postgres import PostgresSession
from forecastle.data.store.series import Candles, Series
from forecastle.data.store.source import StoreSource
from forecastle.data.store.timescale import HYPERTABLE, INSTALL, OFFERED, make_hypertable
from forecastle.errors import DataError


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("forecastle"), "propagate", True)
    caplog.set_level("WARNING", "forecastle")
    return caplog


@pytest.mark.parametrize("adbc", [True, False], ids=["adbc", "psycopg"])
def test_a_read_survives_a_server_that_is_killed_and_comes_back(
    server: Server, monkeypatch: pytest.MonkeyPatch, told: pytest.LogCaptureFixture, adbc: bool
) -> None:
    if not adbc:
        monkeypatch.setattr("forecastle.data.store.postgres.find_spec", lambda name: None)
    bars = make_bars(250_000, symbol="A", minutes=1)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        server.start()

    store = CandleStore(server.database(), PASSWORD_ENV, Retry((1, 2, 4), jitter=0, sleep=wait))
    import_panel(Panel((bars,)), store)
    read = PostgresSession.read
    parts: list[int] = []

    def cut_short(self: PostgresSession, series: Series, *bounds: Any) -> Iterator[Candles]:
        for candles in read(self, series, *bounds):
            parts.append(len(candles))
            yield candles
            if len(parts) == 1:
                server.crash()

    monkeypatch.setattr(PostgresSession, "read", cut_short)
    source = StoreSource(store.address.url)
    source.store = store
    panel, _ = load(source, QualityPolicy())
    close(store)
    assert panel.members[0].content == bars.content
    assert waited == [1.0]
    assert sum(parts) > len(bars), "a part was read twice"
    assert len(told.messages) == 1
    assert told.messages[0].startswith(f"try 1 of 4 failed: {store.address.url}: ")
    assert told.messages[0].endswith("; again in 1.0 s")


def test_an_import_survives_a_server_that_is_killed_and_comes_back(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = make_bars(3000, symbol="A")
    store = CandleStore(server.database(), PASSWORD_ENV, Retry((1,), sleep=lambda seconds: server.start()))
    insert = PostgresSession.insert
    inserted: list[int] = []

    def cut_short(self: PostgresSession, series: Series, candles: Candles) -> None:
        inserted.append(len(candles))
        insert(self, series, candles)
        if len(inserted) == 2:
            server.crash()

    monkeypatch.setattr(PostgresSession, "insert", cut_short)
    monkeypatch.setattr("forecastle.data.store.importing.CHUNK", 1000)
    (done,) = import_panel(Panel((bars,)), store)
    assert inserted == [1000] * 6, "two were made, one failed, three were made again"
    assert (done.added, done.series.count) == (3000, 3000)
    source = StoreSource(store.address.url)
    source.store = store
    assert load(source, QualityPolicy())[0].members[0].content == bars.content
    close(store)


def test_a_server_that_stays_away_is_told_in_one_line(server: Server, told: pytest.LogCaptureFixture) -> None:
    waited: list[float] = []
    url = server.database()
    store = CandleStore(url, PASSWORD_ENV, Retry((0.5, 1, 2), jitter=0, sleep=waited.append))
    server.crash()
    try:
        with pytest.raises(DataError) as error:
            store.catalogue()
    finally:
        server.start()
    assert waited == [0.5, 1, 2]
    assert len(told.messages) == 4
    message = str(error.value)
    assert message.startswith(f"{url}: connection failed: ")
    assert "refused" in message
    assert message.endswith("(4 tries)")
    assert "\n" not in message


def never(seconds: float) -> None:
    raise AssertionError("tried again")


@pytest.mark.parametrize(
    ("url", "password", "message"),
    [
        ("postgresql://forecastle@127.0.0.1:{}/postgres", "wrong", "password authentication failed"),
        ("postgresql://nobody@127.0.0.1:{}/postgres", PASSWORD, "password authentication failed"),
        ("postgresql://forecastle@127.0.0.1:{}/nowhere", PASSWORD, 'database "nowhere" does not exist'),
    ],
)
def test_what_does_not_pass_by_itself_is_not_tried_again(
    server: Server, monkeypatch: pytest.MonkeyPatch, url: str, password: str, message: str
) -> None:
    monkeypatch.setenv(PASSWORD_ENV, password)
    store = CandleStore(url.format(server.port), PASSWORD_ENV, Retry((1, 2, 4), sleep=never))
    with pytest.raises(DataError, match=message) as error:
        store.catalogue()
    assert password not in str(error.value)


def test_a_table_of_another_kind_is_not_tried_again(url: str) -> None:
    store = CandleStore(url, PASSWORD_ENV, Retry((1, 2, 4), sleep=never))
    import_panel(Panel((make_bars(10, symbol="A"),)), store)

    def rename(session: Any) -> None:
        if store.address.file is not None:
            session._engine.execute("ALTER TABLE store.candles RENAME COLUMN close TO last_price")
        else:
            session.connection.exec_driver_sql("ALTER TABLE candles RENAME COLUMN close TO last_price")

    store.run(rename, write=True)
    for again in (store, CandleStore(url, PASSWORD_ENV, Retry((1, 2, 4), sleep=never))):
        series = again.catalogue()[0]
        with pytest.raises(DataError, match="close") as error:
            again.run(lambda session, key=series: list(session.read(key)))
        assert "\n" not in str(error.value)
        close(again)


HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_locked_file_is_waited_for_and_then_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "x.duckdb"
    bars = make_bars(10, symbol="A")
    import_panel(Panel((bars,)), CandleStore(str(file)))
    waited: list[float] = []
    store = CandleStore(str(file), retry=Retry((1, 2, 4), jitter=0, sleep=waited.append))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        holder.stdout.readline()
        with pytest.raises(DataError) as error:
            import_panel(Panel((bars,)), store)
        holder.stdin.close()
    assert waited == [1, 2, 4]
    assert str(error.value) == f"{file}: is open in another process (PID {holder.pid}) (4 tries)"
    assert [each.unchanged for each in import_panel(Panel((bars,)), store)] == [10]


def test_a_sqlite_file_that_is_being_written_is_waited_for(tmp_path: Path) -> None:
    import sqlite3

    url = f"sqlite:///{tmp_path / 'x'}"
    bars = make_bars(10, symbol="A")
    first = CandleStore(url)
    import_panel(Panel((bars,)), first)
    writer = sqlite3.connect(tmp_path / "x", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    store = CandleStore(f"{url}?timeout=0.05", retry=Retry((1,), jitter=0, sleep=lambda seconds: writer.close()))
    assert [each.unchanged for each in import_panel(Panel((bars,)), store)] == [10]
    close(store)
    close(first)


# TimescaleDB, by the answers that a server with it would give


class Answering:
    """A connection that answers the question for the extension and writes down the rest."""

    def __init__(self, versions: list[tuple[str | None]], refuse: bool = False) -> None:
        self.versions, self.refuse = versions, refuse
        self.statements: list[str] = []
        self.nested: list[str] = []

    def execute(self, statement: object) -> Any:
        import sqlalchemy as sa

        text = str(statement)
        if text == OFFERED:
            versions = self.versions

            class Result:
                def fetchall(self) -> list[tuple[str | None]]:
                    return versions

            return Result()
        if self.refuse:
            raise sa.exc.ProgrammingError(text, None, Exception("permission denied\nto create extension"))
        self.statements.append(text)
        return None

    def begin_nested(self) -> Answering:
        return self

    def __enter__(self) -> None:
        self.nested.append("begun")

    def __exit__(self, kind: object, *rest: object) -> None:
        self.nested.append("undone" if kind else "kept")


@pytest.mark.parametrize(
    ("versions", "statements"),
    [([], []), ([(None,)], [INSTALL, HYPERTABLE]), ([("2.17.2",)], [HYPERTABLE])],
    ids=["not offered", "offered", "installed"],
)
def test_a_hypertable_is_made_only_where_the_server_offers_it(
    versions: list[tuple[str | None]], statements: list[str]
) -> None:
    connection = Answering(versions)
    assert make_hypertable(connection) == bool(statements)  # type: ignore[arg-type]
    assert connection.statements == statements
    assert connection.nested == (["begun", "kept"] if statements else [])


def test_a_user_who_may_not_install_it_keeps_a_plain_table(told: pytest.LogCaptureFixture) -> None:
    connection = Answering([(None,)], refuse=True)
    assert make_hypertable(connection) is False  # type: ignore[arg-type]
    assert connection.nested == ["begun", "undone"]
    assert told.messages == ["timescaledb is offered but not used: permission denied to create extension"]


def test_a_server_without_the_extension_has_a_plain_table(server: Server) -> None:
    store = CandleStore(server.database(), PASSWORD_ENV)
    import_panel(Panel((make_bars(10, symbol="A"),)), store)
    offered = server.execute(OFFERED)
    if not offered:
        assert server.execute("SELECT relkind::text FROM pg_class WHERE relname = 'candles'") == [("r",)]
    close(store)
