"""Intervals: text to length, length to text, length from times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecastle.data.interval import interval_text, most_frequent, parse_interval, steps
from forecastle.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "seconds"), [("1D", 86400), ("1d", 86400), ("4h", 14400), ("5min", 300), ("5m", 300), ("1W", 604800)]
)
def test_usual_spellings_are_read(text: str, seconds: int) -> None:
    assert parse_interval(text) == np.timedelta64(seconds, "s")


@pytest.mark.parametrize("text", ["", "soon", "0h", "-1h", "NaT", "1T5"])
def test_what_is_no_positive_length_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match="interval must be a positive length of time") as caught:
        parse_interval(text)
    assert "\n" not in str(caught.value)


@given(st.integers(1, 10**13))
def test_text_of_an_interval_reads_back_as_the_same(length: int) -> None:
    interval = np.timedelta64(length, "us")
    assert parse_interval(interval_text(interval)) == interval


def test_steps_ignore_order_repeats_and_missing_times() -> None:
    time = np.array(["2020-01-03", "2020-01-01", "2020-01-01", "NaT", "2020-01-02"], dtype="datetime64[us]")
    assert steps(time).tolist() == [86_400_000_000, 86_400_000_000]


def test_of_equally_frequent_steps_the_shortest_wins() -> None:
    assert most_frequent(np.array([120, 60, 60, 120])) == np.timedelta64(60, "us")
    assert most_frequent(np.empty(0, dtype=np.int64)) is None
