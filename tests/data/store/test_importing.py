from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import make_bars
from tests.data.store.conftest import PASSWORD_ENV

from forecastle.data.bars import Bars, Panel
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.data.store import importing
from forecastle.data.store.candle_store import CandleStore
from forecastle.data.store.importing import Imported, import_panel
from forecastle.data.store.series import joined
from forecastle.data.store.source import StoreSource
from forecastle.data.store.verification import verify
from forecastle.errors import ConfigError, DataError

NAMES = ('O\'Brien "quoted"', "EUR/USD; DROP TABLE candles --", "Öl  ünd 黄金", "%s :symbol $1 ?", "a\\b", "NULL")


def counts(done: list[Imported]) -> list[tuple[int, int, int]]:
    return [(each.added, each.corrected, each.unchanged) for each in done]


def stored(store: CandleStore, symbol: str | None = None) -> Panel:
    source = StoreSource(store.address.url, None if symbol is None else [symbol])
    source.store = store
    return load(source, QualityPolicy())[0]


def corrected(bars: Bars, row: int) -> Bars:
    """The bars with another close in one row, inside its high and low."""
    close = bars.close.copy()
    close[row] = (bars.high[row] + bars.low[row]) / 2
    return replace(bars, close=close)


def test_bars_come_back_bit_for_bit(store: CandleStore) -> None:
    first = make_bars(700, seed=1, symbol="A")
    spread = np.abs(np.random.default_rng(5).normal(0, 1e-4, 700))
    panel = Panel((first, replace(make_bars(300, seed=2, symbol="B"), spread=None)))
    assert counts(import_panel(panel, store)) == [(700, 0, 0), (300, 0, 0)]
    assert stored(store).content == panel.content
    alone = Panel((replace(first, symbol="C", volume=None, spread=spread),))
    import_panel(alone, store)
    assert stored(store, "C").content == alone.content


def test_names_with_quotes_spaces_and_unicode_are_names(store: CandleStore) -> None:
    panel = Panel(tuple(make_bars(60, seed=number, symbol=name) for number, name in enumerate(NAMES)))
    import_panel(panel, store)
    assert [series.symbol for series in store.catalogue()] == sorted(NAMES)
    for bars in panel:
        assert stored(store, bars.symbol).members[0].content == bars.content
    assert not any(verdict.faults for verdict in verify(store))


def test_importing_again_changes_nothing(store: CandleStore) -> None:
    panel = Panel((make_bars(500, symbol="A"),))
    import_panel(panel, store)
    before = store.catalogue()
    assert counts(import_panel(panel, store)) == [(0, 0, 500)]
    assert store.catalogue() == before


