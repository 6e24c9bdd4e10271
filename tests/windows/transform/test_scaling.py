from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.preprocessing import RobustScaler

from forecastle.windows.transform.scaling import RobustScale, Standardize
from forecastle.windows.transform.step import Rows, Training

Make = Callable[..., Training]


def test_constant_becomes_zero_however_often_it_is_summed(training_of: Make) -> None:
    values = np.full((100_003, 2), (0.1, 1e30 / 3), np.float32)
    training = training_of(values, ("small", "large"))
    step = Standardize().fit(training)
    np.testing.assert_array_equal(step.apply(training.rows).values, 0)
    assert step.report() == {"rows": 100_003, "constant": ["small", "large"]}


def test_statistics_are_float64(training_of: Make) -> None:
    random = np.random.default_rng(0)
    values = (1e6 + random.normal(size=(20_000, 1))).astype(np.float32)
    wide = values.astype(np.float64)
    state = Standardize().fit(training_of(values)).state()
    assert state["middle"][0] == pytest.approx(wide.mean(), rel=1e-14)
    assert state["width"][0] == pytest.approx(np.sqrt(((wide - wide.mean()) ** 2).mean()), rel=1e-12)


def test_robust_equals_sklearn(training_of: Make, rows_of: Callable[..., Rows]) -> None:
    random = np.random.default_rng(1)
    values = np.stack([random.standard_t(2, 301), random.lognormal(size=301), np.arange(301.0)], axis=1)
    values = values.astype(np.float32)
    reference = RobustScaler().fit(values[:200].astype(np.float64))
    step = RobustScale().fit(training_of(values[:200]))
    result = step.apply(rows_of(values)).values
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, reference.transform(values.astype(np.float64)), rtol=1e-6, atol=1e-6)
    assert step.report() == {"rows": 200, "without_range": []}


def test_wild_bars_do_not_move_the_robust_scale(training_of: Make) -> None:
    values = np.random.default_rng(2).normal(size=(99, 1))
    wild = values.copy()
    wild[np.argmax(values)] = 1e9
    calm_state, wild_state = (RobustScale().fit(training_of(each)).state() for each in (values, wild))
    assert calm_state == wild_state
    assert Standardize().fit(training_of(values)).state() != Standardize().fit(training_of(wild)).state()


def test_a_feature_that_is_mostly_one_value_keeps_its_unit_and_is_named(training_of: Make) -> None:
    values = np.zeros((100, 2))
    values[:, 1] = np.arange(100)
    values[::20, 0] = 100
    training = training_of(values, ("pattern", "ordinary"))
    step = RobustScale().fit(training)
    np.testing.assert_array_equal(step.apply(training.rows).values[:, 0], values[:, 0])
    assert step.report()["without_range"] == ["pattern"]
