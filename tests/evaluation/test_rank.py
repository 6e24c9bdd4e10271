"""Ranks and rank correlation against scipy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata, spearmanr

from forecastle.evaluation.rank import InformationCoefficient, midrank


@given(arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 12)), elements=st.integers(-3, 3).map(float)))
def test_midranks_are_those_of_scipy(values):
    np.testing.assert_array_equal(midrank(values), rankdata(values, axis=-1))


@pytest.mark.parametrize("step", [None, 0.01])
def test_information_coefficient_is_spearmans_of_each_step(make_numbers, step):
    outcome = make_numbers(step=step)
    median = outcome.forecast.values[..., 19]
    expected = [spearmanr(median[:, h], outcome.target[:, h]).statistic for h in range(3)]
    np.testing.assert_allclose(InformationCoefficient().by_step(outcome), expected, atol=1e-12)
    assert InformationCoefficient().score(outcome) == pytest.approx(np.mean(expected))


def test_information_coefficient_is_taken_in_time_and_not_across_symbols(make_numbers):
    outcome = make_numbers(symbols=2)
    first = outcome.symbol == 0
    shifted = replace(outcome, target=outcome.target + np.where(first, 0.0, 5.0)[:, None])
    halves = [InformationCoefficient().by_step(outcome[outcome.symbol == symbol]) for symbol in (0, 1)]
    np.testing.assert_allclose(InformationCoefficient().by_step(shifted), np.mean(halves, axis=0))


def test_a_symbol_that_never_moves_is_left_out_and_nothing_left_is_nan(make_numbers):
    outcome = make_numbers(symbols=2)
    still = replace(outcome, target=np.where((outcome.symbol == 1)[:, None], 0.0, outcome.target))
    alone = InformationCoefficient().by_step(outcome[outcome.symbol == 0])
    np.testing.assert_allclose(InformationCoefficient().by_step(still), alone)
    flat = replace(outcome, target=np.zeros_like(outcome.target))
    assert np.isnan(InformationCoefficient().score(flat))
    assert np.isnan(InformationCoefficient().by_step(flat)).all()


def test_a_constant_forecast_has_no_information_coefficient(make_numbers):
    outcome = make_numbers()
    forecast = replace(outcome.forecast, values=np.broadcast_to(outcome.forecast.values[:1], (60, 3, 39)))
    assert np.isnan(InformationCoefficient().score(replace(outcome, forecast=forecast)))
