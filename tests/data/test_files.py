"""Files: columns, clocks, labels and everything that can be wrong with a file."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecastle.data.bars import PRICES
from forecastle.data.files import CsvSource, FileSource, ParquetSource
from forecastle.data.format import TextFormat
from forecastle.data.inspection import inspect
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.errors import ConfigError, DataError

CSV = """time,open,high,low,close,volume
2020-01-06,1.0,1.2,0.9,1.1,10
2020-01-07,1.1,1.3,1.0,1.2,20
2020-01-08,1.2,1.4,1.1,1.3,30
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "EURUSD.daily.csv").write_text(CSV)
    return tmp_path / "EURUSD.daily.csv"


def written(folder: Path, text: str, name: str = "prices.csv") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def times(table: pd.DataFrame) -> list[str]:
    return [moment.strftime("%Y-%m-%dT%H:%M") for moment in table["time"]]


def test_a_plain_file_is_read_without_a_mapping(path: Path) -> None:
    table = CsvSource(str(path), timezone="UTC").history()
    assert list(table.columns) == ["symbol", "time", "open", "high", "low", "close", "volume"]
    assert table["symbol"].tolist() == ["EURUSD"] * 3
    assert times(table) == ["2020-01-06T00:00", "2020-01-07T00:00", "2020-01-08T00:00"]
    assert table["close"].tolist() == [1.1, 1.2, 1.3]
    assert table["volume"].tolist() == [10, 20, 30]


def test_csv_gzipped_csv_and_parquet_give_equal_tables(path: Path, tmp_path: Path) -> None:
    (tmp_path / "EURUSD.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    pd.read_csv(path, parse_dates=["time"]).astype({"volume": float}).to_parquet(tmp_path / "EURUSD.parquet")
    plain = CsvSource(str(path), timezone="UTC").history()
    for source in (CsvSource, ParquetSource):
        other = source(str(tmp_path / f"EURUSD.{'csv.gz' if source is CsvSource else 'parquet'}"), timezone="UTC")
        pd.testing.assert_frame_equal(other.history(), plain)


def test_a_parquet_file_whose_times_are_its_index_is_read(path: Path, tmp_path: Path) -> None:
    pd.read_csv(path, parse_dates=["time"]).set_index("time").to_parquet(tmp_path / "x.parquet")
    assert times(ParquetSource(str(tmp_path / "x.parquet"), timezone="UTC").history())[0] == "2020-01-06T00:00"


def test_columns_are_mapped_and_found_whatever_their_case(tmp_path: Path) -> None:
    text = "\ufeffDate;bid;Ask;HIGH;Low;Close;Tick_Volume\n2020-01-06;1;2;3;4;5;6\n2020-01-07;1;2;3;4;5;6\n"
    source = CsvSource(written(tmp_path, text), columns={"open": "bid", "close": None}, timezone="UTC", symbol="X")
    row = source.history().iloc[0]
    assert (row["open"], row["high"], row["low"], row["close"], row["volume"], row["symbol"]) == (1, 3, 4, 5, 6, "X")


def test_volume_can_be_left_out_and_a_close_can_stand_for_all_prices(path: Path) -> None:
    columns = {"open": "close", "high": "close", "low": "close", "volume": ""}
    table = CsvSource(str(path), columns=columns, timezone="UTC").history()
    assert "volume" not in table
    assert table["open"].tolist() == table["low"].tolist() == [1.1, 1.2, 1.3]


def test_date_and_time_of_day_may_stand_in_two_columns(tmp_path: Path) -> None:
    header = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\n"
    text = header + "2020.01.06\t00:00:00\t1\t1\t1\t1\n2020.07.06\t01:00:00\t1\t1\t1\t1\n"
    source = CsvSource(
        written(tmp_path, text),
        columns={"time": ["<DATE>", "<TIME>"]},
        timezone="Europe/Helsinki",
        format=TextFormat("%Y.%m.%d %H:%M:%S"),
    )
    assert times(source.history()) == ["2020-01-05T22:00", "2020-07-05T22:00"]


def test_close_labels_become_open_times(tmp_path: Path) -> None:
    text = "time,open,high,low,close\n" + "".join(f"2020-01-06 {hour:02}:00,1,1,1,1\n" for hour in (1, 2, 3, 5))
    file = written(tmp_path, text)
    derived = CsvSource(file, timezone="UTC", label="close").history()
    assert times(derived) == [f"2020-01-06T{hour:02}:00" for hour in (0, 1, 2, 4)]
    pd.testing.assert_frame_equal(CsvSource(file, timezone="UTC", label="close", interval="1h").history(), derived)


def test_a_close_labelled_file_of_one_row_needs_an_interval(tmp_path: Path) -> None:
    file = written(tmp_path, "time,open,high,low,close\n2020-01-06 01:00,1,1,1,1\n")
    with pytest.raises(DataError, match=r"too few rows to derive the interval; say data\.interval=1h"):
        CsvSource(file, timezone="UTC", label="close").history()
    assert times(CsvSource(file, timezone="UTC", label="close", interval="1h").history()) == ["2020-01-06T00:00"]


MANY = "ticker,ts,open,high,low,close\n" + "".join(
    f"{symbol},2020-01-0{day}T00:00:00Z,1,1,1,{day}\n" for day in (6, 7, 8) for symbol in ("EURUSD", "NA", "GBPUSD")
)


def test_symbols_are_kept_by_list_with_the_row_numbers_of_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, MANY)
    assert sorted(CsvSource(file).history()["symbol"].unique()) == ["EURUSD", "GBPUSD", "NA"]
    kept = CsvSource(file, symbols=["NA"]).history()
    assert kept["symbol"].astype(str).tolist() == ["NA"] * 3
    assert kept.index.tolist() == [1, 4, 7]


