"""ClassicalForecaster: exponential smoothing, theta and ARIMA as probabilistic forecasters of the log return."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, ModelError
from forecastle.models.calibration import error_quantiles, split_in_time
from forecastle.models.classical.arima import ARIMA
from forecastle.models.classical.method import Method, Parameters
from forecastle.models.classical.returns import by_symbol, training_returns
from forecastle.models.classical.smoothing import ETS, Theta
from forecastle.models.forecast import Forecast, QuantileForecast
from forecastle.models.question import Question, refuse_classes
from forecastle.models.state import read_state, write_state
from forecastle.windows.context import Context, Target, Windows
from forecastle.windows.target import LogReturn

FILE = "classical.json"

METHODS: dict[str, Any] = {"ets": ETS, "theta": Theta, "arima": ARIMA}
"""The methods by name."""


class ClassicalForecaster:
    r"""A classical model of the log price of each symbol, with intervals from errors held out in time.

    The parameters are estimated once, on the returns at the training origins, and then held: what is refitted at every
    origin in other programs is only filtered here, over the last `memory` bars of each window. So a forecast hangs on
    those bars and the parameters alone, and ten thousand windows take a second.

    The forecast at level q is :math:`\hat y_h + s_h e_{h,q}`, with the spread s of a driftless random walk and the
    quantile e of the errors, in spreads, on the latest `calibration` share of the training windows, under parameters
    estimated on the earlier ones (`forecastle.models.calibration`). The models' own intervals have one width for calm
    and wild times alike. The features and the validation windows are not used. Cost: two estimates a symbol, .1 to 1 s
    each on 2,500 bars.

    Parameters
    ----------
    method
        `ETS`, `Theta` or `ARIMA` of `forecastle.models.classical`.
    memory
        Bars of past log close over which the state is filtered, at least 30.
    calibration
        Share of the training windows, the latest, whose errors make the intervals, inside (0, 1).

    Raises
    ------
    ConfigError
        If `method` is none of these, `memory` is too small or `calibration` not inside (0, 1).
    """

    def __init__(self, method: Any, memory: int = 100, calibration: float = 0.25) -> None:
        if type(method) not in METHODS.values():
            known = ", ".join(each.__name__ for each in METHODS.values())
            raise ConfigError(f"method must be one of {known}, got {type(method).__name__}")
        if memory < 30:
            raise ConfigError(f"memory must be at least 30, got {memory}")
        if not 0 < calibration < 1:
            raise ConfigError(f"calibration must lie inside (0, 1), got {calibration}")
        self.method: Method = method
        self.memory = memory
        self.calibration = calibration
        self.curves: dict[str, list[float]] = {}
        self._asked = Question((), (), 0)
        self._parameters: dict[str, Parameters] = {}
        self._errors: FloatArray = np.zeros((0, 0))

    @property
    def name(self) -> str:
        """Name of the method, for messages."""
        return self.method.name

    def history(self, horizon: int) -> int:  # noqa: ARG002 (the contract's argument)
        """Bars of past log close that it reads: `memory`."""
        return self.memory

    def fit(self, train: Windows, validation: Windows | None = None) -> Self:  # noqa: ARG002 (validation: the contract's)
        """Estimate the parameters of each symbol, and the errors, on the training windows.

        Raises
        ------
        ModelError
            If the target is no log return, or there are too few windows.
        """
        context = train.context
        task = context.task
        _check_target(task.target, self.name)
        earlier, later = split_in_time(context.origin, train.label_end, self.calibration)
        self._parameters = self._estimate(context[earlier])
        errors = (train.target[later] - self._expected(context[later])) / task.spread(context.scale[later])
        self._errors = error_quantiles(errors, task.quantile_levels)
        self._parameters = self._estimate(context)
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
            raise ModelError(f"{self.name} must be fitted before it predicts")
        task = context.task
        self._asked.check(task, self.name)
        values = self._expected(context)[:, :, None] + task.spread(context.scale)[:, :, None] * self._errors
        return QuantileForecast(task.quantile_levels, values.astype(np.float32))

    def _estimate(self, context: Context) -> dict[str, Parameters]:
        """Parameters of each symbol."""
        returns = training_returns(context, self.name)
        return {symbol: self.method.estimate(each) for symbol, each in returns.items()}

    def _expected(self, context: Context) -> FloatArray:
        """Expected log return to each step, shape (N, H)."""
        task = context.task
        expected = np.empty((len(context), len(task.steps)))
        past = context.past[:, -self.memory :]
        for symbol, rows in by_symbol(context, self._parameters, self.name):
            whole = self.method.forecast(self._parameters[symbol], past[rows], task.horizon)
            expected[rows] = whole[:, np.array(task.steps) - 1]
        return expected

    def save(self, folder: Path) -> None:
        """Write settings, parameters and errors as JSON into an existing folder."""
        state = {
            "method": self.method.name,
            "settings": vars(self.method),
            "memory": self.memory,
            "calibration": self.calibration,
            "asked": self._asked._asdict(),
            "parameters": self._parameters,
            "errors": self._errors.tolist(),
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
        with read_state(folder / FILE, "classical model") as state:
            method = METHODS[state["method"]](**state["settings"])
            model = cls(method, int(state["memory"]), float(state["calibration"]))
            model._asked = Question.from_json(state["asked"])
            model._parameters = {
                str(symbol): {str(name): [float(value) for value in values] for name, values in each.items()}
                for symbol, each in state["parameters"].items()
            }
            model._errors = np.array(state["errors"], dtype=np.float64)
        return model


def _check_target(target: Target, name: str) -> None:
    """Refuse what an expected log price says nothing of."""
    if not isinstance(target, LogReturn):
        refuse_classes(target, name)
        raise ModelError(
            f"{name} forecasts log_return, got {target.name}: choose a regressor, such as model=ridge, or model=har"
        )
