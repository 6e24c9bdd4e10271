"""SklearnForecaster: every scikit-learn estimator as a probabilistic forecaster."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import has_fit_parameter

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, ModelError
from forecastle.models.calibration import error_quantiles, split_in_time
from forecastle.models.curves import learning_curves
from forecastle.models.epochwise.asked import check_training, log_epochs
from forecastle.models.epochwise.watch import TOLD
from forecastle.models.examples import Examples, inputs_of
from forecastle.models.fitting import (
    Fit,
    check_estimator,
    convergence_logged,
    fit_classes,
    fit_numbers,
    fit_whole,
    point,
    takes_validation,
)
from forecastle.models.forecast import ClassForecast, Forecast, QuantileForecast, drawn_to_uniform
from forecastle.models.held_out import held_out
from forecastle.models.question import Question, refuse_classes
from forecastle.runs import archive
from forecastle.runs.watching import Series, Watch
from forecastle.windows.context import Context, Task, Windows

logger = logging.getLogger(__name__)

FILE = "model.skops"
"""What the forecaster is saved in."""


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

    **Epochs.** With a `trainer`, estimators with ``partial_fit`` or a warm start are trained epoch by epoch in both
    fits, watched on the validation windows (without them on the latest fifth of the training windows); the `callbacks`
    stop it early and keep the best epochs.

    Parameters
    ----------
    estimator
        An unfitted estimator; it is cloned and never changed. Its `random_state` is its seed.
    lags
        Bars of features that it sees, at most the context length.
    calibration
        Share of the training windows, the latest, whose errors make the intervals, inside (0, 1). Not used for
        classes.
    trainer
        Trains in epochs (`forecastle.models.epochwise.trainer.EpochTrainer`); None: in one go.
    callbacks
        Of that training, by name.

    Attributes
    ----------
    checkpoints : Path or None
        Folder in which training in epochs keeps its best ones where it fails; set it before `fit`.
    watch : Watch or None
        What training in epochs tells how well it does; set it before `fit`.

    Raises
    ------
    TargetError
        If `estimator` is no scikit-learn regressor, nor a classifier that gives probabilities.
    ConfigError
        If `lags`, `calibration` or a parameter of the estimator cannot be, or it cannot be trained in epochs and
        should.
    """

    def __init__(
        self,
        estimator: Any,
        lags: int = 1,
        calibration: float = 0.25,
        trainer: Any = None,
        callbacks: Mapping[str, Any] | None = None,
    ) -> None:
        check_estimator(estimator)
        if lags < 1:
            raise ConfigError(f"lags must be at least 1, got {lags}")
        if not 0 < calibration < 1:
            raise ConfigError(f"calibration must lie inside (0, 1), got {calibration}")
        self.estimator = estimator
        self.lags = lags
        self.calibration = calibration
        self.trainer, self.callbacks = trainer, dict(callbacks or {})
        check_training(trainer, estimator, self.callbacks)
        self.checkpoints: Path | None = None
        self.watch: Watch | None = None
        self.curves: dict[str, list[float]] = {}
        self._fitted: list[Any] = []
        self._asked = Question((), (), 0)
        self._errors: FloatArray | None = None
        self._count = 0

    @property
    def name(self) -> str:
        """Class name of the estimator, for messages."""
        return type(self.estimator).__name__

    @property
    def estimators(self) -> list[Any]:
        """The fitted estimators, one for all steps or one for each; none before `fit`."""
        return self._fitted

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
        self._check_task(task)
        if validation is None and self.trainer is not None:
            train, validation = held_out(train)
        examples = self._examples(train)
        listens = self.trainer is not None or takes_validation(self.estimator)
        watched = self._examples(validation) if validation is not None and listens else None
        how = partial(self._fit, self._series())
        with convergence_logged(self.name):
            if task.target.classes:
                self._fitted, self._errors = fit_classes(self.estimator, examples, watched, how("whole")), None
            else:
                self._fitted, self._errors = self._fit_calibrated(train, examples, watched, how)
        self._asked = Question.of(task)
        self._count = len(train)
        self.curves = learning_curves(self._fitted)
        if self.trainer is not None:
            log_epochs(self.name, self._fitted, self.trainer.max_epochs)
        return self

    def predict(self, context: Context) -> Forecast:
        """Quantiles at the task's levels for a number, probabilities for classes, in the target's unit.

        Raises
        ------
        ModelError
            Before `fit`, or if the task or the number of features is another than at `fit`.
        """
        task = context.task
        if not self._fitted:
            raise ModelError(f"{self.name} must be fitted before it predicts")
        self._asked.check(task, self.name)
        inputs = inputs_of(context, self.lags)
        try:
            if self._errors is None:
                return ClassForecast(self._probabilities(inputs, task))
            middle = point(self._fitted, inputs)
        except ValueError as error:
            raise ModelError(f"{self.name} cannot predict: {' '.join(str(error).split())}") from error
        spread = task.spread(context.scale)
        values = middle[:, :, None] + self._errors
        values *= spread[:, :, None]
        if task.target.lower is not None:
            np.maximum(values, task.target.lower, out=values)
        return QuantileForecast(task.quantile_levels, values.astype(np.float32))

    def save(self, folder: Path) -> None:
        """Write everything that `load` needs into an existing folder.

        Raises
        ------
        ModelError
            If the estimator is of a kind that cannot be kept without pickled code.
        """
        state = {
            "estimator": self.estimator,
            "lags": self.lags,
            "calibration": self.calibration,
            "fitted": self._fitted,
            "steps": list(self._asked.steps),
            "levels": list(self._asked.levels),
            "classes": self._asked.classes,
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
            model._asked = Question.from_json(state)
            model._errors = None if state["errors"] is None else np.asarray(state["errors"], dtype=np.float64)
            model._count = int(state["count"])
        except (KeyError, TypeError, ValueError, ConfigError) as error:
            raise ModelError(f"{folder / FILE} holds no forecaster of scikit-learn: {error}") from error
        model.curves = learning_curves(model._fitted)
        return model

    def _check_task(self, task: Task) -> None:
        """Refuse a task that the estimator is not made for."""
        target = task.target
        if not is_classifier(self.estimator):
            refuse_classes(target, self.name)
        if not target.classes and is_classifier(self.estimator):
            raise ModelError(
                f"{self.name} forecasts classes, but {target.name} is a number: "
                "choose a regressor, such as model=ridge, model=random_forest or model=gradient_boosting"
            )

    def _examples(self, windows: Windows) -> Examples:
        """Inputs, targets in spreads (or class numbers) and weights, where the estimator takes them."""
        examples = Examples.from_windows(windows, self.lags)
        if examples.weight is not None and not has_fit_parameter(self.estimator, "sample_weight"):
            logger.warning("%s takes no weights: every window counts the same", self.name)
            return examples._replace(weight=None)
        return examples

    def _fit_calibrated(
        self, train: Windows, examples: Examples, watched: Examples | None, how: Callable[[str], Fit]
    ) -> tuple[list[Any], FloatArray]:
        """Estimators of numbers, and the quantiles of their errors held out in time, shape (H, Q)."""
        context = train.context
        cut = examples.cut()
        watched = None if watched is None else watched.cut()
        earlier, later = split_in_time(context.origin, train.label_end, self.calibration)
        first = fit_numbers(self.estimator, cut.of(earlier), watched, how("earlier"))
        errors = examples.target[later] - point(first, examples.inputs[later])
        fitted = fit_numbers(self.estimator, cut, watched, how("whole"))
        return fitted, error_quantiles(errors, context.task.quantile_levels)

    def _series(self) -> Series | None:
        """What all trainings in epochs tell of, one after the other."""
        return None if self.trainer is None else Series(self.watch, TOLD, self.trainer.max_epochs)

    def _fit(self, series: Series | None, part: str) -> Fit:
        """How one estimator is fitted on the whole or the earlier part of the training windows."""
        trainer, callbacks = self.trainer, self.callbacks
        if trainer is None:
            return fit_whole
        folder = None if self.checkpoints is None else self.checkpoints / part

        def in_epochs(estimator: Any, train: Examples, watched: Examples | None, step: int) -> Any:
            assert watched is not None, "some windows are held out where there is no validation part"
            place = None if folder is None else folder / f"step_{step}"
            return trainer.fit(estimator, train, watched, callbacks, place, series)

        return in_epochs

    def _probabilities(self, inputs: FloatArray, task: Task) -> FloatArray:
        """Probability of each class at each step, shape (N, H, K), float32, none of them zero."""
        values = np.zeros((len(inputs), len(task.steps), len(task.target.classes)))
        for step, estimator in enumerate(self._fitted):
            values[:, step, estimator.classes_] = estimator.predict_proba(inputs)
        return drawn_to_uniform(values, self._count).astype(np.float32)
