"""Every dialect of conf/data, on small files written by hand as its documentation says."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from forecastle.config.compose import compose
from forecastle.config.target import build
from forecastle.data.files import CsvSource
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.errors import ConfigError, DataError

MT4 = """2012.11.15,22:00,1.27701,1.27799,1.27650,1.27720,1200
2012.11.15,23:00,1.27720,1.27844,1.27704,1.27835,1311
2013.07.16,00:00,1.27835,1.27900,1.27800,1.27850,900
"""
MT5 = """<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>
2020.01.02\t00:00:00\t1.12120\t1.12190\t1.12110\t1.12180\t800\t0\t3
2020.01.02\t01:00:00\t1.12180\t1.12250\t1.12170\t1.12200\t950\t0\t12
"""
HISTDATA = """20120201 000000;1.306600;1.306600;1.306560;1.306560;0
20120701 000100;1.306570;1.306570;1.306470;1.306560;0
"""
BID = """Gmt time,Open,High,Low,Close,Volume
01.01.2020 22:00:00.000,1.12120,1.12190,1.12110,1.12180,1200.5
01.01.2020 23:00:00.000,1.12180,1.12250,1.12170,1.12200,800
02.01.2020 00:00:00.000,1.12200,1.12210,1.12190,1.12200,700
"""
ASK = """Gmt time,Open,High,Low,Close,Volume
01.01.2020 22:00:00.000,1.12130,1.12200,1.12120,1.12200,1000
01.01.2020 23:00:00.000,1.12190,1.12260,1.12180,1.12220,900
02.01.2020 00:00:00.000,1.12210,1.12220,1.12200,1.12210,500
"""
YAHOO = """Date,Open,High,Low,Close,Adj Close,Volume
2020-01-02,74.06,75.15,73.80,75.09,73.06,135480400
2020-07-01,91.28,91.84,90.98,91.03,89.90,110737200
2020-07-02,null,null,null,null,null,null
"""
KLINES = """1704067200000,42283.58,42554.57,42261.02,42475.23,1271.68108,1704070799999,53957248.9,47134,682.5,28957416,0
1704070800000,42475.23,42775.00,42431.65,42613.56,1196.37856,1704074399999,50984038.36,47201,622.83,26531564.0,0
"""
MICRO = """1735689600000000,93576.00,94509.42,93489.03,94401.14,755.99,1735693199999999,71152310,159023,387.4,36451430,0
"""
HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,other,ignore\n"


def source(dialect: str, **settings: object) -> CsvSource:
    """The source of a choice, as the command line would give it."""
    texts = {
        key.replace("__", "."): f'"{each}"' if isinstance(each, str | Path) else each for key, each in settings.items()
    }
    overrides = [f"data.{key}={text}" for key, text in texts.items()]
    built = build(compose([f"data={dialect}", *overrides]).data)
    assert isinstance(built, CsvSource)
    return built


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def times(table: pd.DataFrame) -> list[str]:
    return table["time"].dt.strftime("%Y-%m-%dT%H:%M").tolist()


def test_metatrader_4_in_broker_time(tmp_path: Path) -> None:
    table = source(
        "metatrader4", path=written(tmp_path, "EURUSD60.csv", MT4), timezone="EET", symbol="EURUSD"
    ).history()
    assert times(table) == ["2012-11-15T20:00", "2012-11-15T21:00", "2013-07-15T21:00"]
    assert table["close"].tolist() == [1.2772, 1.27835, 1.2785]
    assert table["volume"].tolist() == [1200, 1311, 900]
    assert "spread" not in table


def test_metatrader_4_with_a_header_reads_the_names_there(tmp_path: Path) -> None:
    path = written(tmp_path, "EURUSD.csv", "date,time,open,high,low,close,ticks\n" + MT4)
    assert len(source("metatrader4", path=path, timezone="EET").history()) == 3
    path = written(tmp_path, "EURUSD.csv", "day,time,open,high,low,close,ticks\n" + MT4)
    with pytest.raises(DataError, match=r"no column 'date' for time, there are day, time"):
        source("metatrader4", path=path, timezone="EET").history()


def test_metatrader_5_with_its_spread_in_price_units(tmp_path: Path) -> None:
    path = written(tmp_path, "EURUSD_H1_202001020000_202001020100.csv", MT5)
    table = source("metatrader5", path=path, timezone="EET", format__point=0.00001).history()
    assert table["symbol"].tolist() == ["EURUSD"] * 2
    assert times(table) == ["2020-01-01T22:00", "2020-01-01T23:00"]
    assert table["spread"].tolist() == [0.00003, 0.00012]
    assert table["volume"].tolist() == [800, 950]


def test_metatrader_5_in_utf_16_and_for_several_symbols_with_points_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "EURUSD_H1_a.csv").write_bytes(MT5.encode("utf-16"))
    (tmp_path / "USDJPY_H1_a.csv").write_text(MT5)
    source = CsvSource(**_metatrader5(str(tmp_path / "*_H1_*.csv"), {"EURUSD": 0.00001, "USDJPY": 0.001}))
    spread = source.history().groupby("symbol", observed=True)["spread"].first()
    assert spread.to_dict() == {"EURUSD": 0.00003, "USDJPY": 0.003}
    with pytest.raises(DataError, match=r"no size of a unit for the symbol 'USDJPY'.*did you mean 'USDJPX'\?"):
        CsvSource(**_metatrader5(str(tmp_path / "*_H1_*.csv"), {"EURUSD": 0.1, "USDJPX": 0.1})).history()


def _metatrader5(path: str, point: dict[str, float]) -> dict[str, object]:
    body = compose(["data=metatrader5", "data.path=x", "data.timezone=EET", "data.format.point=1"]).data
    body = {**body, "path": path, "format": build({**body["format"], "point": point})}
    return {key: value for key, value in body.items() if key != "_target_"}


@pytest.mark.parametrize("dialect", ["metatrader4", "metatrader5", "yahoo"])
def test_a_clock_that_no_file_tells_is_asked_for(dialect: str) -> None:
    with pytest.raises(ConfigError, match=r"data\.timezone must be given"):
        compose([f"data={dialect}", "data.path=x.csv"])


def test_a_point_that_no_file_tells_is_asked_for() -> None:
    with pytest.raises(ConfigError, match=r"data\.format\.point must be given"):
        compose(["data=metatrader5", "data.path=x.csv", "data.timezone=EET"])


def test_the_hours_of_a_change_of_the_brokers_clock_are_defects(tmp_path: Path) -> None:
    rows = "".join(f"2020.10.25,0{hour}:00,1,1,1,1,1\n2020.03.29,0{hour}:00,1,1,1,1,1\n" for hour in (2, 3, 4))
    table = source("metatrader4", path=written(tmp_path, "X.csv", rows), timezone="EET").history()
    assert table["stamp"].dropna().tolist() == ["2020.10.25 03:00", "2020.03.29 03:00"]
    assert times(table[table["time"].notna()]) == [
        "2020-10-24T23:00",
        "2020-03-29T00:00",
        "2020-10-25T02:00",
        "2020-03-29T01:00",
    ]


@pytest.mark.parametrize("zipped", [True, False])
def test_histdata_is_five_hours_behind_all_year(zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "DAT_ASCII_EURUSD_M1_2012.csv"
    if zipped:
        path = tmp_path / "HISTDATA_COM_ASCII_EURUSD_M12012.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("DAT_ASCII_EURUSD_M1_2012.txt", "gaps: none")
            archive.writestr("DAT_ASCII_EURUSD_M1_2012.csv", HISTDATA)
    else:
        path.write_text(HISTDATA)
    table = source("histdata", path=path).history()
    assert times(table) == ["2012-02-01T05:00", "2012-07-01T05:01"]
    assert table["symbol"].tolist() == ["EURUSD"] * 2
    assert list(table.columns) == ["symbol", "time", "open", "high", "low", "close"]


def test_dukascopy_bid_and_ask_become_their_mean_and_the_spread_at_the_close(tmp_path: Path) -> None:
    bid = written(tmp_path, "EURUSD_Candlestick_1_Hour_BID_01.01.2020-02.01.2020.csv", BID)
    ask = written(tmp_path, "EURUSD_Candlestick_1_Hour_ASK_01.01.2020-02.01.2020.csv", ASK)
    table = source("dukascopy", path__bid=bid, path__ask=ask).history()
    assert times(table) == ["2020-01-01T22:00", "2020-01-01T23:00", "2020-01-02T00:00"]
    assert table["symbol"].tolist() == ["EURUSD"] * 3
    assert table["open"].round(8).tolist() == [1.12125, 1.12185, 1.12205]
    assert table["spread"].round(8).tolist() == [0.0002, 0.0002, 0.0001]
    assert table["volume"].tolist() == [2200.5, 1700, 1200]
    alone = source("dukascopy", path__bid=bid).history()
    assert alone["close"].tolist() == [1.1218, 1.122, 1.122]
    assert "spread" not in alone


def test_a_bar_that_only_one_side_has_is_a_defect_and_not_lost(tmp_path: Path) -> None:
    lines = ASK.splitlines(keepends=True)
    bid = written(tmp_path, "EURUSD_Candlestick_BID.csv", "".join(BID.splitlines(keepends=True)[:3]))
    ask = written(tmp_path, "EURUSD_Candlestick_ASK.csv", lines[0] + "".join(lines[2:]))
    both = source("dukascopy", path__bid=bid, path__ask=ask)
    table = both.history()
    assert times(table) == ["2020-01-01T22:00", "2020-01-01T23:00", "2020-01-02T00:00"]
    assert table["close"].isna().tolist() == [True, False, True]
    with pytest.raises(DataError, match=r"EURUSD: 2 x missing: .*first: row 1, time 2020-01-01T22:00:00Z"):
        load(both, QualityPolicy())


def test_one_side_may_be_in_several_files(tmp_path: Path) -> None:
    lines = BID.splitlines(keepends=True)
    for number, line in enumerate(lines[1:]):
        written(tmp_path, f"EURUSD_Candlestick_BID_{number}.csv", lines[0] + line)
    more = "03.01.2020 00:00:00.000,1,1,1,1,1\n"
    for extra in ("", more):
        ask = written(tmp_path, "EURUSD_Candlestick_ASK.csv", ASK + extra)
        both = source("dukascopy", path__bid=tmp_path / "*_BID_*.csv", path__ask=ask, interval="1h")
        table = both.history()
        assert table["close"].isna().sum() == bool(extra)
        assert table["spread"].round(8).tolist()[:3] == [0.0002, 0.0002, 0.0001]
    with pytest.raises(DataError, match=r"1 x missing: .*first: row 4, time 2020-01-03"):
        load(both, QualityPolicy())


def test_yahoo_dates_are_days_of_the_exchange_and_its_gaps_are_missing(tmp_path: Path) -> None:
    table = source("yahoo", path=written(tmp_path, "AAPL.csv", YAHOO), timezone="America/New_York").history()
    assert times(table) == ["2020-01-02T05:00", "2020-07-01T04:00", "2020-07-02T04:00"]
    assert table["close"].tolist()[:2] == [75.09, 91.03]
    assert table["close"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize("header", ["", HEADER])
def test_binance_with_and_without_a_header_in_ms_and_in_us(header: str, tmp_path: Path) -> None:
    for name, rows in (("2024-01", KLINES), ("2025-01", MICRO)):
        with zipfile.ZipFile(tmp_path / f"BTCUSDT-1h-{name}.zip", "w") as archive:
            archive.writestr(f"BTCUSDT-1h-{name}.csv", header + rows)
    table = source("binance", path=tmp_path / "BTCUSDT-1h-*.zip").history()
    assert times(table) == ["2024-01-01T00:00", "2024-01-01T01:00", "2025-01-01T00:00"]
    assert table["symbol"].tolist() == ["BTCUSDT"] * 3
    assert table["close"].tolist() == [42475.23, 42613.56, 94401.14]


def test_gzip_reads_as_plain(tmp_path: Path) -> None:
    path = tmp_path / "DAT_ASCII_EURUSD_M1_2012.csv.gz"
    path.write_bytes(gzip.compress(HISTDATA.encode()))
    assert times(source("histdata", path=path).history()) == ["2012-02-01T05:00", "2012-07-01T05:01"]
