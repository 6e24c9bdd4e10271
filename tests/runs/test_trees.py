from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import (
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.tree import DecisionTreeRegressor

from forecastle.errors import ModelError
from forecastle.runs.trees import check_trees

X = np.random.default_rng(0).normal(size=(200, 3))
Y = X[:, 0] + X[:, 1] ** 2
CLASS = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


@pytest.mark.parametrize(
    "estimator",
    [
        DecisionTreeRegressor(),
        RandomForestRegressor(5),
        GradientBoostingRegressor(n_estimators=5),
        HistGradientBoostingRegressor(max_iter=5),
        HistGradientBoostingRegressor(max_iter=5, categorical_features=[2]),
        make_pipeline(PolynomialFeatures(3), RandomForestRegressor(5)),
        BaggingRegressor(DecisionTreeRegressor(), 5, max_features=2),
    ],
)
def test_real_trees_pass(estimator):
    x = X.copy()
    x[:, 2] = np.abs(x[:, 2]).astype(int)
    check_trees({"fitted": [estimator.fit(x, Y)]})


@pytest.mark.parametrize(
    "estimator",
    [ExtraTreesClassifier(5), GradientBoostingClassifier(n_estimators=3), HistGradientBoostingClassifier(max_iter=3)],
)
def test_real_trees_of_classes_pass(estimator):
    check_trees([estimator.fit(X, CLASS)])


def spoil(values, index, value):
    values.flags.writeable = True
    values[index] = value


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("children_left", 10**6, "do not lead to its leaves"),
        ("children_right", 10**6, "do not lead to its leaves"),
        ("children_left", 0, "do not lead to its leaves"),
        ("children_right", -7, "do not lead to its leaves"),
        ("feature", 3, "columns that are not among 3"),
        ("feature", -5, "columns that are not among 3"),
    ],
)
@pytest.mark.parametrize(
    "estimator",
    [
        DecisionTreeRegressor(max_depth=3),
        RandomForestRegressor(2, max_depth=3),
        GradientBoostingRegressor(n_estimators=2),
    ],
)
def test_a_tree_that_leads_out_of_itself_is_refused(estimator, column, value, message):
    estimator.fit(X, Y)
    first = estimator if isinstance(estimator, DecisionTreeRegressor) else np.ravel(estimator.estimators_)[0]
    spoil(getattr(first.tree_, column), 0, value)
    with pytest.raises(ModelError, match=message):
        check_trees({"fitted": (estimator,)})


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("left", 10**6, "do not lead to its leaves"),
        ("right", 0, "do not lead to its leaves"),
        ("feature_idx", 3, "columns that are not among 3"),
        ("is_categorical", 1, "categories are not there"),
    ],
)
def test_a_boosted_tree_that_leads_out_of_itself_is_refused(column, value, message):
    estimator = HistGradientBoostingRegressor(max_iter=2).fit(X, Y)
    spoil(estimator._predictors[0][0].nodes[column], 0, value)
    with pytest.raises(ModelError, match=message):
        check_trees([estimator])


def test_a_forest_that_says_it_takes_fewer_columns_than_its_trees_read_is_refused():
    estimator = RandomForestRegressor(3).fit(X, Y)
    estimator.n_features_in_ = 1
    with pytest.raises(ModelError, match="columns that are not among 1"):
        check_trees([estimator])
