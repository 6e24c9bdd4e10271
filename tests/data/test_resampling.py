"""Resampling: against pandas, against a slow walk over the bars, and by hand where daylight saving begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import make_bars

from forecastle.data.bars import OPTIONAL, PRICES, Bars, Panel
from forecastle.data.files import ParquetSource
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.data.resampling import resample, resample_each, resample_panel
from forecastle.errors import ConfigError, DataError

RULES = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "spread": "last"}
NEW_YORK = "17:00 America/New_York"
HOUR = np.timedelta64(1, "h")


def fast(time: np.ndarray, minutes: int = 1, seed: int = 0) -> Bars:
    """Random candles at these times, with whole volumes and a spread."""
    bars = make_bars(len(time), seed, minutes=minutes)
    return replace(bars, time=time.astype("datetime64[us]"), spread=bars.close / 1000)


def week_of_foreign_exchange(weeks: int, minutes: int) -> Bars:
    """Sunday 22:00 to Friday 22:00 UTC, with one bar in fifty absent."""
    times = [
        np.arange(60 * 120 // minutes) * np.timedelta64(minutes, "m") + np.datetime64("2015-01-04T22:00", "us") + week
        for week in np.arange(weeks) * np.timedelta64(7, "D")
    ]
    time = np.concatenate(times)
    return fast(time[np.random.default_rng(1).random(len(time)) > 0.02], minutes)


def table(bars: Bars) -> pd.DataFrame:
    columns = {name: getattr(bars, name) for name in (*PRICES, *OPTIONAL)}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(bars.time, tz="UTC"))


def hourly(first: str, last: str) -> Bars:
    """Bars without a gap, as a market that never closes has them."""
    return fast(np.arange(np.datetime64(first, "us"), np.datetime64(last, "us"), HOUR), 60)


@pytest.mark.parametrize("timeframe", ["1min", "5min", "15min", "1h", "4h", "8h", "1D", "1W"])
def test_slower_bars_are_those_of_pandas(timeframe: str) -> None:
    bars = week_of_foreign_exchange(4, 1)
    rule, options = (timeframe, {}) if timeframe != "1W" else ("W-MON", {"label": "left", "closed": "left"})
    expected = table(bars).resample(rule, **options).agg(RULES).dropna()
    slow = resample(bars, timeframe)
    assert len(expected) - len(slow) in (0, 1)
    expected = expected.iloc[: len(slow)]
    np.testing.assert_array_equal(expected.index.tz_localize(None).to_numpy(), slow.time)
    for name in RULES:
        np.testing.assert_array_equal(getattr(slow, name), expected[name])
    assert slow.interval == pd.Timedelta(7, "D") if timeframe == "1W" else slow.interval == pd.Timedelta(timeframe)
    assert slow.close_time is None


def test_days_of_new_york_are_those_of_pandas_on_the_local_clock() -> None:
    bars = hourly("2019-01-01T22:00", "2021-01-01T22:00")
    local = table(bars).tz_convert("America/New_York")
    expected = local.groupby((local.index.tz_localize(None) - pd.Timedelta(17, "h")).date).agg(RULES)
    slow = resample(bars, "1D", NEW_YORK)
    for name in RULES:
        np.testing.assert_array_equal(getattr(slow, name), expected[name])
    opened = pd.DatetimeIndex(slow.time, tz="UTC").tz_convert("America/New_York")
    assert (opened.hour == 17).all()
    assert opened.date.tolist() == expected.index.tolist()


def test_a_day_of_23_or_25_hours_is_known_when_it_ends() -> None:
    slow = resample(hourly("2020-03-01T22:00", "2020-11-10T22:00"), "1D", NEW_YORK)
    hours = dict(zip(slow.time.astype("datetime64[D]").astype(str), (slow.known - slow.time) / HOUR, strict=True))
    assert (hours["2020-03-06"], hours["2020-03-07"], hours["2020-03-08"]) == (24, 23, 24)
    assert (hours["2020-10-30"], hours["2020-10-31"], hours["2020-11-01"]) == (24, 25, 24)
    assert set(hours.values()) == {23, 24, 25}
    np.testing.assert_array_equal(slow.known[:-1], slow.time[1:])


def test_a_week_of_foreign_exchange_runs_from_sunday_to_sunday_in_new_york() -> None:
    slow = resample(hourly("2020-02-23T22:00", "2020-03-22T21:00"), "1W", NEW_YORK)
    assert slow.time.astype("datetime64[h]").astype(str).tolist() == [
        "2020-02-23T22", "2020-03-01T22", "2020-03-08T21", "2020-03-15T21",
    ]  # fmt: skip
    assert ((slow.known - slow.time) / HOUR).tolist() == [168, 167, 168, 168]


def test_weeks_of_utc_begin_on_monday() -> None:
    slow = resample(hourly("2020-01-06", "2020-02-03"), "1W")
    assert slow.time.astype("datetime64[D]").astype(str).tolist() == [
        "2020-01-06", "2020-01-13", "2020-01-20", "2020-01-27",
    ]  # fmt: skip


def test_a_week_that_closed_on_friday_is_not_known_before_its_end() -> None:
    week = week_of_foreign_exchange(1, 60)
    assert len(resample(week, "1W", NEW_YORK)) == 0
    assert len(resample(week, "1D", NEW_YORK)) == 5
    two = week_of_foreign_exchange(2, 60)
    slow = resample(two[: len(week) + 1], "1W", NEW_YORK)
    assert slow.known.astype(str).tolist() == ["2015-01-11T22:00:00.000000"]
    assert slow.close.tolist() == [week.close[-1]]


def test_four_hours_of_new_york_are_counted_from_17_and_cut_short_where_the_day_is() -> None:
    slow = resample(hourly("2020-03-06T22:00", "2020-03-09T21:00"), "4h", NEW_YORK)
    assert slow.time.astype("datetime64[h]").astype(str).tolist() == [
        "2020-03-06T22", "2020-03-07T02", "2020-03-07T06", "2020-03-07T10", "2020-03-07T14", "2020-03-07T18",
        "2020-03-07T22", "2020-03-08T02", "2020-03-08T06", "2020-03-08T10", "2020-03-08T14", "2020-03-08T18",
        "2020-03-08T21", "2020-03-09T01", "2020-03-09T05", "2020-03-09T09", "2020-03-09T13", "2020-03-09T17",
    ]  # fmt: skip
    assert ((slow.known - slow.time) / HOUR).tolist() == [4] * 11 + [3] + [4] * 6
    fall = resample(hourly("2020-10-31T21:00", "2020-11-01T22:00"), "4h", NEW_YORK)
    assert ((fall.known - fall.time) / HOUR).tolist() == [4] * 6 + [1]


def test_the_last_bar_is_left_out_until_its_end_is_seen() -> None:
    minutes = fast(np.datetime64("2020-01-06T10:00") + np.arange(121) * np.timedelta64(1, "m"))
    assert [len(resample(minutes[:count], "1h")) for count in (59, 60, 61, 119, 120, 121)] == [0, 1, 1, 1, 2, 2]
    before_a_pause = np.delete(minutes.time, np.arange(50, 65))
    paused = fast(before_a_pause)
    assert [len(resample(paused[:count], "1h")) for count in (50, 51)] == [0, 1]  # the next one shows that it is over


def test_weekends_and_holidays_make_no_bars() -> None:
    bars = week_of_foreign_exchange(3, 60)
    holiday = np.datetime64("2015-01-14")
    kept = bars.time.astype("datetime64[D]") != holiday
    slow = resample(fast(bars.time[kept], 60), "1D")
    assert holiday not in slow.time.astype("datetime64[D]")
    assert 5 not in (slow.time.astype("datetime64[D]").astype(int) + 3) % 7


def test_what_is_absent_stays_absent_and_names_and_settings_stay() -> None:
    bars = replace(hourly("2020-01-01", "2020-01-05"), volume=None, spread=None)
    slow = resample(bars, "1D")
    assert (slow.volume, slow.spread, slow.symbol, slow.calendar) == (None, None, "TEST", True)
    assert resample(bars[:0], "1D", NEW_YORK).interval == np.timedelta64(1, "D")
    assert len(resample(bars[:0], "1D")) == 0


def test_the_same_timeframe_gives_the_same_bars() -> None:
    bars = week_of_foreign_exchange(2, 60)
    assert resample(bars, "1h", NEW_YORK).content == bars.content


@pytest.mark.parametrize("volume", ["whole", "parts", "whole but too large"])
def test_several_timeframes_at_once_are_each_of_them_bit_for_bit(volume: str) -> None:
    bars = week_of_foreign_exchange(3, 1)
    random = np.random.default_rng(3).random(len(bars))
    volumes = {"whole": bars.volume, "parts": random, "whole but too large": np.rint(random * 2**60)}
    bars = replace(bars, volume=volumes[volume])
    timeframes = ["1D", "10min", "15min", "1h", "1W", "5min", "4h"]
    for start in ("00:00 UTC", NEW_YORK, "00:00 Europe/Helsinki"):
        together = resample_each(bars, timeframes, start)
        assert [b.content for b in together] == [resample(bars, each, start).content for each in timeframes]


def test_volumes_are_summed_bit_for_bit_as_numpy_sums_them_from_the_first_bars() -> None:
    bars = week_of_foreign_exchange(2, 1)
    bars = replace(bars, volume=np.random.default_rng(3).random(len(bars)))
    for slow in resample_each(bars, ["5min", "1h", "1D"]):
        edges = np.searchsorted(bars.time, slow.time)
        assert slow.volume is not None
        np.testing.assert_array_equal(slow.volume[:-1], np.add.reduceat(bars.volume, edges)[:-1])  # the last goes on


def test_slower_bars_can_be_made_slower_again() -> None:
    bars = hourly("2020-03-01T22:00", "2020-04-01")
    again = resample(resample(bars, "4h", NEW_YORK), "1D", NEW_YORK)
    assert again.content == resample(bars, "1D", NEW_YORK).content


def test_bars_that_lie_in_two_are_refused() -> None:
    days = fast(np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-20")), 1440)
    with pytest.raises(
        DataError,
        match=r"TEST: the bar at 2020-01-01T00:00:00.000000 lies in two of 1D: it ends at 2020-01-02T00:00:00.000000, "
        r"they meet at 2020-01-01T22:00:00.000000; another day_start may suit these bars",
    ):
        resample(days, "1D", NEW_YORK)
    with pytest.raises(DataError, match=r"the bar at 2020-01-05T12:00:00.000000 lies in two of 1W"):
        resample(replace(days, time=days.time + 12 * HOUR), "1W")


def test_mistakes_are_told() -> None:
    bars = hourly("2020-01-01", "2020-01-03")
    for timeframe in ("7h", "2D", "1M", "fast", "0h"):
        with pytest.raises(ConfigError, match=f"timeframe must be 1W, 1D, or a length that divides .*'{timeframe}'"):
            resample(bars, timeframe)
    with pytest.raises(ConfigError, match="timeframe 30min is no multiple of the bars' interval 1h"):
        resample(bars, "30min")
    for start in ("17 America/New_York", "25:00 UTC", "17:00"):
        with pytest.raises(ConfigError, match=f"day_start must be a time and a zone .*'{start}'"):
            resample(bars, "1D", start)
    with pytest.raises(ConfigError, match="did you mean 'America/New_York'"):
        resample(bars, "1D", "17:00 America/NewYork")
    with pytest.raises(DataError, match="the times are an order and no calendar"):
        resample(replace(bars, calendar=False), "1D")


def test_a_panel_is_resampled_symbol_by_symbol_and_must_have_a_bar_of_each() -> None:
    long, short = hourly("2020-01-01", "2020-01-03"), replace(hourly("2020-01-01", "2020-01-01T20:00"), symbol="B")
    slow = resample_panel(Panel((long, replace(long, symbol="B"))), "1D")
    assert [len(bars) for bars in slow] == [2, 2]
    assert slow.interval == np.timedelta64(1, "D")
    with pytest.raises(DataError, match="B: no complete bar of 1D in 20 bars"):
        resample_panel(Panel((long, short)), "1D")


STARTS = {
    "00:00 UTC": (ZoneInfo("UTC"), timedelta(0)),
    NEW_YORK: (ZoneInfo("America/New_York"), timedelta(hours=17)),
    "00:00 Europe/Helsinki": (ZoneInfo("Europe/Helsinki"), timedelta(0)),
}


def walk(moment: datetime, length: timedelta, start: str) -> tuple[datetime, datetime]:
    """Begin and end of the slower bar that a moment lies in, one day at a time."""
    zone, begin = STARTS[start]

    def opening(date: datetime) -> datetime:
        return (datetime(date.year, date.month, date.day) + begin).replace(tzinfo=zone).astimezone(UTC)

    date = (moment.astimezone(zone).replace(tzinfo=None) - begin).replace(hour=0, minute=0)
    while opening(date) > moment:
        date -= timedelta(days=1)
    while opening(date + timedelta(days=1)) <= moment:
        date += timedelta(days=1)
    if length == timedelta(days=7):
        first = 6 if begin else 0  # Sunday or Monday
        while date.weekday() != first:
            date -= timedelta(days=1)
        return opening(date), opening(date + timedelta(days=7))
    opened, end = opening(date), opening(date + timedelta(days=1))
    if length == timedelta(days=1):
        return opened, end
    while opened + length <= moment:
        opened += length
    return opened, min(opened + length, end)


@settings(max_examples=60, deadline=None)
@given(
    first=st.sampled_from(
        ["2020-03-06T20:00", "2020-03-28T12:00", "2020-10-24T21:00", "2020-10-31T20:00", "2021-06-03"]
    ),
    steps=st.lists(st.integers(1, 30), min_size=1, max_size=120),
    timeframe=st.sampled_from(["2h", "4h", "1D", "1W"]),
    start=st.sampled_from(sorted(STARTS)),
    cut=st.integers(0, 120),
)
def test_slower_bars_hold_what_a_slow_walk_finds_and_no_future(
    first: str, steps: list[int], timeframe: str, start: str, cut: int
) -> None:
    time = np.datetime64(first, "us") + np.cumsum(steps) * HOUR
    bars = fast(time, 60)
    slow = resample(bars, timeframe, start)
    length = pd.Timedelta({"1W": "7D"}.get(timeframe, timeframe)).to_pytimedelta()
    groups: dict[tuple[datetime, datetime], list[int]] = {}
    for row, moment in enumerate(bars.time.tolist()):
        groups.setdefault(walk(moment.replace(tzinfo=UTC), length, start), []).append(row)
    last = bars.known[-1]
    expected = {key: rows for key, rows in groups.items() if np.datetime64(key[1].replace(tzinfo=None), "us") <= last}
    assert slow.time.tolist() == [opened.replace(tzinfo=None) for opened, _ in expected]
    assert slow.known.tolist() == [end.replace(tzinfo=None) for _, end in expected]
    for at, rows in enumerate(expected.values()):
        assert bars.known[rows].max() <= slow.known[at]
        assert (slow.open[at], slow.close[at]) == (bars.open[rows[0]], bars.close[rows[-1]])
        assert (slow.high[at], slow.low[at]) == (bars.high[rows].max(), bars.low[rows].min())
    # Cutting off the future changes no slower bar that was known, and shows none that was not; nor does changing it.
    earlier = resample(bars[:cut], timeframe, start)
    now = bars.known[:cut].max() if cut else bars.time[0]
    assert len(earlier) == np.count_nonzero(slow.known <= now)
    other = replace(
        bars, **{name: np.append(getattr(bars, name)[:cut], getattr(bars, name)[cut:] * 3) for name in PRICES}
    )
    for name in ("time", "known", *PRICES, *OPTIONAL):
        np.testing.assert_array_equal(getattr(earlier, name), getattr(slow, name)[: len(earlier)])
        np.testing.assert_array_equal(
            getattr(earlier, name), getattr(resample(other, timeframe, start), name)[: len(earlier)]
        )


def test_hours_of_a_broker_make_the_days_of_new_york(shared_data: Path) -> None:
    source = ParquetSource(
        str(shared_data / "fx" / "oanda_EURUSD_hour.parquet"),
        columns={price: f"bid_{price}" for price in PRICES},
        timezone="UTC",
        interval="1h",
    )
    bars = load(source, QualityPolicy())[0].members[0]
    days = resample(bars, "1D", NEW_YORK)
    weekday = pd.DatetimeIndex(days.time, tz="UTC").tz_convert("America/New_York").day_of_week
    assert set(weekday[:-400]) <= {6, 0, 1, 2, 3}
    weeks = resample(bars, "1W", NEW_YORK)
    assert weeks.close_time is not None
    assert set(((weeks.known - weeks.time) / HOUR).tolist()) == {167, 168, 169}
