from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC

from forecastle.errors import ConfigError, ModelError, TargetError
from forecastle.models.estimator import SklearnForecaster
from forecastle.windows.target import Direction, Volatility


def by_hand(estimators, windows, context, lags, share=0.25):
    """The regression path again, from its description: a list of estimators, one a step."""
    task = windows.context.task
    x = np.asarray(windows.context.features[:, -lags:], dtype=float).reshape(len(windows), -1)
    root = np.sqrt(np.arange(1, task.horizon + 1))
    z = windows.target / (windows.context.scale[:, None] * root)
    first = windows.context.origin[int((1 - share) * len(windows))]
    early, late = windows.label_end <= first, windows.context.origin >= first
    new = np.asarray(context.features[:, -lags:], dtype=float).reshape(len(context), -1)
    values = np.empty((len(context), task.horizon, len(task.quantile_levels)))
    for step, estimator in enumerate(estimators):
        errors = np.sort(z[late, step] - estimator.fit(x[early], z[early, step]).predict(x[late]))
        place = np.clip(np.array(task.quantile_levels) * (len(errors) + 1), 1, len(errors)) - 1
        offset = np.interp(place, np.arange(len(errors)), errors)
        point = estimator.fit(x, z[:, step]).predict(new)
        values[:, step] = (context.scale * root[step])[:, None] * (point[:, None] + offset)
    return values


@pytest.mark.parametrize("lags", [1, 3])
@pytest.mark.parametrize("estimator", [LinearRegression(), SVR(C=0.5), KNeighborsRegressor(20)])
def test_a_regressor_forecasts_in_spreads_with_errors_held_out_in_time(make, estimator, lags):
    train, later = make(seed=1), make(seed=2)
    forecast = SklearnForecaster(estimator, lags=lags).fit(train).predict(later.context)
    np.testing.assert_allclose(
        forecast.values, by_hand([estimator] * 3, train, later.context, lags), rtol=1e-5, atol=1e-7
    )


def test_several_steps_are_one_fit_where_the_estimator_has_several_outputs(make):
    assert len(SklearnForecaster(Ridge()).fit(make())._fitted) == 1
    assert len(SklearnForecaster(SVR()).fit(make())._fitted) == 3


def test_weights_reach_the_estimator(make):
    train = make()
    weight = np.random.default_rng(0).uniform(0, 2, len(train))
    model = SklearnForecaster(LinearRegression()).fit(replace(train, weight=weight))
    x = train.context.features[:, -1].astype(float)
    z = train.target / train.context.task.target.spread(train.context.scale, 3)
    reference = LinearRegression().fit(x, z, sample_weight=weight)
    np.testing.assert_allclose(model._fitted[0].coef_, reference.coef_, rtol=1e-9)
    assert not np.allclose(LinearRegression().fit(x, z).coef_, reference.coef_)


def test_weights_that_an_estimator_cannot_take_are_told(make, caplog):
    train = make()
    with caplog.at_level(logging.WARNING):
        SklearnForecaster(KNeighborsRegressor()).fit(replace(train, weight=np.full(len(train), 2.0)))
    assert "KNeighborsRegressor takes no weights" in caplog.text


def test_one_wild_bar_does_not_decide_the_fit(make):
    train, later = make(seed=1), make(seed=2)
    target = train.target.copy()
    target[5] = 1e6
    calm = SklearnForecaster(Ridge()).fit(train).predict(later.context).values
    wild = SklearnForecaster(Ridge()).fit(replace(train, target=target)).predict(later.context).values
    assert np.abs(wild - calm).max() < 0.01


def test_intervals_come_from_the_uncut_errors(make):
    train = make()
    target = train.target.copy()
    target[-60:] *= 1e6
    model = SklearnForecaster(Ridge()).fit(replace(train, target=target))
    assert model._errors[:, -1].min() > 100


def test_a_forecast_does_not_go_below_the_least_value_of_the_target(make):
    windows = make(target=Volatility())
    values = SklearnForecaster(LinearRegression(), lags=8).fit(windows[:90]).predict(windows.context).values
    assert values.min() == 0
    assert np.all(np.diff(values, axis=2) >= 0)


