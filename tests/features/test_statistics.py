"""Statistics, regime and the lines of trend against scipy, statsmodels, pandas, brute force and hand-worked values."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import talib
from statsmodels.tsa.stattools import acf
from tests.conftest import make_bars

from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.features.entropy import Entropy
from forecastle.features.frame import Indicator
from forecastle.features.ichimoku import Ichimoku
from forecastle.features.moments import Autocorrelation, Kurtosis, Skewness, VarianceRatio
from forecastle.features.regime import VolatilityRegime
from forecastle.features.returns import LaggedReturn
from forecastle.features.scaling import FractionalDifference, Hurst
from forecastle.features.slope import LinearSlope


def with_close(close: np.ndarray[Any, Any]) -> Bars:
    return replace(make_bars(len(close)), open=close, high=close, low=close, close=close)


def windows(bars: Bars, period: int) -> np.ndarray[Any, Any]:
    """The last n one-bar log returns at each bar from the first full window on."""
    return np.lib.stride_tricks.sliding_window_view(np.diff(np.log(bars.close)), period)


def warm(indicator: Indicator, bars: Bars) -> np.ndarray[Any, Any]:
    found = indicator.compute(bars)
    assert np.isnan(found[: indicator.warmup - 1]).all()
    return found[indicator.warmup - 1 :]


def test_a_lagged_return_is_the_return_of_so_many_bars_ago(bars: Bars) -> None:
    returns = np.log(pd.Series(bars.close)).diff()
    indicator = LaggedReturn([1, 3])
    assert indicator.warmup == 5
    wanted = np.stack([returns.shift(1), returns.shift(3)], axis=1)[4:]
    np.testing.assert_allclose(warm(indicator, bars), wanted, rtol=1e-9, atol=1e-15)


def test_skewness_and_kurtosis_are_scipys(bars: Bars) -> None:
    inside = windows(bars, 60)
    np.testing.assert_allclose(warm(Skewness(60), bars)[:, 0], scipy.stats.skew(inside, axis=1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(warm(Kurtosis(60), bars)[:, 0], scipy.stats.kurtosis(inside, axis=1), rtol=1e-9)


def test_autocorrelation_is_that_of_statsmodels(bars: Bars) -> None:
    indicator = Autocorrelation(40, lag=[1, 5])
    assert indicator.columns == ("autocorrelation_lag1_40", "autocorrelation_lag5_40")
    found = warm(indicator, bars)
    for row, inside in list(enumerate(windows(bars, 40)))[::50]:
        np.testing.assert_allclose(found[row], acf(inside, nlags=5, fft=False)[[1, 5]], rtol=1e-9, atol=1e-13)


def test_variance_ratio_is_lo_and_mackinlays(bars: Bars) -> None:
    found = warm(VarianceRatio(40, span=[2, 5]), bars)
    for row, inside in list(enumerate(windows(bars, 40)))[::50]:
        path = np.concatenate([[0.0], np.cumsum(inside)])
        n, mu = len(inside), inside.mean()
        one = ((inside - mu) ** 2).sum() / (n - 1)
        for column, q in enumerate((2, 5)):
            size = q * (n - q + 1) * (1 - q / n)
            long = ((path[q:] - path[:-q] - q * mu) ** 2).sum() / size
            np.testing.assert_allclose(found[row, column], long / one - 1, rtol=1e-8, atol=1e-12)


def test_variance_ratio_tells_moves_that_turn_back_from_moves_that_go_on() -> None:
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.01, 3000)
    turning = with_close(100 * np.exp(noise))  # noise about a level
    going = with_close(100 * np.exp(np.cumsum(np.convolve(noise, np.ones(5), "same"))))
    assert np.median(warm(VarianceRatio(200, span=2), turning)) == pytest.approx(-0.5, abs=0.05)
    assert np.median(warm(VarianceRatio(200, span=2), going)) == pytest.approx(0.8, abs=0.1)


def test_hurst_is_the_slope_of_mean_square_moves(bars: Bars) -> None:
    found = warm(Hurst(60), bars)[:, 0]
    logs = np.log(bars.close)
    for row in range(0, len(found), 50):
        inside = logs[row : row + 61]
        squares = [np.mean((inside[span:] - inside[:-span]) ** 2) for span in (1, 2, 4, 8)]
        wanted = np.polyfit(np.log([1, 2, 4, 8]), np.log(squares), 1)[0] / 2
        np.testing.assert_allclose(found[row], wanted, rtol=1e-9)


def test_hurst_is_a_half_for_a_random_walk_one_for_a_line_and_none_for_noise() -> None:
    random = np.random.default_rng(0)
    walk = make_bars(6000, seed=4)
    line = with_close(np.exp(np.arange(600) * 0.001))
    noise = with_close(100 * np.exp(random.normal(0, 0.01, 3000)))
    assert warm(Hurst(240), walk).mean() == pytest.approx(0.5, abs=0.03)
    np.testing.assert_allclose(warm(Hurst(240), line), 1.0, rtol=1e-9)
    assert warm(Hurst(240), noise).mean() == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_entropy_counts_the_orders_of_neighbours(bars: Bars, order: int) -> None:
    found = warm(Entropy(40, order=order), bars)[:, 0]
    for row in range(0, len(found), 50):
        inside = bars.close[row : row + 40]
        counts = Counter(tuple(np.argsort(inside[k : k + order], kind="stable")) for k in range(40 - order + 1))
        shares = np.array(list(counts.values())) / sum(counts.values())
        wanted = scipy.stats.entropy(shares) / math.log(math.factorial(order))
        np.testing.assert_allclose(found[row], wanted, rtol=1e-9, atol=1e-12)


def test_entropy_of_a_steady_trend_is_nothing_and_of_all_orders_alike_is_one() -> None:
    assert not warm(Entropy(20), with_close(np.arange(1.0, 100.0))).any()
    turns = with_close(np.tile([1.0, 2.0], 50))  # up and down as often: 10 groups of two closes in 11
    np.testing.assert_allclose(warm(Entropy(11, order=2), turns), 1.0, rtol=1e-12)


def test_fractional_difference_weighs_the_log_path_as_hosking_does(bars: Bars) -> None:
    n, d = 50, 0.4
    weights = [1.0]
    for k in range(1, n):
        weights.append(-weights[-1] * (d - k + 1) / k)
    assert weights[:3] == pytest.approx([1, -0.4, -0.12])
    found = warm(FractionalDifference(n, order=d), bars)[:, 0]
    logs = np.log(bars.close)
    for row in range(0, len(found), 50):
        path = logs[row : row + n + 1] - logs[row]
        np.testing.assert_allclose(found[row], np.dot(weights, path[:0:-1]), rtol=1e-9, atol=1e-13)


def test_regime_ranks_the_volatility_among_the_last_ones(bars: Bars) -> None:
    volatility = (np.log(pd.Series(bars.close)).diff() ** 2).rolling(20).mean() ** 0.5
    place = volatility.rolling(100).rank(pct=True)[119:].to_numpy()
    indicator = VolatilityRegime(20, window=100)
    assert indicator.warmup == 120
    found = warm(indicator, bars)
    np.testing.assert_allclose(found[:, 0], place, rtol=1e-12)
    third = np.digitize(place, [1 / 3 + 1e-12, 2 / 3 + 1e-12]) - 1
    np.testing.assert_array_equal(found[:, 1], third)
    assert set(third) == {-1, 0, 1}


def test_the_slope_is_talibs_in_average_true_ranges(bars: Bars) -> None:
    size = talib.ATR(bars.high, bars.low, bars.close, timeperiod=14)
    indicator = LinearSlope([14, 50])
    wanted = np.stack([talib.LINEARREG_SLOPE(bars.close, timeperiod=n) / size for n in (14, 50)], axis=1)
    np.testing.assert_allclose(warm(indicator, bars), wanted[indicator.warmup - 1 :], rtol=1e-8, atol=1e-10)


def test_ichimoku_is_the_distance_from_lines_that_are_not_shifted(bars: Bars) -> None:
    high, low, close = (pd.Series(getattr(bars, name)) for name in ("high", "low", "close"))
    size = talib.ATR(bars.high, bars.low, bars.close, timeperiod=14)
    fast, slow, slowest = ((high.rolling(n).max() + low.rolling(n).min()) / 2 for n in (9, 26, 52))
    lines = (fast, slow, (fast + slow) / 2, slowest)
    indicator = Ichimoku()
    wanted = np.stack([(close - line) / size for line in lines], axis=1)[indicator.warmup - 1 :]
    np.testing.assert_allclose(warm(indicator, bars), wanted, rtol=1e-9, atol=1e-12)


def test_lists_of_lines_give_each_with_each() -> None:
    indicator = Ichimoku(conversion=[7, 9], base=[22, 26], span=44)
    clouds = [f"ichimoku_span_a_{fast}_{slow}" for fast, slow in itertools.product((7, 9), (22, 26))]
    assert [name for name in indicator.columns if "span_a" in name] == clouds
    assert np.isfinite(warm(indicator, make_bars(500))).all()


@pytest.mark.parametrize("price", [1.23456, 1e-6, 1e6])
def test_a_market_that_stands_still_gives_numbers_that_say_so(price: float) -> None:
    still = with_close(np.full(1500, price))
    assert not warm(Skewness(60), still).any()
    assert not warm(Kurtosis(60), still).any()
    assert not warm(Autocorrelation(60), still).any()
    assert not warm(VarianceRatio(60), still).any()
    assert not warm(Entropy(60), still).any()
    assert not warm(FractionalDifference(60), still).any()
    assert not warm(LinearSlope(20), still).any()
    assert not warm(Ichimoku(), still).any()
    assert (warm(Hurst(60), still) == 0.5).all()
    assert (warm(VolatilityRegime(20, 100), still) == (0.505, 0.0)).all()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Autocorrelation(20, lag=0), "autocorrelation: lag must be a whole number of at least 1, got 0"),
        (lambda: Autocorrelation(20, lag=19), "timeperiod must be a whole number of at least 21, got 20"),
        (lambda: VarianceRatio(20, span=[2, 2]), "variance_ratio: one or more different spans wanted"),
        (lambda: VarianceRatio(20, span=20), "timeperiod must be a whole number of at least 21, got 20"),
        (lambda: Entropy(20, order=6), "entropy: order must be 2, 3, 4 or 5 closes, got 6"),
        (lambda: Entropy(4, order=5), "entropy: timeperiod must be more than order, got 4 and 5"),
        (lambda: FractionalDifference(20, order=1.0), "fractional_difference: order must lie between 0 and 1, got 1.0"),
        (lambda: VolatilityRegime(20, window=2), "regime: window must be a whole number of at least 3, got 2"),
        (lambda: Ichimoku(base=[26, 26]), "ichimoku: one or more different bases wanted"),
        (lambda: Hurst(7), "hurst: timeperiod must be a whole number of at least 8, got 7"),
    ],
)
def test_a_mistake_is_told(build: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build()
