"""Real candles of many hands: each file loads as its notes say, or is refused for the defect that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecastle.data.bars import Bars
from forecastle.data.exchange_rate import CURRENCIES, ExchangeRateSource
from forecastle.data.files import ParquetSource
from forecastle.data.inspection import inspect
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy, QualityReport
from forecastle.data.session import Session
from forecastle.errors import DataError

BID = {price: f"bid_{price}" for price in ("open", "high", "low", "close")}
BROKER = "Europe/Helsinki"


def source(folder: Path, name: str, **settings: Any) -> ParquetSource:
    return ParquetSource(str(folder / f"{name}.parquet"), **settings)


def count(report: QualityReport, symbol: str, kind: str) -> int:
    found: dict[str, Any] = report.to_json()["symbols"][symbol]["findings"]
    return int(found[kind]["count"]) if kind in found else 0


def first_of_week(bars: Bars) -> pd.DatetimeIndex:
    """Open times of the bars that follow a pause of a weekend, on the clock of New York."""
    paused = np.flatnonzero(np.diff(bars.time) > np.timedelta64(40, "h")) + 1
    return pd.DatetimeIndex(bars.time[paused], tz="UTC").tz_convert("America/New_York")


def test_hourly_broker_candles_load_in_broker_time(shared_data: Path) -> None:
    panel, report = load(source(shared_data, "fx/ejtrader_h1", timezone=BROKER, interval="1h"), QualityPolicy())
    assert len(panel) == 10
    assert {len(bars) for bars in panel} == {57_600}
    expected = {symbol: 0.06 if symbol == "XAUUSD" else 0.015 for symbol in panel.symbols}
    for symbol, share in expected.items():
        assert 0 < count(report, symbol, "gap") < share * 57_600
        assert {f.kind for f in next(r for r in report.symbols if r.symbol == symbol).findings} == {"gap"}


def test_the_week_opens_at_17_in_new_york_only_if_daylight_saving_is_followed(shared_data: Path) -> None:
    """The broker follows European dates of daylight saving: only the weeks between the two continents' dates differ."""
    zoned = source(shared_data, "fx/ejtrader_h1", timezone=BROKER, symbols=["GBPUSD"])
    opening = first_of_week(load(zoned, QualityPolicy())[0].members[0])
    fixed = source(shared_data, "fx/ejtrader_h1", timezone="Etc/GMT-2", symbols=["GBPUSD"])
    without = first_of_week(load(fixed, QualityPolicy())[0].members[0])
    assert (opening.hour == 17).mean() > 0.9
    assert set(opening[opening.hour != 17].strftime("%m")) == {"03", "10", "12"}  # and two Christmas nights
    assert (without.hour == 17).mean() < 0.5


def test_daily_broker_candles_load_and_the_hole_of_eurchf_is_seen(shared_data: Path) -> None:
    panel, report = load(source(shared_data, "fx/ejtrader_d1", timezone=BROKER), QualityPolicy())
    assert len(panel) == 12
    assert {len(bars) for bars in panel} == {2_400}
    eurchf = next(bars for bars in panel if bars.symbol == "EURCHF")
    assert np.diff(eurchf.time).max() >= np.timedelta64(18, "D")
    assert count(report, "EURCHF", "gap") >= count(report, "GBPUSD", "gap") + 10


@pytest.mark.parametrize("symbol", ["EURUSD", "GBPUSD", "USDCHF"])
def test_five_minute_candles_with_forced_opens_are_refused_and_can_be_widened(shared_data: Path, symbol: str) -> None:
    file = source(shared_data, f"fx/getdata_{symbol}_5m", interval="5min")
    with pytest.raises(DataError, match=rf"{symbol}: \d+ x ohlc: .*quality\.ohlc=repair"):
        load(file, QualityPolicy())
    raw = file.history()
    above = int((raw["high"] < raw[["open", "close"]].max(axis=1)).sum())
    below = int((raw["low"] > raw[["open", "close"]].min(axis=1)).sum())
    panel, report = load(file, QualityPolicy(ohlc="repair"))
    assert max(above, below) <= count(report, symbol, "ohlc") <= above + below
    assert 0.012 < above / len(raw) < 0.023
    assert len(panel.members[0]) == len(raw)


