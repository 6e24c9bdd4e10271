"""Metrics of the most probable class against scikit-learn; shared windows by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as reference

from forecastle.evaluation.confusion import F1, MCC, BalancedAccuracy, confusion
from forecastle.models.forecast import ClassForecast

REFERENCES = [
    (MCC(), reference.matthews_corrcoef),
    (F1(), lambda target, said: reference.f1_score(target, said, average="macro", zero_division=0.0)),
    (BalancedAccuracy(), reference.balanced_accuracy_score),
]


@pytest.mark.parametrize(("metric", "expected"), REFERENCES, ids=lambda value: getattr(value, "name", ""))
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_scores_are_those_of_sklearn(make_classes, metric, expected, classes):
    outcome = make_classes(classes=classes)
    said = outcome.forecast.values.argmax(axis=-1)
    assert metric.score(outcome) == pytest.approx(expected(outcome.target.ravel(), said.ravel()), rel=1e-12)
    steps = [expected(outcome.target[:, h], said[:, h]) for h in range(3)]
    np.testing.assert_allclose(metric.by_step(outcome), steps, rtol=1e-12)


@pytest.mark.parametrize(("metric", "expected"), REFERENCES, ids=lambda value: getattr(value, "name", ""))
def test_scores_are_those_of_sklearn_where_a_class_is_never_said(make_classes, metric, expected):
    outcome = make_classes(classes=3)
    values = outcome.forecast.values * np.array([1, 1, 0], dtype=np.float32)
    outcome = replace(outcome, forecast=ClassForecast(values))
    target, said = outcome.target.ravel(), values.argmax(axis=-1).ravel()
    assert metric.score(outcome) == pytest.approx(expected(target, said), rel=1e-12)


@pytest.mark.parametrize(("metric", "value"), [(MCC(), 0.0), (F1(), 1 / 3), (BalancedAccuracy(), 0.5)])
def test_always_saying_up_scores_as_it_should(make_classes, metric, value):
    outcome = make_classes(count=4, horizon=1)
    up = np.tile(np.float32([0.2, 0.8]), (4, 1, 1))
    outcome = replace(outcome, target=np.array([[0.0], [1.0], [0.0], [1.0]]), forecast=ClassForecast(up))
    assert metric.score(outcome) == pytest.approx(value)


@pytest.mark.parametrize(("metric", "value"), [(MCC(), 0.0), (F1(), 0.5), (BalancedAccuracy(), 0.5)])
def test_no_opinion_shares_the_windows_between_the_classes(make_classes, metric, value):
    outcome = make_classes(count=4, horizon=1)
    even = ClassForecast(np.full((4, 1, 2), 0.5, dtype=np.float32))
    outcome = replace(outcome, target=np.array([[0.0], [1.0], [0.0], [1.0]]), forecast=even)
    np.testing.assert_array_equal(confusion(outcome), [[[1, 1], [1, 1]]])
    assert metric.score(outcome) == pytest.approx(value)


@pytest.mark.parametrize("metric", [MCC(), F1(), BalancedAccuracy()])
def test_one_class_only_is_nan_without_a_warning(make_classes, metric):
    outcome = make_classes()
    one = replace(outcome, target=np.zeros_like(outcome.target))
    assert np.isnan(metric.score(one))
    assert np.isnan(metric.by_step(one)).all()