def test_parts_in_any_order_make_the_whole(store: CandleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", 70)
    bars = make_bars(1000, symbol="A")
    done = [import_panel(Panel((bars[part],)), store) for part in (slice(600, 900), slice(100, 300), slice(250, 700))]
    assert [counts(each)[0] for each in done] == [(300, 0, 0), (200, 0, 0), (300, 0, 150)]
    import_panel(Panel((bars[::2],)), store)
    assert counts(import_panel(Panel((bars,)), store)) == [(100, 0, 900)]
    assert stored(store).members[0].content == bars.content
    (series,) = store.catalogue()
    (whole,) = importing.import_panel(Panel((replace(bars, symbol="B"),)), store)
    assert whole.series.checksum == series.checksum, "the order of the imports does not matter"
    assert not any(verdict.faults for verdict in verify(store))


def test_a_correction_is_counted_and_applied(store: CandleStore) -> None:
    bars = make_bars(400, symbol="A")
    import_panel(Panel((bars,)), store)
    before = store.catalogue()
    other = corrected(corrected(bars, 7), 399)
    assert counts(import_panel(Panel((other,)), store)) == [(0, 2, 398)]
    assert stored(store).members[0].content == other.content
    assert store.catalogue() != before
    assert not any(verdict.faults for verdict in verify(store))
    assert counts(import_panel(Panel((bars,)), store)) == [(0, 2, 398)]
    assert store.catalogue() == before, "the same content has the same checksum again"


def test_a_refused_correction_imports_nothing(store: CandleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", 50)
    bars = make_bars(400, symbol="B")
    import_panel(Panel((bars[:300],)), store)
    before = store.catalogue()
    given = Panel((make_bars(60, symbol="A"), corrected(corrected(bars, 7), 220)))
    with pytest.raises(
        DataError, match=r"^B 1h: 2 bars differ from the stored candles \(first: 2020-01-01T07:00"
    ) as told:
        import_panel(given, store, corrections="refuse")
    assert "\n" not in str(told.value)
    assert store.catalogue() == before
    assert stored(store).members[0].content == bars[:300].content


def test_bars_with_other_columns_are_refused(store: CandleStore) -> None:
    import_panel(Panel((make_bars(60, symbol="A"),)), store)
    with pytest.raises(
        DataError, match="A 1h: the store holds columns open high low close volume, the given bars have"
    ):
        import_panel(Panel((make_bars(60, symbol="A", volume=False),)), store)
    with pytest.raises(DataError, match="A 1h: the store holds calendar True"):
        import_panel(Panel((replace(make_bars(60, symbol="A"), calendar=False),)), store)


def test_another_interval_is_another_series(store: CandleStore) -> None:
    import_panel(Panel((make_bars(60, symbol="A"),)), store)
    import_panel(Panel((make_bars(60, symbol="A", minutes=5),)), store)
    assert [(series.symbol, series.interval) for series in store.catalogue()] == [("A", "1h"), ("A", "5min")]


@pytest.mark.parametrize("name", ["", "a\0b", "a\nb", "x" * 256])
def test_what_can_be_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="a symbol must be 1 to 255 printable characters"):
        import_panel(Panel((make_bars(5, symbol=name),)), CandleStore(str(tmp_path / "x.duckdb")))
    assert not list(tmp_path.iterdir())


def test_a_mistyped_policy_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="corrections must be apply or refuse, got 'refuze'; did you mean 'refuse'"):
        import_panel(Panel((make_bars(5),)), CandleStore(str(tmp_path / "x.duckdb")), "refuze")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.tuples(st.lists(st.integers(0, 30), min_size=1, unique=True), st.booleans()), min_size=1, max_size=5
    )
)
def test_any_row_of_imports_leaves_the_newest_candle_of_each_time(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[list[int], bool]]
) -> None:
    store = CandleStore(str(tmp_path_factory.mktemp("store") / "x.duckdb"))
    usual = make_bars(31, symbol="A")
    model: dict[int, float] = {}
    for rows, other in parts:
        bars = usual
        for row in rows if other else ():
            bars = corrected(bars, row)
        chosen = sorted(rows)
        part = {name: getattr(bars, name)[chosen] for name in ("time", "open", "high", "low", "close", "volume")}
        (done,) = import_panel(Panel((Bars("A", bars.interval, **part),)), store)
        told = (done.added, done.corrected, done.unchanged)
        new = [row for row in rows if row not in model]
        same = [row for row in rows if model.get(row) == bars.close[row]]
        assert told == (len(new), len(rows) - len(new) - len(same), len(same))
        model |= {row: float(bars.close[row]) for row in rows}
    (series,) = store.catalogue()
    found = store.run(lambda session: joined(session.read(series), series))
    assert found.time.tolist() == usual.time[sorted(model)].tolist()
    assert found.columns["close"].tolist() == [model[row] for row in sorted(model)]
    assert not verify(store)[0].faults


KILLED = """
import os, sys, time
from forecastle.data.bars import Panel
from forecastle.data.store import importing
from forecastle.data.store.candle_store import CandleStore
from tests.conftest import make_bars

importing.CHUNK = 1000
compare, batches = importing._compare, 0

def slowly(stored, given):
    global batches
    batches += 1
    if batches == 4:
        print("in the middle", flush=True)
        time.sleep(60)
    return compare(stored, given)

importing._compare = slowly
importing.import_panel(Panel((make_bars(5000, symbol="A"),)), CandleStore(sys.argv[1], sys.argv[2], "off"))
"""


def test_a_kill_in_the_middle_leaves_the_store_as_before(store: CandleStore) -> None:
    import_panel(Panel((make_bars(5000, symbol="A")[:1500],)), store)
    before = store.catalogue()
    command = [sys.executable, "-c", KILLED, store.address.url, PASSWORD_ENV]
    repository = Path(__file__).resolve().parents[3]
    environment = os.environ | {"PYTHONPATH": str(repository)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        os.kill(process.pid, signal.SIGKILL)
    assert store.catalogue() == before
    assert not verify(store)[0].faults
    assert counts(import_panel(Panel((make_bars(5000, symbol="A"),)), store)) == [(3500, 0, 1500)]
