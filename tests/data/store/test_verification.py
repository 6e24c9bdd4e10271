from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from tests.conftest import make_bars

from forecastle.data.bars import Panel
from forecastle.data.store import sql
from forecastle.data.store.candle_store import CandleStore
from forecastle.data.store.importing import import_panel
from forecastle.data.store.verification import verify


@pytest.fixture
def filled(store: CandleStore) -> CandleStore:
    import_panel(Panel((make_bars(300, seed=1, symbol="A"), make_bars(200, seed=2, symbol="B"))), store)
    return store


def change(store: CandleStore, statement: str) -> None:
    """Do what another program might, behind the store's back."""
    if store.address.file is not None:
        with duckdb.connect(str(store.address.file)) as connection:
            connection.execute(statement)
        return
    number = "timestamptz 'epoch' + interval '1 microsecond' *" if store.address.url.startswith("postgresql") else ""
    with store._backend.engine.begin() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql(statement.replace("make_timestamp", number))


def faults(store: CandleStore) -> dict[str, str]:
    return {verdict.series.symbol: "; ".join(verdict.faults) for verdict in verify(store)}


def test_what_was_imported_is_found_whole(filled: CandleStore) -> None:
    assert faults(filled) == {"A": "", "B": ""}


def test_a_changed_value_is_found(filled: CandleStore) -> None:
    change(
        filled, "UPDATE candles SET volume = volume + 1 WHERE symbol = 'A' AND time = make_timestamp(1577840400000000)"
    )
    found = faults(filled)
    assert found["B"] == ""
    assert found["A"].startswith("checksum ")
    assert "written down by its imports" in found["A"]


def test_a_missing_bar_is_found(filled: CandleStore) -> None:
    change(filled, "DELETE FROM candles WHERE symbol = 'B' AND time = make_timestamp(1577836800000000)")
    found = faults(filled)
    assert found["A"] == ""
    assert found["B"].startswith("number of candles 199 found, 200 written down by its imports; first 2020-01-01T01:00")


def test_a_bar_from_elsewhere_is_found(filled: CandleStore) -> None:
    row = "('A', '1h', make_timestamp(1577836800000001), 1, 1, 1, 1, 1, NULL)"
    change(filled, f"INSERT INTO candles VALUES {row}")
    assert faults(filled)["A"].startswith("number of candles 301 found, 300 written down")
    change(filled, "INSERT INTO candles VALUES ('A', '1h', make_timestamp(1677836800000001), 1, 1, 1, 1, 1, NULL)")
    assert "last 2023-03-03T09:46:40.000001Z found" in faults(filled)["A"]


@pytest.mark.parametrize(
    ("setting", "kind"),
    [("high = low / 2", "ohlc"), ("open = -1", "non_positive"), ("volume = NULL", "missing")],
)
def test_a_value_that_no_bar_can_have_is_found(filled: CandleStore, setting: str, kind: str) -> None:
    change(filled, f"UPDATE candles SET {setting} WHERE symbol = 'A' AND time = make_timestamp(1577840400000000)")
    assert f"1 x {kind}" in faults(filled)["A"]


def test_two_candles_of_one_time_are_found_where_the_key_is_lost(tmp_path: Path) -> None:
    store = CandleStore(str(tmp_path / "x.duckdb"))
    import_panel(Panel((make_bars(50, symbol="A"),)), store)
    change(store, "CREATE TABLE other AS FROM candles")
    change(store, "DROP TABLE candles")
    change(store, "ALTER TABLE other RENAME TO candles")
    assert faults(store) == {"A": ""}
    change(store, "INSERT INTO candles FROM candles LIMIT 1")
    assert faults(store) == {"A": "A 1h: the store is damaged: two candles have one open time"}


def test_parts_that_are_read_one_after_the_other_are_checked_as_a_whole(
    filled: CandleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "CHUNK", 7)
    monkeypatch.setattr("forecastle.data.store.duck.STRETCH", 7)
    assert faults(filled) == {"A": "", "B": ""}