def test_early_stopping_watches_the_validation_windows_and_nothing_else_does(make):
    train, validation = make(seed=1), make(seed=2, signal=0)
    boosting = HistGradientBoostingRegressor(early_stopping=True, max_iter=200, n_iter_no_change=3, random_state=0)
    model = SklearnForecaster(boosting).fit(train, validation)
    x = train.context.features[:, -1].astype(float)
    xv = validation.context.features[:, -1].astype(float)
    y, yv = (windows.target[:, 0] / windows.context.scale for windows in (train, validation))
    reference = HistGradientBoostingRegressor(**boosting.get_params()).fit(x, y, X_val=xv, y_val=yv)
    np.testing.assert_array_equal(model._fitted[0].predict(x), reference.predict(x))
    assert model._fitted[0].n_iter_ < 200
    np.testing.assert_allclose(model.curves["validation/loss_1"], -reference.validation_score_)

    ridge = SklearnForecaster(Ridge()).fit(train).predict(validation.context).values
    np.testing.assert_array_equal(
        SklearnForecaster(Ridge()).fit(train, validation).predict(validation.context).values, ridge
    )


def test_an_estimator_told_not_to_stop_early_gets_no_validation(make):
    boosting = HistGradientBoostingRegressor(early_stopping=False, max_iter=5, random_state=0)
    model = SklearnForecaster(boosting).fit(make(seed=1), make(seed=2))
    assert model._fitted[0].n_iter_ == 5
    assert model.curves == {}


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        RandomForestClassifier(10, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
)
def test_classes_get_the_classifiers_probabilities_drawn_to_the_uniform(make, estimator):
    train, later = make(seed=1, target=Direction()), make(seed=2, target=Direction())
    values = SklearnForecaster(estimator).fit(train).predict(later.context).values
    x, new = (w.context.features[:, -1].astype(float) for w in (train, later))
    for step in range(3):
        p = estimator.fit(x, train.target[:, step].astype(int)).predict_proba(new)
        np.testing.assert_allclose(values[:, step], (len(train) * p + 1) / (len(train) + 2), rtol=1e-5)
    assert values.dtype == np.float32


class ThreeWays(Direction):
    classes = ("down", "flat", "up")


@pytest.mark.parametrize(
    "estimator", [LogisticRegression(), HistGradientBoostingClassifier(max_iter=5, early_stopping=True, random_state=0)]
)
def test_a_class_that_training_never_saw_is_unlikely_but_not_impossible(make, estimator):
    train, validation = make(seed=1, target=ThreeWays()), make(seed=2, target=ThreeWays())
    validation = replace(validation, target=np.where(validation.target == 1, 2.0, 0.0))
    values = SklearnForecaster(estimator).fit(train, validation).predict(validation.context).values
    np.testing.assert_allclose(values[:, :, 2], 1 / (len(train) + 3), rtol=1e-5)
    np.testing.assert_allclose(values.sum(axis=2), 1, atol=1e-6)


def test_a_step_with_one_class_only_is_forecast_as_that_class(make):
    train = make(target=Direction())
    train = replace(train, target=np.ones_like(train.target))
    values = SklearnForecaster(LogisticRegression()).fit(train).predict(train.context).values
    np.testing.assert_allclose(values[:, :, 1], (len(train) + 1) / (len(train) + 2), rtol=1e-6)


@pytest.mark.parametrize(
    ("estimator", "target", "message"),
    [
        (
            Ridge(),
            Direction(),
            r"Ridge forecasts a number, but direction has the classes down, up: choose a classifier.*logistic",
        ),
        (
            LogisticRegression(),
            None,
            r"LogisticRegression forecasts classes, but log_return is a number: choose a regressor.*ridge",
        ),
    ],
)
def test_a_model_of_the_wrong_kind_is_refused_with_models_that_fit(make, estimator, target, message):
    with pytest.raises(ModelError, match=message):
        SklearnForecaster(estimator).fit(make(target=target))


def test_more_lags_than_context_are_refused(make):
    with pytest.raises(ModelError, match="lags must be at most context_length 8, got 9"):
        SklearnForecaster(Ridge(), lags=9).fit(make())
    model = SklearnForecaster(Ridge(), lags=3).fit(make())
    with pytest.raises(ModelError, match="lags must be at most context_length 2, got 3"):
        model.predict(replace(make().context, context_length=2))


