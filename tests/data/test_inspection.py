"""Inspection: what a file is told to be reads it, and what it does not tell is asked for."""

from __future__ import annotations

import shlex
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data import test_dialects as dialects

from forecastle.config.compose import compose
from forecastle.config.target import build
from forecastle.data.inspection import Inspection, inspect
from forecastle.errors import ConfigError, DataError

DIALECTS = {
    "metatrader4": ("EURUSD60.csv", dialects.MT4, ("timezone",)),
    "metatrader5": ("EURUSD_H1_2020.csv", dialects.MT5, ("timezone",)),
    "histdata": ("DAT_ASCII_EURUSD_M1_2012.csv", dialects.HISTDATA, ()),
    "dukascopy": ("EURUSD_Candlestick_1_Hour_BID_2020.csv", dialects.BID, ()),
    "yahoo": ("AAPL.csv", dialects.YAHOO, ("timezone",)),
    "binance": ("BTCUSDT-1h-2024-01.csv", dialects.KLINES, ()),
}


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def read(found: Inspection, *more: str) -> pd.DataFrame:
    """What the proposed command line reads, with what was asked for."""
    return build(compose([*found.overrides(), *more]).data).history()


def new_york_week(zone: str, weeks: int = 60, minutes: int = 60) -> pd.DataFrame:
    """Candles of foreign exchange on a clock: Sunday 17:00 to Friday 17:00 in New York."""
    utc = pd.date_range("2018-01-01", periods=weeks * 7 * 1440 // minutes, freq=f"{minutes}min", tz="UTC")
    local = utc.tz_convert("America/New_York")
    hour = local.day_of_week * 24 + local.hour
    time = utc[(hour < 4 * 24 + 17) | (hour >= 6 * 24 + 17)].tz_convert(zone).tz_localize(None)
    prices = dict.fromkeys(("open", "high", "low", "close"), np.round(1.1 + np.arange(len(time)) / 1e5, 5))
    return pd.DataFrame({"time": time, **prices})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_is_recognised_and_what_it_does_not_tell_is_asked_for(dialect: str, tmp_path: Path) -> None:
    name, text, unknown = DIALECTS[dialect]
    found = inspect(written(tmp_path, name, text))
    assert found.dialect == dialect
    assert found.unknown == unknown
    if unknown:
        with pytest.raises(ConfigError, match=r"data\.timezone must be given"):
            compose(found.overrides())
    table = read(found, *(["data.timezone=EET"] if unknown else []))
    rows = len(text.splitlines()) - (0 if text[0].isdigit() else 1)
    assert len(table) == rows
    assert table["time"].notna().all()


def test_the_proposed_yaml_reads_what_the_command_line_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = inspect(written(tmp_path, "EURUSD_H1_2020.csv", dialects.MT5))
    (tmp_path / "conf" / "data").mkdir(parents=True)
    (tmp_path / "conf" / "data" / "mine.yaml").write_text(found.yaml())
    monkeypatch.chdir(tmp_path)
    table = build(compose(["data=mine", "data.timezone=EET"]).data).history()
    pd.testing.assert_frame_equal(table, read(found, "data.timezone=EET"))
    assert table["spread"].tolist() == [0.00003, 0.00012]


def test_the_printed_command_line_survives_a_shell(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s a "folder" of $ and ü, [1]'
    folder.mkdir()
    found = inspect(written(folder, "AAPL.csv", dialects.YAHOO))
    arguments = shlex.split(found.text().splitlines()[-1])
    assert arguments == found.overrides()
    assert len(build(compose([*arguments, "data.timezone=UTC"]).data).history()) == 3


def test_both_sides_of_dukascopy_are_found_by_their_names(tmp_path: Path) -> None:
    bid = written(tmp_path, "EURUSD_Candlestick_1_Hour_BID_2020.csv", dialects.BID)
    alone = inspect(bid)
    assert any(doubt.startswith("path.ask: without the ask's file") for doubt in alone.doubts)
    ask = written(tmp_path, "EURUSD_Candlestick_1_Hour_ASK_2020.csv", dialects.ASK)
    for path in (bid, ask):
        found = inspect(path)
        assert (found.settings["path.bid"], found.settings["path.ask"]) == (str(bid), str(ask))
        assert read(found)["spread"].notna().all()
    bid.unlink()
    assert inspect(ask).unknown == ("path.bid",)


def test_daily_bars_of_metatrader_5_have_no_time_of_day(tmp_path: Path) -> None:
    lines = [line.split("\t") for line in dialects.MT5.splitlines()]
    lines[2][0] = "2020.01.03"
    text = "".join("\t".join([line[0], *line[2:]]) + "\n" for line in lines)
    table = read(inspect(written(tmp_path, "EURUSD_Daily.csv", text)), "data.timezone=UTC")
    assert table["time"].dt.strftime("%F %H").tolist() == ["2020-01-02 00", "2020-01-03 00"]


def test_the_local_time_of_dukascopy_carries_its_offset(tmp_path: Path) -> None:
    text = dialects.BID.replace("Gmt time", "Local time").replace(".000,", ".000 GMT+0100,")
    table = read(inspect(written(tmp_path, "EURUSD_Candlestick_1_Hour_BID_2020.csv", text)))
    assert table["time"].dt.strftime("%F %H").tolist()[0] == "2020-01-01 21"


@pytest.mark.parametrize(("zone", "weeks"), [("UTC", 60), ("EET", 60), ("America/New_York", 60), ("Etc/GMT+5", 60)])
def test_the_clock_is_proposed_where_the_opening_of_the_week_tells_it(zone: str, weeks: int, tmp_path: Path) -> None:
    new_york_week(zone, weeks).to_csv(tmp_path / "EURUSD.csv", index=False)
    found = inspect(tmp_path / "EURUSD.csv")
    assert found.settings["timezone"] == zone
    assert any(f"timezone: as {zone}, " in doubt for doubt in found.doubts)


def test_a_short_file_does_not_tell_its_clock(tmp_path: Path) -> None:
    new_york_week("EET", 10).to_csv(tmp_path / "EURUSD.csv", index=False)
    found = inspect(tmp_path / "EURUSD.csv")
    assert found.unknown == ("timezone",)


def test_a_clock_that_changes_within_the_file_is_told(tmp_path: Path) -> None:
    early, late = new_york_week("UTC", 60), new_york_week("Etc/GMT+5", 60)
    moved = late.assign(time=late["time"] + pd.Timedelta(weeks=60))
    pd.concat([early, moved]).to_csv(tmp_path / "EURUSD.csv", index=False)
    found = inspect(tmp_path / "EURUSD.csv")
    assert "timezone" in found.unknown
    assert any("it may change within the file" in doubt for doubt in found.doubts)


@pytest.mark.parametrize(("shift", "suggested"), [(0, "open"), (5, "close")])
def test_the_first_minute_of_the_week_suggests_the_label(shift: int, suggested: str, tmp_path: Path) -> None:
    table = new_york_week("UTC", 12, 5)
    table["time"] += pd.Timedelta(minutes=shift)
    table.to_csv(tmp_path / "EURUSD.csv", index=False)
    label = next(doubt for doubt in inspect(tmp_path / "EURUSD.csv").doubts if doubt.startswith("label:"))
    assert label.endswith(f"suggests {suggested}")


def test_bid_and_ask_columns_are_proposed_as_pairs(tmp_path: Path) -> None:
    names = ["DateTime", *(f"{side}{price}" for side in ("Bid", "Ask") for price in ("Open", "High", "Low", "Close"))]
    text = ",".join(names) + "\n2020-01-06T00:00:00Z,1,1,1,1,2,2,2,2\n2020-01-06T01:00:00Z,1,1,1,1,2,2,2,2\n"
    table = read(inspect(written(tmp_path, "X.csv", text)))
    assert table["close"].tolist() == [1.5, 1.5]
    assert table["spread"].tolist() == [1, 1]


def test_a_month_that_could_be_a_day_is_asked_for(tmp_path: Path) -> None:
    text = "date,open,high,low,close\n" + "".join(f"{day}/4/1999,1,1,1,1\n" for day in (1, 2, 3))
    found = inspect(written(tmp_path, "X.csv", text))
    assert "format.time" in found.unknown
    assert any("could be %m/%d/%Y or %d/%m/%Y" in doubt for doubt in found.doubts)
    sure = inspect(written(tmp_path, "X.csv", text + "13/4/1999,1,1,1,1\n"))
    assert sure.settings["format.time"] == "%d/%m/%Y"


def test_prices_in_points_and_a_spread_without_a_unit_are_doubts(tmp_path: Path) -> None:
    text = "time,open,high,low,close,spread\n" + "".join(
        f"2020-01-0{d},113652,113652,113652,113652,12\n" for d in (6, 7)
    )
    doubts = inspect(written(tmp_path, "X.csv", text)).doubts
    assert any(doubt.startswith("format.scale: prices are whole numbers") for doubt in doubts)
    assert any(doubt.startswith("format.point: is the spread in price units, or in points?") for doubt in doubts)


def test_decimal_commas_are_seen(tmp_path: Path) -> None:
    text = "time;open;high;low;close\n2020-01-06;1,5;1,5;1,5;1,5\n2020-01-07;1,5;1,5;1,5;1,5\n"
    assert read(inspect(written(tmp_path, "X.csv", text)), "data.timezone=UTC")["close"].tolist() == [1.5, 1.5]


def test_what_cannot_be_told_is_asked_for_and_nothing_is_read(tmp_path: Path) -> None:
    found = inspect(written(tmp_path, "X.csv", "1,2,3,4,5\n1,2,3,4,5\n"))
    assert found.unknown == ("format.names",)
    found = inspect(written(tmp_path, "X.csv", "a,b,c\n1,2,3\n"))
    assert set(found.unknown) == {"columns.time", "columns.open", "columns.high", "columns.low", "columns.close"}
    found = inspect(
        written(tmp_path, "X.csv", "time,date,open,high,low,close\n" + "2020-01-01,2020-01-01,1,1,1,1\n" * 2)
    )
    assert "columns.time" in found.unknown


def test_several_files_are_told_and_the_first_is_looked_at(tmp_path: Path) -> None:
    for year in (2011, 2012):
        with zipfile.ZipFile(tmp_path / f"DAT_ASCII_EURUSD_M1_{year}.zip", "w") as archive:
            archive.writestr("a.csv", dialects.HISTDATA.replace("2012", str(year)))
    found = inspect(str(tmp_path / "DAT_ASCII_*.zip"))
    assert any(each.startswith("2 files match") for each in found.evidence)
    assert len(read(found)) == 4


def test_what_is_no_table_is_refused_in_one_line(tmp_path: Path) -> None:
    for text, message in (("", "the file is empty"), ("hello\n", "has one column"), ("a,a\n1,2\n", "different names")):
        with pytest.raises(DataError, match=message):
            inspect(written(tmp_path, "X.csv", text))
    with pytest.raises(DataError, match="no such file"):
        inspect(tmp_path / "none.csv")


BASES = [text for _, text, _ in DIALECTS.values()]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), base=st.sampled_from([*BASES, ""]), suffix=st.sampled_from(["csv", "csv.gz", "zip", "parquet"]))
def test_whatever_the_bytes_are_there_is_an_inspection_or_one_line(
    data: st.DataObject, base: str, suffix: str, tmp_path: Path
) -> None:
    content = bytearray(base.encode())
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
    path = tmp_path / f"EURUSD.{suffix}"
    path.write_bytes(bytes(content))
    try:
        assert inspect(path).text()
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017
