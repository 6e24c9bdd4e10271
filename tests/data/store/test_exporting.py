from __future__ import annotations

from pathlib import Path

import pytest
from tests.conftest import make_bars

from forecastle.data.bars import Panel
from forecastle.data.files import CsvSource, ParquetSource
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.data.store.candle_store import CandleStore
from forecastle.data.store.exporting import export_series
from forecastle.data.store.importing import import_panel
from forecastle.errors import ConfigError, DataError

NAME = "EUR \"USD\", 'ü'"


@pytest.fixture
def filled(store: CandleStore, monkeypatch: pytest.MonkeyPatch) -> CandleStore:
    monkeypatch.setattr("forecastle.data.store.sql.CHUNK", 60)
    monkeypatch.setattr("forecastle.data.store.duck.STRETCH", 60)
    import_panel(Panel((make_bars(200, symbol=NAME), make_bars(10, symbol="other"))), store)
    return store


@pytest.mark.parametrize("suffix", ["parquet", "csv", "csv.gz"])
def test_an_exported_file_is_read_back_bit_for_bit(filled: CandleStore, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / "folder" / f"bars.{suffix}"
    assert export_series(filled, NAME, file) == 200
    source = (ParquetSource if suffix == "parquet" else CsvSource)(str(file))
    panel, _ = load(source, QualityPolicy())
    assert panel.members[0].content == make_bars(200, symbol=NAME).content
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_stretch_of_time_is_exported(filled: CandleStore, tmp_path: Path) -> None:
    file = tmp_path / "bars.parquet"
    assert export_series(filled, NAME, file, start="2020-01-02", end="2020-01-03") == 24
    bars = load(ParquetSource(str(file)), QualityPolicy())[0].members[0]
    assert bars.content == make_bars(200, symbol=NAME)[24:48].content


def test_nothing_is_written_where_there_is_nothing(filled: CandleStore, tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"
    file.write_text("kept")
    with pytest.raises(DataError, match="has no candles between 2021-01-01 and None"):
        export_series(filled, NAME, file, start="2021-01-01")
    with pytest.raises(DataError, match="no symbol 'othr'; did you mean 'other'"):
        export_series(filled, "othr", file)
    with pytest.raises(ConfigError, match=r"a file that ends in .parquet, .csv, .csv.gz is wanted, got 'bars.xlsx'"):
        export_series(filled, NAME, tmp_path / "bars.xlsx")
    assert file.read_text() == "kept"
    assert not list(tmp_path.glob("*.partial"))
