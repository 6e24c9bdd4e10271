"""The three forms of a forecast, and the Forecaster contract.

Values are float32: what is stored is what was scored.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.runs.watching import Watch
from forecastle.windows.context import Context, Windows


@dataclass(frozen=True, eq=False)
class QuantileForecast:
    """Quantiles of each step.

    Parameters
    ----------
    levels
        Q levels, ascending, inside (0, 1).
    values
        Shape (N, H, Q), float32, ascending along Q.
    """

    levels: tuple[float, ...]
    values: FloatArray


@dataclass(frozen=True, eq=False)
class SampleForecast:
    """Sample paths, shape (N, S, H), float32."""

    values: FloatArray

    def quantiles(self, levels: tuple[float, ...]) -> QuantileForecast:
        """Empirical quantiles (linear interpolation) at the levels."""
        values = np.quantile(self.values, levels, axis=1)
        return QuantileForecast(levels, np.moveaxis(values, 0, -1).astype(np.float32))


@dataclass(frozen=True, eq=False)
class ClassForecast:
    """Probability of each class at each step, shape (N, H, K), float32, summing to 1 along K."""

    values: FloatArray


def drawn_to_uniform(values: FloatArray, count: int) -> FloatArray:
    """Probabilities as if each class had been seen once more among `count` windows, ``(count·p + 1) / (count + K)``.

    So that a class that was missing in training does not make the log loss infinite. Classes along the last axis.

    >>> drawn_to_uniform(np.array([1.0, 0.0]), 8)
    array([0.9, 0.1])
    """
    return np.asarray((count * values + 1) / (count + values.shape[-1]))


Forecast: TypeAlias = QuantileForecast | SampleForecast | ClassForecast


class Forecaster(Protocol):
    """A model: fitted on windows, asked with contexts, kept in a folder without pickled code.

    Attributes
    ----------
    curves
        After `fit`: learning curves by name (``"train/loss"``), one value per iteration; empty where there are none.
    """

    curves: dict[str, list[float]]

    def history(self, horizon: int) -> int:
        """Bars of past log close that it needs at each origin, at least 1."""
        ...

    def fit(self, train: Windows, validation: Windows | None = None) -> Self:
        """Fit on the training windows; the validation windows may only stop it early."""
        ...

    def predict(self, context: Context) -> Forecast:
        """Forecast every window of the context."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything that `load` needs into an existing, empty folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; opening it runs no code from the files."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """A forecaster whose `fit` keeps its state in a folder where it is stopped, and goes on from there where it can.

    Attributes
    ----------
    checkpoints
        Folder that `fit` keeps its state in, and looks for it in; None: it keeps none. Set before `fit`.
    """

    checkpoints: Path | None


@runtime_checkable
class Watched(Protocol):
    """A forecaster whose `fit` can be watched, and stopped, while it runs.

    Attributes
    ----------
    watch
        What `fit` tells how well it does on the validation part; None: nobody. Set before `fit`.
    """

    watch: Watch | None


@runtime_checkable
class Tabular(Protocol):
    """A forecaster by estimators that see one row of inputs (`forecastle.models.examples.inputs_of`).

    Attributes
    ----------
    lags
        Bars of features in a row.
    estimators
        The fitted ones, in the order of the steps: one for all, or one for each.
    """

    lags: int

    @property
    def estimators(self) -> list[Any]:
        """The fitted estimators."""
        ...


@runtime_checkable
class Additive(Protocol):
    """A forecaster that can say by itself what each input adds to a forecast, exactly."""

    def contributions(self, context: Context) -> tuple[FloatArray, FloatArray] | None:
        """Shapley values of each step's forecast, summed over the bars of the context.

        Returns
        -------
        tuple or None
            Values, shape (N, D, H), and the usual forecast, shape (H,): together the median in spreads of the target,
            before quantiles that cross are put in order, or the log odds of the second of two classes. None where the
            forecast is no such sum.
        """
        ...