def test_an_unknown_symbol_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no symbol 'EURUDS'; did you mean 'EURUSD'\?"):
        CsvSource(written(tmp_path, MANY), symbols=["EURUDS"]).history()
    with pytest.raises(DataError, match=r"no symbol 'XXX'; there are EURUSD, GBPUSD, NA"):
        CsvSource(written(tmp_path, MANY), symbols=["XXX"]).history()


def test_a_name_for_a_file_that_names_its_symbols_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is a symbol column 'ticker'; say data\.symbols=\[EURUSD\]"):
        CsvSource(written(tmp_path, MANY), symbol="EURUSD").history()


def test_numbers_as_symbols_keep_their_leading_zeros(tmp_path: Path) -> None:
    text = "symbol,time,open,high,low,close\n000001,2020-01-06,1,1,1,1\n000002,2020-01-06,1,1,1,1\n"
    assert CsvSource(written(tmp_path, text), timezone="UTC").history()["symbol"].tolist() == ["000001", "000002"]


def test_history_is_cut_at_open_times_and_recent_is_its_tail(path: Path) -> None:
    source = CsvSource(str(path), timezone="UTC")
    start, end = pd.Timestamp("2020-01-07", tz="UTC"), pd.Timestamp("2020-01-08", tz="UTC")
    assert times(source.history(start, end)) == ["2020-01-07T00:00"]
    assert times(source.recent(2)) == ["2020-01-07T00:00", "2020-01-08T00:00"]
    assert times(source.recent(1, end)) == ["2020-01-07T00:00"]
    with pytest.raises(ConfigError, match="count must be at least 1, got 0"):
        source.recent(0)


def test_recent_takes_the_newest_of_each_symbol_of_an_unsorted_file(tmp_path: Path) -> None:
    header, *rows = MANY.splitlines()
    source = CsvSource(written(tmp_path, "\n".join([header, *reversed(rows)]) + "\n"))
    assert source.recent(2).groupby("symbol", observed=True)["close"].apply(sorted).tolist() == [[7.0, 8.0]] * 3


def test_a_text_in_a_price_column_reaches_the_quality_policy_as_it_stands(tmp_path: Path) -> None:
    table = CsvSource(written(tmp_path, CSV.replace("1.3,30", "n.a.,30")), timezone="UTC").history()
    assert table["close"].tolist() == ["1.1", "1.2", "n.a."]
    assert times(table)[2] == "2020-01-08T00:00"


