"""Clocks: naive local times to UTC, without a guess."""

from __future__ import annotations

import pandas as pd
import pytest

from forecastle.data.clock import to_utc, utc
from forecastle.errors import ConfigError, DataError


def texts(*values: object) -> pd.Series:
    return pd.Series(list(values), name="ts")


def read(column: pd.Series, timezone: str | None = None, time_format: str | None = None) -> list[str | None]:
    moments = to_utc(column, timezone, time_format, "prices.csv")
    assert str(moments.dtype) == "datetime64[us, UTC]"
    return [None if pd.isna(moment) else moment.strftime("%Y-%m-%dT%H:%M:%S") for moment in moments]


def test_broker_time_is_two_hours_ahead_in_winter_and_three_in_summer() -> None:
    column = texts("2020-01-06 00:00", "2020-07-06 00:00")
    assert read(column, "Europe/Helsinki") == ["2020-01-05T22:00:00", "2020-07-05T21:00:00"]


def test_times_that_daylight_saving_skips_or_repeats_are_not_guessed() -> None:
    column = texts("2020-03-29 03:30", "2020-10-25 03:30", "2020-10-25 04:00")
    assert read(column, "Europe/Helsinki") == [None, None, "2020-10-25T02:00:00"]


def test_naive_times_without_a_zone_say_what_to_write() -> None:
    for column in (texts("2020-01-06 00:00"), pd.Series(pd.DatetimeIndex(["2020-01-06"]), name="ts")):
        with pytest.raises(DataError, match=r"prices\.csv: times such as '2020-01-06.*data\.timezone=UTC"):
            read(column)


def test_an_offset_in_the_text_needs_no_zone() -> None:
    assert read(texts("2020-01-06T00:00:00+02:00", "2020-01-06T00:00:00Z")) == [
        "2020-01-05T22:00:00",
        "2020-01-06T00:00:00",
    ]
    assert read(texts("2020-01-06T00:00:00-0500")) == ["2020-01-06T05:00:00"]


def test_zoned_and_naive_times_in_one_column_are_refused() -> None:
    with pytest.raises(DataError, match="some times carry a zone and some do not, such as 2020-01-07"):
        read(texts("2020-01-06T00:00:00Z", "2020-01-07"), "UTC")


def test_month_and_day_are_never_guessed() -> None:
    assert read(texts("1/4/1999"), "UTC") == [None]
    assert read(texts("1/4/1999"), "UTC", "%m/%d/%Y") == ["1999-01-04T00:00:00"]
    assert read(texts("1/4/1999"), "UTC", "%d/%m/%Y") == ["1999-04-01T00:00:00"]


@pytest.mark.parametrize("word", ["now", "today", "tomorrow", "abc", ""])
def test_words_are_no_times(word: str) -> None:
    assert read(texts("2020-01-06", word), "UTC") == ["2020-01-06T00:00:00", None]


def test_numbers_need_a_unit_and_are_utc_unless_a_clock_is_named() -> None:
    numbers = pd.Series([1_577_836_800], name="ts")
    with pytest.raises(DataError, match=r"numbers such as '1577836800'; say data\.format\.time=s"):
        read(numbers)
    assert read(numbers, None, "s") == ["2020-01-01T00:00:00"]
    assert read(numbers * 1000, None, "ms") == ["2020-01-01T00:00:00"]
    assert read(numbers, "Europe/Helsinki", "s") == ["2019-12-31T22:00:00"]


def test_numbers_that_spell_a_date_follow_the_format_and_need_a_zone() -> None:
    numbers = pd.Series([20200101], name="ts")
    assert read(numbers, "UTC", "%Y%m%d") == ["2020-01-01T00:00:00"]
    with pytest.raises(DataError, match="carry no zone"):
        read(numbers, None, "%Y%m%d")


def test_offsets_are_read_by_a_format() -> None:
    column = texts("06.01.2020 00:00 +0200", "06.07.2020 00:00 +0300")
    assert read(column, None, "%d.%m.%Y %H:%M %z") == ["2020-01-05T22:00:00", "2020-07-05T21:00:00"]


def test_times_out_of_range_become_missing_or_an_error_but_no_traceback() -> None:
    assert read(pd.Series([1e300, 0.0], name="ts"), None, "s") == [None, "1970-01-01T00:00:00"]
    with pytest.raises(DataError, match="true and false"):
        read(pd.Series([True, False], name="ts"), "UTC")


def test_a_mistyped_zone_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"got 'Europe/Helsinky'; did you mean 'Europe/Helsinki'\?"):
        read(texts("2020-01-06"), "Europe/Helsinky")


def test_bounds_without_a_zone_are_utc() -> None:
    assert utc("2020-01-01") == pd.Timestamp("2020-01-01", tz="UTC")
    assert utc(pd.Timestamp("2020-01-01", tz="Europe/Helsinki")) == pd.Timestamp("2019-12-31 22:00", tz="UTC")
    assert utc(None) is None
    with pytest.raises(ConfigError, match="a date such as 2015-01-01 wanted, got 'someday'"):
        utc("someday")
