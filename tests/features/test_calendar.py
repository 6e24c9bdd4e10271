"""The clock's columns against hand-worked times, daylight saving among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.conftest import make_bars

from forecastle.arrays import SPAN, TIME
from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.features.calendar import Clock, Hour, Session, Weekday, WeeklyClose


def at(*times: str, minutes: int = 60) -> Bars:
    """Bars that open at these times, UTC."""
    time = np.array(times, dtype="datetime64[us]").astype(TIME)
    return replace(make_bars(len(times)), time=time, interval=np.timedelta64(minutes, "m").astype(SPAN))


def degrees(found: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[float]:
    np.testing.assert_allclose((found**2).sum(axis=1), 1.0, rtol=1e-12)
    return (np.degrees(np.arctan2(found[:, 0], found[:, 1])) % 360).round(6).tolist()


def test_the_hour_goes_round_the_clock_once_a_day() -> None:
    bars = at("2024-03-04T00:00", "2024-03-04T06:00", "2024-03-04T12:30", "2024-03-04T23:59")
    assert degrees(Hour().compute(bars)) == [0.0, 90.0, 187.5, 359.75]


def test_the_week_begins_on_monday() -> None:
    bars = at("2024-03-04T00:00", "2024-03-05T13:00", "2024-03-10T23:00")  # Monday, Tuesday, Sunday
    assert degrees(Weekday().compute(bars)) == pytest.approx([0.0, 360 / 7, 6 * 360 / 7], abs=1e-5)


def test_a_session_follows_its_citys_daylight_saving() -> None:
    # London works 8 to 17 local: 08:00 UTC in winter, 07:00 UTC in summer; New York's clocks change three weeks earlier
    bars = at("2024-01-10T07:59", "2024-01-10T08:00", "2024-07-10T07:00", "2024-07-10T15:59", "2024-07-10T16:00")
    assert Session("london").compute(bars)[:, 0].tolist() == [0, 1, 1, 1, 0]
    bars = at("2024-03-08T12:00", "2024-03-08T13:00", "2024-03-11T12:00", "2024-03-16T14:00")  # Fri, Fri, Mon, Saturday
    assert Session(["new_york"]).compute(bars)[:, 0].tolist() == [0, 1, 1, 0]
    bars = at(
        "2024-01-10T00:00", "2024-01-10T08:59", "2024-01-10T09:00", "2024-01-12T21:00"
    )  # the last: Saturday 08:00
    assert Session(["tokyo", "sydney"]).compute(bars).tolist() == [[1, 1], [1, 0], [0, 0], [0, 0]]


def test_the_week_closes_on_friday_evening_in_new_york() -> None:
    # closes at 22:00 UTC in winter, 21:00 UTC in summer; a bar is known an hour after it opens
    bars = at("2024-01-11T21:00", "2024-01-12T09:00", "2024-01-12T21:00", "2024-07-12T20:00")
    assert degrees(WeeklyClose().compute(bars)) == pytest.approx([360 / 7, 180 / 7, 0, 0], abs=1e-5)
    tokyo = WeeklyClose(day="saturday", hour=6.5, zone="Asia/Tokyo")
    assert degrees(tokyo.compute(at("2024-01-12T20:30"))) == [0.0]  # known at 21:30 UTC, 06:30 on Saturday there


def test_local_times_are_those_of_pandas_through_both_changes_of_the_clock() -> None:
    bars = make_bars(9000)
    local = pd.DatetimeIndex(bars.time).tz_localize("UTC").tz_convert("America/New_York")
    wanted = (local.day_of_week < 5) & (local.hour >= 8) & (local.hour < 17)
    np.testing.assert_array_equal(Session("new_york").compute(bars)[:, 0], wanted)


@pytest.mark.parametrize("indicator", [Hour(), Weekday(), Session(), WeeklyClose()])
def test_a_clock_needs_dates_that_can_be_trusted_and_no_history(indicator: Clock) -> None:
    assert indicator.needs == ("calendar",)
    assert indicator.warmup == 1
    whole = indicator.compute(make_bars(50))
    assert whole.dtype == np.float64
    np.testing.assert_array_equal(indicator.compute(make_bars(50)[49:]), whole[49:])


def test_mistakes_are_told() -> None:
    with pytest.raises(ConfigError, match=r"session: centre must be one of .* got 'londn'; did you mean 'london'\?"):
        Session("londn")
    with pytest.raises(ConfigError, match="session: one or more different centres wanted"):
        Session([])
    with pytest.raises(ConfigError, match=r"weekly_close: day must be one of monday, .* got 'fri'"):
        WeeklyClose(day="fri")
    with pytest.raises(ConfigError, match="weekly_close: hour must lie between 0 and 24, got 25"):
        WeeklyClose(hour=25)
    with pytest.raises(ConfigError, match=r"weekly_close: zone must be a time zone .* got 'New York'"):
        WeeklyClose(zone="New York")