def test_an_unreadable_time_keeps_its_row_and_its_text(tmp_path: Path) -> None:
    table = CsvSource(written(tmp_path, CSV.replace("2020-01-07", "07.01.2020")), timezone="UTC").history()
    assert table["time"].isna().tolist() == [False, True, False]
    assert table["stamp"].iloc[1] == "07.01.2020"


def test_rows_without_a_time_are_not_cut_away(tmp_path: Path) -> None:
    source = CsvSource(written(tmp_path, CSV.replace("2020-01-07", "")), timezone="UTC")
    assert len(source.history(start=pd.Timestamp("2020-01-08", tz="UTC"))) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("time,open,high,low,close\n", "no rows"),
        (CSV.replace("close", "clsoe"), r"no column 'close' for close, there are time, .*; did you mean 'clsoe'\?"),
        (CSV.replace("time,", "when,"), r"no column 'time' for time, there are when, .*\(data\.columns\.time\)"),
        (
            CSV.replace("time,", "time,date,"),
            r"columns \['time', 'date'\] could each be the time; say data.columns.time=",
        ),
        (CSV.replace("volume", "Close"), r"columns \['close', 'Close'\] could each be the close"),
        (CSV + "2020-01-09,1\n", "cannot be read as CSV: Expected 6 columns, got 2"),
        (CSV.replace("volume", "close"), r"columns \['close', 'close'\] could each be the close"),
    ],
)
def test_a_file_that_cannot_be_is_told_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message) as caught:
        CsvSource(written(tmp_path, text), timezone="UTC").history()
    assert "\n" not in str(caught.value)
    assert "prices.csv" in str(caught.value)


def test_a_mapping_to_a_column_that_is_not_there_names_the_nearest(path: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'bid_close' for close, there are time, .*\(data\.columns\.close\)"):
        CsvSource(str(path), columns={"close": "bid_close"}, timezone="UTC").history()


def test_a_naive_time_without_a_zone_says_what_to_write(path: Path) -> None:
    with pytest.raises(DataError, match=r"carry no zone; say which clock they follow, e\.g\. data\.timezone=UTC"):
        CsvSource(str(path)).history()


@pytest.mark.parametrize("source", [CsvSource, ParquetSource])
def test_a_missing_file_names_the_nearest(source: type[FileSource], path: Path) -> None:
    wanted = str(path).replace("daily", "dayly")
    with pytest.raises(DataError, match=r"no such file: .*dayly.csv \(data\.path\); did you mean 'EURUSD.daily.csv'"):
        source(wanted, timezone="UTC").history()
    with pytest.raises(DataError, match="no such file"):
        source(wanted, timezone="UTC").fingerprint()
    with pytest.raises(DataError, match="no such file"):
        source("/nowhere/at/all.csv").history()
    with pytest.raises(DataError, match="no such file"):
        source(str(path.parent)).history()


def test_broken_parquet_and_broken_gzip_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 this is none")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        ParquetSource(str(tmp_path / "x.parquet"), timezone="UTC").history()
    (tmp_path / "empty.parquet").write_bytes(b"")
    with pytest.raises(DataError, match="the file is empty"):
        ParquetSource(str(tmp_path / "empty.parquet"), timezone="UTC").history()
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(CSV.encode() * 100)[:60])
    with pytest.raises(DataError, match="cannot be read: Truncated compressed stream"):
        CsvSource(str(tmp_path / "x.csv.gz"), timezone="UTC").history()


def test_what_pandas_wrote_beside_the_columns_of_a_parquet_file_may_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "X.parquet"
    days = pa.array(range(5), pa.int64()).cast(pa.timestamp("s", "UTC"))
    table = pa.table({"time": days, **dict.fromkeys(PRICES, [1.0] * 5)})
    pq.write_table(table.replace_schema_metadata({"pandas": '{"columns": ['}), path)
    assert len(ParquetSource(str(path)).history()) == 5
    assert inspect(path).dialect == "parquet"


