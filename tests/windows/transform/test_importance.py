from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import LinearSVR

from forecastle.errors import ConfigError, FeatureError, TargetError
from forecastle.windows.transform.importance import SelectModel
from forecastle.windows.transform.step import Training

Make = Callable[..., Training]


@pytest.fixture
def training(training_of: Make) -> Training:
    """b and d matter, d far more, in a unit a thousand times larger."""
    random = np.random.default_rng(0)
    values = random.normal(size=(400, 5)) * (1, 1, 1, 1000, 1)
    target = 0.3 * values[:, 1:2] + values[:, 3:4] / 1000 + 0.1 * random.normal(size=(400, 2))
    return training_of(values, target=target)


def as_classes(training: Training) -> Training:
    return Training(training.rows, training.origin, (training.target > 0).astype(float), 2)


LINEAR_AND_TREES = [
    LinearRegression(),
    Lasso(0.01),
    LinearSVR(random_state=0, max_iter=100_000),
    ExtraTreesRegressor(30, random_state=0),
]


@pytest.mark.parametrize("estimator", LINEAR_AND_TREES, ids=lambda each: type(each).__name__)
def test_what_the_target_is_made_of_is_found_whatever_its_unit(training: Training, estimator) -> None:
    for each in (training, as_classes(training)):
        step = SelectModel(estimator, count=2).fit(each)
        assert step.apply(each.rows).columns == ("b", "d")
        assert list(step.report()["features"])[:2] == ["d", "b"]
    assert not hasattr(estimator, "n_features_in_")


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), RandomForestClassifier(30, random_state=0)],
    ids=lambda each: type(each).__name__,
)
def test_classifiers_are_asked_for_each_step(training: Training, estimator) -> None:
    classes = as_classes(training)
    assert SelectModel(estimator, count=2).fit(classes).apply(classes.rows).columns == ("b", "d")
    with pytest.raises(FeatureError, match="the target is a number: choose a regressor"):
        SelectModel(estimator).fit(training)


def test_importance_of_a_linear_model_is_its_weight_on_standardised_features(training: Training) -> None:
    verdicts = SelectModel(LinearRegression(), count=1).fit(training).report()["features"]
    width = training.rows.values.astype(np.float64).std(axis=0)
    weights = np.linalg.lstsq(np.c_[training.inputs, np.ones(400)], training.target, rcond=None)[0][:5]
    expected = np.abs(weights).mean(axis=1) * width
    for name, value in zip("abcde", expected, strict=True):
        assert verdicts[name]["importance"] == pytest.approx(value, rel=1e-6)


def test_models_and_counts_that_cannot_be_are_refused(training: Training) -> None:
    for wrong, told in ((PCA(), "got PCA"), (LinearRegression, "got LinearRegression")):
        with pytest.raises(TargetError, match=f"must be a scikit-learn regressor or classifier, {told}"):
            SelectModel(wrong)
    with pytest.raises(ConfigError, match="count must be at least 1, got 0"):
        SelectModel(LinearRegression(), count=0)
    with pytest.raises(FeatureError, match="neither feature_importances_ nor coef_"):
        SelectModel(KNeighborsRegressor()).fit(training)
    with pytest.raises(FeatureError, match="one class only"):
        SelectModel(LogisticRegression()).fit(Training(training.rows, training.origin, np.ones((400, 1)), 2))
