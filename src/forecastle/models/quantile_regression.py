"""QuantileRegression: linear quantiles of the target, one set of coefficients for each step and level."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np

from forecastle.arrays import FloatArray, IntArray
from forecastle.errors import ConfigError, ModelError
from forecastle.logs import progress
from forecastle.models.examples import Examples, inputs_of
from forecastle.models.forecast import Forecast, QuantileForecast
from forecastle.models.grid import fill, fitted_levels
from forecastle.models.question import Question, refuse_classes
from forecastle.models.state import read_state, write_state
from forecastle.windows.context import Context, Windows

FILE = "quantile_regression.json"

NARROWEST = 0.05
"""Smallest bandwidth, in spreads."""

ROUNDS = 50
"""Most Newton steps of one fit; it takes about eight."""


class QuantileRegression:
    r"""Linear quantile regression with a quadratic penalty, in units of what a driftless random walk would do.

    The quantile of level q of step h is :math:`s_h (b + x'\beta)`, with the features x of the last `lags` bars and
    :math:`s` the spread of the random walk. The slopes minimise

    .. math:: \sum_i (\rho_q * \phi_b)(z_i - b - x_i'\beta) + \tfrac{\alpha}{2} |\beta|^2

    where the pinball loss :math:`\rho_q` of Koenker and Bassett (Regression quantiles, Econometrica 46, 1978) is
    smoothed by a normal density of standard deviation :math:`b = ((p + \log n)/n)^{2/5}`, which makes it twice
    differentiable and Newton's method quick (Fernandes, Guerre and Horta, Smoothing quantile regressions, Journal of
    Business and Economic Statistics 39, 2021; He, Pan, Tan and Zhou, Smoothed quantile regression with large-scale
    inference, Journal of Econometrics 232, 2023). The intercept is then the exact quantile of what the slopes leave, so
    that smoothing does not widen the intervals. At most seven levels are fitted and the others follow from them
    (`forecastle.models.grid`).

    Each fit costs about eight Newton steps, each of them n·p² multiplications. The validation windows are not used.

    Parameters
    ----------
    lags
        Bars of features that it sees, at most the context length.
    alpha
        Penalty on the squares of the slopes; features are thought of as standardised. A smoothed pinball loss bends
        about .4 times as much as the squared loss of ridge regression, so 400 here is 1000 there.

    Raises
    ------
    ConfigError
        If `lags` is below 1 or `alpha` below 0.
    """

    def __init__(self, lags: int = 1, alpha: float = 400.0) -> None:
        if lags < 1:
            raise ConfigError(f"lags must be at least 1, got {lags}")
        if alpha < 0:
            raise ConfigError(f"alpha must be at least 0, got {alpha}")
        self.lags = lags
        self.alpha = alpha
        self.curves: dict[str, list[float]] = {}
        self._asked = Question((), (), 0)
        self._coefficients: FloatArray = np.zeros((0, 0, 0))

    def history(self, horizon: int) -> int:  # noqa: ARG002 (the contract's argument)
        """Bars of past log close that it reads: none beyond the origin's, so 1."""
        return 1

    def fit(self, train: Windows, validation: Windows | None = None) -> Self:  # noqa: ARG002 (validation: the contract's)
        """Fit the coefficients of each step and level on the training windows.

        Raises
        ------
        ModelError
            If the target has classes, or there are fewer windows than twice the coefficients.
        """
        task = train.context.task
        refuse_classes(task.target, type(self).__name__)
        examples = Examples.from_windows(train, self.lags).cut()
        count, columns = examples.inputs.shape
        if count < 2 * (columns + 1):
            raise ModelError(f"quantile regression on {columns} inputs needs {2 * (columns + 1)} windows, got {count}")
        self._asked = Question.of(task)
        levels = fitted_levels(self._asked.levels)
        weight = np.ones(count) if examples.weight is None else examples.weight / examples.weight.mean()
        steps = progress(range(len(task.steps)), len(task.steps), f"fit {type(self).__name__}, steps")
        self._coefficients = np.array(
            [[linear_quantile(examples.inputs, z, level, self.alpha, weight) for level in levels]
             for z in (examples.step(step).target for step in steps)]
        )  # fmt: skip
        return self

    def predict(self, context: Context) -> Forecast:
        """Quantiles at the task's levels, in the target's unit.

        Raises
        ------
        ModelError
            Before `fit`, or if the task or the number of inputs is another than at `fit`.
        """
        task = context.task
        if not len(self._coefficients):
            raise ModelError(f"{type(self).__name__} must be fitted before it predicts")
        self._asked.check(task, type(self).__name__)
        inputs = inputs_of(context, self.lags)
        if inputs.shape[1] + 1 != self._coefficients.shape[2]:
            fitted = self._coefficients.shape[2] - 1
            raise ModelError(f"{type(self).__name__} was fitted on {fitted} inputs, got {inputs.shape[1]}")
        levels = self._asked.levels
        values = self._coefficients[..., 0] + np.einsum("nd,hqd->nhq", inputs, self._coefficients[..., 1:])
        values = task.spread(context.scale)[:, :, None] * fill(values, fitted_levels(levels), levels)
        if task.target.lower is not None:
            values = np.maximum(values, task.target.lower)
        return QuantileForecast(levels, values.astype(np.float32))

    def save(self, folder: Path) -> None:
        """Write settings and coefficients as JSON into an existing folder."""
        state = {
            "lags": self.lags,
            "alpha": self.alpha,
            "asked": self._asked._asdict(),
            "coefficients": self._coefficients.tolist(),
        }
        write_state(folder / FILE, state)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        ModelError
            If it is missing or damaged.
        """
        with read_state(folder / FILE, "quantile regression") as state:
            model = cls(int(state["lags"]), float(state["alpha"]))
            model._asked = Question.from_json(state["asked"])
            model._coefficients = np.array(state["coefficients"], dtype=np.float64)
        return model


def linear_quantile(
    inputs: FloatArray, target: FloatArray | IntArray, level: float, alpha: float, weight: FloatArray
) -> FloatArray:
    """Intercept and slopes of one linear quantile, shape (1 + D,); `QuantileRegression` says how.

    Parameters
    ----------
    inputs
        Shape (N, D).
    target
        Shape (N,), of a size of about 1.
    level
        Inside (0, 1).
    alpha
        Penalty on the squares of the slopes.
    weight
        Shape (N,), of mean 1.
    """
    from scipy.special import ndtr

    count, columns = inputs.shape
    width = max(((columns + np.log(count)) / count) ** 0.4, NARROWEST)
    design = np.column_stack([np.ones(count), inputs])
    penalty = np.array([0.0] + [alpha] * columns)

    def loss(coefficients: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Smoothed loss, the derivatives of each window's, and its density."""
        u = (target - design @ coefficients) / width
        below, density = ndtr(-u), np.exp(-0.5 * u * u) / np.sqrt(2 * np.pi)
        total = width * np.sum(weight * (u * (level - below) + density)) + 0.5 * np.sum(penalty * coefficients**2)
        return float(total), weight * (level - below), weight * density / width

    found: FloatArray = np.zeros(columns + 1)
    found[0] = np.quantile(target, level)
    value, slope, bend = loss(found)
    for _ in range(ROUNDS):
        gradient = penalty * found - design.T @ slope
        hessian = (design * bend[:, None]).T @ design + np.diag(penalty) + 1e-9 * count * np.eye(columns + 1)
        step = np.linalg.solve(hessian, gradient)
        share = 1.0
        while (new := loss(found - share * step))[0] > value and share > 1e-6:
            share /= 2
        gained = value - new[0]
        if gained <= 0:
            break
        found = found - share * step
        value, slope, bend = new
        if gained < 1e-10 * count:
            break
    rest = target - design[:, 1:] @ found[1:]
    found[0] = np.quantile(rest, level, method="inverted_cdf", weights=weight)
    return found
