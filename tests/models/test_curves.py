from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.neural_network import MLPRegressor

from forecastle.models.curves import learning_curves

X = np.random.default_rng(0).normal(size=(200, 3))
Y = X[:, 0] + np.random.default_rng(1).normal(size=200)


def test_boosting_curves_are_losses_that_end_where_the_model_does():
    model = HistGradientBoostingRegressor(max_iter=8, early_stopping=True).fit(X, Y, X_val=X[:50], y_val=Y[:50])
    curves = learning_curves([model])
    assert list(curves) == ["train/loss", "validation/loss"]
    assert curves["train/loss"][-1] == pytest.approx(mean_squared_error(Y, model.predict(X)) / 2)
    assert curves["validation/loss"][-1] == pytest.approx(mean_squared_error(Y[:50], model.predict(X[:50])) / 2)


def test_boosting_with_a_score_keeps_its_sign():
    model = HistGradientBoostingRegressor(max_iter=8, early_stopping=True, scoring="r2")
    curves = learning_curves([model.fit(X, Y, X_val=X[:50], y_val=Y[:50])])
    assert curves["validation/score"][-1] == pytest.approx(r2_score(Y[:50], model.predict(X[:50])))


def test_gradient_boosting_keeps_a_training_loss():
    model = GradientBoostingRegressor(n_estimators=4).fit(X, Y)
    assert learning_curves([model])["train/loss"][-1] == pytest.approx(mean_squared_error(Y, model.predict(X)))


def test_perceptron_curves_have_one_value_per_epoch():
    model = MLPRegressor(hidden_layer_sizes=[4], early_stopping=True, tol=1, n_iter_no_change=3, random_state=0).fit(
        X, Y
    )
    curves = learning_curves([model])
    assert len(curves["train/loss"]) == len(curves["validation/score"]) == model.n_iter_
    silent = MLPRegressor(hidden_layer_sizes=[4], solver="lbfgs", max_iter=500, tol=10, random_state=0).fit(X, Y)
    assert learning_curves([silent]) == {}


def test_several_estimators_are_numbered_by_their_step():
    models = [HistGradientBoostingRegressor(max_iter=n, early_stopping=True).fit(X, Y) for n in (2, 3)]
    curves = learning_curves(models)
    assert list(curves) == ["train/loss_1", "validation/loss_1", "train/loss_2", "validation/loss_2"]
    assert len(curves["train/loss_2"]) == 4


def test_models_without_curves_have_none():
    assert learning_curves([Ridge().fit(X, Y)]) == {}