def test_nested_parquet_columns_and_odd_types_are_left_to_the_quality_policy(tmp_path: Path) -> None:
    columns: dict[str, Any] = {name: [[1.0], [2.0]] for name in ("open", "high", "low", "close")}
    table = pa.table({"time": pa.array([0, 86_400_000_000], pa.timestamp("us", "UTC")), **columns})
    pq.write_table(table, tmp_path / "x.parquet")
    assert len(ParquetSource(str(tmp_path / "x.parquet")).history()) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label": "clsoe"}, r"label must be open or close, got 'clsoe'; did you mean 'close'\?"),
        ({"columns": {"opne": "x"}}, r"columns may name time, .*, got 'opne'; did you mean 'open'\?"),
        ({"columns": {"symbol": ["a", "b"]}}, r"columns\.symbol must name one column, got \['a', 'b'\]"),
        ({"timezone": "Mars/Phobos"}, "timezone must be a name such as UTC or Europe/Helsinki, got 'Mars/Phobos'"),
        ({"interval": "often"}, "interval must be a positive length of time"),
        ({"symbols": []}, "symbols must name at least one symbol"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_is_read(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CsvSource("prices.csv", **settings)


def test_the_fingerprint_changes_with_the_file_and_the_settings(path: Path) -> None:
    before = CsvSource(str(path), timezone="UTC").fingerprint()
    assert CsvSource(str(path), timezone="UTC").fingerprint() == before
    assert CsvSource(str(path), timezone="Europe/Helsinki").fingerprint() != before
    path.write_text(CSV + "2020-01-09,1,1,1,1,1\n")
    assert CsvSource(str(path), timezone="UTC").fingerprint() != before


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(CSV.encode() + b"\xff,1,1,1,1,1\n")
    with pytest.raises(DataError, match="column 'time' holds bytes that are no text"):
        CsvSource(str(tmp_path / "x.csv"), timezone="UTC").history()
    columns: dict[str, Any] = {price: [1.0] for price in PRICES}
    pq.write_table(pa.table({"time": pa.array([b"\xff"], pa.binary()), **columns}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="column 'time' holds bytes that are no text"):
        ParquetSource(str(tmp_path / "x.parquet")).history()


def test_the_fingerprint_changes_with_every_file_of_a_pattern(path: Path, tmp_path: Path) -> None:
    source = CsvSource(str(tmp_path / "*.csv"), timezone="UTC", symbol="{symbol}.*")
    before = source.fingerprint()
    (tmp_path / "GBPUSD.x.csv").write_text(CSV)
    assert source.fingerprint() != before
    assert source.history()["symbol"].astype(str).tolist() == ["EURUSD", "GBPUSD"] * 3


def test_a_row_of_many_files_is_shown_with_its_file(tmp_path: Path) -> None:
    written(tmp_path, CSV, "A_1.csv")
    written(tmp_path, CSV.replace("2020-01-0", "2020-02-0").replace("1.3,30", "x,30"), "A_2.csv")
    source = CsvSource(str(tmp_path / "A_*.csv"), timezone="UTC", symbol="A")
    table = source.history()
    assert table["row"].tolist() == [1, 2, 3] * 2
    with pytest.raises(DataError, match=r"1 x text: .*first: row 3, file .*A_2\.csv, time 2020-02-08"):
        load(source, QualityPolicy())


def test_an_overlap_of_files_is_a_duplicate_for_the_policy(tmp_path: Path) -> None:
    written(tmp_path, CSV, "A_1.csv")
    header, _, second, third = CSV.splitlines(keepends=True)
    corrected = second.replace("1.2,20", "1.25,20")
    written(tmp_path, header + corrected + third + third.replace("08", "09"), "A_2.csv")
    source = CsvSource(str(tmp_path / "A_*.csv"), timezone="UTC", symbol="A")
    with pytest.raises(DataError, match="2 x duplicate"):
        load(source, QualityPolicy())
    for policy, close in (("drop", 1.2), ("repair", 1.25)):
        bars = load(source, QualityPolicy(duplicates=policy))[0].members[0]
        assert (len(bars), bars.close[1]) == (4, close)


def test_both_sides_of_one_file_give_mid_prices_and_the_spread_at_the_close(tmp_path: Path) -> None:
    sides = [f"{side}_{price}" for side in ("bid", "ask") for price in ("open", "high", "low", "close")]
    text = f"time,{','.join(sides)}\n" + "2020-01-06,1,2,0.5,1.5,1.25,2.25,0.75,2\n2020-01-07,1,1,1,1,2,2,2,0.5\n"
    pairs = {price: [f"bid_{price}", f"ask_{price}"] for price in ("open", "high", "low", "close")}
    source = CsvSource(written(tmp_path, text), columns=pairs, timezone="UTC")
    table = source.history()
    assert table.loc[0, ["open", "high", "low", "close", "spread"]].tolist() == [1.125, 2.125, 0.625, 1.75, 0.5]
    with pytest.raises(DataError, match=r"1 x crossed: an ask below the bid.*spread -0\.5\)"):
        load(source, QualityPolicy())


def test_a_spread_is_only_read_where_it_is_named(tmp_path: Path) -> None:
    text = "time,open,high,low,close,spread\n2020-01-06,100000,100010,99990,100005,12\n"
    file = written(tmp_path, text)
    assert "spread" not in CsvSource(file, timezone="UTC").history()
    scaled = CsvSource(file, {"spread": "spread"}, "UTC", format=TextFormat(scale=0.00001))
    assert scaled.history().loc[0, ["close", "spread"]].tolist() == [1.00005, 0.00012]
    pointed = CsvSource(file, {"spread": "spread"}, "UTC", format=TextFormat(point=0.1))
    assert pointed.history().loc[0, ["close", "spread"]].tolist() == [100005, 1.2]


def test_decimal_commas_are_read_with_a_text_among_them(tmp_path: Path) -> None:
    text = "time;open;high;low;close\n2020-01-06;1,5;1,5;1,5;1,5\n"
    decimal = TextFormat(decimal=",")
    assert CsvSource(written(tmp_path, text), timezone="UTC", format=decimal).history()["close"].tolist() == [1.5]
    dirty = CsvSource(written(tmp_path, text + "2020-01-07;1,5;1,5;1,5;x\n"), timezone="UTC", format=decimal).history()
    assert dirty["open"].tolist() == ["1.5", "1.5"]
    assert dirty["close"].tolist() == ["1.5", "x"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": 0}, "format.scale must be a number above zero, got 0"),
        ({"point": {"EURUSD": -1}}, "format.point must be a number above zero, got -1"),
        ({"separator": ", "}, "format.separator must be one character"),
        ({"decimal": ";"}, "format.decimal must be '.' or ','"),
        ({"separator": ",", "decimal": ","}, "format.separator and format.decimal must differ"),
        ({"names": ["a", "a"]}, "format.names must be one or more different names"),
    ],
)
def test_a_format_that_cannot_be_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        TextFormat(**settings)


@pytest.mark.parametrize(
    ("path", "columns", "message"),
    [
        ({"bid": "???"}, {}, "path.bid must be given"),
        ({"ask": "a.csv"}, {}, "path.bid must be given"),
        ({"bdi": "a.csv"}, {}, "path may name bid and ask, got 'bdi'; did you mean 'bid'?"),
        ("a.csv", {"close": ["a", "b"]}, "columns must name bid and ask for all four prices or for none"),
        ("a.csv", {"volume": ["a", "b", "c"]}, "columns.volume must name one column, or those of bid and ask"),
        ("a.csv", {price: ["a", "b"] for price in PRICES} | {"spread": "c"}, "columns.spread must be null"),
    ],
)
def test_sides_that_cannot_be_are_refused(path: Any, columns: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        CsvSource(path, columns)


def test_numbers_since_1970_are_told_apart_by_their_size(tmp_path: Path) -> None:
    stamps = (1577836800, 1577836800_000, 1577836800_000_000, 1577836800_000_000_123, 5, -1577836800)
    rows = "".join(f"{stamp},1,1,1,1\n" for stamp in stamps)
    file = written(tmp_path, "time,open,high,low,close\n" + rows)
    table = CsvSource(file, format=TextFormat("epoch")).history()
    assert table["time"].isna().tolist() == [False] * 4 + [True] * 2
    assert table["time"].dropna().unique().tolist() == [pd.Timestamp("2020-01-01", tz="UTC")]
