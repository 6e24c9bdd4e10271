"""GARCH, held against the package arch and against planted processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from arch import arch_model
from scipy.stats import norm, t

from forecastle.errors import ConfigError, ModelError
from forecastle.models.baseline import RandomWalk
from forecastle.models.classical.garch import GARCH, estimate, next_variance
from forecastle.windows.context import Windows
from forecastle.windows.target import Direction, LogReturn, Volatility

LEVELS = tuple(k / 20 for k in range(1, 20))
TRUE = {"omega": 2e-6, "alpha": 0.1, "beta": 0.88, "nu": 6.0}


def planted(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns of a GARCH process with Student-t innovations, and their variance."""
    random = np.random.default_rng(seed)
    innovations = random.standard_t(TRUE["nu"], count) * np.sqrt((TRUE["nu"] - 2) / TRUE["nu"])
    variance, returns = np.empty(count), np.empty(count)
    ahead = TRUE["omega"] / (1 - TRUE["alpha"] - TRUE["beta"])
    for place, innovation in enumerate(innovations):
        variance[place] = ahead
        returns[place] = np.sqrt(ahead) * innovation
        ahead = TRUE["omega"] + TRUE["alpha"] * returns[place] ** 2 + TRUE["beta"] * ahead
    return returns, variance


@pytest.mark.parametrize(("law", "dist"), [("normal", "normal"), ("student_t", "t")])
def test_parameters_are_those_of_arch(law: str, dist: str):
    returns = planted(2000)[0]
    found = estimate(returns, law, "A")
    reference = arch_model(100 * returns, mean="Zero", p=1, q=1, dist=dist).fit(disp="off").params
    assert found["omega"] == pytest.approx(reference["omega"] / 1e4, rel=0.01)
    assert found["alpha"] == pytest.approx(reference["alpha[1]"], rel=0.01)
    assert found["beta"] == pytest.approx(reference["beta[1]"], rel=0.01)
    assert ("nu" in found) == (law == "student_t")


def test_the_filtered_variance_is_that_of_arch(windows_of: Callable[..., Windows]):
    past = windows_of(planted(400)[0]).context.past
    found = next_variance(TRUE, past)
    for place in (0, 57, 200):
        returns = np.diff(past[place])
        model = arch_model(returns, mean="Zero", p=1, q=1, rescale=False)
        fixed = model.fix([TRUE[name] for name in ("omega", "alpha", "beta")])
        ahead = fixed.forecast(horizon=1, reindex=False).variance.to_numpy()[0, 0]
        assert found[place] == pytest.approx(ahead, rel=1e-4)  # arch begins at another mean of the same squares
        variance = np.empty_like(returns)
        bounds = np.tile([0.0, 1.0], (len(returns), 1))
        model.volatility.compute_variance(
            np.array([TRUE["omega"], TRUE["alpha"], TRUE["beta"]]), returns, variance, np.mean(returns**2), bounds
        )
        exact = TRUE["omega"] + TRUE["alpha"] * returns[-1] ** 2 + TRUE["beta"] * variance[-1]
        assert found[place] == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("law", ["normal", "student_t"])
def test_the_first_step_is_the_law_of_the_innovations(windows_of: Callable[..., Windows], law: Any):
    windows = windows_of(planted(600)[0], horizon=1)
    model = GARCH(law=law).fit(windows)
    parameters = model._parameters["A"]
    size = np.sqrt(next_variance(parameters, windows.context.past))
    unit = norm.ppf(LEVELS)
    if law == "student_t":
        unit = t.ppf(LEVELS, parameters["nu"]) * np.sqrt((parameters["nu"] - 2) / parameters["nu"])
    values = model.predict(windows.context).values[:, 0]
    np.testing.assert_allclose(values, size[:, None] * unit, rtol=5e-3, atol=1e-8)


def test_the_variance_of_later_steps_returns_to_its_level(windows_of: Callable[..., Windows]):
    windows = windows_of(planted(600)[0], target=Volatility(), horizon=20)
    model = GARCH(law="normal", paths=20_000).fit(windows)
    model._parameters["A"] = {name: TRUE[name] for name in ("omega", "alpha", "beta")}
    context = windows.context[:1]
    ahead = next_variance(TRUE, context.past)[0]
    long, keep = TRUE["omega"] / 0.02, 0.98
    expected = sum(long + keep**h * (ahead - long) for h in range(20))
    levels = (np.arange(400) + 0.5) / 400
    object.__setattr__(context.task, "quantile_levels", tuple(levels))
    model._asked = model._asked._replace(levels=tuple(levels))
    squared = model.predict(context).values[0, -1].astype(float) ** 2
    assert squared.mean() == pytest.approx(expected, rel=0.01)


def test_a_forecast_of_a_log_return_is_symmetric(windows_of: Callable[..., Windows]):
    windows = windows_of(planted(600)[0], horizon=4)
    values = GARCH().fit(windows).predict(windows.context).values
    np.testing.assert_allclose(values, -values[:, :, ::-1], rtol=1e-5, atol=1e-9)
    np.testing.assert_array_equal(values[:, :, 9], 0)


def test_a_planted_process_is_forecast_within_two_percent_of_its_own_law(
    windows_of: Callable[..., Windows], crps: Callable[..., float]
):
    returns, variance = planted(6000, seed=1)
    windows = windows_of(returns, horizon=1)
    train, test = windows[:3500], windows[3510:]
    unit = t.ppf(LEVELS, TRUE["nu"]) * np.sqrt((TRUE["nu"] - 2) / TRUE["nu"])
    oracle = crps(np.sqrt(variance[test.context.row + 1])[:, None, None] * unit, test.target)
    model, walk = (
        crps(each.fit(train).predict(test.context).values, test.target) for each in (GARCH(paths=400), RandomWalk())
    )
    assert model == pytest.approx(oracle, rel=0.02)
    assert walk > model


def test_parameters_come_from_the_training_origins_alone(windows_of: Callable[..., Windows]):
    returns = planted(900)[0]
    train = windows_of(returns)[:400]
    changed = returns.copy()
    changed[train.context.row.max() + 1 :] *= 5
    other = windows_of(changed)[:400]
    assert GARCH().fit(train)._parameters == GARCH().fit(other)._parameters


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"memory": 19}, "memory must be at least 20, got 19"),
        ({"paths": 50}, "paths must be at least 100, got 50"),
        ({"paths": 101}, "paths must be even, .* got 101"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        GARCH(**settings)


def test_what_it_cannot_forecast_is_refused(windows_of: Callable[..., Windows]):
    returns = planted(300)[0]
    with pytest.raises(ModelError, match="GARCH forecasts a number, but direction has the classes"):
        GARCH().fit(windows_of(returns, target=Direction()))
    with pytest.raises(ModelError, match="must be fitted before"):
        GARCH().predict(windows_of(returns).context)
    with pytest.raises(ModelError, match=r"was fitted for 3 steps .* got 2 steps"):
        GARCH(paths=100).fit(windows_of(returns)).predict(windows_of(returns, LogReturn(), horizon=2).context)
    with pytest.raises(ModelError, match=r"201 training windows of A, whose price never moved"):
        GARCH().fit(windows_of(np.zeros(303)))
