"""Pooling forecasts, held against brute force and known mixtures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import brentq
from scipy.stats import norm

from forecastle.models.pooling import best_weights, log_loss_of, mean_distribution, pinball_of

LEVELS = tuple(k / 40 for k in range(1, 40))


def test_the_mean_of_two_normals_is_their_mixture():
    laws = [norm(-1.0, 0.5), norm(1.0, 1.5)]
    quantiles = np.stack([law.ppf(LEVELS) for law in laws])[:, None, None]
    pooled = mean_distribution(quantiles, LEVELS)[0, 0]
    exact = [brentq(lambda x, p=level: np.mean([law.cdf(x) for law in laws]) - p, -9, 9) for level in LEVELS]
    np.testing.assert_allclose(pooled[3:-3], exact[3:-3], atol=0.1)
    assert np.abs(pooled[3:-3] - exact[3:-3]).mean() < 0.03
    # far in a tail only the wider of the two has quantiles
    np.testing.assert_allclose(pooled[-1], exact[-1], atol=0.3)


@given(arrays(np.float64, (1, 2, 3, 5), elements=st.floats(-1e3, 1e3)), st.integers(1, 4))
def test_equal_distributions_come_back_as_they_are(values, count):
    values = np.sort(values, axis=3)
    levels = (0.05, 0.2, 0.5, 0.7, 0.9)
    spaced = values + np.arange(5)  # ties would be cut anywhere between
    pooled = mean_distribution(np.repeat(spaced, count, axis=0), levels)
    np.testing.assert_allclose(pooled, spaced[0], rtol=1e-9, atol=1e-9)


@given(arrays(np.float64, (3, 2, 2, 7), elements=st.floats(-10, 10)))
def test_a_pooled_quantile_lies_among_those_of_its_level(values):
    values = np.sort(values, axis=3)
    levels = tuple(k / 8 for k in range(1, 8))
    pooled = mean_distribution(values, levels)
    assert np.all(np.diff(pooled, axis=2) >= 0)
    assert np.all(pooled >= values.min(axis=(0, 3))[:, :, None])
    assert np.all(pooled <= values.max(axis=(0, 3))[:, :, None])


def test_weights_are_those_of_a_search_over_all_of_them():
    random = np.random.default_rng(0)
    signal = random.normal(size=(400, 2))
    target = signal + random.normal(size=(400, 2))
    middles = np.stack([signal + 0.5 * random.normal(size=signal.shape), signal + random.normal(size=signal.shape)])
    quantiles = middles[..., None] + norm.ppf(LEVELS)
    loss = pinball_of(quantiles, LEVELS, target)
    found = best_weights(loss, 2)
    grid = np.linspace(0, 1, 1001)
    best = grid[np.argmin([loss(np.array([w, 1 - w]))[0] for w in grid])]
    assert found.sum() == pytest.approx(1)
    assert found[0] == pytest.approx(best, abs=0.01)
    assert 0.5 < found[0] < 1


def test_probabilities_are_weighted_by_the_log_loss():
    random = np.random.default_rng(1)
    truth = random.uniform(0.1, 0.9, (600, 1))
    target = (random.uniform(size=truth.shape) < truth).astype(float)
    noise = np.clip(truth + random.normal(0, 0.3, truth.shape), 0.02, 0.98)
    members = np.stack([np.stack([1 - p, p], axis=2) for p in (truth, noise, np.full_like(truth, 0.5))])
    loss = log_loss_of(members, target)
    found = best_weights(loss, 3)
    search = min(
        (loss(np.array([a, b, 1 - a - b]))[0] for a in np.linspace(0, 1, 51) for b in np.linspace(0, 1 - a, 51)),
    )
    assert loss(found)[0] <= search + 1e-5
    assert found[0] > 0.7


def test_gradients_are_those_of_finite_differences():
    random = np.random.default_rng(2)
    quantiles = np.sort(random.normal(size=(3, 50, 2, 5)), axis=3)
    losses = [
        pinball_of(quantiles, (0.1, 0.3, 0.5, 0.7, 0.9), random.normal(size=(50, 2))),
        log_loss_of(random.dirichlet(np.ones(2), (3, 50, 2)), random.integers(0, 2, (50, 2)).astype(float)),
    ]
    weights = np.array([0.2, 0.5, 0.3])
    for loss in losses:
        for place, each in enumerate(loss(weights)[1]):
            step = 1e-7 * np.eye(3)[place]
            assert each == pytest.approx((loss(weights + step)[0] - loss(weights - step)[0]) / 2e-7, rel=1e-4, abs=1e-6)
