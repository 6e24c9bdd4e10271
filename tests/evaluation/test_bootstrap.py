"""The block bootstrap against brute force and on simulated noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import lfilter

from forecastle.evaluation.bootstrap import RESAMPLES, block_length, interval, resampled_means


def hours(count):
    return np.datetime64("2020-01-01", "us") + np.arange(count) * np.timedelta64(3600, "s")


def brute_force(losses, origin, horizon, seed):
    """Each resample laid out window by window."""
    distinct = np.unique(origin)
    count, length = len(distinct), block_length(len(distinct), horizon)
    blocks = math.ceil(count / length)
    starts = np.random.default_rng(seed).integers(0, count, (RESAMPLES, blocks))
    windows = [np.flatnonzero(origin == time) for time in distinct]
    means = []
    for row in starts[:20]:
        drawn = [(start + i) % count for start in row for i in range(length)][:count]
        means.append(losses[:, np.concatenate([windows[place] for place in drawn])].mean(axis=1))
    return np.array(means).T


def autoregressive(random, count, phi, spread=1.0):
    noise = random.normal(size=count + 500) * spread * math.sqrt(1 - phi**2)
    return lfilter([1.0], [1.0, -phi], noise)[500:]


@pytest.mark.parametrize("count", [60, 103])
def test_resampled_means_are_those_of_laying_the_blocks_out(count):
    losses = np.random.default_rng(1).normal(size=(3, count))
    means = resampled_means(losses, hours(count), 3, seed=5)
    np.testing.assert_allclose(means[:, :20], brute_force(losses, hours(count), 3, 5), rtol=1e-10)


@pytest.mark.parametrize("missing", [0, 7])
def test_windows_of_one_origin_are_drawn_together(missing):
    origin = np.concatenate([hours(60), hours(60)[missing:]])
    losses = np.random.default_rng(1).normal(size=(2, len(origin)))
    means = resampled_means(losses, origin, 2, seed=5)
    np.testing.assert_allclose(means[:, :20], brute_force(losses, origin, 2, 5), rtol=1e-10)


def test_order_of_windows_does_not_matter():
    losses = np.random.default_rng(1).normal(size=(2, 80))
    order = np.random.default_rng(2).permutation(80)
    means = resampled_means(losses, hours(80), 2, seed=0)
    np.testing.assert_allclose(resampled_means(losses[:, order], hours(80)[order], 2, seed=0), means, rtol=1e-12)


def test_forecasters_share_blocks_so_that_a_constant_ratio_has_no_width():
    losses = np.abs(np.random.default_rng(1).normal(size=200))
    means = resampled_means(np.array([0.9 * losses, losses]), hours(200), 2, seed=0)
    np.testing.assert_allclose(means[0] / means[1], 0.9)


def test_the_seed_decides_the_blocks():
    losses = np.random.default_rng(1).normal(size=(1, 100))
    first = resampled_means(losses, hours(100), 1, seed=3)
    np.testing.assert_array_equal(first, resampled_means(losses, hours(100), 1, seed=3))
    assert not np.array_equal(first, resampled_means(losses, hours(100), 1, seed=4))


def test_too_few_origins_give_no_interval():
    assert resampled_means(np.ones((1, 99)), hours(99), 10, seed=0) is None
    assert resampled_means(np.ones((1, 100)), hours(100), 10, seed=0) is not None


def test_interval_holds_the_percentiles_and_widens_for_few_blocks():
    values = np.random.default_rng(0).normal(size=1000)
    low, high = interval(values, 1e9)
    np.testing.assert_allclose([low, high], np.quantile(values, [0.025, 0.975]))
    from scipy.stats import t

    few = interval(values, 20)
    exact = t.ppf(0.975, 19) / 1.96 * math.sqrt(20 / 19)
    assert (few[1] - few[0]) / (high - low) == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize(("phi", "least"), [(0.0, 0.90), (0.6, 0.88)])
def test_the_interval_of_a_mean_covers_the_truth_in_autoregressive_noise(phi, least):
    random = np.random.default_rng(11)
    count, trials, hits = 400, 200, 0
    for trial in range(trials):
        losses = autoregressive(random, count, phi)
        low, high = interval(resampled_means(losses[None], hours(count), 1, trial)[0], count / block_length(count, 1))
        hits += low <= 0.0 <= high
    assert least <= hits / trials <= 0.99


def test_independent_blocks_would_not_cover_it():
    random = np.random.default_rng(11)
    hits = 0
    for _ in range(200):
        losses = autoregressive(random, 400, 0.6)
        means = losses[random.integers(0, 400, (300, 400))].mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        hits += low <= 0.0 <= high
    assert hits / 200 < 0.8


def test_the_interval_of_a_skill_covers_it_through_calm_and_wild_times():
    random, horizon, count = np.random.default_rng(5), 5, 500

    def losses(size):
        volatility = np.exp(autoregressive(random, size + horizon, 0.97, 0.45))
        path = np.concatenate([[0.0], np.cumsum(random.normal(size=size + horizon) * volatility)])
        target = (path[horizon:] - path[:-horizon])[:size]
        return np.abs([target - 0.3 * volatility[:size] * autoregressive(random, size, 0.7), target])

    long = losses(1_000_000).mean(axis=1)
    truth = 1 - long[0] / long[1]
    hits = 0
    for trial in range(200):
        means = resampled_means(losses(count), hours(count), horizon, trial)
        low, high = interval(1 - means[0] / means[1], count / block_length(count, horizon))
        hits += low <= truth <= high
    assert 0.88 <= hits / 200 <= 0.99
