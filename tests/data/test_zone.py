"""Changes of the clock: planted ones, the real one, and everything that looks like one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecastle.data.files import CsvSource, ParquetSource
from forecastle.data.packaged import PackagedSource
from forecastle.data.zone import ZoneChange, zone_changes

HOUR = np.timedelta64(1, "h")


def foreign_exchange(clock: str = "America/New_York", hours: tuple[int, int] = (17, 17)) -> pd.DatetimeIndex:
    """Hourly bars, UTC, of a market that is open from Sunday to Friday on some clock, 2010 to 2015."""
    utc = pd.date_range("2010-01-01", "2016-01-01", freq="1h", tz="UTC")
    local = utc.tz_convert(clock)
    hour = local.day_of_week * 24 + local.hour
    return utc[(hour < 4 * 24 + hours[1]) | (hour >= 6 * 24 + hours[0])]


def sydney_shares() -> pd.DatetimeIndex:
    utc = pd.date_range("2010-01-01", "2016-01-01", freq="1h", tz="UTC")
    local = utc.tz_convert("Australia/Sydney")
    return utc[(local.day_of_week < 5) & (local.hour >= 10) & (local.hour < 16)]


def moments(index: pd.DatetimeIndex) -> np.ndarray:
    naive = index.tz_convert(None) if index.tz is not None else index
    return naive.dropna().unique().sort_values().as_unit("us").to_numpy()


def told(index: pd.DatetimeIndex, real: str, told_as: str) -> np.ndarray:
    """Times as read by somebody who takes stamps of one clock for those of another."""
    stamps = index.tz_convert(real).tz_localize(None)
    return moments(stamps.tz_localize(told_as, ambiguous="NaT", nonexistent="NaT"))


def moved(time: np.ndarray, at: str, hours: float) -> np.ndarray:
    late = time >= np.datetime64(at)
    return np.unique(np.where(late, time + np.timedelta64(int(60 * hours), "m"), time))


@pytest.mark.parametrize("hours", [1, 2, -3, 5, -7, 11])
@pytest.mark.parametrize(
    ("at", "first", "last"),
    [("2012-06-16", "2012-06-17", "2012-06-18"), ("2012-06-13", "2012-06-10", "2012-06-11")],
    ids=["at a weekend", "within a week"],
)
def test_a_planted_change_is_found_in_its_week(at: str, first: str, last: str, hours: int) -> None:
    time = moved(moments(foreign_exchange()), at, hours)
    (change,) = zone_changes(time, HOUR)
    assert change.minutes == 60 * hours
    assert change.before == 17 * 60
    assert np.datetime64(first) <= time[change.row] < np.datetime64(last) + np.timedelta64(1, "D")
    assert time[change.row] - time[change.row - 1] > 30 * HOUR  # it is the first bar of a week


@pytest.mark.parametrize("at", ["2012-03-11", "2012-11-03"])
def test_a_large_change_is_found_on_a_date_of_daylight_saving_too(at: str) -> None:
    time = moved(moments(foreign_exchange()), at, 5)
    (change,) = zone_changes(time, HOUR)
    assert abs(time[change.row] - np.datetime64(at)) <= np.timedelta64(7, "D")


def test_two_changes_are_two() -> None:
    time = moved(moved(moments(foreign_exchange()), "2013-06-01", -4), "2011-01-15", 4)
    assert [change.minutes for change in zone_changes(time, HOUR)] == [240, -240]


def test_a_change_is_the_short_way_round() -> None:
    assert ZoneChange(0, 23 * 60, 60).minutes == 120
    assert ZoneChange(0, 60, 23 * 60).minutes == -120


SILENT = {
    "foreign exchange": moments(foreign_exchange()),
    "european dates of daylight saving": moments(foreign_exchange("Europe/London", (22, 22))),
    "no daylight saving": moments(foreign_exchange("UTC", (22, 22))),
    "shares of Sydney": moments(sydney_shares()),
    "a broker's clock taken for a fixed one": told(foreign_exchange(), "Europe/Helsinki", "Etc/GMT-2"),
    "a fixed clock taken for a broker's": told(foreign_exchange(), "Etc/GMT-2", "Europe/Helsinki"),
    "a wrong zone all the time": told(foreign_exchange(), "Asia/Tokyo", "UTC"),
    "a market that never closes": moments(pd.date_range("2015-01-01", "2018-01-01", freq="1h")),
    "a few weeks": moments(foreign_exchange())[:1500],
    "two bars": moments(foreign_exchange())[:2],
    "one bar": moments(foreign_exchange())[:1],
}


@pytest.mark.parametrize("time", SILENT.values(), ids=SILENT.keys())
def test_what_is_no_change_is_not_found(time: np.ndarray) -> None:
    assert zone_changes(time, HOUR) == []


def test_longer_hours_move_one_end_of_the_week_only() -> None:
    early, late = moments(foreign_exchange(hours=(17, 17))), moments(foreign_exchange(hours=(13, 17)))
    change = np.datetime64("2012-06-16")
    assert zone_changes(np.concatenate([early[early < change], late[late >= change]]), HOUR) == []


def test_holes_and_holidays_do_not_hide_or_feign_a_change() -> None:
    random = np.random.default_rng(0)
    time = moments(foreign_exchange())
    days = time.astype("datetime64[D]").astype(int)
    holed = time[(random.random(len(time)) > 0.05) & ~np.isin(days, random.choice(np.unique(days), 60))]
    assert zone_changes(holed, HOUR) == []
    (change,) = zone_changes(moved(holed, "2012-06-16", 5), HOUR)
    assert change.minutes in range(280, 321)


def test_daily_bars_are_not_judged() -> None:
    days = moments(pd.bdate_range("2010-01-01", "2015-12-31"))
    assert zone_changes(moved(days, "2012-06-16", 5), np.timedelta64(1, "D")) == []


def real(source: CsvSource | ParquetSource | PackagedSource, symbol: str | None = None) -> np.ndarray:
    table = source.history()
    column = table["time"] if symbol is None else table["time"][table["symbol"] == symbol]
    return moments(pd.DatetimeIndex(column))


def prices(side: str) -> dict[str, str]:
    return {name: f"{side}_{name}" for name in ("open", "high", "low", "close")}


@pytest.mark.parametrize("zone", ["Etc/GMT+5", "UTC", "America/New_York"])
def test_the_change_in_the_candles_of_a_broker_is_found(shared_data: Path, zone: str) -> None:
    path = str(shared_data / "fx" / "fxcm_EURUSD_hour.parquet")
    time = real(ParquetSource(path, columns=prices("bid"), timezone=zone))
    (change,) = zone_changes(time, HOUR)
    assert abs(time[change.row] - np.datetime64("2009-09-20")) <= np.timedelta64(7, "D")
    assert change.minutes == 240


def test_the_candles_of_the_others_have_no_change(shared_data: Path) -> None:
    for pair in ("EURUSD", "NZDUSD"):
        path = str(shared_data / "fx" / f"oanda_{pair}_hour.parquet")
        assert zone_changes(real(ParquetSource(path, columns=prices("bid"), timezone="UTC")), HOUR) == []
    for zone in ("Europe/Helsinki", "Etc/GMT-2"):
        source = ParquetSource(str(shared_data / "fx" / "ejtrader_h1.parquet"), timezone=zone)
        for symbol in source.history()["symbol"].unique():
            assert zone_changes(real(source, symbol), HOUR) == []
    shares = ParquetSource(str(shared_data / "equity" / "spy_hour.parquet"), timezone="America/New_York")
    assert zone_changes(real(shares), HOUR) == []


def test_the_packaged_candles_have_no_change() -> None:
    assert zone_changes(real(PackagedSource("sp500")), np.timedelta64(1, "D")) == []
