from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.conftest import make_bars

from forecastle.config.compose import compose
from forecastle.config.target import build
from forecastle.data.bars import Panel
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.data.store.candle_store import CandleStore
from forecastle.data.store.importing import import_panel
from forecastle.data.store.source import StoreSource
from forecastle.errors import ConfigError, DataError


@pytest.fixture
def panel() -> Panel:
    later = make_bars(900, seed=2, symbol="B")
    return Panel((make_bars(1000, seed=1, symbol="A"), replace(later, time=later.time + np.timedelta64(400, "h"))))


@pytest.fixture
def source(store: CandleStore, panel: Panel) -> StoreSource:
    """Two symbols whose times do not match, the older half imported after the newer."""
    for part in (slice(500, None), slice(None, 500)):
        import_panel(Panel(tuple(bars[part] for bars in panel)), store)
    made = StoreSource(store.address.url)
    made.store = store
    return made


def test_history_is_every_bar_of_every_symbol(source: StoreSource, panel: Panel) -> None:
    assert load(source, QualityPolicy())[0].content == panel.content
    assert (source.interval, source.calendar) == ("1h", True)


def test_history_between_two_times_holds_no_other(source: StoreSource, panel: Panel) -> None:
    first, last = pd.Timestamp("2020-01-20", tz="UTC"), pd.Timestamp("2020-02-01 12:00", tz="Europe/Helsinki")
    table = source.history(first, last)
    for bars in panel:
        inside = (bars.time >= np.datetime64("2020-01-20")) & (bars.time < np.datetime64("2020-02-01T10:00"))
        part = table[table["symbol"] == bars.symbol]
        assert part["close"].tolist() == bars.close[inside].tolist()
        assert part["time"].dt.tz_localize(None).to_numpy().tolist() == bars.time[inside].tolist()


def test_recent_bars_are_the_end_of_the_history(source: StoreSource) -> None:
    whole = source.history()
    for end in (None, pd.Timestamp("2020-02-01", tz="UTC"), pd.Timestamp("2030-01-01", tz="UTC")):
        before = whole if end is None else whole[whole["time"] < end]
        for count in (1, 7, 512, 5000):
            wanted = before.groupby("symbol", observed=True).tail(count).reset_index(drop=True)
            pd.testing.assert_frame_equal(source.recent(count, end), wanted)


def test_recent_bars_are_found_across_a_long_hole(store: CandleStore) -> None:
    bars = make_bars(400, symbol="A")
    hole = np.where(np.arange(400) < 200, np.timedelta64(0, "h"), np.timedelta64(24 * 365 * 9, "h"))
    import_panel(Panel((replace(bars, time=bars.time + hole),)), store)
    source = StoreSource(store.address.url)
    source.store = store
    assert source.recent(250)["close"].tolist() == bars.close[150:].tolist()
    assert source.recent(250, pd.Timestamp("2025-01-01", tz="UTC"))["close"].tolist() == bars.close[:200].tolist()
    assert not len(source.recent(5, pd.Timestamp("1999-01-01", tz="UTC")))


def test_a_count_below_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="count must be at least 1, got 0"):
        StoreSource(str(tmp_path / "x.duckdb")).recent(0)


def test_the_fingerprint_changes_with_the_candles_and_only_then(store: CandleStore, source: StoreSource) -> None:
    bars = make_bars(1000, seed=1, symbol="A")
    before = source.fingerprint()
    import_panel(Panel((bars,)), store)
    assert source.fingerprint() == before
    close = bars.close.copy()
    close[3] = bars.low[3]
    import_panel(Panel((replace(bars, close=close),)), store)
    other = source.fingerprint()
    assert other != before
    import_panel(Panel((bars,)), store)
    assert source.fingerprint() == before
    import_panel(Panel((make_bars(10, symbol="C"),)), store)
    assert source.fingerprint() not in (before, other)


def test_a_mistyped_symbol_is_told_with_the_nearest(store: CandleStore) -> None:
    import_panel(Panel((make_bars(10, symbol="EURUSD"),)), store)
    source = StoreSource(store.address.url, ["EURUDS"])
    source.store = store
    with pytest.raises(DataError, match="no symbol 'EURUDS'; did you mean 'EURUSD'"):
        source.history()


