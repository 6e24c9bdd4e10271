from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from forecastle.arrays import SPAN, TIME
from forecastle.data.bars import Bars
from forecastle.errors import ModelError
from forecastle.windows.target import Direction, LogReturn, Volatility

LEVELS = np.array([0.025, 0.1, 0.5, 0.9, 0.975])
SCALE = np.array([0.001, 0.02, 0.3])


def with_closes(*closes: float) -> Bars:
    day = np.timedelta64(1, "D").astype(SPAN)
    close = np.array(closes, dtype=np.float64)
    time = np.datetime64("2020-01-01", "us").astype(TIME) + np.arange(len(close)) * day
    return Bars("TEST", day, time, close, close, close, close)


def loop(bars: Bars, horizon: int, value) -> np.ndarray:
    """`value(closes from t to t+h)` for each row and step, NaN where there is no bar t+h."""
    result = np.full((len(bars), horizon), np.nan)
    for row in range(len(bars)):
        for step in range(1, horizon + 1):
            if row + step < len(bars):
                result[row, step - 1] = value(bars.close[row : row + step + 1])
    return result


def realised(closes: np.ndarray) -> float:
    return math.sqrt(sum(math.log(after / before) ** 2 for before, after in pairwise(closes)))


REFERENCES = {
    LogReturn: lambda closes: math.log(closes[-1] / closes[0]),
    Direction: lambda closes: float(closes[-1] > closes[0]),
    Volatility: realised,
}


@pytest.mark.parametrize("kind", REFERENCES)
@pytest.mark.parametrize("horizon", [1, 4, 79, 80, 100])
def test_target_is_what_a_loop_over_the_bars_gives(bars: Bars, kind: type, horizon: int) -> None:
    bars = bars[:80]
    values = kind().compute(bars, horizon, np.ones(len(bars)))
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, loop(bars, horizon, REFERENCES[kind]), rtol=1e-11, atol=1e-14)


def test_targets_of_three_bars_are_what_a_hand_works_out() -> None:
    bars = with_closes(100, 200, 50)
    nan = np.nan
    two, half = math.log(2), math.log(0.5)
    np.testing.assert_allclose(LogReturn().compute(bars, 2, np.ones(3)), [[two, half], [2 * half, nan], [nan, nan]])
    np.testing.assert_array_equal(Direction().compute(bars, 2, np.ones(3)), [[1, 0], [0, nan], [nan, nan]])
    np.testing.assert_allclose(
        Volatility().compute(bars, 2, np.ones(3)), [[two, math.sqrt(5) * two], [2 * two, nan], [nan, nan]]
    )


def test_unchanged_close_counts_as_down() -> None:
    np.testing.assert_array_equal(Direction().compute(with_closes(1.1, 1.1, 1.2, 1.1), 3, np.ones(4))[0], [0, 1, 0])


def test_flat_bars_have_no_volatility() -> None:
    np.testing.assert_array_equal(Volatility().compute(with_closes(3, 3, 3), 2, np.ones(3))[0], [0, 0])


# The law under a random walk


def test_random_walk_of_log_returns_is_normal() -> None:
    deviation = SCALE[:, None, None] * np.sqrt(np.arange(1, 8))[:, None]
    expected = scipy.stats.norm.ppf(LEVELS, scale=deviation)
    np.testing.assert_allclose(LogReturn().random_walk(SCALE, 7, LEVELS), expected, rtol=1e-9, atol=1e-16)


def test_random_walk_of_volatility_is_chi() -> None:
    steps = np.arange(1, 8)[:, None]
    expected = scipy.stats.chi.ppf(LEVELS, steps) * SCALE[:, None, None]
    np.testing.assert_allclose(Volatility().random_walk(SCALE, 7, LEVELS), expected, rtol=1e-9)


def test_random_walk_rises_as_often_as_it_falls() -> None:
    np.testing.assert_array_equal(Direction().random_walk(SCALE, 4, LEVELS), np.full((3, 4, 2), 0.5))


@pytest.mark.parametrize("target", [LogReturn(), Volatility()])
def test_random_walk_covers_simulated_walks_at_every_level(target: LogReturn | Volatility) -> None:
    sigma, count = 0.01, 4000
    random = np.random.default_rng(5)
    steps = random.normal(0, sigma, (count, 4))
    values = np.cumsum(steps, axis=1) if isinstance(target, LogReturn) else np.sqrt(np.cumsum(steps**2, axis=1))
    quantiles = target.random_walk(np.array([sigma]), 4, LEVELS)[0]
    below = (values[:, :, None] <= quantiles).mean(axis=0)
    np.testing.assert_allclose(below, np.tile(LEVELS, (4, 1)), atol=4 * 0.5 / math.sqrt(count))
    spread = target.spread(np.array([sigma]), 4)[0]
    np.testing.assert_allclose(np.sqrt((values**2).mean(axis=0)), spread, rtol=0.04)


