"""The calendar that the data show, on grids whose holes are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecastle.data import calendar
from forecastle.data.calendar import slots
from forecastle.errors import DataError

DAY, HOUR = np.timedelta64(1, "D"), np.timedelta64(1, "h")


def moments(index: pd.DatetimeIndex) -> np.ndarray:
    naive = index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index
    return naive.to_numpy().astype("datetime64[us]")


def absent_times(time: np.ndarray, interval: np.timedelta64) -> list[str]:
    present, absent = slots(time, interval)
    before = np.searchsorted(present, absent, side="right") - 1
    return [str(moment) for moment in time[before] + (absent - present[before]) * interval.astype("timedelta64[us]")]


def new_york_hours(first: str, last: str) -> np.ndarray:
    """Hourly bars of foreign exchange: Sunday 17:00 to Friday 17:00 in New York, whatever that is in UTC."""
    utc = pd.date_range(first, last, freq="1h", tz="UTC")
    local = utc.tz_convert("America/New_York")
    week_hour = local.day_of_week * 24 + local.hour
    return moments(utc[(week_hour < 4 * 24 + 17) | (week_hour >= 6 * 24 + 17)])


def test_weekends_are_no_gaps_and_a_holiday_is_one() -> None:
    days = moments(pd.bdate_range("2020-01-01", "2020-12-31"))
    assert absent_times(days, DAY) == []
    assert absent_times(days[days != np.datetime64("2020-05-01")], DAY) == ["2020-05-01T00:00:00.000000"]


def test_opening_hours_that_move_with_daylight_saving_are_no_gaps() -> None:
    time = new_york_hours("2018-01-01", "2022-01-01")
    assert absent_times(time, HOUR) == []


def test_one_missing_hour_is_found_where_it_is_missing() -> None:
    time = new_york_hours("2018-01-01", "2022-01-01")
    hole = np.flatnonzero(time == np.datetime64("2020-03-10T13:00"))[0]
    assert absent_times(np.delete(time, hole), HOUR) == ["2020-03-10T13:00:00.000000"]


def test_weeks_without_any_bar_are_counted_in_full() -> None:
    days = moments(pd.bdate_range("2020-01-01", "2020-12-31"))
    hole = (days >= np.datetime64("2020-06-01")) & (days < np.datetime64("2020-09-01"))
    assert len(absent_times(days[~hole], DAY)) == hole.sum() == 66


def test_a_market_that_never_closes_has_every_hole_reported() -> None:
    hours = moments(pd.date_range("2021-01-01", "2021-06-01", freq="1h"))
    holes = np.random.default_rng(0).choice(np.arange(200, len(hours) - 200), 50, replace=False)
    missing = sorted(str(hours[hole]) for hole in holes)
    assert absent_times(np.delete(hours, holes), HOUR) == missing


def test_bars_longer_than_a_day_are_expected_at_every_interval() -> None:
    weeks = moments(pd.date_range("2020-01-06", periods=30, freq="7D"))
    assert absent_times(np.delete(weeks, [10, 11]), 7 * DAY) == [str(weeks[10]), str(weeks[11])]
    months = moments(pd.date_range("2020-01-01", periods=36, freq="MS"))
    assert absent_times(months, 31 * DAY) == []


def test_blocks_of_weeks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    time = new_york_hours("2019-01-01", "2021-01-01")
    keep = np.random.default_rng(1).random(len(time)) > 0.02
    whole = slots(time[keep], HOUR)[1]
    monkeypatch.setattr(calendar, "BLOCK", 1)
    assert len(whole) > 100
    np.testing.assert_array_equal(slots(time[keep], HOUR)[1], whole)


def test_few_bars_show_no_calendar_and_no_gap() -> None:
    for count in (1, 2, 3):
        time = moments(pd.bdate_range("2020-01-02", periods=count))
        assert absent_times(time, DAY) == []


def test_a_hole_of_a_lifetime_is_told_as_a_wrong_time() -> None:
    seconds = np.datetime64("2020-01-01", "us") + np.arange(100) * np.timedelta64(1, "s")
    time = np.concatenate([[np.datetime64("1970-01-01", "us")], seconds])
    with pytest.raises(DataError, match="no bars between 1970-01-01T00:00:00"):
        slots(time, np.timedelta64(1, "s"))
