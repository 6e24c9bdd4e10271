"""SklearnForecaster: every scikit-learn estimator as a probabilistic forecaster."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from forecastle.arrays import FloatArray, IntArray
from forecastle.errors import ConfigError, ModelError, TargetError
from forecastle.models import archive
from forecastle.models.calibration import error_quantiles, split_in_time
from forecastle.models.curves import learning_curves
from forecastle.models.forecast import ClassForecast, Forecast, QuantileForecast
from forecastle.windows.context import Context, Task, Windows

logger = logging.getLogger(__name__)

FILE = "model.skops"
"""What the forecaster is saved in."""

EXTREME = 10.0
"""Targets are cut at so many spreads in fitting: after a stretch in which the price stood still the spread may be next
to nothing, and one bar would decide the fit. The held-out errors, and so the intervals, are of the uncut targets."""


class Examples(NamedTuple):
    """What an estimator is fitted on: inputs (N, lags·D), targets (N, H) and weights (N,) or None for all equal."""

    inputs: FloatArray
    target: FloatArray
    weight: FloatArray | None

    def of(self, rows: IntArray) -> Examples:
        """The examples of some rows."""
        return Examples(self.inputs[rows], self.target[rows], None if self.weight is None else self.weight[rows])


class SklearnForecaster:
    r"""A scikit-learn regressor or classifier, asked for a distribution at each step.

    **Inputs** are the features of the last `lags` bars, the origin's bar last, as one row of lags·D float64 values.

    **Numbers.** The estimator learns the target in units of what a driftless random walk would do,

    .. math:: z_h = y_h / s_h, \qquad s = \text{target.spread(scale, H)},

    so that calm and wild times weigh the same. Estimators of several outputs are fitted once, others once for each
    step. The forecast at level q is :math:`s_h (\hat z_h + e_{h,q})`, not below `target.lower`, where
    :math:`e_{h,q}` is the quantile of the errors on training windows that were held out in time: a first fit on the
    earlier part of the training windows, errors on the later part (`forecastle.models.calibration`), then a second
    fit on all of them, which makes the forecasts. So the cost is about two fits; the errors are those of a slightly
    poorer model, which makes the intervals, if anything, a little too wide.

    **Classes.** One classifier for each step; there is nothing to calibrate, hence one fit each. Probabilities are
    drawn to the uniform as if each class had been seen once more among the N training windows,
    :math:`(N p + 1) / (N + K)`, so that a class that was missing in training does not make the log loss infinite.

    **Early stopping.** Estimators whose `fit` takes ``X_val`` (histogram gradient boosting) get the validation
    windows for it, in both fits, so that the held-out errors come from the same procedure as the forecasts. Nothing
    else ever sees the validation windows. Without them, and for estimators with a validation split of their own, the
    estimator does inside its training windows what it is set to.

    Parameters
    ----------
    estimator
        An unfitted estimator; it is cloned and never changed. Its `random_state` is its seed.
    lags
        Bars of features that it sees, at most the context length.
    calibration
        Share of the training windows, the latest, whose errors make the intervals, inside (0, 1). Not used for
        classes.

    Raises
    ------
    TargetError
        If `estimator` is no scikit-learn regressor, nor a classifier that gives probabilities.
    ConfigError
        If `lags`, `calibration` or a parameter of the estimator cannot be.
    """

    def __init__(self, estimator: Any, lags: int = 1, calibration: float = 0.25) -> None:
        _check_estimator(estimator)
        if lags < 1:
            raise ConfigError(f"lags must be at least 1, got {lags}")
        if not 0 < calibration < 1:
            raise ConfigError(f"calibration must lie inside (0, 1), got {calibration}")
        self.estimator = estimator
        self.lags = lags
        self.calibration = calibration
        self.curves: dict[str, list[float]] = {}
        self._fitted: list[Any] = []
        self._asked: tuple[int, tuple[float, ...], int] = (0, (), 0)
        self._errors: FloatArray | None = None
        self._count = 0

    @property
    def name(self) -> str:
        """Class name of the estimator, for messages."""
        return type(self.estimator).__name__

    def history(self, horizon: int) -> int:  # noqa: ARG002 (the contract's argument)
        """Bars of past log close that it reads: none beyond the origin's, so 1."""
        return 1

    def fit(self, train: Windows, validation: Windows | None = None) -> Self:
        """Fit on the training windows; see the class for what the validation windows are for.

        Raises
        ------
        ModelError
            If the estimator does not fit the task or cannot be fitted on these windows.
        """
        task = train.context.task
        self._check_task(task, train.context.context_length)
        examples = self._examples(train)
        watched = None if validation is None or not _takes_validation(self.estimator) else self._examples(validation)
        if task.target.classes:
            self._errors = None
            self._fitted = [self._fit_class(examples, watched, step) for step in range(task.horizon)]
        else:
            watched = None if watched is None else _cut(watched)
            earlier, later = split_in_time(train.context.origin, train.label_end, self.calibration)
            first = self._fit_numbers(_cut(examples.of(earlier)), watched)
            errors = examples.target[later] - self._point(first, examples.inputs[later])
            self._errors = error_quantiles(errors, task.quantile_levels)
            self._fitted = self._fit_numbers(_cut(examples), watched)
        self._asked = _question(task)
        self._count = len(train)
        self.curves = learning_curves(self._fitted)
        return self

    def predict(self, context: Context) -> Forecast:
        """Quantiles at the task's levels for a number, probabilities for classes, in the target's unit.

        Raises
        ------
        ModelError
            Before `fit`, or if the task is another than at `fit`.
        """
        task = context.task
        if not self._fitted:
            raise ModelError(f"{self.name} must be fitted before it predicts")
        if self._asked != _question(task):
            raise ModelError(f"{self.name} was fitted for {_words(self._asked)}, got {_words(_question(task))}")
        inputs = self._inputs(context)
        if self._errors is None:
            return ClassForecast(self._probabilities(inputs, task))
        spread = task.target.spread(context.scale, task.horizon)
        values = spread[:, :, None] * (self._point(self._fitted, inputs)[:, :, None] + self._errors)
        if task.target.lower is not None:
            values = np.maximum(values, task.target.lower)
        return QuantileForecast(task.quantile_levels, values.astype(np.float32))

    def save(self, folder: Path) -> None:
        """Write everything that `load` needs into an existing folder.

        Raises
        ------
        ModelError
            If the estimator is of a kind that cannot be kept without pickled code.
        """
        horizon, levels, classes = self._asked
        state = {
            "estimator": self.estimator,
            "lags": self.lags,
            "calibration": self.calibration,
            "fitted": self._fitted,
            "horizon": horizon,
            "levels": list(levels),
            "classes": classes,
            "errors": self._errors,
            "count": self._count,
        }
        archive.write(state, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; opening it runs no code from the file.

        Raises
        ------
        ModelError
            If it is missing or damaged, or holds anything but a forecaster of scikit-learn.
        """
        state = archive.read(folder / FILE)
        try:
            model = cls(state["estimator"], int(state["lags"]), float(state["calibration"]))
            model._fitted = list(state["fitted"])
            model._asked = (int(state["horizon"]), tuple(state["levels"]), int(state["classes"]))
            model._errors = None if state["errors"] is None else np.asarray(state["errors"], dtype=np.float64)
            model._count = int(state["count"])
        except (KeyError, TypeError, ValueError, ConfigError) as error:
            raise ModelError(f"{folder / FILE} holds no forecaster of scikit-learn: {error}") from error
        model.curves = learning_curves(model._fitted)
        return model

    def _check_task(self, task: Task, context_length: int) -> None:
        """Refuse a task that the estimator is not made for."""
        target = task.target
        if self.lags > context_length:
            raise ModelError(f"lags must be at most context_length {context_length}, got {self.lags}")
        if target.classes and not is_classifier(self.estimator):
            raise ModelError(
                f"{self.name} forecasts a number, but {target.name} has the classes {', '.join(target.classes)}: "
                "choose a classifier, such as model=logistic or model=random_forest_classifier"
            )
        if not target.classes and is_classifier(self.estimator):
            raise ModelError(
                f"{self.name} forecasts classes, but {target.name} is a number: "
                "choose a regressor, such as model=ridge, model=random_forest or model=gradient_boosting"
            )

    def _inputs(self, context: Context) -> FloatArray:
        """Features of the last bars as rows, shape (N, lags·D), float64."""
        features = replace(context, context_length=self.lags).features
        return features.reshape(len(context), -1).astype(np.float64)

    def _examples(self, windows: Windows) -> Examples:
        """Inputs, targets in spreads (or class numbers) and weights."""
        task, target = windows.context.task, windows.target
        if not task.target.classes:
            target = target / task.target.spread(windows.context.scale, task.horizon)
        weight = windows.weight
        if np.all(weight == 1):
            return Examples(self._inputs(windows.context), target, None)
        if not has_fit_parameter(self.estimator, "sample_weight"):
            logger.warning("%s takes no weights: every window counts the same", self.name)
            return Examples(self._inputs(windows.context), target, None)
        return Examples(self._inputs(windows.context), target, weight)

    def _fit_numbers(self, train: Examples, watched: Examples | None) -> list[Any]:
        """One estimator of all steps, or one for each."""
        horizon = train.target.shape[1]
        if horizon > 1 and get_tags(self.estimator).target_tags.multi_output:
            return [self._fit_one(train, train.target, watched, None if watched is None else watched.target)]
        return [
            self._fit_one(train, train.target[:, step], watched, None if watched is None else watched.target[:, step])
            for step in range(horizon)
        ]

    def _fit_class(self, train: Examples, watched: Examples | None, step: int) -> Any:
        """The classifier of one step; where training has seen one class only, one that always says so."""
        labels = train.target[:, step].astype(np.int64)
        seen = np.unique(labels)
        if len(seen) == 1:
            return DummyClassifier(strategy="prior").fit(train.inputs, labels)
        if watched is None:
            return self._fit_one(train, labels, None, None)
        known = watched.of(np.flatnonzero(np.isin(watched.target[:, step], seen)))
        return self._fit_one(train, labels, known, known.target[:, step].astype(np.int64))

    def _fit_one(self, train: Examples, target: FloatArray | IntArray, watched: Examples | None, unseen: Any) -> Any:
        """A fitted clone of the estimator."""
        extra: dict[str, Any] = {}
        if train.weight is not None:
            extra["sample_weight"] = train.weight
        if watched is not None and len(watched.inputs):
            extra |= {"X_val": watched.inputs, "y_val": unseen}
            if watched.weight is not None:
                extra["sample_weight_val"] = watched.weight
        estimator = clone(self.estimator)
        try:
            with _convergence_logged(self.name):
                estimator.fit(train.inputs, target, **extra)
        except ValueError as error:
            shape = f"{train.inputs.shape[0]} windows of {train.inputs.shape[1]} inputs"
            raise ModelError(f"{self.name} cannot be fitted on {shape}: {' '.join(str(error).split())}") from error
        return estimator

    def _point(self, fitted: Sequence[Any], inputs: FloatArray) -> FloatArray:
        """Point forecasts in spreads, shape (N, H)."""
        columns = [np.asarray(each.predict(inputs), dtype=np.float64).reshape(len(inputs), -1) for each in fitted]
        return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)

    def _probabilities(self, inputs: FloatArray, task: Task) -> FloatArray:
        """Probability of each class at each step, shape (N, H, K), float32, none of them zero."""
        classes = len(task.target.classes)
        values = np.zeros((len(inputs), task.horizon, classes))
        for step, estimator in enumerate(self._fitted):
            values[:, step, estimator.classes_] = estimator.predict_proba(inputs)
        return ((self._count * values + 1) / (self._count + classes)).astype(np.float32)


def _question(task: Task) -> tuple[int, tuple[float, ...], int]:
    """What must be the same at `fit` and at `predict`: horizon, levels (of a number) and number of classes."""
    classes = len(task.target.classes)
    return task.horizon, () if classes else tuple(task.quantile_levels), classes


def _words(question: tuple[int, tuple[float, ...], int]) -> str:
    horizon, levels, classes = question
    return f"{horizon} steps of " + (f"{classes} classes" if classes else f"{len(levels)} quantile levels {levels}")


def _cut(examples: Examples) -> Examples:
    return examples._replace(target=np.clip(examples.target, -EXTREME, EXTREME))


def _takes_validation(estimator: Any) -> bool:
    """Whether `fit` stops early on windows that it is given, and is not told to do without."""
    return has_fit_parameter(estimator, "X_val") and getattr(estimator, "early_stopping", True) is not False


def _check_estimator(estimator: Any) -> None:
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
    validate = getattr(estimator, "_validate_params", None)
    if validate is not None:
        try:
            validate()
        except (TypeError, ValueError) as error:
            raise ConfigError(f"estimator: {' '.join(str(error).split())}") from error


@contextmanager
def _convergence_logged(name: str) -> Iterator[None]:
    """Turn convergence warnings into lines of the log; let other warnings pass."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        yield
    for each in caught:
        if issubclass(each.category, ConvergenceWarning):
            logger.warning("%s has not converged: %s", name, " ".join(str(each.message).split()))
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
