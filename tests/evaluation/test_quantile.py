"""Metrics of quantiles, on values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecastle.errors import ConfigError
from forecastle.evaluation.metric import Direction, Outcome
from forecastle.evaluation.quantile import CRPS, Coverage, Pinball, Width, cell_widths, pinball_loss
from forecastle.models.forecast import QuantileForecast


def outcome_of(levels, quantiles, target):
    """One step; `quantiles` of shape (N, Q)."""
    count = len(target)
    forecast = QuantileForecast(tuple(levels), np.array(quantiles, dtype=np.float32)[:, None, :])
    nothing = np.zeros(count, dtype=np.int64)
    return Outcome(forecast, np.array(target, dtype=float)[:, None], np.zeros(count), nothing, nothing)


def test_crps_weighs_each_level_by_the_width_of_its_cell_by_hand():
    outcome = outcome_of((0.25, 0.5, 0.75), [[-1, 0, 1]], [2.0])
    assert CRPS().score(outcome) == pytest.approx(2 * (0.375 * 0.25 * 3 + 0.25 * 0.5 * 2 + 0.375 * 0.75 * 1))
    uneven = outcome_of((0.1, 0.2, 0.6), [[0, 1, 4]], [2.0])
    assert CRPS().score(uneven) == pytest.approx(2 * (0.15 * 0.1 * 2 + 0.25 * 0.2 * 1 + 0.6 * 0.4 * 2))


def test_cells_of_fortieths_are_wider_at_both_ends():
    widths = cell_widths([k / 40 for k in range(1, 40)])
    np.testing.assert_allclose(widths, [1.5 / 40, *[1 / 40] * 37, 1.5 / 40])
    np.testing.assert_allclose(cell_widths([0.3]), [1.0])


@given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=40, unique=True).map(sorted))
def test_cells_cover_all_probabilities_once_and_hold_their_level(levels):
    widths = cell_widths(levels)
    ends = np.cumsum(widths)
    assert ends[-1] == pytest.approx(1)
    assert (ends + 1e-12 >= levels).all()
    assert (ends - widths - 1e-12 <= levels).all()


@pytest.mark.parametrize(
    "levels", [(0.5,), (0.25, 0.5, 0.75), (0.025, 0.1, 0.9, 0.975), tuple(k / 40 for k in range(1, 40))]
)
def test_crps_of_a_point_forecast_is_its_absolute_error(levels):
    outcome = outcome_of(levels, [[1] * len(levels)] * 3, [3.0, 0.5, 1.0])
    np.testing.assert_allclose(CRPS().pointwise(outcome)[:, 0], [2.0, 0.5, 0.0], rtol=1e-12)


@given(
    st.lists(st.floats(-100, 100), min_size=3, max_size=40),
    st.sampled_from([0.1, 0.25, 0.5, 0.9]),
    st.floats(-100, 100),
)
def test_no_constant_has_less_pinball_loss_than_the_sample_quantile(sample, level, other):
    values = np.array(sample)
    best = np.quantile(values, level, method="inverted_cdf")
    assert pinball_loss(values, best, level).sum() <= pinball_loss(values, np.float64(other), level).sum() + 1e-9


def test_pinball_names_its_level_and_reads_that_one(make_numbers):
    assert (Pinball(0.05).name, Pinball(0.025).name) == ("pinball_5", "pinball_2.5")
    outcome = outcome_of((0.05, 0.5), [[-1, 7]], [0.0])
    assert Pinball(0.05).score(outcome) == pytest.approx(0.05)


def test_coverage_counts_both_ends_in():
    outcome = outcome_of((0.1, 0.5, 0.9), [[-1, 0, 1]] * 5, [-1.0, 1.0, 0.3, 1.0001, -1.0001])
    assert Coverage(0.8).score(outcome) == pytest.approx(3 / 5)


def test_coverage_of_the_true_law_is_nominal():
    from scipy.stats import norm

    levels = (0.025, 0.1, 0.5, 0.9, 0.975)
    target = np.random.default_rng(3).normal(size=20000)
    outcome = outcome_of(levels, np.tile(norm.ppf(levels), (20000, 1)), target)
    assert Coverage(0.8).score(outcome) == pytest.approx(0.8, abs=0.01)
    assert Coverage(0.95).score(outcome) == pytest.approx(0.95, abs=0.006)


def test_coverage_has_no_better_direction_and_is_named_by_its_nominal_value():
    assert Coverage(0.8).direction is Direction.NONE
    assert [Coverage(value).name for value in (0.8, 0.95, 0.9)] == ["coverage_80", "coverage_95", "coverage_90"]


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, 95])
def test_levels_outside_zero_and_one_are_refused(value):
    with pytest.raises(ConfigError, match="inside"):
        Coverage(value)
    with pytest.raises(ConfigError, match="inside"):
        Pinball(value)


def test_sums_of_float32_quantiles_are_taken_in_float64():
    target = np.full(200000, 0.1)
    outcome = outcome_of((0.5,), np.zeros((200000, 1)), target)
    assert CRPS().pointwise(outcome).dtype == np.float64
    assert CRPS().score(outcome) == pytest.approx(0.1, rel=1e-12)


def test_the_width_is_the_mean_distance_of_both_ends():
    outcome = outcome_of((0.1, 0.5, 0.9), [[-1, 0, 2], [0, 0, 0.5]], [9.0, -9.0])
    metric = Width(0.8)
    assert metric.score(outcome) == pytest.approx((3.0 + 0.5) / 2)
    assert (metric.name, metric.direction) == ("width_80", Direction.NONE)