def test_one_of_several_intervals_has_to_be_chosen(store: CandleStore) -> None:
    hourly, fast = make_bars(60, symbol="A"), make_bars(60, symbol="A", minutes=5)
    for bars in (hourly, fast):
        import_panel(Panel((bars,)), store)
    source = StoreSource(store.address.url)
    source.store = store
    with pytest.raises(ConfigError, match=r"one of the intervals 1h, 5min is wanted; say data\.interval=1h"):
        source.history()
    source = StoreSource(store.address.url, interval="300s")
    source.store = store
    assert load(source, QualityPolicy())[0].members[0].content == fast.content
    source = StoreSource(store.address.url, interval="1D")
    source.store = store
    with pytest.raises(DataError, match="no candles of 'A' at interval 1D; there are 1h, 5min"):
        source.history()


def test_an_empty_store_says_that_it_is_empty(store: CandleStore) -> None:
    store.run(lambda session: None, write=True)
    source = StoreSource(store.address.url)
    source.store = store
    with pytest.raises(DataError, match="no candles"):
        source.history()


def test_symbols_with_and_without_a_calendar_are_not_mixed(tmp_path: Path) -> None:
    store = CandleStore(str(tmp_path / "x.duckdb"))
    import_panel(Panel((make_bars(10, symbol="A"),)), store)
    import_panel(Panel((replace(make_bars(10, symbol="B"), calendar=False),)), store)
    with pytest.raises(DataError, match="some symbols have a calendar and some an order only"):
        StoreSource(store.address.url).history()
    assert StoreSource(store.address.url, ["B"]).calendar is False


def test_the_config_builds_a_source(tmp_path: Path) -> None:
    url = str(tmp_path / "x.duckdb")
    bars = make_bars(50, symbol="EUR USD")
    import_panel(Panel((bars,)), CandleStore(url))
    config = compose(["data=store", f"data.url={url}", "data.symbols=['EUR USD']", "data.retry=inference"])
    assert load(build(config.data), QualityPolicy())[0].members[0].content == bars.content


# Only what is needed


def many(count: int) -> Panel:
    return Panel((make_bars(count, seed=1, symbol="A", minutes=1), make_bars(count, seed=2, symbol="B", minutes=1)))


class Explained:
    """A DuckDB connection that also explains each query which is read from it."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.scans: list[dict[str, Any]] = []

    def sql(self, query: str, params: list[Any]) -> Any:
        ((_, text),) = self.engine.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", params).fetchall()
        operators = json.loads(text)["operator"]
        while operators:
            self.scans += [each for each in operators if each["type"] == "TABLE_SCAN"]
            operators = operators[0].get("children", [])
        return self.engine.sql(query, params=params)


def test_recent_bars_of_a_duckdb_file_are_read_without_the_rest(tmp_path: Path) -> None:
    store = CandleStore(str(tmp_path / "x.duckdb"))
    import_panel(many(500_000), store)

    def work(session: Any) -> list[dict[str, Any]]:
        session._engine = explained = Explained(session._engine)
        assert len(session.recent(series, 512)) == 512
        return explained.scans

    series = store.catalogue()[0]
    (scan,) = store.run(work)
    assert scan["total_row_groups_to_scan"] >= 8
    assert scan["row_groups_scanned"] <= 2, "the parts of the table that hold other times are skipped"


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_recent_bars_of_a_database_come_from_the_end_of_its_index(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    from tests.data.store.conftest import PASSWORD_ENV, close

    url = f"sqlite:///{tmp_path / 'x'}" if kind == "sqlite" else request.getfixturevalue("server").database()
    store = CandleStore(url, PASSWORD_ENV, "off")
    import_panel(many(20_000), store)
    plan: list[str] = []

    def explained(session: Any) -> None:
        from sqlalchemy import event

        explain = "EXPLAIN QUERY PLAN " if kind == "sqlite" else "EXPLAIN (ANALYZE, BUFFERS) "
        connection = session.connection
        queries: list[tuple[str, object]] = []
        event.listen(connection, "before_cursor_execute", lambda *words: queries.append((words[2], words[3])))
        session.recent(store_series, 512)
        for query, parameters in list(queries):
            plan.extend(str(row) for row in connection.exec_driver_sql(explain + query, parameters).fetchall())

    store_series = store.catalogue()[0]
    store.run(explained)
    close(store)
    text = "\n".join(plan)
    assert ("USING PRIMARY KEY" if kind == "sqlite" else "Index Scan Backward using candles_pkey") in text


def test_recent_bars_take_a_fraction_of_the_memory(tmp_path: Path) -> None:
    store = CandleStore(str(tmp_path / "x.duckdb"))
    import_panel(many(100_000), store)
    source = StoreSource(store.address.url, ["A"])
    peaks = []
    for read in (source.history, lambda: source.recent(512)):
        read()
        tracemalloc.start()
        read()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 0.05 * peaks[0]
