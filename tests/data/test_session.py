"""Sessions: which absent bars a market explains, against calendars written by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.data.test_cleaning import TableSource, candles

from forecastle.config.target import build
from forecastle.data.bars import PRICES, Bars
from forecastle.data.calendar import slots
from forecastle.data.cleaning import clean
from forecastle.data.files import ParquetSource
from forecastle.data.loading import load
from forecastle.data.packaged import PackagedSource
from forecastle.data.quality import QualityPolicy
from forecastle.data.session import Session, expected, weekend
from forecastle.errors import ConfigError, DataError, MissingExtraError

HOUR, DAY = np.timedelta64(1, "h"), np.timedelta64(1, "D")


def every(first: str, last: str, step: np.timedelta64) -> np.ndarray:
    return np.arange(np.datetime64(first, "us"), np.datetime64(last, "us"), step)


def open_hours(first: str, last: str, market: str, step: np.timedelta64 = HOUR) -> list[str]:
    time = every(first, last, step)
    return time[expected(time, step, market)].astype("datetime64[h]").astype(str).tolist()


def absent_times(time: np.ndarray, interval: np.timedelta64, market: str) -> list[str]:
    present, absent = slots(time, interval, market)
    before = np.searchsorted(present, absent, side="right") - 1
    return (time[before] + (absent - present[before]) * interval).astype("datetime64[h]").astype(str).tolist()


def test_foreign_exchange_is_open_from_sunday_to_friday_17_in_new_york() -> None:
    winter = open_hours("2020-01-10", "2020-01-13", "fx")
    assert (winter[0], winter[21], winter[22], winter[-1]) == (
        "2020-01-10T00", "2020-01-10T21", "2020-01-12T22", "2020-01-12T23",
    )  # fmt: skip
    summer = open_hours("2020-07-10T18", "2020-07-13", "fx")
    assert summer == [
        "2020-07-10T18", "2020-07-10T19", "2020-07-10T20", "2020-07-12T21", "2020-07-12T22", "2020-07-12T23",
    ]  # fmt: skip
    change = open_hours("2020-03-06T20", "2020-03-08T23", "fx")  # daylight saving begins within this weekend
    assert change == ["2020-03-06T20", "2020-03-06T21", "2020-03-08T21", "2020-03-08T22"]


def test_foreign_exchange_rests_on_christmas_and_new_year() -> None:
    hours = open_hours("2019-12-24T20", "2019-12-26T00", "fx")
    assert hours == ["2019-12-24T20", "2019-12-24T21", "2019-12-25T22", "2019-12-25T23"]
    assert open_hours("2019-12-31T21", "2020-01-01T23", "fx") == ["2019-12-31T21", "2020-01-01T22"]


def test_days_and_weeks_of_foreign_exchange() -> None:
    utc = pd.DatetimeIndex(open_hours("2020-01-06", "2020-02-03", "fx", DAY))
    assert set(utc.day_of_week) == {0, 1, 2, 3, 4}  # two hours of a Sunday make no day
    new_york = every("2020-01-05T22", "2020-02-02T22", DAY)
    assert set(pd.DatetimeIndex(new_york[expected(new_york, DAY, "fx")]).day_of_week) == {6, 0, 1, 2, 3}
    assert expected(every("2020-01-06", "2020-03-02", 7 * DAY), 7 * DAY, "fx").all()


def test_crypto_never_closes() -> None:
    time = every("2021-01-01", "2021-02-01", HOUR)
    assert expected(time, HOUR, "crypto").all()
    assert absent_times(np.delete(time, [5, 100, 101]), HOUR, "crypto") == [
        "2021-01-01T05", "2021-01-05T04", "2021-01-05T05",
    ]  # fmt: skip


def test_a_weekend_is_a_gap_only_where_the_market_is_open() -> None:
    days = pd.bdate_range("2020-06-01", "2020-07-31").to_numpy().astype("datetime64[us]")
    holed = days[days != np.datetime64("2020-06-17")]
    assert absent_times(holed, DAY, "fx") == ["2020-06-17T00"]
    assert len(absent_times(holed, DAY, "crypto")) == 1 + 2 * 8


def test_a_market_that_is_named_needs_no_majority() -> None:
    """Half of the weeks lack their Fridays: the data show no gap, the market does."""
    days = pd.bdate_range("2020-01-06", "2020-03-27").to_numpy().astype("datetime64[us]")
    weekday = (days.astype("datetime64[D]").astype(int) + 3) % 7
    holed = days[(weekday != 4) | (days < np.datetime64("2020-01-11"))]
    assert len(absent_times(holed, DAY, "fx")) > len(absent_times(holed, DAY, "shown"))


def test_an_exchange_has_its_holidays_half_days_and_breaks() -> None:
    pytest.importorskip("exchange_calendars")
    new_york = open_hours("2020-11-25", "2020-11-29", "XNYS", DAY)
    assert new_york == ["2020-11-25T00", "2020-11-27T00"]  # Thanksgiving, then half a day
    hours = open_hours("2020-11-25", "2020-11-28", "XNYS")
    assert hours == [f"2020-11-25T{hour}" for hour in range(14, 21)] + [f"2020-11-27T{hour}" for hour in range(14, 18)]
    minutes = every("2020-01-06", "2020-01-07", np.timedelta64(30, "m"))
    tokyo = minutes[expected(minutes, np.timedelta64(30, "m"), "XTKS")].astype("datetime64[m]").astype(str).tolist()
    assert [text[11:] for text in tokyo] == [
        "00:00", "00:30", "01:00", "01:30", "02:00", "03:30", "04:00", "04:30", "05:00", "05:30",
    ]  # fmt: skip


def test_the_packaged_days_are_those_of_the_exchange() -> None:
    pytest.importorskip("exchange_calendars")
    shown = load(PackagedSource("sp500"), QualityPolicy())[1].symbols[0].findings
    named = load(PackagedSource("sp500"), QualityPolicy(session=Session("XNYS")))[1].symbols[0].findings
    assert sum(finding.count for finding in shown if finding.kind == "gap") > 100  # every holiday
    assert [finding for finding in named if finding.kind == "gap"] == []


def test_weekends_are_those_of_new_york() -> None:
    hours = every("2020-01-10T20", "2020-01-13T00", HOUR)
    closed = hours[weekend(hours)].astype("datetime64[h]").astype(str)
    assert (closed[0], closed[-1], len(closed)) == ("2020-01-10T22", "2020-01-12T21", 48)
    assert not weekend(hours[:0]).any()


def test_weekends_are_those_of_the_local_clock_all_year() -> None:
    time = every("2018-01-01", "2022-01-01", np.timedelta64(30, "m"))
    local = pd.DatetimeIndex(time, tz="UTC").tz_convert("America/New_York")
    hour = local.day_of_week * 24 + local.hour
    np.testing.assert_array_equal(weekend(time), (hour >= 4 * 24 + 17) & (hour < 6 * 24 + 17))


def test_mistakes_are_told() -> None:
    with pytest.raises(ConfigError, match=r"session.zone must be one of report, fail, got 'repair'"):
        Session(zone="repair")
    with pytest.raises(
        ConfigError, match=r"session.market must be shown, fx, crypto, or an exchange such as XNYS, got"
    ):
        Session("forex market")
    with pytest.raises(ConfigError, match="did you mean 'XNYS'"):
        Session("XNYSE")
    with pytest.raises(DataError, match="no calendar of XKRX from"):
        expected(every("2100-01-01", "2100-01-10", DAY), DAY, "XKRX")


def test_an_exchange_without_the_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)
    with pytest.raises(MissingExtraError, match=r"session.market=XNYS is none of shown.*'forecastle\[exchange\]'"):
        Session("XNYS")
    assert Session("fx").market == "fx"


def test_a_policy_is_built_from_its_node() -> None:
    node = {"_target_": "forecastle.data.session.Session", "market": "fx", "zone": "fail"}
    policy = build({"_target_": "forecastle.data.quality.QualityPolicy", "session": node}, "quality")
    assert policy.session == Session("fx", "fail")
    with pytest.raises(ConfigError, match=r"quality: session.zone must be one of"):
        build({"_target_": "forecastle.data.session.Session", "zone": "drop"}, "quality")


# Through cleaning: what the report says and what is left.


def cleaned(table: pd.DataFrame, **policies: Any) -> tuple[Bars, dict[str, Any]]:
    panel, report = clean(table, TableSource(table), QualityPolicy(**policies))
    return panel.members[0], report.to_json()["symbols"][panel.members[0].symbol]


def working_hours(weeks: int) -> pd.DataFrame:
    """Candles of Sunday 22:00 to Friday 22:00 UTC."""
    table = candles(weeks * 168, time=pd.date_range("2020-01-05T22", periods=weeks * 168, freq="1h", tz="UTC"))
    return table[(table["time"] - table["time"][0]).dt.total_seconds() % (7 * 86_400) < 120 * 3600].reset_index(
        drop=True
    )


def with_weekends(table: pd.DataFrame, flat: bool) -> pd.DataFrame:
    """Also bars of each weekend: flat at the close of Friday, or those of 24 hours before."""
    parts = [table]
    for _, week in table.groupby((table["time"] - table["time"].iloc[0]).dt.total_seconds() // (7 * 86_400)):
        extra = week.tail(24).assign(time=week["time"].tail(24) + pd.Timedelta(1, "D"))
        if flat:
            extra[list(PRICES)] = week["close"].iloc[-1]
        parts.append(extra)
    return pd.concat(parts).sort_values("time", kind="stable").reset_index(drop=True)


def test_a_saturday_that_repeats_the_friday_is_refused_and_can_be_left_out() -> None:
    sound = working_hours(4)
    doubled = with_weekends(sound, flat=False)
    with pytest.raises(
        DataError, match=r"96 x saturday: a weekend bar that repeats the one a day before .*duplicates=drop"
    ):
        clean(doubled, TableSource(doubled), QualityPolicy())
    for policy in ("drop", "repair"):
        bars, account = cleaned(doubled, duplicates=policy)
        assert account["findings"]["saturday"]["count"] == 96
        assert account["rows_in"] == account["rows_out"] + account["dropped"]
        assert bars.content == cleaned(sound)[0].content


def test_flat_bars_of_a_weekend_are_counted_and_can_be_left_out() -> None:
    sound = working_hours(4)
    flat = with_weekends(sound, flat=True)
    bars, account = cleaned(flat)
    assert account["findings"]["weekend"]["count"] == 96
    assert len(bars) == len(flat)
    bars, account = cleaned(flat, flat="drop")
    assert bars.content == cleaned(sound)[0].content
    assert account["dropped"] == 96


def test_a_daily_saturday_and_sunday_that_are_flat_are_found() -> None:
    days = candles(60, freq="1D")
    closed = days["time"].dt.day_of_week >= 5
    friday = days["close"].where(~closed).ffill()
    for price in PRICES:
        days[price] = days[price].where(~closed, friday)
    account = cleaned(days, flat="drop")[1]
    assert account["findings"]["weekend"]["count"] == closed.sum()


def test_a_market_that_trades_at_weekends_keeps_its_weekends() -> None:
    table = candles(2000)
    random = np.random.default_rng(0)
    quiet = random.random(2000) < 0.5
    quiet[0] = False
    close = table["close"].where(~quiet).ffill()
    table = table.assign(**{price: table[price].where(~quiet, close) for price in PRICES}).assign(close=close)
    findings = cleaned(table, values="fail", ohlc="repair")[1]["findings"]
    assert not {"weekend", "saturday"} & set(findings)


def test_times_that_are_no_calendar_have_no_weekends() -> None:
    doubled = with_weekends(working_hours(4), flat=False)
    source = TableSource(doubled, "1h", calendar=False)
    findings = clean(doubled, source, QualityPolicy())[1].symbols[0].findings
    assert {finding.kind for finding in findings} == {"jump"}  # from the Friday's bars, come again, to Monday's


def test_a_change_of_the_clock_is_reported_or_refused() -> None:
    table = working_hours(40)
    late = table["time"] >= pd.Timestamp("2020-05-16", tz="UTC")
    table["time"] = table["time"].where(~late, table["time"] + pd.Timedelta(5, "h"))
    finding = cleaned(table)[1]["findings"]["zone"]
    assert (finding["count"], finding["policy"], finding["first"][0]["shift"]) == (1, "report", "+5h")
    assert finding["first"][0]["time"] == "2020-05-18T03:00:00Z"
    with pytest.raises(
        DataError, match=r"1 x zone: .*shift \+5h.*; quality.session.zone=report would let it pass"
    ) as told:
        cleaned(table, session=Session(zone="fail"))
    assert "\n" not in str(told.value)


def test_the_report_tells_the_session() -> None:
    table = candles()
    report = clean(table, TableSource(table), QualityPolicy(session=Session("crypto")))[1].to_json()
    assert report["policy"]["session"] == {"market": "crypto", "zone": "report"}


def test_the_candles_of_a_broker_whose_clock_changes_are_told(shared_data: Path) -> None:
    path = str(shared_data / "fx" / "fxcm_EURUSD_hour.parquet")
    source = ParquetSource(path, columns={p: f"bid_{p}" for p in PRICES}, timezone="Etc/GMT+5", interval="1h")
    report = load(source, QualityPolicy(values="drop"))[1].to_json()["symbols"]["EURUSD"]["findings"]
    assert report["zone"]["count"] == 1
    assert report["zone"]["first"][0]["time"].startswith("2009-09-20")
    with pytest.raises(DataError, match="1 x zone: the weekly opening and close move"):
        load(source, QualityPolicy(values="drop", session=Session(zone="fail")))


def test_the_week_of_foreign_exchange_explains_most_of_what_a_broker_lacks(shared_data: Path) -> None:
    path = str(shared_data / "fx" / "oanda_EURUSD_hour.parquet")
    source = ParquetSource(path, columns={p: f"bid_{p}" for p in PRICES}, timezone="UTC", interval="1h")
    report = load(source, QualityPolicy(session=Session("fx")))[1].to_json()["symbols"]["EURUSD"]
    assert report["findings"]["gap"]["count"] < 0.01 * report["rows_out"]
    assert not {"zone", "weekend", "saturday"} & set(report["findings"])
