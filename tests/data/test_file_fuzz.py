"""Files by chance: mutated, cut and random ones give bars or one line, and no row is lost."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data import test_dialects as dialects

from forecastle.config.compose import compose
from forecastle.config.target import build
from forecastle.data.bars import PRICES
from forecastle.data.cleaning import clean
from forecastle.data.file_source import FileSource
from forecastle.data.files import CsvSource, ParquetSource
from forecastle.data.format import Format, TextFormat
from forecastle.data.quality import QualityPolicy, QualityReport
from forecastle.errors import ConfigError, DataError, ForecastleError

LENIENT = QualityPolicy("drop", "repair", "drop", "repair", "repair", "drop", gaps="repair")
ONCE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def body(dialect: str) -> dict[str, Any]:
    """The settings of a shipped choice, with what it asks for."""
    asked = {"metatrader5": ["data.format.point=0.1", "data.timezone=EET"]}.get(dialect, ["data.timezone=EET"])
    paths = ["data.path.bid=x"] if dialect == "dukascopy" else ["data.path=x"]
    return dict(compose([f"data={dialect}", *paths, *asked, "data.symbol=X"]).data)


BODIES = {
    dialect: (body(dialect), text)
    for dialect, text in {
        "metatrader4": dialects.MT4,
        "metatrader5": dialects.MT5,
        "histdata": dialects.HISTDATA,
        "dukascopy": dialects.BID,
        "yahoo": dialects.YAHOO,
        "binance": dialects.HEADER + dialects.KLINES + dialects.MICRO,
        "csv": "time,open,high,low,close,volume\n2020-01-06,1.0,1.2,0.9,1.1,10\n2020-01-07,1.1,1.3,1.0,1.2,20\n",
    }.items()
}


def conserved(table: pd.DataFrame, report: QualityReport) -> bool:
    """Every row that was read is in the bars or was reported."""
    read = sum(symbol.rows_in for symbol in report.symbols) == len(table)
    return read and all(s.rows_in + s.inserted == s.rows_out + s.dropped for s in report.symbols)


def read_or_refused(source: FileSource[Any]) -> None:
    try:
        table = source.history()
        assert conserved(table, clean(table, source, LENIENT)[1])
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017


@settings(max_examples=40, deadline=None, suppress_health_check=ONCE)
@given(data=st.data())
@pytest.mark.parametrize("dialect", BODIES)
def test_a_mutated_file_gives_bars_or_one_line(dialect: str, data: st.DataObject, tmp_path: Path) -> None:
    settings, text = BODIES[dialect]
    content = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(content)))
        piece = st.one_of(
            st.binary(max_size=4), st.sampled_from([b",", b"\n", b'"', b"\r", b"e9", b"-", b"nan", b"\xff"])
        )
        content[at : at + data.draw(st.integers(0, 5))] = data.draw(piece)
    packed = data.draw(st.booleans())
    path = tmp_path / ("X.csv.gz" if packed else "X.csv")
    path.write_bytes(gzip.compress(bytes(content)) if packed else bytes(content))
    read_or_refused(build({**settings, "path": str(path)}))


@settings(max_examples=150, deadline=None, suppress_health_check=ONCE)
@given(content=st.binary(max_size=200), name=st.sampled_from(["X.csv", "X.csv.gz", "X.zip", "X.parquet"]))
def test_random_bytes_give_one_line(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    kind = ParquetSource if name.endswith("parquet") else CsvSource
    read_or_refused(kind(str(tmp_path / name), timezone="UTC"))


@settings(max_examples=40, deadline=None, suppress_health_check=ONCE)
@given(data=st.data())
def test_mutated_parquet_gives_bars_or_one_line(data: st.DataObject, tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": pd.date_range("2020", periods=5, tz="UTC"), **dict.fromkeys(PRICES, 1.0)})
    frame.to_parquet(tmp_path / "X.parquet")
    content = bytearray((tmp_path / "X.parquet").read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(4, len(content) - 5))
        content[at] = data.draw(st.integers(0, 255))
    (tmp_path / "X.parquet").write_bytes(bytes(content))
    read_or_refused(ParquetSource(str(tmp_path / "X.parquet")))


CELLS = st.one_of(
    st.floats(0.5, 2).map(str),
    st.integers(-5, 5).map(str),
    st.text(max_size=5),
    st.sampled_from(["nan", "", "inf", "1_0"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=ONCE)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["2020-01-06", "2020-01-07", "x", ""]), *[CELLS] * 6), min_size=1, max_size=8
    ),
    scale=st.sampled_from([1.0, 0.01]),
)
def test_every_row_of_a_file_is_read(rows: list[tuple[str, ...]], scale: float, tmp_path: Path) -> None:
    names = ["time", *PRICES, "volume", "spread"]
    frame = pd.DataFrame(rows, columns=names)
    frame.to_parquet(tmp_path / "X.parquet")
    source = ParquetSource(
        str(tmp_path / "X.parquet"), {"spread": "spread"}, timezone="UTC", format=Format(scale=scale, point=0.1)
    )
    table = source.history()
    assert len(table) == len(rows)
    read_or_refused(source)


@settings(max_examples=50, deadline=None, suppress_health_check=ONCE)
@given(symbol=st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable() and text.strip() == text != ""))
def test_a_symbol_may_have_any_name(symbol: str, tmp_path: Path) -> None:
    quoted = symbol.replace('"', '""')
    text = "symbol,time,open,high,low,close\n" + "".join(f'"{quoted}",2020-01-0{day},1,1,1,1\n' for day in (6, 7))
    (tmp_path / "X.csv").write_text(text, encoding="utf-8")
    source = CsvSource(str(tmp_path / "X.csv"), timezone="UTC", symbols=[symbol])
    if symbol in ("nan", "NaN", "null"):
        return
    assert clean(source.history(), source, QualityPolicy())[0].symbols == (symbol,)
    (tmp_path / "Y.csv").write_text("time,open,high,low,close\n2020-01-06,1,1,1,1\n2020-01-07,1,1,1,1\n")
    named = CsvSource(str(tmp_path / "Y.csv"), timezone="UTC", symbol=symbol)
    assert "{symbol}" in symbol or clean(named.history(), named, QualityPolicy())[0].symbols == (symbol,)


@settings(max_examples=100, deadline=None)
@given(
    time=st.one_of(st.none(), st.text(max_size=6)),
    scale=st.one_of(st.floats(), st.dictionaries(st.text(max_size=3), st.floats(), max_size=2)),
    separator=st.one_of(st.none(), st.text(max_size=2)),
    names=st.one_of(st.none(), st.lists(st.text(max_size=3), max_size=8)),
    decimal=st.sampled_from([".", ",", ";"]),
)
def test_settings_by_chance_are_kept_or_refused_in_one_line(
    time: Any, scale: Any, separator: Any, names: Any, decimal: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "EURUSD.csv"
    path.write_text(BODIES["csv"][1])
    try:
        written = TextFormat(time, scale, None, separator, names, decimal)
        CsvSource(str(path), timezone="UTC", format=written).history()
    except ForecastleError as error:
        assert isinstance(error, ConfigError | DataError)  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017


def test_a_parquet_file_without_rows_is_told(tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": pd.date_range("2020", periods=0, tz="UTC"), **dict.fromkeys(PRICES, 1.0)})
    frame.to_parquet(tmp_path / "X.parquet")
    assert pq.read_metadata(tmp_path / "X.parquet").num_rows == 0
    with pytest.raises(DataError, match="no rows"):
        ParquetSource(str(tmp_path / "X.parquet")).history()
