"""GARCH: intervals of a log return, or a volatility, from a variance that follows its own past."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal, Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, ModelError
from forecastle.models.classical.returns import by_symbol, training_returns
from forecastle.models.forecast import Forecast, QuantileForecast
from forecastle.models.question import Question, refuse_classes
from forecastle.models.state import read_state, write_state
from forecastle.windows.context import Context, Target, Windows
from forecastle.windows.target import LogReturn, Volatility

logger = logging.getLogger(__name__)

FILE = "garch.json"

CHUNK = 2_000_000
"""Values of simulated paths that are held at a time: 16 MB."""


class GARCH:
    r"""GARCH(1,1) of the log returns of each symbol, without drift.

    .. math:: r_t = \sqrt{v_t}\, z_t, \qquad v_{t+1} = \omega + \alpha r_t^2 + \beta v_t

    (Bollerslev, Generalized autoregressive conditional heteroskedasticity, Journal of Econometrics 31, 1986; with
    Student-t innovations z of unit variance Bollerslev, A conditionally heteroskedastic time series model, Review of
    Economics and Statistics 69, 1987). The parameters maximise the likelihood of the returns at the training origins
    (the package arch), once, and are then held. At each origin the variance is filtered over the last `memory` bars
    from their mean square, which is forgotten as :math:`\beta^{memory}`.

    The forecast is the law of simulated paths. Their innovations are the same for all windows, and at each step a
    shuffled set of equally likely quantiles, so that the first step is exact and a second run gives the same bits. The
    features and the validation windows are not used. Cost: a likelihood of each symbol, about .1 s for 2,500 returns,
    and `paths` · H numbers for each window.

    Parameters
    ----------
    law
        Of the innovations: ``normal`` or ``student_t``.
    memory
        Bars of past log close over which the variance is filtered, at least 20.
    paths
        Simulated paths of each window, an even number, at least 100.
    seed
        Of the shuffles.

    Raises
    ------
    ConfigError
        If `memory` or `paths` is too small, or `paths` odd.
    """

    def __init__(
        self, law: Literal["normal", "student_t"] = "student_t", memory: int = 100, paths: int = 1000, seed: int = 0
    ) -> None:
        for name, value, smallest in (("memory", memory, 20), ("paths", paths, 100)):
            if value < smallest:
                raise ConfigError(f"{name} must be at least {smallest}, got {value}")
        if paths % 2:
            raise ConfigError(f"paths must be even, since each has its mirror image, got {paths}")
        self.law = law
        self.memory = memory
        self.paths = paths
        self.seed = seed
        self.curves: dict[str, list[float]] = {}
        self._asked = Question((), (), 0)
        self._parameters: dict[str, dict[str, float]] = {}

    def history(self, horizon: int) -> int:  # noqa: ARG002 (the contract's argument)
        """Bars of past log close that it reads: `memory`."""
        return self.memory

    def fit(self, train: Windows, validation: Windows | None = None) -> Self:  # noqa: ARG002 (validation: the contract's)
        """Fit the parameters of each symbol on its returns at the training origins.

        Raises
        ------
        ModelError
            If the target is neither a log return nor a volatility, or there are too few returns.
        """
        task = train.context.task
        _check_target(task.target)
        returns = training_returns(train.context, type(self).__name__)
        self._parameters = {symbol: estimate(each, self.law, symbol) for symbol, each in returns.items()}
        self._asked = Question.of(task)
        return self

    def predict(self, context: Context) -> Forecast:
        """Quantiles at the task's levels, log return.

        Raises
        ------
        ModelError
            Before `fit`, if the task is another than at `fit`, or for a symbol that had no training windows.
        """
        if not self._parameters:
            raise ModelError(f"{type(self).__name__} must be fitted before it predicts")
        task = context.task
        self._asked.check(task, type(self).__name__)
        values = np.empty((len(context), len(task.steps), len(task.quantile_levels)), np.float32)
        size = max(CHUNK // (self.paths * task.horizon), 1)
        for symbol, rows in by_symbol(context, self._parameters, type(self).__name__):
            parameters = self._parameters[symbol]
            innovations = self._innovations(parameters, task.horizon)
            for start in range(0, len(rows), size):
                some = rows[start : start + size]
                variance = next_variance(parameters, context[some].past[:, -self.memory :])
                paths = _simulate(parameters, variance, innovations, squared=isinstance(task.target, Volatility))
                paths = paths[:, np.array(task.steps) - 1]
                values[some] = np.moveaxis(np.quantile(paths, task.quantile_levels, axis=2), 0, 2)
        return QuantileForecast(task.quantile_levels, values)

    def _innovations(self, parameters: dict[str, float], horizon: int) -> FloatArray:
        """Innovations of unit variance, shape (horizon, S): each step a set of equally likely quantiles, shuffled.

        Each path has its mirror image, so that the forecast of a log return is as symmetric as the law.
        """
        from scipy.special import ndtri, stdtrit

        half = self.paths // 2
        level = 0.5 + (np.arange(half) + 0.5) / (2 * half)
        if self.law == "normal":
            quantiles = ndtri(level)
        else:
            freedom = parameters["nu"]
            quantiles = stdtrit(freedom, level) * np.sqrt((freedom - 2) / freedom)
        random = np.random.default_rng(self.seed)
        drawn = np.stack([random.permutation(quantiles) * random.choice([-1.0, 1.0], half) for _ in range(horizon)])
        return np.concatenate([drawn, -drawn], axis=1)

    def save(self, folder: Path) -> None:
        """Write settings and parameters as JSON into an existing folder."""
        state = {
            "law": self.law,
            "memory": self.memory,
            "paths": self.paths,
            "seed": self.seed,
            "asked": self._asked._asdict(),
            "parameters": self._parameters,
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
        with read_state(folder / FILE, "GARCH") as state:
            model = cls(state["law"], int(state["memory"]), int(state["paths"]), int(state["seed"]))
            model._asked = Question.from_json(state["asked"])
            model._parameters = {
                str(symbol): {str(name): float(value) for name, value in each.items()}
                for symbol, each in state["parameters"].items()
            }
        return model


def estimate(returns: FloatArray, law: str, symbol: str) -> dict[str, float]:
    """Parameters of maximum likelihood: ``omega`` (squared log return), ``alpha``, ``beta``, and ``nu`` of Student's t.

    Parameters
    ----------
    returns
        Log returns, shape (T,).
    law
        Of the innovations.
    symbol
        For the line in the log where the likelihood was not maximised.
    """
    from arch import univariate

    size = float(np.sqrt(np.mean(returns**2)))
    model = univariate.ZeroMean(
        returns / size,
        volatility=univariate.GARCH(p=1, q=1),
        distribution=univariate.Normal() if law == "normal" else univariate.StudentsT(),
        rescale=False,
    )
    found = model.fit(disp="off", show_warning=False)
    if found.convergence_flag:
        logger.warning("GARCH of %s has not converged: %s", symbol, found.optimization_result.message)
    values = [float(value) for value in found.params]
    parameters = dict(zip(("omega", "alpha", "beta", "nu"), values, strict=law != "normal"))
    return parameters | {"omega": parameters["omega"] * size**2}


def next_variance(parameters: dict[str, float], past: FloatArray) -> FloatArray:
    """Variance of the bar after the last one, squared log return, shape (N,), from log close (N, P), oldest first."""
    omega, alpha, beta = (parameters[name] for name in ("omega", "alpha", "beta"))
    squared = np.diff(past, axis=1) ** 2
    variance: FloatArray = omega + (alpha + beta) * squared.mean(axis=1)
    for each in squared.T:
        variance = omega + alpha * each + beta * variance
    return variance


def _simulate(
    parameters: dict[str, float], variance: FloatArray, innovations: FloatArray, *, squared: bool
) -> FloatArray:
    """Cumulative log returns, or realised volatilities, of paths that begin at a variance, shape (N, horizon, S)."""
    omega, alpha, beta = (parameters[name] for name in ("omega", "alpha", "beta"))
    paths = np.empty((len(variance), *innovations.shape))
    ahead = np.broadcast_to(variance[:, None], (len(variance), innovations.shape[1]))
    for step, innovation in enumerate(innovations):
        moves = np.sqrt(ahead) * innovation
        ahead = omega + alpha * moves**2 + beta * ahead
        paths[:, step] = moves**2 if squared else moves
    paths = np.cumsum(paths, axis=1)
    return np.sqrt(paths) if squared else paths


def _check_target(target: Target) -> None:
    """Refuse what paths of returns say nothing of."""
    if not isinstance(target, LogReturn | Volatility):
        refuse_classes(target, "GARCH")
        raise ModelError(
            f"GARCH forecasts log_return or volatility, got {target.name}: choose a regressor, such as model=ridge"
        )
