"""PerSymbol: one forecaster for each symbol of a panel, behind the contract of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ModelError
from forecastle.logs import progress
from forecastle.models.forecast import ClassForecast, Forecast, Forecaster, QuantileForecast, Resumable, SampleForecast
from forecastle.windows.context import Context, Windows

FILE = "symbols.json"


class PerSymbol:
    """Fits a new forecaster on the windows of each symbol, and asks each for its own.

    Parameters
    ----------
    make
        Builds one unfitted forecaster; called once for each symbol, in the order of the symbols.

    Attributes
    ----------
    checkpoints : Path or None
        Folder below which each forecaster that can go on after a stop keeps its state; set before `fit`.
    """

    def __init__(self, make: Callable[[], Forecaster]) -> None:
        self._make = make
        self._fitted: dict[str, Forecaster] = {}
        self.checkpoints: Path | None = None
        self.curves: dict[str, list[float]] = {}

    def history(self, horizon: int) -> int:
        """Bars of past log close that each forecaster needs at each origin."""
        return self._make().history(horizon)

    def fit(self, train: Windows, validation: Windows | None = None) -> Self:
        """Fit one forecaster on the windows of each symbol that has training windows."""
        names = train.context.timeline.symbols
        numbers = np.unique(train.context.symbol)
        for number in progress(numbers, len(numbers), "fit, symbols"):
            mine = _of(train, number)
            watched = None if validation is None else _of(validation, number)
            forecaster = self._make()
            if self.checkpoints is not None and isinstance(forecaster, Resumable):
                forecaster.checkpoints = self.checkpoints / str(number)
            fitted = forecaster.fit(mine, watched if watched is not None and len(watched) else None)
            self._fitted[names[number]] = fitted
            self.curves.update({f"{names[number]}/{name}": values for name, values in fitted.curves.items()})
        return self

    def predict(self, context: Context) -> Forecast:
        """Forecast every window by the forecaster of its symbol; N windows in the order that they have.

        Raises
        ------
        ModelError
            If a window's symbol had no training windows.
        """
        names = context.timeline.symbols
        symbol = context.symbol
        values: FloatArray | None = None
        forecast: Forecast | None = None
        for number in np.unique(symbol):
            if names[number] not in self._fitted:
                known = ", ".join(self._fitted) or "none"
                raise ModelError(f"{names[number]} had no training windows, so it has no model (fitted: {known})")
            rows = np.flatnonzero(symbol == number)
            forecast = self._fitted[names[number]].predict(context[rows])
            if values is None:
                values = np.empty((len(symbol), *forecast.values.shape[1:]), forecast.values.dtype)
            values[rows] = forecast.values
        if values is None or forecast is None:
            raise ModelError("no windows to forecast")
        if isinstance(forecast, QuantileForecast):
            return QuantileForecast(forecast.levels, values)
        return ClassForecast(values) if isinstance(forecast, ClassForecast) else SampleForecast(values)

    def save(self, folder: Path) -> None:
        """Write each forecaster into a folder of its own, numbered; the names stand in one list."""
        (folder / FILE).write_text(json.dumps(list(self._fitted)) + "\n", encoding="utf-8")
        for number, fitted in enumerate(self._fitted.values()):
            place = folder / str(number)
            place.mkdir()
            fitted.save(place)

    def load(self, folder: Path) -> Self:
        """Read what `save` wrote; the kind of forecaster comes from `make`, never from the files.

        Raises
        ------
        ModelError
            If the list of symbols is missing or damaged.
        """
        kind = type(self._make())
        try:
            names = json.loads((folder / FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{folder / FILE} cannot be read: {error}") from error
        self._fitted = {str(name): kind.load(folder / str(number)) for number, name in enumerate(names)}
        return self


def _of(windows: Windows, number: int) -> Windows:
    """The windows of one symbol."""
    return windows[np.flatnonzero(windows.context.symbol == number)]
