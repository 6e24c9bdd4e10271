from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecastle.report.axis import number_axis, step_axis, time_axis

numbers = st.lists(st.floats(-1e9, 1e9, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-9), min_size=1)


@given(numbers)
def test_a_number_axis_holds_every_value_and_has_few_round_ticks(values: list[float]) -> None:
    axis = number_axis(values)
    room = 0.051 * (axis.ticks[1][0] - axis.ticks[0][0])
    assert axis.low - room <= min(values) <= max(values) <= axis.high + room
    assert 2 <= len(axis.ticks) <= 9
    assert len({text for _, text in axis.ticks}) == len(axis.ticks)


def test_a_hair_below_zero_costs_no_room() -> None:
    assert number_axis([-0.001, 5.6]).low == 0.0


def test_a_number_axis_ignores_what_is_not_finite() -> None:
    assert number_axis([np.nan, 1.0, np.inf, 3.0]).high == 3.0


@pytest.mark.parametrize("values", [[], [np.nan]])
def test_a_number_axis_of_nothing_goes_from_zero_to_one(values: list[float]) -> None:
    axis = number_axis(values)
    assert (axis.low, axis.high) == (0.0, 1.0)


@pytest.mark.parametrize("value", [0.0, 1500.0, -0.002])
def test_a_number_axis_gives_a_constant_room_on_both_sides(value: float) -> None:
    axis = number_axis([value, value])
    assert axis.low < value < axis.high


def test_tiny_numbers_are_shown_as_multiples_of_a_power_of_ten() -> None:
    axis = number_axis([0.0, 4e-5], label="loss (nats)")
    assert axis.label == "loss (nats) (×10⁻⁶)"
    assert axis.ticks[-1][1] == "40"


def test_ticks_in_per_cent_keep_the_decimals_that_they_need() -> None:
    texts = [text for _, text in number_axis([0.0, 0.0102], percent=True).ticks]
    assert texts == ["0.00\u202f%", "0.25\u202f%", "0.50\u202f%", "0.75\u202f%", "1.00\u202f%", "1.25\u202f%"]


def test_a_time_axis_marks_the_first_bar_of_each_month() -> None:
    days = pd.bdate_range("2015-09-20", "2015-12-15").to_numpy().astype("datetime64[us]")
    axis = time_axis(days)
    assert [text for _, text in axis.ticks] == ["Oct 2015", "Nov 2015", "Dec 2015"]
    firsts = [str(days[int(place)].astype("datetime64[D]")) for place, _ in axis.ticks]
    assert firsts == ["2015-10-01", "2015-11-02", "2015-12-01"]  # 1 November 2015 was a Sunday


@pytest.mark.parametrize(
    ("step", "count"), [("1min", 600), ("1h", 40), ("1h", 500), ("1D", 30), ("1D", 5000), ("1W", 900)]
)
def test_a_time_axis_has_between_two_and_seven_dates(step: str, count: int) -> None:
    times = pd.date_range("2012-01-03 04:00", periods=count, freq=step).to_numpy().astype("datetime64[us]")
    axis = time_axis(times)
    assert 2 <= len(axis.ticks) <= 7
    assert all(0 <= place <= count - 1 for place, _ in axis.ticks)


def test_a_time_axis_of_one_bar_is_not_empty() -> None:
    axis = time_axis(np.array(["2020-02-03"], dtype="datetime64[us]"))
    assert axis.ticks == ((0.0, "3 Feb 2020"),)
    assert axis.high > axis.low


@given(st.integers(1, 500))
def test_a_step_axis_has_at_most_eleven_numbers_inside_the_horizon(horizon: int) -> None:
    axis = step_axis(range(1, horizon + 1))
    places = [place for place, _ in axis.ticks]
    assert len(places) <= 11
    assert all(1 <= place <= horizon for place in places)
    assert axis.low < 1 <= horizon < axis.high


def test_place_gives_fractions_of_the_axis() -> None:
    axis = number_axis([0.0, 10.0])
    assert axis.place([0.0, 2.5, 10.0]).tolist() == [0.0, 0.25, 1.0]
