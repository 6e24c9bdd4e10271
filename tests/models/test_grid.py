"""Filling the levels between a few fitted quantiles."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from forecastle.models.grid import FITTED, fill, fitted_levels

LEVELS = tuple(k / 40 for k in range(1, 40))


def test_a_normal_distribution_is_filled_exactly():
    values = norm.ppf(FITTED, loc=0.3, scale=2.0)
    filled = fill(values, FITTED, (0.001, *LEVELS, 0.999))
    np.testing.assert_allclose(filled, norm.ppf((0.001, *LEVELS, 0.999), loc=0.3, scale=2.0), rtol=1e-10, atol=1e-12)


@given(arrays(np.float64, (4, len(FITTED)), elements=st.floats(-1e3, 1e3)))
def test_filled_quantiles_never_cross_and_keep_the_fitted_ones(values):
    filled = fill(values, FITTED, LEVELS)
    assert np.all(np.diff(filled, axis=1) >= 0)
    places = [LEVELS.index(level) for level in FITTED]
    np.testing.assert_allclose(filled[:, places], np.sort(values, axis=1), rtol=1e-9, atol=1e-9)


def test_few_levels_are_fitted_as_they_are_asked():
    assert fitted_levels((0.1, 0.5)) == (0.1, 0.5)
    assert fitted_levels(LEVELS) == FITTED
    np.testing.assert_array_equal(fill(np.array([[2.0, 1.0]]), (0.1, 0.5), (0.1, 0.5)), [[1.0, 2.0]])
    np.testing.assert_array_equal(fill(np.array([[2.0]]), (0.5,), (0.5,)), [[2.0]])