BOTH = {price: [f"bid_{price}", f"ask_{price}"] for price in BID}
POLICIES = {
    "fail": QualityPolicy(flat="fail"),
    "drop": QualityPolicy(*["drop"] * 5, flat="drop"),
    "repair": QualityPolicy("drop", *["repair"] * 4, gaps="repair"),
}
FILES: dict[str, tuple[dict[str, Any], str | None, tuple[str, ...]]] = {
    "fx/ejtrader_h1": ({"timezone": BROKER}, None, ()),
    "fx/ejtrader_d1": ({"timezone": BROKER}, None, ()),
    "fx/getdata_EURUSD_5m": ({}, r"EURUSD: \d+ x ohlc", ("ohlc",)),
    "fx/getdata_GBPUSD_5m": ({}, r"GBPUSD: \d+ x ohlc", ("ohlc",)),
    "fx/getdata_USDCHF_5m": ({}, r"USDCHF: \d+ x ohlc", ("ohlc",)),
    "fx/oanda_EURUSD_hour": ({"columns": BOTH, "timezone": "UTC"}, None, ()),
    "fx/oanda_NZDUSD_hour": ({"columns": BOTH, "timezone": "UTC"}, None, ()),
    "fx/fxcm_EURUSD_hour": ({"columns": BOTH, "timezone": "Etc/GMT+5"}, r"EURUSD: 2613 x crossed", ("crossed",)),
    "equity/aapl_daily": ({"timezone": "America/New_York"}, None, ()),
    "equity/spy_hour": ({"timezone": "America/New_York"}, None, ()),
}
"""Settings of each file, why it is refused by default, and the kinds of defects that drop or repair finds there."""


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", FILES)
def test_each_file_loads_or_is_refused_for_what_its_notes_name(shared_data: Path, name: str, policy: str) -> None:
    settings, reason, kinds = FILES[name]
    file = source(shared_data, name, **settings)
    if policy == "fail" and reason is not None:
        with pytest.raises(DataError, match=reason):
            load(file, POLICIES[policy])
        return
    panel, report = load(file, POLICIES[policy])
    assert len(file.history()) == sum(symbol.rows_in for symbol in report.symbols)
    for bars, symbol in zip(panel, report.symbols, strict=True):
        assert len(bars) == symbol.rows_out
        assert symbol.rows_in + symbol.inserted == symbol.rows_out + symbol.dropped
        assert {finding.kind for finding in symbol.findings} <= {*kinds, "gap", "flat", "zone", "jump"}
        decided = sum(finding.count for finding in symbol.findings if finding.kind in kinds)
        assert symbol.dropped >= decided if policy == "drop" else symbol.repaired + symbol.dropped == decided


@pytest.mark.parametrize("policy", POLICIES)
def test_the_benchmark_loads_or_is_refused_for_its_peg(shared_data: Path, policy: str) -> None:
    file = ExchangeRateSource(str(shared_data / "exchange_rate" / "exchange_rate.txt.gz"))
    if policy == "fail":
        with pytest.raises(DataError, match=r"CNY: \d+ x flat"):
            load(file, POLICIES[policy])
        return
    panel, report = load(file, POLICIES[policy])
    for bars, symbol in zip(panel, report.symbols, strict=True):
        assert {finding.kind for finding in symbol.findings} <= ({"flat", "jump"} if symbol.symbol == "CNY" else set())
        assert symbol.rows_in == 7588 == len(bars) + symbol.dropped
        assert (symbol.dropped > 500) == (policy == "drop" and symbol.symbol == "CNY")


def test_every_shared_file_of_candles_is_among_those_tested(shared_data: Path) -> None:
    there = {str(path.relative_to(shared_data).with_suffix("")) for path in shared_data.glob("*/*.parquet")}
    assert there == set(FILES)


def test_a_change_of_the_clock_is_refused_where_it_is_asked_for(shared_data: Path) -> None:
    settings, _, _ = FILES["fx/fxcm_EURUSD_hour"]
    policy = QualityPolicy(values="drop", session=Session(zone="fail"))
    with pytest.raises(DataError, match=r"EURUSD: \d+ x zone: the weekly opening and close move"):
        load(source(shared_data, "fx/fxcm_EURUSD_hour", **settings), policy)


def test_the_spread_of_real_quotes_is_that_of_real_trading(shared_data: Path) -> None:
    clean_quotes = load(source(shared_data, "fx/oanda_EURUSD_hour", columns=BOTH, timezone="UTC"), QualityPolicy())[0]
    bars = clean_quotes.members[0]
    assert bars.spread is not None
    assert round(float(np.median(bars.spread)), 5) == 0.00013
    assert (bars.spread >= 0).all()
    repaired = source(shared_data, "fx/fxcm_EURUSD_hour", columns=BOTH, timezone="Etc/GMT+5")
    crossed = load(repaired, QualityPolicy(values="repair"))[0].members[0]
    assert crossed.spread is not None
    assert (crossed.spread >= 0).all()
    assert len(crossed) == 69_928 - 2  # the first two rows are crossed, and no spread is known before them


CLOCKS = {
    "fx/ejtrader_h1": "EET",
    "fx/oanda_EURUSD_hour": "UTC",
    "fx/oanda_NZDUSD_hour": "UTC",
    "fx/fxcm_EURUSD_hour": "???",
    "fx/ejtrader_d1": "???",
    "equity/aapl_daily": "???",
    "equity/spy_hour": "???",
    "fx/getdata_EURUSD_5m": None,
}


