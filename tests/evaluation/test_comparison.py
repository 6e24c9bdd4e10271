"""Comparison of several forecasters, held against statsmodels and arch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arch.bootstrap import MCS, SPA, StationaryBootstrap
from statsmodels.tsa.stattools import diebold_mariano_test

from forecastle.evaluation import accuracy, comparison
from forecastle.evaluation.bootstrap import block_length


def persistent(count: int, series: int, seed: int = 0) -> np.ndarray:
    """Losses with memory, one column for each forecaster."""
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, (count, series))
    for row in range(1, count):
        values[row] += 0.6 * values[row - 1]
    return 1 + 0.1 * values


@pytest.mark.parametrize(("count", "horizon"), [(60, 1), (300, 5), (1000, 24)])
def test_diebold_mariano_is_that_of_statsmodels(count: int, horizon: int) -> None:
    first, second = persistent(count, 2).T
    expected = diebold_mariano_test(
        np.zeros(count), first, second, criterion=lambda y, forecast: forecast, harvey_adj=True, horizon=horizon
    )
    found = accuracy.diebold_mariano(first - second, horizon)
    assert found == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_equal_forecasters_and_too_short_a_sample_have_no_test() -> None:
    assert all(math.isnan(value) for value in accuracy.diebold_mariano(np.zeros(50), 3))
    assert all(math.isnan(value) for value in accuracy.diebold_mariano(np.arange(8.0), 30))


def test_the_bootstrap_is_as_wide_as_the_one_of_arch() -> None:
    losses = persistent(500, 3)
    means = comparison.stationary_means(losses, 20.0, seed=1)
    other = StationaryBootstrap(20, losses, seed=2).apply(lambda values: values.mean(axis=0), 1000)
    np.testing.assert_allclose(means.mean(axis=0), losses.mean(axis=0), atol=4 * other.std(axis=0).max() / 1000**0.5)
    np.testing.assert_allclose(means.std(axis=0), other.std(axis=0), rtol=0.12)


def test_the_bootstrap_draws_the_same_blocks_for_all_in_any_number_of_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = persistent(40, 1)
    both = np.hstack([losses, 2 * losses + 1])
    means = comparison.stationary_means(both, 5.0, seed=3)
    np.testing.assert_allclose(means[:, 1], 2 * means[:, 0] + 1)
    assert len(np.unique(means[:, 0])) > 900


def test_losses_of_one_origin_are_brought_together_and_their_mean_is_that_of_all_windows() -> None:
    origin = np.array(["2020-01-02", "2020-01-01", "2020-01-02"], dtype="datetime64[us]")
    losses = np.array([[1.0, 3.0], [5.0, 7.0], [2.0, 2.0]])
    np.testing.assert_allclose(comparison.by_origin(losses, origin), [4.0, 8 / 3])  # 6 and 2 + 2, in 1.5 windows
    assert comparison.by_origin(losses, origin).mean() == pytest.approx(losses.mean())
    even = np.repeat(origin[:2], 2)
    np.testing.assert_allclose(comparison.by_origin(losses[[0, 1, 2, 2]], even), [2.0, 4.0])


def test_a_better_forecaster_is_told_from_its_reference_and_an_equal_one_is_not() -> None:
    random = np.random.default_rng(6)
    base = persistent(600, 1)[:, 0]
    losses = np.stack([base - 0.02 + random.normal(0, 0.05, 600), base + random.normal(0, 0.05, 600)], axis=1)
    better, equal = comparison.differences(losses, base, horizon=3, seed=0)
    assert better.value == pytest.approx((losses[:, 0] - base).mean())
    assert better.low < better.value < better.high < 0
    assert better.p_value < 0.001
    assert equal.low < 0 < equal.high
    assert equal.p_value > 0.05


def test_few_origins_give_no_interval() -> None:
    (found,) = comparison.differences(persistent(20, 1), persistent(20, 1, seed=9)[:, 0], horizon=5, seed=0)
    assert math.isnan(found.low)
    assert math.isnan(comparison.superior(persistent(20, 1), np.ones(20), 5, 0))
    assert np.isnan(comparison.confidence_set(persistent(20, 2), 5, 0)).all()


def test_the_confidence_set_is_that_of_arch_and_twins_share_their_place() -> None:
    losses = persistent(400, 4)
    losses[:, 2] += 0.2
    with_twin = np.hstack([losses, losses[:, :1]])
    found = comparison.confidence_set(with_twin, 5, seed=7)
    test = MCS(losses, 0.05, reps=1000, block_size=block_length(400, 5), seed=7)
    test.compute()
    expected = test.pvalues["Pvalue"].sort_index().to_numpy()
    assert found[4] == found[0]
    assert found[2] < 0.05
    np.testing.assert_array_equal(found > 0.05, np.append(expected, expected[0]) > 0.05)


def test_a_single_forecaster_is_its_own_confidence_set() -> None:
    assert comparison.confidence_set(persistent(100, 1), 1, 0).tolist() == [1.0]


def test_superiority_needs_a_forecaster_that_is_better_than_the_baseline() -> None:
    losses, baseline = persistent(500, 5, seed=100), persistent(500, 1, seed=900)[:, 0]
    assert comparison.superior(losses, baseline, 2, 0) > 0.05
    losses[:, 3] = baseline - 0.03 + 0.01 * np.random.default_rng(0).normal(size=500)
    assert comparison.superior(losses, baseline, 2, 0) < 0.01
    assert comparison.superior(baseline[:, None], baseline, 2, 0) == 1.0


@pytest.mark.parametrize("shift", [0.0, 0.006, 0.012])
def test_superiority_is_that_of_arch_where_all_gains_are_equally_noisy(shift: float) -> None:
    """Its statistic is not divided by the standard error, so that the two agree where the errors are alike."""
    gains = persistent(600, 4, seed=21) - 1
    gains = gains / gains.std(axis=0) * 0.1
    baseline = np.ones(600)
    losses = baseline[:, None] - gains
    losses[:, 0] -= shift
    test = SPA(baseline, losses, reps=1000, block_size=block_length(600, 3), seed=4)
    test.compute()
    assert comparison.superior(losses, baseline, 3, 0) == pytest.approx(test.pvalues["consistent"], abs=0.08)


def test_a_noisy_hopeless_forecaster_does_not_hide_a_sure_gain() -> None:
    random = np.random.default_rng(8)
    baseline = np.ones(400)
    losses = np.stack([1 - 0.01 + 0.02 * random.normal(size=400), 1.2 + 2.0 * random.normal(size=400)], axis=1)
    assert comparison.superior(losses, baseline, 1, 0) < 0.001
