from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forecastle.evaluation.trading.schedule import schedule


def reference(row: list[int], position: list[float], reach: int, bars: int, hysteresis: float) -> list[float]:
    """Bar by bar: what is held from the open of each bar on."""
    decisions = dict(zip(row, position, strict=True))
    held, wanted, age, out = 0.0, 0.0, 0, []
    last = min(row[-1] + 1 + reach, bars - 1)
    for bar in range(row[0] + 1, last + 1):
        decision = decisions.get(bar - 1, np.nan)
        if not np.isnan(decision):
            wanted, age = decision, 0
        elif age >= reach:
            wanted = 0.0
        age += 1
        goal = 0.0 if bar == last else wanted
        if goal == 0.0 or abs(goal - held) >= hysteresis:
            held = goal
        out.append(held)
    return out


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_schedule_is_what_a_trader_would_hold_bar_by_bar(data: st.DataObject) -> None:
    bars = data.draw(st.integers(2, 40))
    row = sorted(data.draw(st.sets(st.integers(0, bars - 2), min_size=1)))
    choice = st.one_of(st.just(float("nan")), st.sampled_from([0.0, 1.0, -1.0]), st.floats(-1, 1))
    position = data.draw(st.lists(choice, min_size=len(row), max_size=len(row)))
    reach, hysteresis = data.draw(st.integers(1, 8)), data.draw(st.sampled_from([0.0, 0.3]))
    found = schedule(np.array(row), np.array(position), reach, bars, hysteresis)
    assert found.first == row[0] + 1
    np.testing.assert_array_equal(found.target, reference(row, position, reach, bars, hysteresis))


def test_a_decision_is_executed_at_the_next_open_and_not_before() -> None:
    found = schedule(np.array([4]), np.array([1.0]), 2, 100)
    assert (found.first, found.target.tolist()) == (5, [1.0, 1.0, 0.0])


def test_a_stretch_without_forecasts_is_flat_and_not_judged() -> None:
    found = schedule(np.array([0, 10]), np.array([1.0, 1.0]), 2, 100)
    np.testing.assert_array_equal(np.flatnonzero(found.active), [0, 1, 10, 11])
    np.testing.assert_array_equal(np.flatnonzero(found.target), [0, 1, 10, 11])


def test_the_last_bar_of_the_data_ends_every_position() -> None:
    found = schedule(np.array([7, 8]), np.array([1.0, -1.0]), 5, 10)
    assert found.target.tolist() == [1.0, 0.0]
    assert found.active.tolist() == [True, False]


def test_small_changes_are_left_undone_but_flat_is_flat() -> None:
    found = schedule(np.arange(5), np.array([0.5, 0.6, 0.75, 0.7, 0.0]), 1, 100, hysteresis=0.2)
    assert found.target.tolist() == [0.5, 0.5, 0.75, 0.75, 0.0, 0.0]
