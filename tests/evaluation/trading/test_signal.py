from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from forecastle.errors import ConfigError
from forecastle.evaluation.trading.signal import check_task, read_forecast
from forecastle.models.forecast import ClassForecast, QuantileForecast, SampleForecast
from forecastle.windows.context import Task
from forecastle.windows.target import Direction, LogReturn, TripleBarrier, Volatility

SCALE = np.array([0.01, 0.02, 0.03])
MEAN = np.array([0.001, 0.0, -0.002])
LEVELS = (0.05, 0.2, 0.5, 0.7, 0.9)


def test_the_mean_and_width_of_a_normal_law_are_read_from_its_quantiles() -> None:
    z = norm.ppf(LEVELS)
    values = np.stack([MEAN[:, None] + (h + 1) * SCALE[:, None] * z for h in range(4)], axis=1).astype(np.float32)
    expected, deviation = read_forecast(QuantileForecast(LEVELS, values), Task(LogReturn(), 4, LEVELS), SCALE, 3)
    np.testing.assert_allclose(expected, MEAN, atol=1e-7)
    np.testing.assert_allclose(deviation, 3 * SCALE, rtol=1e-5)


def test_a_law_around_zero_leans_to_no_side() -> None:
    levels = tuple(k / 40 for k in range(1, 40))
    task = Task(LogReturn(), 1, levels)
    values = (0.013 * norm.ppf(levels)).astype(np.float32)[None, None]
    expected, deviation = read_forecast(QuantileForecast(levels, values), task, np.ones(1), 1)
    assert expected.tolist() == [0.0]
    assert deviation[0] == pytest.approx(0.013, rel=1e-4)
    shifted, _ = read_forecast(QuantileForecast(levels, values + np.float32(1e-5)), task, np.ones(1), 1)
    assert shifted[0] == pytest.approx(1e-5, rel=1e-3)


def test_samples_are_read_by_their_quantiles() -> None:
    random = np.random.default_rng(0)
    samples = (MEAN[:, None, None] + SCALE[:, None, None] * random.standard_normal((3, 20_000, 2))).astype(np.float32)
    expected, deviation = read_forecast(SampleForecast(samples), Task(LogReturn(), 2, LEVELS), SCALE, 1)
    np.testing.assert_allclose(expected, MEAN, atol=1e-3)
    np.testing.assert_allclose(deviation, SCALE, rtol=0.03)


def test_points_have_no_width() -> None:
    values = np.repeat(MEAN.astype(np.float32)[:, None, None], 5, axis=2)
    expected, deviation = read_forecast(QuantileForecast(LEVELS, values), Task(LogReturn(), 1, LEVELS), SCALE, 1)
    np.testing.assert_allclose(expected, MEAN, rtol=1e-6)
    assert deviation.tolist() == [0, 0, 0]
    _, median = read_forecast(QuantileForecast((0.5,), values[..., :1]), Task(LogReturn(), 1, (0.5,)), SCALE, 1)
    assert median.tolist() == [0, 0, 0]


def test_classes_move_as_far_as_a_random_walk() -> None:
    up = np.array([0.6, 0.5, 0.1], dtype=np.float32)
    values = np.stack([1 - up, up], axis=-1)[:, None].repeat(4, axis=1)
    expected, deviation = read_forecast(ClassForecast(values), Task(Direction(), 4, ()), SCALE, 4)
    moves = np.abs(np.random.default_rng(0).standard_normal(200_000)).mean() * 2 * SCALE  # σ √4
    np.testing.assert_allclose(expected, (2 * up - 1) * moves, atol=2e-4)
    np.testing.assert_allclose(deviation, 2 * SCALE)


def test_a_chosen_step_is_read_from_its_own_column() -> None:
    values = np.zeros((3, 3, 2), np.float32)
    values[:, 1] = MEAN[:, None].astype(np.float32)
    task = Task(LogReturn(), 24, (0.25, 0.75), chosen=(1, 5, 24))
    expected, _ = read_forecast(QuantileForecast((0.25, 0.75), values), task, SCALE, 5)
    np.testing.assert_allclose(expected, MEAN, rtol=1e-6)


def test_a_target_without_direction_is_refused() -> None:
    for target in (LogReturn(), Direction(), TripleBarrier()):
        check_task(Task(target, 5, LEVELS), None)
    with pytest.raises(ConfigError, match=r"a target that tells up from down is wanted .* got target=volatility"):
        check_task(Task(Volatility(), 5, LEVELS), None)


def test_a_step_that_is_not_forecast_is_refused() -> None:
    check_task(Task(LogReturn(), 5, LEVELS), 5)
    with pytest.raises(ConfigError, match=r"policy\.step must be a step that is forecast \(1 to 5\), got 6"):
        check_task(Task(LogReturn(), 5, LEVELS), 6)
    with pytest.raises(ConfigError, match=r"policy\.step must be .* \(1, 5, 24\), got 3"):
        check_task(Task(LogReturn(), 24, LEVELS, chosen=(1, 5, 24)), 3)