@pytest.mark.parametrize("name", CLOCKS)
def test_inspection_proposes_the_clock_where_the_file_tells_it(shared_data: Path, name: str) -> None:
    found = inspect(shared_data / f"{name}.parquet")
    assert found.dialect == "parquet"
    assert found.settings.get("timezone") == CLOCKS[name]
    assert ("columns.close" in found.settings) == (name.partition("_")[0] in ("fx/oanda", "fx/fxcm"))
    if name == "fx/fxcm_EURUSD_hour":
        assert any("may change within the file" in doubt for doubt in found.doubts)
        assert any("2613 x crossed" in each for each in found.evidence)


@pytest.mark.parametrize("pair", ["EURUSD", "NZDUSD"])
def test_clean_hourly_bids_and_asks_load_by_mapping(shared_data: Path, pair: str) -> None:
    panel, report = load(
        source(shared_data, f"fx/oanda_{pair}_hour", columns=BID, timezone="UTC", interval="1h"), QualityPolicy()
    )
    ask = {price: f"ask_{price}" for price in BID}
    other, _ = load(source(shared_data, f"fx/oanda_{pair}_hour", columns=ask, timezone="UTC"), QualityPolicy())
    bid, offer = panel.members[0], other.members[0]
    assert bid.symbol == pair
    assert bid.volume is None
    assert {f.kind for f in report.symbols[0].findings} <= {"gap", "flat"}
    assert (offer.close >= bid.close).all()


def test_the_files_with_quotes_of_both_sides_are_refused_without_a_mapping(shared_data: Path) -> None:
    with pytest.raises(
        DataError, match=r"no column 'open' for open, .*a list of two joins .*open=\[bid_open,ask_open\]"
    ):
        load(source(shared_data, "fx/fxcm_EURUSD_hour", timezone="Etc/GMT+5"), QualityPolicy())


def test_the_documented_zone_of_the_other_broker_is_wrong_before_its_change(shared_data: Path) -> None:
    """Its notes say UTC−5; until 2009-09-20 the stamps are about five hours off, as the opening of the week shows."""
    told = source(shared_data, "fx/fxcm_EURUSD_hour", columns=BID, timezone="Etc/GMT+5")
    panel, report = load(told, QualityPolicy())
    opening = first_of_week(panel.members[0])
    change = pd.Timestamp("2009-09-20", tz="UTC")
    assert (opening[opening < change].hour <= 13).mean() > 0.95
    assert (opening[(opening > change) & (opening.year < 2013)].hour == 17).mean() > 0.9
    assert count(report, "EURUSD", "gap") > 1000


def test_naive_files_are_refused_without_a_zone(shared_data: Path) -> None:
    for name in ("fx/ejtrader_h1", "fx/ejtrader_d1", "equity/aapl_daily", "equity/spy_hour"):
        with pytest.raises(DataError, match=r"carry no zone; say which clock they follow"):
            load(source(shared_data, name), QualityPolicy())


def test_daily_shares_load_with_their_splits_as_they_are(shared_data: Path) -> None:
    panel, report = load(
        source(shared_data, "equity/aapl_daily", timezone="America/New_York", symbol="AAPL"), QualityPolicy()
    )
    (jumps,) = (finding for finding in report.symbols[0].findings if finding.kind == "jump")
    days = [str(row["time"])[:10] for row in jumps.first]
    assert days == ["2000-06-21", "2000-09-29", "2005-02-28", "2014-06-09", "2020-08-31"]  # four splits and a crash
    bars = panel.members[0]
    assert (bars.symbol, len(bars)) == ("AAPL", 5849)
    assert bars.volume is not None
    assert round(float(np.diff(np.log(bars.close)).min()), 2) == -1.93


def test_hourly_shares_open_at_nine_in_new_york_all_year(shared_data: Path) -> None:
    panel, report = load(
        source(shared_data, "equity/spy_hour", timezone="America/New_York", symbol="SPY", interval="1h"),
        QualityPolicy(),
    )
    bars = panel.members[0]
    assert len(bars) == 40_832
    opening = first_of_week(bars)
    assert (opening.hour == 9).mean() > 0.99
    assert count(report, "SPY", "gap") < 0.05 * len(bars)


def test_the_benchmark_loads_and_its_pegged_currency_is_seen(shared_data: Path) -> None:
    panel, report = load(
        ExchangeRateSource(str(shared_data / "exchange_rate" / "exchange_rate.txt.gz")), QualityPolicy()
    )
    assert panel.symbols == tuple(sorted(CURRENCIES))
    assert {len(bars) for bars in panel} == {7588}
    renminbi = next(bars for bars in panel if bars.symbol == "CNY")
    assert round(float((np.diff(renminbi.close) == 0).mean()), 2) == 0.33
    assert count(report, "CNY", "flat") > 500
    assert all(not r.findings for r in report.symbols if r.symbol != "CNY")