def test_features_of_another_number_are_told_in_one_line(make):
    context = make().context
    fewer = replace(context, timeline=replace(context.timeline, features=context.timeline.features[:, :3]))
    for estimator in (Ridge(), SVR()):
        model = SklearnForecaster(estimator).fit(make())
        with pytest.raises(ModelError, match=r"cannot predict: X has 3 features, but [^\n]* expecting 4[^\n]*\Z"):
            model.predict(fewer)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Ridge, "got Ridge: it is a class"),
        (42, "got int: it has no fit, predict"),
        (KMeans(2), "must be a regressor or a classifier, got KMeans"),
        (LinearSVC(), r"LinearSVC: wrap it in sklearn.calibration.CalibratedClassifierCV"),
        (SVC(), "must give probabilities"),
    ],
)
def test_what_is_no_estimator_of_a_distribution_is_refused(estimator, message):
    with pytest.raises(TargetError, match=message):
        SklearnForecaster(estimator)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lags": 0}, "lags must be at least 1, got 0"),
        ({"calibration": 0.0}, "calibration must lie inside"),
        ({"calibration": 1.0}, "calibration must lie inside"),
        ({"estimator": Ridge(alpha=-1)}, "estimator: The 'alpha' parameter of Ridge must be"),
        ({"estimator": Ridge(alpha="x")}, "estimator: The 'alpha' parameter"),
    ],
)
def test_values_that_cannot_be_are_refused_before_any_work(arguments, message):
    with pytest.raises(ConfigError, match=message):
        SklearnForecaster(**{"estimator": Ridge(), **arguments})


def test_features_that_the_estimator_cannot_take_are_told_in_one_line(make):
    train = make()
    features = train.context.timeline.features.copy()
    features[50, 0] = np.nan
    broken = replace(train.context, timeline=replace(train.context.timeline, features=features))
    with pytest.raises(ModelError, match=r"^Ridge cannot be fitted on \d+ windows of 4 inputs: .*NaN[^\n]*$"):
        SklearnForecaster(Ridge()).fit(replace(train, context=broken))


def test_predicting_before_fitting_or_for_another_task_is_refused(make):
    with pytest.raises(ModelError, match="Ridge must be fitted before it predicts"):
        SklearnForecaster(Ridge()).predict(make().context)
    with pytest.raises(ModelError, match=r"Ridge was fitted for 3 steps .*5 quantile levels .* got 2 steps"):
        SklearnForecaster(Ridge()).fit(make()).predict(make(horizon=2).context)


@pytest.mark.parametrize("estimator", [MLPRegressor(max_iter=2, random_state=0), Lasso(alpha=1e-9, max_iter=1)])
def test_a_fit_that_does_not_converge_is_one_line_of_the_log_and_no_warning(make, caplog, estimator):
    with caplog.at_level(logging.WARNING):
        SklearnForecaster(estimator, lags=8).fit(make())
    (record,) = {record.message.split(":")[0] for record in caplog.records}
    assert record.startswith(f"{type(estimator).__name__} has not converged (fits")


class Grumbler(RegressorMixin, BaseEstimator):
    """Warns when it is fitted."""

    def fit(self, X, y):
        import warnings

        warnings.warn("the moon is full", UserWarning, stacklevel=1)
        return self

    def predict(self, X):
        return np.zeros(len(X))


def test_other_warnings_pass(make):
    with pytest.warns(UserWarning, match="the moon is full"):
        SklearnForecaster(Grumbler()).fit(make())


def test_the_estimator_that_was_given_stays_unfitted(make):
    estimator = RandomForestRegressor(3, random_state=0)
    SklearnForecaster(estimator).fit(make())
    assert not hasattr(estimator, "estimators_")


def test_an_estimator_of_a_users_yaml_needs_no_python(make, tmp_path):
    (tmp_path / "svr.yaml").write_text(
        "_target_: forecastle.models.estimator.SklearnForecaster\n"
        "estimator:\n  _target_: sklearn.pipeline.Pipeline\n  steps:\n"
        "    - [scale, {_target_: sklearn.preprocessing.StandardScaler}]\n"
        "    - [svr, {_target_: sklearn.svm.SVR, C: 1.0}]\n"
        "lags: 2\n"
    )
    windows = make()
    model = instantiate(OmegaConf.load(tmp_path / "svr.yaml"), _convert_="all").fit(windows)
    assert model.predict(windows.context).values.shape == (len(windows), 3, 5)
    model.save(tmp_path)
    again = SklearnForecaster.load(tmp_path).predict(windows.context)
    np.testing.assert_array_equal(again.values, model.predict(windows.context).values)


def test_ridge_imports_neither_torch_nor_the_rest_of_scikit_learn():
    code = (
        "import sys; from sklearn.linear_model import Ridge; from forecastle.models.estimator import SklearnForecaster;"
        "from forecastle.runs import archive; archive._skops(); SklearnForecaster(Ridge());"
        "print([m for m in ('torch', 'sklearn.neural_network', 'sklearn.gaussian_process') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
