"""Fitting clones of a scikit-learn estimator: which estimators will do, what they are given, one fit or one a step."""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, ModelError, TargetError
from forecastle.logs import progress
from forecastle.models.examples import Examples

logger = logging.getLogger(__name__)

Fit = Callable[[Any, Examples, Examples | None, int], Any]
"""A fitted clone of an estimator, from what it learns, what stops it, and the step counted from 1 (0: all steps)."""


def check_estimator(estimator: Any) -> None:
    """Refuse what is no scikit-learn estimator of numbers or of class probabilities."""
    name = estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__
    wanted = ("fit", "predict", "get_params", "set_params", "__sklearn_tags__")
    lacking = [method for method in wanted if not callable(getattr(estimator, method, None))]
    if isinstance(estimator, type) or lacking:
        reason = "it is a class" if isinstance(estimator, type) else f"it has no {', '.join(lacking)}"
        raise TargetError(f"estimator must be a scikit-learn estimator, got {name}: {reason}")
    if not is_regressor(estimator) and not is_classifier(estimator):
        raise TargetError(f"estimator must be a regressor or a classifier, got {name}")
    if is_classifier(estimator) and not hasattr(estimator, "predict_proba"):
        raise TargetError(
            f"estimator must give probabilities (predict_proba), got {name}: "
            "wrap it in sklearn.calibration.CalibratedClassifierCV"
        )
    if hasattr(estimator, "_parameter_constraints"):
        try:
            estimator._validate_params()
        except (TypeError, ValueError) as error:
            raise ConfigError(f"estimator: {' '.join(str(error).split())}") from error


def takes_validation(estimator: Any) -> bool:
    """Whether `fit` stops early on windows that it is given, and is not told to do without."""
    return has_fit_parameter(estimator, "X_val") and getattr(estimator, "early_stopping", True) is not False


def fit_numbers(estimator: Any, train: Examples, watched: Examples | None, fit: Fit) -> list[Any]:
    """One fitted clone for all steps where the estimator has several outputs, else one for each step."""
    horizon = train.target.shape[1]
    if horizon > 1 and get_tags(estimator).target_tags.multi_output:
        return [_told(fit, estimator, train, watched, 0)]
    steps = progress(range(horizon), horizon, f"fit {type(estimator).__name__}, steps")
    return [
        _told(fit, estimator, train.step(step), None if watched is None else watched.step(step), step + 1)
        for step in steps
    ]


def fit_classes(estimator: Any, train: Examples, watched: Examples | None, fit: Fit) -> list[Any]:
    """One fitted classifier for each step; where training has seen one class only, one that always says so."""
    fitted = []
    horizon = train.target.shape[1]
    for step in progress(range(horizon), horizon, f"fit {type(estimator).__name__}, steps"):
        examples = train.step(step).labelled()
        seen = np.unique(examples.target)
        if len(seen) == 1:
            fitted.append(DummyClassifier(strategy="prior").fit(examples.inputs, examples.target))
            continue
        known = None
        if watched is not None:
            labels = watched.step(step).labelled()
            known = labels.of(np.flatnonzero(np.isin(labels.target, seen)))
        fitted.append(_told(fit, estimator, examples, known, step + 1))
    return fitted


def point(fitted: Sequence[Any], inputs: FloatArray) -> FloatArray:
    """What fitted regressors predict, side by side, shape (N, H)."""
    columns = [np.asarray(each.predict(inputs), dtype=np.float64).reshape(len(inputs), -1) for each in fitted]
    return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)


def fit_whole(estimator: Any, train: Examples, watched: Examples | None, step: int) -> Any:  # noqa: ARG001
    """Fit a clone in one go; what is watched stops it early."""
    extra: dict[str, Any] = {}
    if train.weight is not None:
        extra["sample_weight"] = train.weight
    if watched is not None and len(watched.inputs):
        extra |= {"X_val": watched.inputs, "y_val": watched.target}
        if watched.weight is not None:
            extra["sample_weight_val"] = watched.weight
    return clone(estimator).fit(train.inputs, train.target, **extra)


def _told(fit: Fit, estimator: Any, train: Examples, watched: Examples | None, step: int) -> Any:
    """What `fit` gives; what scikit-learn refuses is told in one line of ours."""
    try:
        return fit(estimator, train, watched, step)
    except ValueError as error:
        name, (windows, inputs) = type(estimator).__name__, train.inputs.shape
        message = " ".join(str(error).split())
        raise ModelError(f"{name} cannot be fitted on {windows} windows of {inputs} inputs: {message}") from error


@contextmanager
def convergence_logged(name: str) -> Iterator[None]:
    """Turn convergence warnings into one line of the log for each wording; let other warnings pass."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        yield
    lines = Counter(" ".join(str(each.message).split()) for each in caught if each.category is ConvergenceWarning)
    for line, times in lines.items():
        logger.warning("%s has not converged (fits: %d): %s", name, times, line)
    for each in caught:
        if each.category is not ConvergenceWarning:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
