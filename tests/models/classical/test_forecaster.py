"""Exponential smoothing, theta and ARIMA, held against statsmodels on single windows and against planted processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.tsa.arima import model as reference
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.forecasting.theta import ThetaModel

from forecastle.errors import ConfigError, ModelError
from forecastle.models.baseline import RandomWalk
from forecastle.models.classical.arima import ARIMA
from forecastle.models.classical.forecaster import ClassicalForecaster
from forecastle.models.classical.smoothing import ETS, Theta
from forecastle.windows.context import Windows
from forecastle.windows.target import Direction, Volatility


def noisy(count: int, theta: float = -0.5, seed: int = 0) -> np.ndarray:
    """Returns of 1 % a bar of which the share `-theta` is taken back at the next bar."""
    shocks = 0.01 * np.random.default_rng(seed).normal(size=count + 1)
    return shocks[1:] + theta * shocks[:-1]


PAST = np.cumsum(np.random.default_rng(3).normal(0.05, 1, (4, 100)), axis=1)


@pytest.mark.parametrize("trend", ["none", "additive", "damped"])
def test_ets_forecasts_a_window_as_statsmodels(trend: Any):
    parameters = {"level": [0.7], "trend": [0.2], "damping": [0.9]}
    parameters |= {"none": {"trend": [0.0], "damping": [1.0]}, "additive": {"damping": [1.0]}}.get(trend, {})
    found = ETS(trend).forecast(parameters, PAST, 6)
    values = {"none": [0.7], "additive": [0.7, 0.2], "damped": [0.7, 0.2, 0.9]}[trend]
    for past, ours in zip(PAST, found, strict=True):
        start = {"initial_level": past[0]} | ({} if trend == "none" else {"initial_trend": 0.0})
        model = ETSModel(
            past, trend=None if trend == "none" else "add", damped_trend=trend == "damped",
            initialization_method="known", **start,
        )  # fmt: skip
        np.testing.assert_allclose(ours + past[-1], model.smooth(values).forecast(6), rtol=1e-9)


def test_theta_forecasts_a_window_as_statsmodels():
    for past in PAST:
        model = ThetaModel(past, deseasonalize=False).fit()
        found = Theta().forecast({"level": [float(model.params["alpha"])]}, past[None], 6)[0]
        np.testing.assert_allclose(found + past[-1], model.forecast(6).to_numpy(), rtol=1e-8)


@pytest.mark.parametrize(
    ("order", "values"),
    [
        ([1, 1, 1], [0.4, -0.6]),
        ([2, 1, 0], [0.4, -0.2]),
        ([0, 1, 2], [0.3, 0.2]),
        ([2, 2, 1], [0.3, 0.1, -0.7]),
        ([0, 1, 0], []),
    ],
)
def test_arima_forecasts_a_window_as_statsmodels(order: list[int], values: list[float]):
    p, _, _ = order
    found = ARIMA(order).forecast({"ar": values[:p], "ma": values[p:]}, PAST, 6)
    for past, ours in zip(PAST, found, strict=True):
        expected = reference.ARIMA(past, order=order, trend="n").filter([*values, 1.0]).forecast(6)
        np.testing.assert_allclose(ours + past[-1], expected, rtol=1e-5, atol=1e-5)


def test_estimates_find_the_planted_parameters():
    returns = noisy(4000)
    assert ETS("none").estimate(returns)["level"][0] == pytest.approx(0.5, abs=0.05)
    assert ETS("none").estimate(1000 * returns)["level"][0] == pytest.approx(0.5, abs=0.05)
    assert Theta().estimate(returns)["level"][0] == pytest.approx(0.5, abs=0.05)
    assert ARIMA([0, 1, 1]).estimate(returns)["ma"][0] == pytest.approx(-0.5, abs=0.05)
    found = ARIMA([1, 1, 0]).estimate(returns)["ar"][0]
    assert found == pytest.approx(-0.5 / 1.25, abs=0.05)  # the first autocorrelation
    assert ARIMA([0, 1, 0]).estimate(returns) == {"ar": [], "ma": []}


@pytest.mark.parametrize("method", [ETS("none"), ETS(), Theta(), ARIMA([0, 1, 1]), ARIMA([2, 1, 2])])
def test_a_planted_reversal_is_forecast_within_two_percent_of_its_own_law(
    windows_of: Callable[..., Windows], crps: Callable[..., float], method: Any
):
    returns = noisy(5000, seed=1)
    windows = windows_of(returns, horizon=1)
    train, test = windows[:3500], windows[3510:]
    shocks = 0.01 * np.random.default_rng(1).normal(size=5001)[1:]
    reversal = -0.5 * shocks[test.context.row]
    levels = test.context.task.quantile_levels
    oracle = crps(reversal[:, None, None] + 0.01 * norm.ppf(levels), test.target)
    model, walk = (
        crps(each.fit(train).predict(test.context).values, test.target)
        for each in (ClassicalForecaster(method), RandomWalk())
    )
    assert model == pytest.approx(oracle, rel=0.025)
    assert walk > 1.05 * oracle


def test_intervals_are_errors_held_out_in_time_under_parameters_from_before(windows_of: Callable[..., Windows]):
    windows = windows_of(noisy(800), horizon=2)
    context = windows.context
    model = ClassicalForecaster(ARIMA([0, 1, 1]), calibration=0.3).fit(windows)
    first = context.origin[int(0.7 * len(windows))]
    early, late = windows.label_end <= first, context.origin >= first
    returns = context.past[:, -1] - context.past[:, -2]
    earlier, whole = (ARIMA([0, 1, 1]).estimate(each) for each in (returns[early], returns))
    spread = context.scale[:, None] * np.sqrt([1, 2])
    errors = (windows.target - ARIMA([0, 1, 1]).forecast(earlier, context.past, 2)) / spread
    quantiles = np.quantile(errors[late], context.task.quantile_levels, axis=0, method="weibull").T
    expected = ARIMA([0, 1, 1]).forecast(whole, context.past, 2)[:, :, None] + spread[:, :, None] * quantiles
    np.testing.assert_allclose(model.predict(context).values, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClassicalForecaster(object()), "method must be one of ETS, Theta, ARIMA, got object"),
        (lambda: ClassicalForecaster(Theta(), memory=29), "memory must be at least 30, got 29"),
        (lambda: ClassicalForecaster(Theta(), calibration=0.0), r"calibration must lie inside \(0, 1\), got 0"),
        (lambda: ARIMA([1, 0, 1]), r"order must be \[p, d, q\] with d 1 or 2 .* got \[1, 0, 1\]"),
        (lambda: ARIMA([1, 1]), r"got \[1, 1\]"),
    ],
)
def test_settings_that_cannot_be_are_refused(make: Callable[[], Any], message: str):
    with pytest.raises(ConfigError, match=message):
        make()


def test_what_it_cannot_forecast_is_refused(windows_of: Callable[..., Windows]):
    model = ClassicalForecaster(Theta())
    with pytest.raises(ModelError, match="theta forecasts log_return, got volatility: choose a"):
        model.fit(windows_of(noisy(400), target=Volatility()))
    with pytest.raises(ModelError, match="theta forecasts a number, but direction has the classes"):
        model.fit(windows_of(noisy(400), target=Direction()))
    with pytest.raises(ModelError, match="must be fitted before"):
        model.predict(windows_of(noisy(400)).context)
