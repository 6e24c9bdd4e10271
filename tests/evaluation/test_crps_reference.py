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
def test_crps_is_the_quantile_crps_of_scoringrules(make_numbers, step):
    outcome = make_numbers(step=step)
    values = outcome.forecast.values.astype(np.float64)
    expected = scoringrules.crps_quantile(outcome.target, values, np.array(outcome.forecast.levels))
    np.testing.assert_allclose(CRPS().pointwise(outcome), expected, rtol=1e-12, atol=1e-16)


def test_pinball_is_the_quantile_score_of_scoringrules(make_numbers):
    outcome = make_numbers()
    column = outcome.forecast.values[..., 1].astype(np.float64)
    expected = scoringrules.quantile_score(outcome.target, column, 0.05)
    np.testing.assert_allclose(Pinball(0.05).pointwise(outcome), expected, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize(("count", "tolerance"), [(39, 0.03), (399, 0.003)])
def test_crps_of_many_levels_approaches_the_exact_one_of_a_normal_law(count, tolerance):
    from scipy.stats import norm

    levels = tuple(k / (count + 1) for k in range(1, count + 1))
    target = np.random.default_rng(0).normal(size=(4000, 1))
    values = np.broadcast_to(norm.ppf(levels), (4000, 1, count)).astype(np.float32)
    nothing = np.zeros(4000, dtype=np.int64)
    outcome = Outcome(QuantileForecast(levels, values), target, nothing, nothing, nothing)
    exact = float(np.mean(scoringrules.crps_normal(target, 0.0, 1.0)))
    assert CRPS().score(outcome) == pytest.approx(exact, rel=tolerance)
