"""RandomWalk, LastValue and SeasonalNaive: what every model has to beat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, ModelError
from forecastle.models.forecast import ClassForecast, Forecast, QuantileForecast
from forecastle.windows.context import Context, Task, Windows

FILE = "baseline.json"
"""What a baseline is saved in."""


class RandomWalk:
    """Gaussian random walk without drift, with the EWMA volatility at the origin.

    The law of each step is exact and comes from the target; nothing is fitted. On the close of liquid markets this is
    the forecast to beat (Meese and Rogoff, Empirical exchange rate models of the seventies, Journal of International
    Economics 14, 1983).
    """

    def __init__(self) -> None:
        self.curves: dict[str, list[float]] = {}

    def history(self, horizon: int) -> int:  # noqa: ARG002 (the contract's argument)
        """Bars of past log close that it reads: the volatility at the origin says all, so 1."""
        return 1

    def fit(self, train: Windows, validation: Windows | None = None) -> Self:  # noqa: ARG002 (the contract's arguments)
        """Return itself: there is nothing to fit."""
        return self

    def predict(self, context: Context) -> Forecast:
        """Quantiles at the task's levels for a number, probabilities for classes, in the target's unit."""
        task = context.task
        return _forecast(task, task.random_walk(context.scale))

    def save(self, folder: Path) -> None:
        """Write the little that there is into an existing folder."""
        _write(folder, {})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        ModelError
            If it is missing or damaged.
        """
        _read(folder)
        return cls()


class SeasonalNaive:
    r"""The value of the same phase in the last `period` bars, carried forward.

    A number is forecast as a point mass: all quantiles are equal. For classes the forecast is how often each class
    followed the carried one in training, at each step,

    .. math:: P(j \mid i) = (n_{ij} + 1) / (n_i + K)

    with :math:`n_{ij}` training windows of carried class i and actual class j (Laplace's rule of succession, so that
    no class is ever impossible).

    Parameters
    ----------
    period
        Bars in a season: 5 on daily bars of a five-day market.

    Raises
    ------
    ConfigError
        If `period` is below 1.

    References
    ----------
    Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section 5.2.
    """

    def __init__(self, period: int = 5) -> None:
        if period < 1:
            raise ConfigError(f"period must be at least 1, got {period}")
        self.period = period
        self.curves: dict[str, list[float]] = {}
        self._frequency: FloatArray | None = None

    def history(self, horizon: int) -> int:
        """Bars of past log close that any target may read to carry a value over `horizon` bars."""
        return horizon + self.period

    def fit(self, train: Windows, validation: Windows | None = None) -> Self:  # noqa: ARG002 (validation: the contract's)
        """Count what followed each class; nothing is fitted for a number."""
        context = train.context
        classes = len(context.task.target.classes)
        if classes:
            steps = np.broadcast_to(np.arange(train.target.shape[1]), train.target.shape)
            count = np.ones((train.target.shape[1], classes, classes))
            np.add.at(count, (steps, self._carried(context).astype(int), train.target.astype(int)), 1.0)
            self._frequency = count / count.sum(axis=2, keepdims=True)
        return self

    def predict(self, context: Context) -> Forecast:
        """Quantiles at the task's levels for a number, probabilities for classes, in the target's unit.

        Raises
        ------
        ModelError
            If classes are asked for before `fit`, or for another horizon or number of classes than at `fit`.
        """
        task = context.task
        carried = self._carried(context)
        if not task.target.classes:
            point = carried.astype(np.float32)[:, :, None]
            return QuantileForecast(task.quantile_levels, np.repeat(point, len(task.quantile_levels), axis=2))
        frequency = self._frequency
        wanted = (len(task.steps), len(task.target.classes))
        if frequency is None or frequency.shape[:2] != wanted:
            got = "no fit" if frequency is None else f"{frequency.shape[0]} steps of {frequency.shape[1]} classes"
            raise ModelError(
                f"{type(self).__name__} must be fitted on {wanted[0]} steps of {wanted[1]} classes, got {got}"
            )
        return _forecast(task, frequency[np.arange(len(task.steps)), carried.astype(int)])

    def _carried(self, context: Context) -> FloatArray:
        """The carried value, shape (N, H)."""
        return context.task.carried(context.past, self.period)

    def save(self, folder: Path) -> None:
        """Write the period and the frequencies into an existing folder."""
        frequency = None if self._frequency is None else self._frequency.tolist()
        _write(folder, {"period": self.period, "frequency": frequency})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        ModelError
            If it is missing or damaged.
        """
        state = _read(folder)
        model = cls()
        try:
            model.period = int(state["period"])
            model._frequency = None if state["frequency"] is None else np.array(state["frequency"], dtype=np.float64)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{folder / FILE} holds no {cls.__name__}: {error}") from error
        return model


class LastValue(SeasonalNaive):
    """The last value, carried forward: `SeasonalNaive` with a period of one bar."""

    def __init__(self) -> None:
        super().__init__(period=1)


def _forecast(task: Task, law: FloatArray) -> Forecast:
    """The law of the target as a forecast of its kind."""
    values = law.astype(np.float32)
    return ClassForecast(values) if task.target.classes else QuantileForecast(task.quantile_levels, values)


def _write(folder: Path, state: dict[str, Any]) -> None:
    (folder / FILE).write_text(json.dumps(state) + "\n", encoding="utf-8")


def _read(folder: Path) -> dict[str, Any]:
    path = folder / FILE
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    if not isinstance(state, dict):
        raise ModelError(f"{path} must hold a JSON object, got {type(state).__name__}")
    return state
