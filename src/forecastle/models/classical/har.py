"""HAR: volatility from its means over a day, a week and a month."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, ModelError
from forecastle.models.calibration import error_quantiles, split_in_time
from forecastle.models.classical.returns import by_symbol, training_returns
from forecastle.models.forecast import Forecast, QuantileForecast
from forecastle.models.question import Question, refuse_classes
from forecastle.models.state import read_state, write_state
from forecastle.windows.context import Context, Target, Windows
from forecastle.windows.target import LogReturn, Volatility

FILE = "har.json"

SMALLEST = 0.1
"""Smallest unit, in sizes of the symbol's returns, and smallest forecast, in units: after bars in which the price stood
still the EWMA volatility may be next to nothing, and a line may fall below zero, which a volatility does not."""


class HAR:
    r"""Heterogeneous autoregression of realised volatility, for a volatility or for the intervals of a log return.

    .. math:: \frac{RV_{t+1..t+h}}{\sqrt h} = \beta_0 m + \beta_1 RV^{(1)}_t + \beta_2 RV^{(5)}_t
              + \beta_3 RV^{(22)}_t + \beta_4 \sigma_t + \varepsilon_t

    where :math:`RV^{(k)}` is the root of the mean of the last k squared log returns, m the root mean square of the
    symbol's training returns, so that one set of coefficients serves symbols of different sizes (on one symbol
    :math:`\beta_0 m` is the constant), and :math:`\sigma` the EWMA volatility. Without the last term this is equation 8
    of Corsi (A simple approximate long-memory model of realized volatility, Journal of Financial Econometrics 7, 2009),
    with the forecast of each step made directly. That equation is for volatility measured within the day; one squared
    return is a poor measure of it, and the smooth term, as in the HExp model of Bollerslev, Hood, Huss and Pedersen
    (Risk everywhere, Review of Financial Studies 31, 2018), mends that. It is fitted by least squares in units of
    :math:`\max(\sigma_t, m/10)`, since errors grow with the volatility, and without the windows in which the price has
    stood still so long that :math:`\sigma_t < m/10`. The periods are of bars.

    **Intervals.** The target over the forecast volatility of its step, on the latest `calibration` share of the
    training windows under coefficients from the earlier ones, gives the quantiles (`forecastle.models.calibration`);
    the forecast is the volatility times these. So a volatility is above zero, and a log return keeps the skew and the
    tails that it had. The features and the validation windows are not used. Two least-squares fits a step.

    Parameters
    ----------
    periods
        Bars of the means, ascending.
    calibration
        Share of the training windows, the latest, whose ratios make the intervals, inside (0, 1).

    Raises
    ------
    ConfigError
        If the periods do not ascend from at least 1, or `calibration` is not inside (0, 1).
    """

    def __init__(self, periods: list[int] | None = None, calibration: float = 0.25) -> None:
        self.periods = [1, 5, 22] if periods is None else list(periods)
        if not self.periods or sorted(set(self.periods)) != self.periods or self.periods[0] < 1:
            raise ConfigError(f"periods must ascend from at least 1, got {self.periods}")
        if not 0 < calibration < 1:
            raise ConfigError(f"calibration must lie inside (0, 1), got {calibration}")
        self.calibration = calibration
        self.curves: dict[str, list[float]] = {}
        self._asked = Question((), (), 0)
        self._level: dict[str, float] = {}
        self._coefficients: FloatArray = np.zeros((0, 0))
        self._ratios: FloatArray = np.zeros((0, 0))

    def history(self, horizon: int) -> int:  # noqa: ARG002 (the contract's argument)
        """Bars of past log close that it reads: one more than the returns of the longest mean."""
        return 1 + self.periods[-1]

    def fit(self, train: Windows, validation: Windows | None = None) -> Self:  # noqa: ARG002 (validation: the contract's)
        """Fit the coefficients of each step, and the intervals, on the training windows.

        Raises
        ------
        ModelError
            If the target is neither a log return nor a volatility, or there are too few windows.
        """
        context = train.context
        task = context.task
        realised = _realised(task.target, train.target)
        self._level = {
            symbol: float(np.sqrt(np.mean(returns**2)))
            for symbol, returns in training_returns(context, type(self).__name__).items()
        }
        self._asked = Question.of(task)
        inputs, unit = self._inputs(context)
        spread, moved = task.spread(unit), unit <= context.scale
        weight = np.sqrt(train.weight * moved)[:, None]

        def solve(rows: np.ndarray) -> FloatArray:
            """Coefficients, shape (periods + 2, H)."""
            wanted = realised[rows] / spread[rows] * weight[rows]
            return np.asarray(np.linalg.lstsq(inputs[rows] * weight[rows], wanted, rcond=None)[0])

        earlier, later = split_in_time(context.origin, train.label_end, self.calibration)
        volatility = spread[later] * np.maximum(_along(inputs[later], solve(earlier)), SMALLEST)
        self._ratios = error_quantiles(train.target[later] / volatility, task.quantile_levels)
        self._coefficients = solve(np.arange(len(train)))
        return self

    def predict(self, context: Context) -> Forecast:
        """Quantiles at the task's levels, log return.

        Raises
        ------
        ModelError
            Before `fit`, if the task is another than at `fit`, or for a symbol that had no training windows.
        """
        if not self._level:
            raise ModelError(f"{type(self).__name__} must be fitted before it predicts")
        task = context.task
        self._asked.check(task, type(self).__name__)
        volatility = self.volatility(context)
        return QuantileForecast(task.quantile_levels, (volatility[:, :, None] * self._ratios).astype(np.float32))

    def volatility(self, context: Context) -> FloatArray:
        """Forecast volatility from the origin to each step, log return, shape (N, H)."""
        inputs, unit = self._inputs(context)
        return context.task.spread(unit) * np.maximum(_along(inputs, self._coefficients), SMALLEST)

    def _inputs(self, context: Context) -> tuple[FloatArray, FloatArray]:
        """Regressors in units, shape (N, periods + 2): m, the means and σ; and the units, log return, shape (N,)."""
        squared = np.diff(context.past[:, -self.history(1) :], axis=1) ** 2
        columns = [np.sqrt(squared[:, -period:].mean(axis=1)) for period in self.periods]
        level = np.empty(len(context))
        for symbol, rows in by_symbol(context, self._level, type(self).__name__):
            level[rows] = self._level[symbol]
        unit = np.maximum(context.scale, SMALLEST * level)
        return np.stack([level, *columns, context.scale], axis=1) / unit[:, None], unit

    def save(self, folder: Path) -> None:
        """Write settings, coefficients and ratios as JSON into an existing folder."""
        state = {
            "periods": self.periods,
            "calibration": self.calibration,
            "asked": self._asked._asdict(),
            "level": self._level,
            "coefficients": self._coefficients.tolist(),
            "ratios": self._ratios.tolist(),
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
        with read_state(folder / FILE, "HAR") as state:
            model = cls([int(period) for period in state["periods"]], float(state["calibration"]))
            model._asked = Question.from_json(state["asked"])
            model._level = {str(symbol): float(level) for symbol, level in state["level"].items()}
            model._coefficients = np.array(state["coefficients"], dtype=np.float64)
            model._ratios = np.array(state["ratios"], dtype=np.float64)
        return model


def _along(inputs: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Inputs times coefficients, each row by itself, shape (N, H)."""
    return np.asarray(np.einsum("nk,kh->nh", inputs, coefficients))


def _realised(target: Target, values: FloatArray) -> FloatArray:
    """Realised volatility from the origin to each step, log return, shape (N, H), from the values of the target."""
    if isinstance(target, Volatility):
        return values
    if isinstance(target, LogReturn):
        return np.sqrt(np.cumsum(np.diff(values, axis=1, prepend=0.0) ** 2, axis=1))
    refuse_classes(target, "HAR")
    raise ModelError(
        f"HAR forecasts log_return or volatility, got {target.name}: choose a regressor, such as model=ridge"
    )