def test_spread_of_classes_is_one() -> None:
    np.testing.assert_array_equal(Direction().spread(SCALE, 2), np.ones((3, 2)))


def test_spread_grows_with_the_root_of_the_step() -> None:
    np.testing.assert_allclose(LogReturn().spread(np.array([0.01]), 9)[0, [0, 3, 8]], [0.01, 0.02, 0.03])
    np.testing.assert_array_equal(Volatility().spread(SCALE, 4), LogReturn().spread(SCALE, 4))


# Values carried forward


def log_prices(count: int, seed: int = 0) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).normal(0, 0.01, (2, count)), axis=1)


def test_naive_log_return_is_zero() -> None:
    np.testing.assert_array_equal(LogReturn().carried(log_prices(9), 4, 1), np.zeros((2, 4)))


@pytest.mark.parametrize("period", [1, 2, 5, 7])
def test_carried_log_return_is_the_seasonal_naive_of_the_price(period: int) -> None:
    past, horizon = log_prices(40), 12
    price = np.exp(past)
    rows = [price.shape[1] - period + step % period for step in range(horizon)]  # the benchmark's own line
    forecast = np.exp(LogReturn().carried(past, horizon, period)) * price[:, -1:]
    np.testing.assert_allclose(forecast, price[:, rows], rtol=1e-12)


def test_carried_volatility_repeats_the_last_returns() -> None:
    past = np.cumsum([[0.0, 9.0, 1.0, 2.0, 3.0]], axis=1)  # the last three returns are 1, 2, 3
    squares = np.cumsum([1, 4, 9, 1, 4, 9, 1])
    np.testing.assert_allclose(Volatility().carried(past, 7, 3), np.sqrt(squares)[None])


def test_naive_volatility_is_that_of_as_many_bars_back() -> None:
    past = np.cumsum([[0.0, 9.0, 1.0, 2.0, 3.0]], axis=1)
    np.testing.assert_allclose(Volatility().carried(past, 4, 1), np.sqrt(np.cumsum([9, 4, 1, 81]))[None])


def test_naive_direction_is_that_of_the_last_bars() -> None:
    past = np.array([[5.0, 1.0, 4.0, 2.0, 3.0]])  # ends up by 1, down by 1, up by 2, down by 2
    np.testing.assert_array_equal(Direction().carried(past, 4, 1), [[1, 0, 1, 0]])


def test_seasonal_direction_is_that_of_the_same_phase() -> None:
    past = np.array([[5.0, 1.0, 4.0, 2.0, 3.0]])  # period 2: from bar -3 one and two steps, from bar -5 three and four
    np.testing.assert_array_equal(Direction().carried(past, 4, 2), [[0, 0, 0, 0]])
    np.testing.assert_array_equal(Direction().carried(-past, 4, 2), [[1, 1, 1, 1]])
    assert Direction().carried(past, 1, 4).tolist() == [[0]]
    assert Direction().carried(past, 1, 3).tolist() == [[1]]


@given(horizon=st.integers(1, 12), period=st.integers(1, 9), seed=st.integers(0, 5))
def test_carried_direction_is_the_target_some_whole_periods_ago(horizon: int, period: int, seed: int) -> None:
    past = log_prices(40, seed)
    carried = Direction().carried(past, horizon, period)
    last = past.shape[1] - 1
    for step in range(1, horizon + 1):
        begin = max(row for row in range(last, -1, -period) if row + step <= last)
        np.testing.assert_array_equal(carried[:, step - 1], past[:, begin + step] > past[:, begin])
    assert Direction().history(horizon, period) <= horizon + period


@given(
    target=st.sampled_from([LogReturn(), Direction(), Volatility()]),
    horizon=st.integers(1, 12),
    period=st.integers(1, 9),
)
def test_carrying_forward_needs_exactly_the_history_that_it_states(target, horizon: int, period: int) -> None:
    past = log_prices(40)
    count = target.history(horizon, period)
    assert count >= 1
    np.testing.assert_array_equal(
        target.carried(past[:, -count:], horizon, period), target.carried(past, horizon, period)
    )
    with pytest.raises(ModelError, match=f"{target.name}: .* needs {count} bars of past close, got {count - 1}"):
        target.carried(past[:, len(past[0]) - count + 1 :], horizon, period)
