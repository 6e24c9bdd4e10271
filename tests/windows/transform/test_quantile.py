from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm, rankdata
from sklearn.preprocessing import QuantileTransformer

from forecastle.errors import ConfigError
from forecastle.windows.transform.quantile import Clip, QuantileNormal
from forecastle.windows.transform.step import Rows, Training

Make = Callable[..., Training]


def test_with_a_point_for_each_row_it_is_the_normal_value_of_the_rank(training_of: Make) -> None:
    random = np.random.default_rng(0)
    values = np.stack([random.lognormal(size=90), random.integers(0, 5, 90), np.full(90, 3.0)], axis=1)
    training = training_of(values)
    result = QuantileNormal(points=90).fit(training).apply(training.rows).values
    reference = norm.ppf((rankdata(training.rows.values, axis=0) - 0.5) / 90)
    np.testing.assert_allclose(result, reference, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(result[:, 2], 0)


def test_between_its_points_it_is_close_to_sklearn(training_of: Make) -> None:
    values = np.random.default_rng(1).standard_t(3, size=(4000, 2)).astype(np.float32)
    training = training_of(values)
    reference = QuantileTransformer(n_quantiles=1000, output_distribution="normal").fit(values)
    result = QuantileNormal(points=1000).fit(training).apply(training.rows).values
    inside = np.abs(result) < 2
    np.testing.assert_allclose(result[inside], reference.transform(values)[inside], atol=0.01)


def test_what_lies_outside_the_training_values_gets_the_outermost_value(training_of: Make, rows_of) -> None:
    step = QuantileNormal(points=4).fit(training_of(np.arange(100.0)[:, None]))
    low, high, missing = step.apply(rows_of(np.array([[-1e9], [1e9], [np.nan]]))).values[:, 0]
    assert high == -low == pytest.approx(norm.ppf(7 / 8), rel=1e-6)
    assert np.isnan(missing)


@given(arrays(np.float32, (40, 1), elements=st.floats(-1e6, 1e6, width=32)), st.integers(2, 60))
def test_the_order_of_the_values_is_kept(values: np.ndarray, points: int) -> None:
    rows = Rows(values, ("a",), np.array([0]))
    step = QuantileNormal(points).fit(Training(rows, np.arange(40), np.zeros((40, 1)), 0))
    result = step.apply(rows).values[:, 0]
    assert np.all(np.diff(result[np.argsort(values[:, 0])]) >= 0)
    assert np.isfinite(result).all()


def test_features_of_few_values_are_named(training_of: Make) -> None:
    values = np.stack([np.arange(60.0), np.arange(60) % 3], axis=1)
    assert QuantileNormal().fit(training_of(values, ("fine", "coarse"))).report() == {
        "rows": 60,
        "few_values": {"coarse": 3},
    }


def test_clip_cuts_at_the_quantiles_and_leaves_the_rest_as_it_is(training_of: Make, rows_of) -> None:
    values = np.random.default_rng(2).normal(size=(500, 2)).astype(np.float32)
    step = Clip(lower=0.1, upper=0.8).fit(training_of(values[:300]))
    low, high = np.percentile(values[:300].astype(np.float64), (10, 80), axis=0)
    result = step.apply(rows_of(values)).values
    inside = (values > low) & (values < high)
    np.testing.assert_array_equal(result[inside], values[inside])
    np.testing.assert_array_equal(
        result[values <= low], np.broadcast_to(low.astype(np.float32), (500, 2))[values <= low]
    )
    assert 0.15 < np.mean(result == high.astype(np.float32)) < 0.25
    assert step.report()["features"]["a"] == {"lower": low[0], "upper": high[0]}


def test_clip_at_the_whole_range_changes_no_training_row(training_of: Make, rows_of) -> None:
    training = training_of(np.random.default_rng(3).normal(size=(50, 3)))
    step = Clip(0, 1).fit(training)
    np.testing.assert_array_equal(step.apply(training.rows).values, training.rows.values)
    assert np.isnan(step.apply(rows_of(np.full((1, 3), np.nan))).values).all()


@pytest.mark.parametrize(("lower", "upper"), [(0.5, 0.5), (-0.1, 0.5), (0.5, 1.1), (0.9, 0.1)])
def test_levels_that_cannot_be_are_refused(lower: float, upper: float) -> None:
    with pytest.raises(ConfigError, match=f"ascend inside .0, 1., got {lower} and {upper}"):
        Clip(lower, upper)
    with pytest.raises(ConfigError, match="points must be at least 2, got 1"):
        QuantileNormal(1)
