"""Luck: the deflated Sharpe ratio, backtest overfitting and the best of many, against independent computation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from forecastle.errors import ConfigError
from forecastle.evaluation.luck import SURE, backtest_overfitting, best_of, deflated_sharpe

YEARS, DAYS = 10, 252


def noise(trials: int, seed: int, sharpe: float = 0.0) -> np.ndarray:
    """Daily returns of ten years, of which the first trial has an annual Sharpe ratio."""
    returns = 0.01 * np.random.default_rng(seed).standard_normal((YEARS * DAYS, trials))
    returns[:, 0] += 0.01 * sharpe / math.sqrt(DAYS)
    return returns


def test_the_published_example_is_reproduced() -> None:
    """Bailey and López de Prado 2014: 100 trials of 5 years, annual variance ½, skewness −3, kurtosis 10, ratio 2.5."""
    gamma, n = 0.5772156649, 100
    normal = scipy.stats.norm
    expected = math.sqrt(0.5 / 250) * ((1 - gamma) * normal.ppf(1 - 1 / n) + gamma * normal.ppf(1 - 1 / (n * math.e)))
    assert expected == pytest.approx(0.1132, abs=5e-5)
    ratio = 2.5 / math.sqrt(250)
    error = math.sqrt((1 + 3 * ratio + 9 / 4 * ratio**2) / 1249)
    assert normal.cdf((ratio - expected) / error) == pytest.approx(0.9004, abs=5e-5)
    from forecastle.evaluation.trading.performance import standard_error

    assert standard_error(ratio, 1250, -3, 10) == pytest.approx(error, rel=1e-12)


def test_the_deflated_ratio_follows_its_formula() -> None:
    returns = noise(40, seed=1)
    ratios = returns.mean(axis=0) / returns.std(axis=0, ddof=1)
    highest = scipy.stats.norm.ppf([1 - 1 / 60, 1 - 1 / (60 * math.e)])
    expected = ratios.std(ddof=1) * ((1 - np.euler_gamma) * highest[0] + np.euler_gamma * highest[1])
    best = returns[:, ratios.argmax()]
    skewness, kurtosis = scipy.stats.skew(best), scipy.stats.kurtosis(best, fisher=False)
    error = math.sqrt((1 - skewness * ratios.max() + (kurtosis - 1) / 4 * ratios.max() ** 2) / (len(best) - 1))
    found = deflated_sharpe(returns, trials=60)
    assert found.best == ratios.argmax()
    assert found.expected == pytest.approx(expected, rel=1e-12)
    assert found.probability == pytest.approx(scipy.stats.norm.cdf((ratios.max() - expected) / error), rel=1e-9)


def test_more_trials_leave_less_skill() -> None:
    returns = noise(20, seed=2, sharpe=1.0)
    few, many = deflated_sharpe(returns), deflated_sharpe(returns, trials=2000)
    assert many.probability < few.probability
    assert many.expected > few.expected


def brute(returns: np.ndarray, blocks: int) -> tuple[float, float]:
    """Overfitting by going through all splits one by one."""
    parts = np.array_split(np.arange(len(returns)), blocks)
    low, losing, splits = 0, 0, 0
    for half in itertools.combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[number] for number in half])
        outside = np.setdiff1d(np.arange(len(returns)), inside)
        best = (returns[inside].mean(axis=0) / returns[inside].std(axis=0)).argmax()
        after = returns[outside].mean(axis=0) / returns[outside].std(axis=0)
        rank = scipy.stats.rankdata(after)[best] / (returns.shape[1] + 1)
        low += rank <= 0.5
        losing += after[best] < 0
        splits += 1
    return low / splits, losing / splits


@pytest.mark.parametrize("sharpe", [0.0, 1.5])
def test_overfitting_is_what_all_splits_one_by_one_give(sharpe: float) -> None:
    returns = noise(7, seed=3, sharpe=sharpe)[:240]
    found = backtest_overfitting(returns, blocks=8)
    assert (found.probability, found.loss) == pytest.approx(brute(returns, 8))


def test_noise_is_called_luck_and_a_planted_ratio_of_two_is_called_skill() -> None:
    """Twenty seeds of 200 settings each; benchmarks/luck_of_sweeps.py has a hundred."""
    lucky = [deflated_sharpe(noise(200, seed)).probability < SURE for seed in range(20)]
    skilled = [deflated_sharpe(noise(200, seed, sharpe=2.0)) for seed in range(20)]
    assert sum(lucky) >= 18
    assert sum(found.best == 0 and found.probability >= SURE for found in skilled) >= 16
    assert backtest_overfitting(noise(200, 0, sharpe=2.0)).probability < 0.05
    chances = [backtest_overfitting(noise(50, seed), blocks=8).probability for seed in range(10)]
    assert 0.3 < np.mean(chances) < 0.7


def test_luck_is_what_choosing_the_best_gains_on_noise() -> None:
    random = np.random.default_rng(4)
    observations, trials = 400, 50
    found, gained, covered = [], [], []
    for _ in range(60):
        sample = random.normal(0, 1, (observations, trials))
        scores = sample.mean(axis=0)
        weight = random.multinomial(observations, np.full(observations, 1 / observations), size=300)
        chosen = best_of(weight @ sample / observations, scores)
        assert chosen.best == scores.argmax()
        found.append(chosen.luck)
        gained.append(chosen.value)  # the truth is 0
        covered.append(chosen.low < 0)
    assert np.mean(found) == pytest.approx(np.mean(gained), rel=0.06)
    assert np.mean(covered) >= 0.88


def test_a_single_score_owes_nothing_to_the_choice() -> None:
    resampled = np.random.default_rng(0).normal(0.3, 0.1, (5000, 1))
    chosen = best_of(resampled, np.array([0.3]))
    assert chosen.luck == pytest.approx(0, abs=0.01)
    assert chosen.low == pytest.approx(0.3 - 1.645 * 0.1, abs=0.01)


@pytest.mark.parametrize(
    ("returns", "message"),
    [(np.ones((100, 3)), "got 0 of 3"), (np.random.default_rng(0).normal(size=(50, 1)), "got 1 of 1")],
)
def test_trials_without_a_ratio_are_refused(returns: np.ndarray, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        deflated_sharpe(returns)


@pytest.mark.parametrize(("shape", "blocks"), [((100, 3), 5), ((100, 3), 2), ((20, 3), 16), ((100, 1), 8)])
def test_splits_that_cannot_be_are_refused(shape: tuple[int, int], blocks: int) -> None:
    with pytest.raises(ConfigError):
        backtest_overfitting(np.ones(shape), blocks)
