"""Attribution: how far each input moves the single forecast from the usual one, by Shapley values (extra `explain`)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import MissingExtraError
from forecastle.evaluation.importance import Ask, forecast_with
from forecastle.evaluation.substitution import inputs_of
from forecastle.logs import progress
from forecastle.models.examples import inputs_of as rows_of
from forecastle.models.forecast import Additive, ClassForecast, QuantileForecast, Tabular
from forecastle.windows.context import Context

BACKGROUND = 50
"""Training windows, spread evenly, whose mean forecast is the usual one, where that costs nothing."""

FEW = 10
"""The same where each asks the model anew."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """Shapley values of N windows.

    Parameters
    ----------
    names
        Of the inputs.
    values
        What each input adds to the forecast, shape (N, inputs, outputs), summed over the bars of the context; outputs
        are steps.
    usual
        Forecast of the background, shape (outputs,): with the values of a window it gives that window's forecast.
    method
        ``trees``, ``linear`` or ``kernel``.
    unit
        Of values and usual forecast, for people.
    """

    names: tuple[str, ...]
    values: FloatArray
    usual: FloatArray
    method: str
    unit: str

    def strength(self) -> FloatArray:
        """Mean absolute value of each input over windows and steps, shape (inputs,)."""
        return np.asarray(np.abs(self.values).mean(axis=(0, 2)))


def attribute(model: Any, ask: Ask, context: Context, train: Context, seed: int) -> Attribution:
    """Attribute the forecasts of some windows to their inputs.

    Shapley values (Shapley 1953; Lundberg & Lee 2017): of trees by their paths, for boosted ones by their own library,
    of linear models by weight times distance from the background's mean, exact both. Any other model, networks among
    them, is asked with inputs of training windows in place of its own (`forecastle.evaluation.substitution`), an input
    over all bars of the context at once, and the values are the weighted least squares fit to what it answers.

    Of a number it is the point forecast in spreads of the target (`Target.spread`), from a kernel the median; of
    classes the last one, by its probability or, where the method cannot, its log odds.

    Parameters
    ----------
    model
        The fitted forecaster.
    ask
        The same, asked for its forecast.
    context
        N windows to explain.
    train
        Training windows, the background.
    seed
        Of the kernel's draws.

    Raises
    ------
    MissingExtraError
        If `shap` is not installed.
    """
    if isinstance(model, Additive) and (told := model.contributions(context)) is not None:
        unit = "log odds" if context.task.target.classes else "spreads"
        return Attribution(context.timeline.columns, *told, "trees", unit)
    shap = _shap()
    if isinstance(model, Tabular) and (known := _of_table(shap, model, context, train)) is not None:
        return known
    background = train[np.linspace(0, len(train) - 1, min(FEW, len(train))).astype(int)]
    names = inputs_of(context)
    rows, usual = [], []
    with _seeded(seed):
        for number in progress(range(len(context)), len(context), "attribution, windows"):
            answer = partial(_answers, ask, context[number : number + 1], background)
            kernel = shap.KernelExplainer(answer, np.zeros((1, len(names))))
            found = kernel.shap_values(np.ones((1, len(names))), nsamples=6 * len(names), l1_reg=False, silent=True)
            rows.append(np.reshape(found, (len(names), -1)))
            usual.append(np.ravel(kernel.expected_value))
    unit = "probability" if context.task.target.classes else "spreads"
    return Attribution(names, np.array(rows), np.mean(usual, axis=0), "kernel", unit)


def _answers(ask: Ask, window: Context, background: Context, kept: FloatArray) -> FloatArray:
    """Mean forecast, (M, outputs), with the inputs kept that M rows of zeros and ones say, the rest lent."""
    count, lenders = len(kept), len(background)
    lent = background[np.tile(np.arange(lenders), count)]
    taken = np.repeat(kept < 0.5, lenders, axis=0)
    forecast = forecast_with(ask, window[np.zeros(count * lenders, dtype=int)], lent, taken)
    return np.asarray(_output(forecast, window).reshape(count, lenders, -1).mean(axis=1))


def _output(forecast: QuantileForecast | ClassForecast, window: Context) -> FloatArray:
    """What is explained of a forecast, shape (N, H): the median in spreads, or the probability of the last class."""
    if isinstance(forecast, ClassForecast):
        return forecast.values[:, :, -1].astype(np.float64)
    median = int(np.argmin(np.abs(np.array(forecast.levels) - 0.5)))
    return np.asarray(forecast.values[:, :, median].astype(np.float64) / window.task.spread(window.scale))


def _of_table(shap: Any, model: Tabular, context: Context, train: Context) -> Attribution | None:
    """Exact values of an estimator of a table; None where there is no exact way for its kind."""
    explained = rows_of(context, model.lags)
    background = rows_of(train[np.linspace(0, len(train) - 1, min(BACKGROUND, len(train))).astype(int)], model.lags)
    values, usual, method = [], [], ""
    for estimator in model.estimators:
        explainer, method = _exact(shap, estimator, background)
        if explainer is None:
            return None
        found = np.asarray(explainer.shap_values(explained))
        expected = np.ravel(explainer.expected_value)
        if hasattr(estimator, "classes_") and found.ndim == 3:
            found, expected = found[..., -1], expected[-1:]
        values.append(found.reshape(len(context), model.lags, -1, len(expected)).sum(axis=1))
        usual.append(expected)
    classes = context.task.target.classes
    unit = "spreads" if not classes else "probability" if _has_probability(model.estimators) else "log odds"
    names = context.timeline.columns
    return Attribution(names, np.concatenate(values, axis=2), np.concatenate(usual), method, unit)


def _exact(shap: Any, estimator: Any, background: FloatArray) -> tuple[Any, str]:
    """Explainer and its name; None where the estimator is neither linear nor made of trees."""
    if hasattr(estimator, "coef_"):
        return shap.LinearExplainer(estimator, background), "linear"
    try:
        return shap.TreeExplainer(estimator), "trees"
    except shap.utils._exceptions.InvalidModelError:
        return None, ""


def _has_probability(estimators: Sequence[Any]) -> bool:
    """Whether exact values are of the probability: those of trees and forests are, of others of the log odds."""
    return not any(hasattr(each, "coef_") or hasattr(each, "learning_rate") for each in estimators)


def _shap() -> Any:
    """The package, imported without the deprecation that its own import meets in matplotlib."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            import shap
    except ModuleNotFoundError as error:
        raise MissingExtraError("Shapley values need the package 'shap': pip install 'forecastle[explain]'") from error
    return shap


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed numpy's global state, from which the kernel draws, and put it back afterwards."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
