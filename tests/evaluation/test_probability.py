"""Metrics of class probabilities against scikit-learn, ties included."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as reference

from forecastle.evaluation.probability import AUC, Brier, LogLoss
from forecastle.models.forecast import ClassForecast


def flat(outcome):
    values = outcome.forecast.values.astype(np.float64)
    return outcome.target.ravel(), values.reshape(-1, values.shape[-1])


@pytest.mark.parametrize("classes", [2, 3])
def test_log_loss_is_that_of_sklearn(make_classes, classes):
    outcome = make_classes(classes=classes)
    target, values = flat(outcome)
    values /= values.sum(axis=1, keepdims=True)
    assert LogLoss().score(outcome) == pytest.approx(reference.log_loss(target, values), abs=1e-6)


def test_log_loss_of_a_certain_and_wrong_forecast_is_finite(make_classes):
    outcome = make_classes(count=1, horizon=1)
    wrong = ClassForecast(np.array([[[1.0, 0.0]]], dtype=np.float32))
    assert LogLoss().score(replace(outcome, forecast=wrong, target=np.ones((1, 1)))) == pytest.approx(15.942, abs=1e-3)


@pytest.mark.parametrize("classes", [2, 4])
def test_brier_is_half_the_sum_as_sklearn_scales_it(make_classes, classes):
    outcome = make_classes(classes=classes)
    target, values = flat(outcome)
    values /= values.sum(axis=1, keepdims=True)
    if classes == 2:
        expected = reference.brier_score_loss(target, values[:, 1])
    else:
        expected = reference.brier_score_loss(target, values, labels=range(classes), scale_by_half=True)
    assert Brier().score(outcome) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("digits", [None, 1])
def test_auc_is_that_of_sklearn_with_and_without_ties(make_classes, digits):
    outcome = make_classes(digits=digits)
    target, values = flat(outcome)
    assert AUC().score(outcome) == pytest.approx(reference.roc_auc_score(target, values[:, 1]), rel=1e-12)
    steps = [
        reference.roc_auc_score(outcome.target[:, h], outcome.forecast.values[:, h, 1].astype(float)) for h in range(3)
    ]
    np.testing.assert_allclose(AUC().by_step(outcome), steps, rtol=1e-12)


def test_auc_of_three_classes_is_the_macro_one_against_the_rest(make_classes):
    outcome = make_classes(classes=3)
    target, values = flat(outcome)
    expected = np.mean([reference.roc_auc_score(target == k, values[:, k]) for k in range(3)])
    assert AUC().score(outcome) == pytest.approx(expected, rel=1e-12)


def test_auc_of_one_class_is_nan_and_of_no_opinion_one_half(make_classes):
    outcome = make_classes()
    assert np.isnan(AUC().score(replace(outcome, target=np.ones_like(outcome.target))))
    even = ClassForecast(np.full(outcome.forecast.values.shape, 0.5, dtype=np.float32))
    assert AUC().score(replace(outcome, forecast=even)) == 0.5
