"""Statistics of windows against pandas, scipy and brute force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from forecastle.features import rolling

LENGTH = 20_000  # more than two blocks


def series(seed: int = 0, count: int = LENGTH) -> np.ndarray[Any, Any]:
    return 1.1 + np.cumsum(np.random.default_rng(seed).normal(0, 1e-4, count))


FUNCTIONS: dict[str, Callable[[np.ndarray[Any, Any], int], Any]] = {
    "total": rolling.total,
    "mean": rolling.mean,
    "moments": lambda values, period: np.stack(rolling.moments(values, period, 4)),
    "deviation": rolling.deviation,
    "line": lambda values, period: np.stack(rolling.line(values, period)),
    "rank": rolling.rank,
    "quantiles": lambda values, period: np.stack(rolling.quantiles(values, period, (0.2, 0.8))),
    "oldest_extreme": rolling.oldest_extreme,
    "correlation": lambda values, period: rolling.correlation(values, values**2 - values, period),
    "weighted": lambda values, period: rolling.weighted(values, np.linspace(1, 2, period)),
}
every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


@every_function
@given(first=st.integers(0, 9000), length=st.integers(60, 9000), period=st.integers(2, 60))
def test_a_window_gives_the_same_bits_whatever_lies_around_it(
    function: Callable[..., Any], first: int, length: int, period: int
) -> None:
    values = series(count=18_000)
    whole = function(values, period)
    part = function(values[first : first + length], period)
    np.testing.assert_array_equal(part, whole[..., first : first + part.shape[-1]])


@pytest.mark.parametrize("period", [1, 2, 3, 7, 8, 60, 255])
def test_totals_and_means_are_those_of_pandas(period: int) -> None:
    values = series()
    wanted = pd.Series(values).rolling(period)
    np.testing.assert_allclose(rolling.total(values, period), wanted.sum()[period - 1 :], rtol=1e-12)
    np.testing.assert_allclose(rolling.mean(values, period), wanted.mean()[period - 1 :], rtol=1e-12)


@pytest.mark.parametrize("period", [4, 60])
def test_moments_are_those_of_scipy_in_every_window(period: int) -> None:
    values = series(count=9000)
    windows = np.lib.stride_tricks.sliding_window_view(values, period)
    _, *found = rolling.moments(values, period, 4)
    for order, moment in enumerate(found, start=2):
        wanted = scipy.stats.moment(windows, order, axis=1)
        np.testing.assert_allclose(moment, wanted, rtol=1e-8, atol=1e-14 * 1e-4 ** (order - 1))
    np.testing.assert_allclose(rolling.deviation(values, period, 1), windows.std(axis=1, ddof=1), rtol=1e-11)


def test_equal_numbers_have_no_spread_even_where_their_mean_is_rounded() -> None:
    values = np.full(100, 0.1)
    for moment in rolling.moments(values, 7, 4)[1:]:
        assert not moment.any()
    assert not rolling.line(values, 7)[0].any()
    assert not rolling.line(values, 7)[1].any()
    assert not rolling.correlation(values, np.arange(100.0), 7).any()


@pytest.mark.parametrize("period", [2, 5, 60])
def test_lines_are_those_of_scipy(period: int) -> None:
    values = series(count=300)
    slope, explained = rolling.line(values, period)
    for row in range(0, len(slope), 17):
        wanted = scipy.stats.linregress(np.arange(period), values[row : row + period])
        np.testing.assert_allclose(slope[row], wanted.slope, rtol=1e-9)
        np.testing.assert_allclose(explained[row], wanted.rvalue**2, rtol=1e-9)


@pytest.mark.parametrize("period", [2, 5, 60])
def test_correlations_are_those_of_numpy(period: int) -> None:
    first, second = series(1, 400), series(2, 400)
    found = rolling.correlation(first, second, period)
    for row in range(0, len(found), 7):
        wanted = np.corrcoef(first[row : row + period], second[row : row + period])[0, 1]
        np.testing.assert_allclose(found[row], wanted, rtol=1e-8)


@pytest.mark.parametrize("period", [2, 5, 60])
def test_ranks_and_quantiles_are_those_of_pandas_with_ties(period: int) -> None:
    values = np.random.default_rng(0).integers(0, 20, 9000).astype(float)
    windows = pd.Series(values).rolling(period)
    np.testing.assert_allclose(rolling.rank(values, period), windows.rank(pct=True)[period - 1 :], rtol=1e-12)
    for level, found in zip((0.2, 0.8), rolling.quantiles(values, period, (0.2, 0.8)), strict=True):
        np.testing.assert_allclose(found, windows.quantile(level)[period - 1 :], rtol=1e-12)


def test_of_equal_extremes_the_oldest_counts() -> None:
    values = np.random.default_rng(0).integers(0, 9, 9000).astype(float)
    windows = np.lib.stride_tricks.sliding_window_view(values, 10)
    np.testing.assert_array_equal(rolling.oldest_extreme(values, 10), windows.argmax(axis=1) + 1)


def test_weights_are_given_oldest_first() -> None:
    values, weights = series(count=9000), np.linspace(-1, 2, 50)
    wanted = np.lib.stride_tricks.sliding_window_view(values, 50) @ weights
    np.testing.assert_allclose(rolling.weighted(values, weights), wanted, rtol=1e-11)
