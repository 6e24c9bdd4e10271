"""HAR, held against weighted least squares of statsmodels and against a planted process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.regression.linear_model import WLS

from forecastle.errors import ConfigError, ModelError
from forecastle.models.baseline import RandomWalk
from forecastle.models.classical.har import HAR
from forecastle.models.forecast import Forecaster
from forecastle.windows.context import Target, Windows
from forecastle.windows.target import Direction, LogReturn, Volatility

LEVELS = tuple(k / 20 for k in range(1, 20))


def planted(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns whose volatility follows the means of the last 1, 5 and 22 absolute returns; and that volatility."""
    random = np.random.default_rng(seed)
    size = np.full(count, 0.01)
    returns = 0.01 * random.normal(size=count)
    for t in range(22, count):
        means = [np.sqrt(np.mean(returns[t - k : t] ** 2)) for k in (1, 5, 22)]
        size[t] = 0.002 + np.dot([0.15, 0.35, 0.3], means)
        returns[t] = size[t] * random.normal()
    return returns, size


def test_the_volatility_is_that_of_weighted_least_squares(windows_of: Callable[..., Windows]):
    windows = windows_of(planted(1200)[0], Volatility())
    context, steps = windows.context, np.arange(1, 4)
    returns = np.diff(context.past, axis=1)
    means = [np.sqrt(np.mean(returns[:, -k:] ** 2, axis=1)) for k in (1, 5, 22)]
    design = np.column_stack([np.ones(len(windows)), *means, context.scale])
    model = HAR().fit(windows)
    for step in steps:
        wanted = windows.target[:, step - 1] / np.sqrt(step)
        reference = WLS(wanted, design, weights=1 / context.scale**2).fit().predict(design) * np.sqrt(step)
        np.testing.assert_allclose(model.volatility(context)[:, step - 1], reference, rtol=1e-8)


def test_a_log_return_and_a_volatility_share_one_volatility(windows_of: Callable[..., Windows]):
    returns = planted(1200)[0]
    models = [HAR().fit(windows_of(returns, target)) for target in (LogReturn(), Volatility())]
    first, second = (m.volatility(windows_of(returns, LogReturn()).context) for m in models)
    np.testing.assert_allclose(first, second, rtol=1e-9)


def test_intervals_are_held_out_ratios_times_the_volatility(windows_of: Callable[..., Windows]):
    windows = windows_of(planted(1200)[0], LogReturn())
    model = HAR(calibration=0.3).fit(windows)
    first = windows.context.origin[int(0.7 * len(windows))]
    early, late = (np.flatnonzero(p) for p in (windows.label_end <= first, windows.context.origin >= first))
    # the size of a symbol is that of all training returns, so only the coefficients of the earlier fit differ
    earlier = HAR(calibration=0.3).fit(windows)
    inputs, _ = earlier._inputs(windows.context)
    spread = windows.context.task.spread(windows.context.scale)
    realised = np.sqrt(np.cumsum(np.diff(windows.target, axis=1, prepend=0) ** 2, axis=1))
    slopes = np.linalg.lstsq(inputs[early], (realised / spread)[early], rcond=None)[0]
    ratios = windows.target[late] / (spread[late] * (inputs[late] @ slopes))
    quantiles = np.quantile(ratios, LEVELS, axis=0, method="weibull").T
    values = model.predict(windows.context).values
    np.testing.assert_allclose(values, model.volatility(windows.context)[:, :, None] * quantiles, rtol=2e-5)


@pytest.mark.parametrize("target", [LogReturn(), Volatility()])
def test_a_planted_process_is_forecast_within_two_percent_of_its_own_law(
    windows_of: Callable[..., Windows], crps: Callable[..., float], target: Target
):
    returns, size = planted(12_000, seed=1)
    windows = windows_of(returns, target, horizon=1)
    train, test = windows[:8000], windows[8010:]
    ahead = size[test.context.row + 1]
    law = norm.ppf(LEVELS) if isinstance(target, LogReturn) else norm.ppf(0.5 + np.array(LEVELS) / 2)
    oracle = crps(ahead[:, None, None] * law, test.target)
    forecast: dict[str, Forecaster] = {"har": HAR(), "walk": RandomWalk()}
    scores = {name: crps(each.fit(train).predict(test.context).values, test.target) for name, each in forecast.items()}
    assert scores["har"] == pytest.approx(oracle, rel=0.02)
    assert scores["walk"] > 1.005 * scores["har"]


def test_a_stretch_in_which_the_price_stood_still_does_not_decide_the_fit(windows_of: Callable[..., Windows]):
    returns = planted(4000)[0]
    context = windows_of(returns, Volatility()).context[3000:]
    still = returns.copy()
    still[1000:1200] = 0
    moving, halted = (HAR().fit(windows_of(each, Volatility())).volatility(context) for each in (returns, still))
    assert np.abs(halted / moving - 1).mean() < 0.1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"periods": [5, 1]}, r"periods must ascend from at least 1, got \[5, 1\]"),
        ({"periods": [0, 5]}, r"got \[0, 5\]"),
        ({"periods": []}, r"got \[\]"),
        ({"calibration": 1.0}, r"calibration must lie inside \(0, 1\), got 1.0"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        HAR(**settings)


def test_what_it_cannot_forecast_is_refused(make: Callable[..., Windows]):
    with pytest.raises(ModelError, match="HAR forecasts a number, but direction has the classes down, up: choose a"):
        HAR().fit(make(target=Direction()))
    with pytest.raises(ModelError, match="must be fitted before"):
        HAR().predict(make().context)
    with pytest.raises(ModelError, match="40 training windows of A, of which 50 are needed"):
        HAR([1, 5]).fit(make()[:40])
