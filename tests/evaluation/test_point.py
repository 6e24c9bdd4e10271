"""Metrics of the median against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from forecastle.evaluation.metric import Outcome
from forecastle.evaluation.point import MAE, RMSE, HitRate
from forecastle.models.forecast import QuantileForecast


def medians(outcome):
    return outcome.forecast.values[..., 19].astype(np.float64)


def test_mae_and_rmse_are_those_of_sklearn(make_numbers):
    outcome = make_numbers()
    median = medians(outcome)
    assert MAE().score(outcome) == pytest.approx(mean_absolute_error(outcome.target.ravel(), median.ravel()), rel=1e-12)
    expected = root_mean_squared_error(outcome.target.ravel(), median.ravel())
    assert RMSE().score(outcome) == pytest.approx(expected, rel=1e-12)
    by_step = [root_mean_squared_error(outcome.target[:, h], median[:, h]) for h in range(3)]
    np.testing.assert_allclose(RMSE().by_step(outcome), by_step, rtol=1e-12)


def test_hit_rate_counts_signs_and_half_for_zeros():
    median = [1.0, 1.0, -1.0, 0.0, 0.0, 1.0]
    target = [2.0, -2.0, -3.0, 1.0, 0.0, 0.0]
    count = len(median)
    nothing = np.zeros(count, dtype=np.int64)
    forecast = QuantileForecast((0.5,), np.array(median, dtype=np.float32)[:, None, None])
    outcome = Outcome(forecast, np.array(target)[:, None], np.zeros(count), nothing, nothing)
    np.testing.assert_array_equal(HitRate().pointwise(outcome)[:, 0], [1, 0, 1, 0.5, 0.5, 0.5])


def test_hit_rate_without_zeros_is_the_accuracy_of_signs(make_numbers):
    outcome = make_numbers(signal=0.8)
    right = np.sign(medians(outcome)) == np.sign(outcome.target)
    assert HitRate().score(outcome) == pytest.approx(right.mean())
    np.testing.assert_allclose(HitRate().by_step(outcome), right.mean(axis=0))


def test_hit_rate_of_a_forecaster_without_opinion_is_one_half(make_numbers):
    outcome = make_numbers()
    silent = Outcome(
        QuantileForecast((0.5,), np.zeros((60, 3, 1), dtype=np.float32)),
        outcome.target,
        outcome.log_close,
        outcome.origin,
        outcome.symbol,
    )
    assert HitRate().score(silent) == 0.5
