from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from forecastle.evaluation.trading.performance import drawdown, influence, longest_drawdown, sharpe, sortino


def test_sharpe_and_its_probability_are_those_of_the_paper() -> None:
    returns = np.random.default_rng(0).standard_t(5, 500) * 0.01 + 0.0004
    ratio = returns.mean() / returns.std(ddof=1)
    error = np.sqrt((1 - stats.skew(returns) * ratio + (stats.kurtosis(returns) + 2) / 4 * ratio**2) / 499)
    found = sharpe(returns, 252.0)
    assert found is not None
    assert found.value == pytest.approx(ratio * np.sqrt(252))
    assert found.probability == pytest.approx(stats.norm.cdf(ratio / error))
    assert (found.low, found.high) == pytest.approx(
        [np.sqrt(252) * (ratio + sign * stats.norm.ppf(0.975) * error) for sign in (-1, 1)]
    )


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    held = 0
    for _ in range(1000):  # skewed, with heavy tails: exponential less normal
        returns = random.exponential(1.0, 300) - 0.9 + random.standard_normal(300)
        found = sharpe(returns, 1.0)
        assert found is not None
        held += found.low <= 0.1 / np.sqrt(2) <= found.high
    assert 930 <= held <= 967  # 950 ± 2.5 standard deviations


def test_the_influence_of_a_bar_is_what_leaving_it_out_takes_away() -> None:
    returns = np.random.default_rng(2).standard_t(6, 2000) * 0.01 + 0.001
    whole = sharpe(returns, 252.0)
    left = np.array([sharpe(np.delete(returns, place), 252.0).value for place in range(300)])
    assert whole is not None
    pseudo = 2000 * whole.value - 1999 * left  # of the jackknife
    terms = influence(returns, 252.0)
    assert terms.mean() == pytest.approx(whole.value, rel=1e-9)
    assert terms[:300] == pytest.approx(pseudo, abs=0.02 * pseudo.std())


def test_the_spread_of_influences_is_the_error_of_the_ratio() -> None:
    random = np.random.default_rng(3)
    drawn = random.exponential(1.0, (1500, 400)) - 0.5
    ratios = drawn.mean(axis=1) / drawn.std(axis=1, ddof=1)
    errors = [influence(row, 1.0).std() / np.sqrt(400) for row in drawn[:200]]
    assert np.mean(errors) == pytest.approx(ratios.std(), rel=0.06)


def test_too_few_or_equal_returns_have_no_ratio() -> None:
    assert sharpe(np.random.default_rng(0).normal(size=29), 252.0) is None
    assert sharpe(np.zeros(100), 252.0) is None
    assert sharpe(np.full(100, 0.01), 252.0) is None


def test_sortino_counts_losses_only() -> None:
    returns = np.array([0.02, -0.01, 0.03, -0.02])
    assert sortino(returns, 4.0) == pytest.approx(0.005 / np.sqrt((0.01**2 + 0.02**2) / 4) * 2)
    assert sortino(np.array([0.01, 0.02]), 4.0) is None
    assert sortino(np.zeros(0), 4.0) is None


def test_drawdowns_are_measured_from_the_highest_value_so_far() -> None:
    equity = np.array([1.0, 1.2, 0.9, 1.1, 1.3, 1.29, 1.28, 1.27])
    np.testing.assert_allclose(drawdown(equity), [0, 0, 0.25, 1 / 12, 0, 0.01 / 1.3, 0.02 / 1.3, 0.03 / 1.3])
    assert longest_drawdown(equity) == (1, 4)
    assert longest_drawdown(equity[:3]) == (1, 2)
    assert longest_drawdown(np.array([1.0, 2.0])) == (0, 0)
