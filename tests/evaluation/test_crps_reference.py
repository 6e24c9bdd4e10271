"""CRPS and pinball loss against scoringrules (the one module that imports it: numba takes seconds)."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from forecastle.evaluation.metric import Outcome
from forecastle.evaluation.quantile import CRPS, Pinball
from forecastle.models.forecast import QuantileForecast

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import scoringrules


@pytest.mark.parametrize("step", [None, 0.005])
@pytest.mark.parametrize("count", [1, 10, 39])
def test_crps_at_the_middles_of_equal_cells_is_the_quantile_crps_of_scoringrules(make_numbers, step, count):
    outcome = make_numbers(step=step, levels=[(k - 0.5) / count for k in range(1, count + 1)])
    values = outcome.forecast.values.astype(np.float64)
    expected = scoringrules.crps_quantile(outcome.target, values, np.array(outcome.forecast.levels))
    np.testing.assert_allclose(CRPS().pointwise(outcome), expected, rtol=1e-12, atol=1e-16)


def test_pinball_is_the_quantile_score_of_scoringrules(make_numbers):
    outcome = make_numbers()
    column = outcome.forecast.values[..., 1].astype(np.float64)
    expected = scoringrules.quantile_score(outcome.target, column, 0.05)
    np.testing.assert_allclose(Pinball(0.05).pointwise(outcome), expected, rtol=1e-12, atol=1e-16)


def normal_outcome(count, target):
    """Standard normal quantiles at the levels k/(count + 1), for targets (N,)."""
    from scipy.stats import norm

    levels = tuple(k / (count + 1) for k in range(1, count + 1))
    values = np.broadcast_to(norm.ppf(levels), (len(target), 1, count)).astype(np.float32)
    nothing = np.zeros(len(target), dtype=np.int64)
    return Outcome(
        QuantileForecast(levels, values), np.asarray(target, dtype=float)[:, None], nothing, nothing, nothing
    )


@pytest.mark.parametrize(("count", "tolerance"), [(39, 0.0045), (99, 0.0009), (399, 0.00007)])
def test_a_normal_law_scores_its_exact_crps_in_the_mean(count, tolerance):
    target = np.random.default_rng(0).normal(size=50000)
    exact = float(np.mean(scoringrules.crps_normal(target, 0.0, 1.0)))
    assert CRPS().score(normal_outcome(count, target)) == pytest.approx(exact, rel=tolerance)


@pytest.mark.parametrize("z", [-3.0, -1.0, 0.0, 0.5, 2.0, 4.0])
def test_a_normal_law_meets_its_closed_form_at_every_outcome(z):
    from scipy.stats import norm

    exact = z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi)
    assert CRPS().score(normal_outcome(39, [z])) == pytest.approx(exact, rel=0.008)
