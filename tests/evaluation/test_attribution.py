"""Shapley values against formulas, additivity and each other."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPRegressor
from tests.models.conftest import LEVELS, market

from forecastle.errors import MissingExtraError
from forecastle.evaluation.attribution import Attribution, attribute
from forecastle.evaluation.substitution import PAST
from forecastle.models.baseline import RandomWalk
from forecastle.models.boosting.catboost import CatBoost
from forecastle.models.boosting.forecaster import BoostedForecaster
from forecastle.models.boosting.lightgbm import LightGBM
from forecastle.models.boosting.xgboost import XGBoost
from forecastle.models.estimator import SklearnForecaster
from forecastle.models.examples import inputs_of
from forecastle.windows.context import Context, Task, Windows
from forecastle.windows.sample import make_windows
from forecastle.windows.target import Direction, LogReturn

COLUMNS = ("f0", "f1", "f2", "f3")


def windows_of(target: Any, horizon: int = 2) -> tuple[Windows, Context]:
    """Training windows, and contexts to explain."""
    task = Task(target, horizon, LEVELS)
    windows = make_windows(*market(700, 1.0, 4, 0), task, context_length=3, past_length=6)
    return windows[np.arange(600)], windows.context[np.arange(620, 650)]


def explained(estimator: Any, target: Any, lags: int = 2) -> tuple[SklearnForecaster, Attribution, Windows, Context]:
    train, asked = windows_of(target)
    model = SklearnForecaster(estimator, lags).fit(train)
    return model, attribute(model, model.predict, asked, train.context, seed=0), train, asked


def test_a_linear_model_is_weight_times_distance_from_the_mean_of_the_background() -> None:
    model, found, train, asked = explained(Ridge(), LogReturn())
    (ridge,) = model.estimators
    background = inputs_of(train.context[np.linspace(0, 599, 50).astype(int)], 2)
    terms = (inputs_of(asked, 2) - background.mean(axis=0))[:, None] * ridge.coef_  # (N, H, lags·D)
    wanted = terms.reshape(30, 2, 2, 4).sum(axis=2).transpose(0, 2, 1)  # summed over lags
    np.testing.assert_allclose(found.values, wanted, atol=1e-10)
    assert (found.names, found.method, found.unit) == (COLUMNS, "linear", "spreads")
    assert np.argmax(found.strength()) == 0
    np.testing.assert_allclose(found.strength()[1], np.abs(wanted[:, 1]).mean())


def test_values_of_trees_add_up_to_the_forecast() -> None:
    model, found, _, asked = explained(RandomForestRegressor(20, max_depth=4, random_state=0), LogReturn())
    whole = found.usual + found.values.sum(axis=1)
    np.testing.assert_allclose(whole, model.estimators[0].predict(inputs_of(asked, 2)), atol=1e-9)
    assert (found.method, np.argmax(found.strength())) == ("trees", 0)


@pytest.mark.parametrize(
    ("estimator", "method", "unit"),
    [
        (LogisticRegression(), "linear", "log odds"),
        (RandomForestClassifier(20, max_depth=4, random_state=0), "trees", "probability"),
        (HistGradientBoostingClassifier(max_iter=10, early_stopping=False), "trees", "log odds"),
    ],
)
def test_values_of_classifiers_add_up_to_the_last_class(estimator: Any, method: str, unit: str) -> None:
    model, found, _, asked = explained(estimator, Direction())
    assert (found.method, found.unit, np.argmax(found.strength())) == (method, unit, 0)
    whole = found.usual + found.values.sum(axis=1)
    probability = np.stack([each.predict_proba(inputs_of(asked, 2))[:, 1] for each in model.estimators], axis=1)
    wanted = probability if unit == "probability" else np.log(probability / (1 - probability))
    np.testing.assert_allclose(whole, wanted, atol=1e-6)


BOOSTERS = [LightGBM(rounds=40, learning_rate=0.1), XGBoost(rounds=40, learning_rate=0.1), CatBoost(40, 0.1)]


@pytest.mark.parametrize("booster", BOOSTERS, ids=lambda booster: booster.name)
def test_values_of_boosted_trees_add_up_to_the_median_and_to_the_log_odds(booster: Any) -> None:
    for target in (LogReturn(), Direction()):
        train, asked = windows_of(target)
        model = BoostedForecaster(booster, lags=2).fit(train)
        found = attribute(model, model.predict, asked, train.context, seed=0)
        whole = found.usual + found.values.sum(axis=1)
        assert (found.method, np.argmax(found.strength()), found.values.shape) == ("trees", 0, (30, 4, 2))
        forecast = model.predict(asked)
        if target.classes:
            odds = forecast.values[:, :, 1] / forecast.values[:, :, 0]  # drawn to one half, which keeps their order
            assert [np.corrcoef(np.log(odds[:, h]), whole[:, h])[0, 1] > 0.999 for h in range(2)] == [True, True]
        else:
            median = forecast.values[:, :, 2] / asked.task.spread(asked.scale)
            straight = np.abs(whole - median) < 1e-5  # elsewhere quantiles crossed
            assert straight.mean() > 0.9


def test_what_the_libraries_say_of_their_trees_is_what_shap_says() -> None:
    import shap

    train, asked = windows_of(LogReturn(), horizon=1)
    model = BoostedForecaster(BOOSTERS[0], lags=2).fit(train)
    found = attribute(model, model.predict, asked, train.context, seed=0)
    theirs = shap.TreeExplainer(model._models[0][2])
    values = theirs.shap_values(inputs_of(asked, 2)).reshape(30, 2, 4).sum(axis=1)
    np.testing.assert_allclose(found.values[:, :, 0], values, atol=1e-9)
    np.testing.assert_allclose(found.usual, theirs.expected_value, atol=1e-9)


class Unknown:
    """A forecaster of which nothing is known but its forecasts."""


def test_the_kernel_gives_a_linear_model_what_its_formula_gives() -> None:
    train, asked = windows_of(LogReturn())
    model = SklearnForecaster(Ridge(), 2).fit(train)
    found = attribute(Unknown(), model.predict, asked, train.context, seed=0)
    assert (found.names, found.method) == ((*COLUMNS, PAST), "kernel")
    background = inputs_of(train.context[np.linspace(0, 599, 10).astype(int)], 2).mean(axis=0)
    terms = (inputs_of(asked, 2) - background)[:, None] * model.estimators[0].coef_
    wanted = terms.reshape(30, 2, 2, 4).sum(axis=2).transpose(0, 2, 1)
    np.testing.assert_allclose(found.values[:, :4], wanted, atol=1e-5)  # forecasts are float32
    np.testing.assert_allclose(found.values[:, 4], 0, atol=1e-5)


def test_an_estimator_without_an_exact_way_is_asked_and_its_values_add_up() -> None:
    model, found, _, asked = explained(MLPRegressor(hidden_layer_sizes=(8,), max_iter=300, random_state=0), LogReturn())
    assert found.method == "kernel"
    spread = asked.task.spread(asked.scale)
    whole = found.usual + found.values.sum(axis=1)
    median = model.predict(asked).values[:, :, 2] / spread
    assert np.corrcoef(whole.ravel(), median.ravel())[0, 1] > 0.9999
    assert np.argmax(found.strength()) == 0


def test_a_model_that_reads_no_input_has_no_attribution() -> None:
    train, asked = windows_of(LogReturn())
    walk = RandomWalk()
    found = attribute(walk, walk.predict, asked[np.arange(3)], train.context, seed=0)
    assert not found.values.any()


def test_the_same_seed_gives_the_same_values_and_the_global_state_stays() -> None:
    train, asked = windows_of(LogReturn())
    model = SklearnForecaster(MLPRegressor(hidden_layer_sizes=(8,), max_iter=300, random_state=0)).fit(train)
    np.random.seed(5)  # noqa: NPY002
    state = np.random.get_state()[1]  # noqa: NPY002
    one, two = (attribute(model, model.predict, asked[np.arange(4)], train.context, seed=1) for _ in range(2))
    assert np.array_equal(one.values, two.values)
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shap", None)
    train, asked = windows_of(LogReturn())
    with pytest.raises(MissingExtraError, match=r"'shap': pip install 'forecastle\[explain\]'"):
        attribute(RandomWalk(), RandomWalk().predict, asked, train.context, seed=0)
