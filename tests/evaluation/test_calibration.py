from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from forecastle.errors import ConfigError
from forecastle.evaluation.calibration import CalibrationError, binomial_interval, pit_histogram, reliability
from forecastle.evaluation.metric import Outcome
from forecastle.models.forecast import ClassForecast


@pytest.mark.parametrize("count", [1, 7, 50, 1000])
@pytest.mark.parametrize("probability", [0.001, 0.025, 0.3, 0.5, 0.99])
def test_the_binomial_interval_is_that_of_scipy(count: int, probability: float) -> None:
    low, high = binomial_interval(count, np.array([probability]))
    assert low[0] * count == pytest.approx(binom.ppf(0.025, count, probability))
    assert high[0] * count == pytest.approx(binom.ppf(0.975, count, probability))


def test_the_binomial_interval_of_a_certainty_is_a_point() -> None:
    low, high = binomial_interval(20, np.array([0.0, 1.0]))
    assert low.tolist() == [0.0, 1.0]
    assert high.tolist() == [0.0, 1.0]


def test_outcomes_are_counted_between_the_quantiles() -> None:
    quantiles = np.array([[-1.0, 0.0, 1.0]] * 5)
    target = np.array([-3.0, -0.5, 0.0, 0.5, 9.0])  # 0.0 equals the median and counts below it
    pit = pit_histogram(np.array([0.1, 0.5, 0.9]), quantiles, target, 5)
    assert pit.edges.tolist() == [0.0, 0.1, 0.5, 0.9, 1.0]
    assert pit.density == pytest.approx([0.2 / 0.1, 0.4 / 0.4, 0.2 / 0.4, 0.2 / 0.1])


def test_unknown_outcomes_are_left_out() -> None:
    pit = pit_histogram(np.array([0.5]), np.zeros((3, 1)), np.array([-1.0, np.nan, 1.0]), 2)
    assert pit.density == pytest.approx([1.0, 1.0])


def test_a_calibrated_forecast_leaves_the_band_in_about_one_bin_of_twenty() -> None:
    random = np.random.default_rng(3)
    levels = np.arange(0.05, 1.0, 0.05)
    outside = 0
    for _ in range(100):
        pit = pit_histogram(levels, np.broadcast_to(levels, (300, 19)), random.random(300), 300)
        outside += int(((pit.density < pit.low) | (pit.density > pit.high)).sum())
    assert 0.02 < outside / (100 * 20) < 0.06  # at most .05, less because counts are whole


def test_fewer_independent_outcomes_make_a_wider_band() -> None:
    quantiles, target = np.zeros((100, 1)), np.ones(100)
    wide, narrow = (pit_histogram(np.array([0.5]), quantiles, target, count) for count in (10, 100))
    assert (wide.high - wide.low > narrow.high - narrow.low).all()


def test_reliability_compares_means_of_equally_filled_bins() -> None:
    probability = np.repeat([0.2, 0.8], 20)
    happened = np.concatenate([np.repeat([1.0, 0.0], [5, 15]), np.repeat([1.0, 0.0], [18, 2])])
    order = np.random.default_rng(0).permutation(40)
    curve = reliability(probability[order], happened[order], independent=40, bins=2)
    assert curve.forecast == pytest.approx([0.2, 0.8])
    assert curve.observed == pytest.approx([0.25, 0.9])
    assert curve.count.tolist() == [20, 20]
    assert curve.low == pytest.approx(binom.ppf(0.025, 20, [0.2, 0.8]) / 20)
    assert curve.high == pytest.approx(binom.ppf(0.975, 20, [0.2, 0.8]) / 20)


def test_equal_probabilities_share_one_bin() -> None:
    curve = reliability(np.full(100, 0.5), np.tile([0.0, 1.0], 50), independent=100)
    assert curve.forecast.tolist() == [0.5]
    assert curve.observed.tolist() == [0.5]


def test_one_forecast_gives_one_point() -> None:
    curve = reliability(np.array([0.4]), np.array([1.0]), independent=1)
    assert curve.observed.tolist() == [1.0]


def classes_of(probability: np.ndarray, target: np.ndarray) -> Outcome:
    """One step; `probability` of shape (N, K)."""
    nothing = np.zeros(len(target), dtype=np.int64)
    return Outcome(
        ClassForecast(probability[:, None].astype(np.float32)), target[:, None].astype(float), nothing, nothing, nothing
    )


def test_the_calibration_error_by_hand() -> None:
    up = np.repeat([0.25, 0.75], [40, 60])
    came = np.concatenate([np.repeat([1, 0], [20, 20]), np.repeat([1, 0], [36, 24])])  # .5 of them, and .6
    outcome = classes_of(np.stack([1 - up, up], axis=1), came)
    assert CalibrationError().score(outcome) == pytest.approx(0.4 * 0.25 + 0.6 * 0.15)
    assert CalibrationError().by_step(outcome) == pytest.approx([0.19])


def test_the_calibration_error_of_three_classes_is_the_mean_over_the_classes() -> None:
    probability = np.tile([0.5, 0.3, 0.2], (100, 1))
    came = np.repeat([0, 1, 2], [60, 30, 10])
    assert CalibrationError().score(classes_of(probability, came)) == pytest.approx((0.1 + 0 + 0.1) / 3, abs=1e-7)


def test_a_calibrated_forecast_has_the_calibration_error_of_chance() -> None:
    up = np.random.default_rng(0).random(20_000)
    came = (np.random.default_rng(1).random(20_000) < up).astype(int)
    calibrated = CalibrationError().score(classes_of(np.stack([1 - up, up], axis=1), came))
    assert calibrated < 0.02
    bent = up**2
    assert CalibrationError().score(classes_of(np.stack([1 - bent, bent], axis=1), came)) == pytest.approx(
        1 / 6, abs=0.01
    )  # the mean of p − p²


def test_a_calibration_error_without_bins_is_refused() -> None:
    with pytest.raises(ConfigError, match="bins must be at least 1, got 0"):
        CalibrationError(bins=0)
