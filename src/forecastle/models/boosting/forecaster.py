"""BoostedForecaster: boosted trees as a probabilistic forecaster, stopped early by the validation windows."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, MissingExtraError, ModelError
from forecastle.logs import progress
from forecastle.models.boosting.booster import Aim, Booster, Grown
from forecastle.models.boosting.rounds import RELATIVE_LOSS
from forecastle.models.calibration import split_in_time
from forecastle.models.examples import Examples, inputs_of
from forecastle.models.forecast import ClassForecast, Forecast, QuantileForecast, drawn_to_uniform
from forecastle.models.grid import fill, fitted_levels
from forecastle.models.question import Question
from forecastle.models.state import read_state, write_state
from forecastle.runs.watching import Series, Watch
from forecastle.windows.context import Context, Windows

SETTINGS = "boosting.json"
"""What a forecaster is saved in, beside one file for each model of the library."""

LIBRARIES = {"lightgbm": "LightGBM", "xgboost": "XGBoost", "catboost": "CatBoost"}
"""Class of each library's settings, in the module of its name."""

HELD_OUT = 0.2
"""Share of the training windows, the latest, that growing is watched on where there are no validation windows."""


class BoostedForecaster:
    r"""Trees that are grown for quantiles of a number, or for the probabilities of classes, one forest for each step.

    **Inputs** are the features of the last `lags` bars, the origin's bar last, as one row of lags·D float64 values.

    **Numbers.** The trees learn quantiles of the target in units of what a driftless random walk would do,
    :math:`z_h = y_h / s_h` with :math:`s = \text{task.spread(scale)}`, by the pinball loss of Koenker and
    Bassett (Regression quantiles, Econometrica 46, 1978). At most seven levels are grown, and the others follow from
    them (`forecastle.models.grid`); quantiles never cross. A step costs one fit with several outputs, or seven fits
    (LightGBM).

    **Classes.** Probabilities of all classes by the log loss, drawn to the uniform as if each class had been seen once
    more among the training windows. A class that training never saw, at a step, has no trees.

    **Early stopping.** The validation windows end the growth of each forest, and choose its best round; nothing else
    is fitted to them. Without them the latest fifth of the training windows is held out for it.

    Parameters
    ----------
    booster
        Settings of a library: `LightGBM`, `XGBoost` or `CatBoost` of `forecastle.models.boosting`.
    lags
        Bars of features that it sees, at most the context length.
    patience
        Rounds without a better loss after which growing stops.

    Attributes
    ----------
    curves : dict
        Mean loss per round (pinball, in spreads, or log loss, nats), ``train/loss_h`` and ``validation/loss_h`` of each
        step h, in bars.
    watch : Watch or None
        What growing tells how well it does; set it before `fit`.

    Raises
    ------
    ConfigError
        If `booster` is no library's settings, or a number is below 1.
    """

    def __init__(self, booster: Any, lags: int = 1, patience: int = 20) -> None:
        if type(booster).__name__ not in LIBRARIES.values():
            raise ConfigError(f"booster must be one of {', '.join(LIBRARIES.values())}, got {type(booster).__name__}")
        for name, value in {"lags": lags, "patience": patience}.items():
            if value < 1:
                raise ConfigError(f"{name} must be at least 1, got {value}")
        self.booster: Booster = booster
        self.lags = lags
        self.patience = patience
        self.curves: dict[str, list[float]] = {}
        self.watch: Watch | None = None
        self._models: list[list[Any]] = []
        self._frequency: FloatArray = np.zeros((0, 0))
        self._asked = Question((), (), 0)
        self._count = 0

    @property
    def name(self) -> str:
        """Name of the library, for messages."""
        return type(self.booster).__name__

    def history(self, horizon: int) -> int:  # noqa: ARG002 (the contract's argument)
        """Bars of past log close that it reads: none beyond the origin's, so 1."""
        return 1

    def fit(self, train: Windows, validation: Windows | None = None) -> Self:
        """Grow the trees of each step on the training windows until the validation windows stop them.

        Raises
        ------
        ModelError
            If the library refuses the windows, or there are too few to hold some out.
        """
        if validation is None or not len(validation):
            earlier, later = split_in_time(train.context.origin, train.label_end, HELD_OUT)
            train, validation = train[earlier], train[later]
        task = train.context.task
        examples, watched = (Examples.from_windows(each, self.lags) for each in (train, validation))
        if not task.target.classes:
            examples, watched = examples.cut(), watched.cut()
        self._asked = Question.of(task)
        self._count = len(train)
        aim = Aim(fitted_levels(self._asked.levels), self._asked.classes, self.patience)
        steps = progress(range(len(task.steps)), len(task.steps), f"fit {self.name}, steps")
        series = Series(self.watch, RELATIVE_LOSS, self.booster.rounds)
        grown = [self._grow(examples.step(step), watched.step(step), aim, series) for step in steps]
        self._models = [each.models for each in grown]
        self._frequency = _frequency(train.target, aim.classes)
        self.curves = {
            f"{name}_{step}": [float(value) for value in values]
            for step, each in zip(task.steps, grown, strict=True)
            for name, values in each.curves.items()
        }
        return self

    def _grow(self, train: Examples, watched: Examples, aim: Aim, series: Series) -> Grown:
        """The trees of one step; none where training has seen one class only."""
        if not aim.classes:
            return self.booster.grow(train, watched, aim, series)
        train, watched = train.labelled(), watched.labelled()
        seen = np.unique(train.target)
        watched = watched.of(np.flatnonzero(np.isin(watched.target, seen)))
        if len(seen) == 1:
            return Grown([], {})
        if not len(watched.target):
            raise ModelError(f"{self.name}: no validation window has one of the classes that training has seen")
        return self.booster.grow(train, watched, aim, series)

    def predict(self, context: Context) -> Forecast:
        """Quantiles at the task's levels for a number, probabilities for classes, in the target's unit.

        Raises
        ------
        ModelError
            Before `fit`, or if the task is another than at `fit`.
        """
        if not self._models:
            raise ModelError(f"{self.name} must be fitted before it predicts")
        task = context.task
        self._asked.check(task, self.name)
        inputs = inputs_of(context, self.lags)
        if task.target.classes:
            values = np.broadcast_to(self._frequency, (len(inputs), *self._frequency.shape)).copy()
            for step, models in enumerate(self._models):
                if models:
                    values[:, step] = self.booster.answer(models, inputs, classes=True)
            return ClassForecast(drawn_to_uniform(values, self._count).astype(np.float32))
        levels = self._asked.levels
        spread = task.spread(context.scale)
        grown = np.stack([self.booster.answer(models, inputs, classes=False) for models in self._models], axis=1)
        values = spread[:, :, None] * fill(grown, fitted_levels(levels), levels)
        if task.target.lower is not None:
            values = np.maximum(values, task.target.lower)
        return QuantileForecast(levels, values.astype(np.float32))

    def contributions(self, context: Context) -> tuple[FloatArray, FloatArray] | None:
        """What each input adds to the median or to the log odds of two classes; see `Additive`.

        Raises
        ------
        ModelError
            Before `fit`, or if the task is another than at `fit`.
        """
        if not self._models:
            raise ModelError(f"{self.name} must be fitted before it is explained")
        self._asked.check(context.task, self.name)
        classes = self._asked.classes
        if classes > 2 or not all(self._models):
            return None
        inputs = inputs_of(context, self.lags)
        gains = self.booster.contributions
        if classes:
            steps = [np.asarray(gains(each, inputs, 1) - gains(each, inputs, 0)) for each in self._models]
        else:
            levels = fitted_levels(self._asked.levels)
            median = min(range(len(levels)), key=lambda place: abs(levels[place] - 0.5))
            steps = [np.asarray(gains(each, inputs, median)) for each in self._models]
        whole = np.stack(steps, axis=2)
        values = whole[:, :-1].reshape(len(inputs), self.lags, -1, len(steps)).sum(axis=1)
        return values, np.asarray(whole[0, -1])

    def save(self, folder: Path) -> None:
        """Write the settings as JSON and each model in its library's own format into an existing folder."""
        state = {
            "library": self.booster.name,
            "settings": vars(self.booster),
            "lags": self.lags,
            "patience": self.patience,
            "asked": self._asked._asdict(),
            "count": self._count,
            "frequency": self._frequency.tolist(),
            "models": [len(models) for models in self._models],
        }
        write_state(folder / SETTINGS, state)
        for step, models in enumerate(self._models, 1):
            for number, model in enumerate(models, 1):
                _file(folder, self.booster, step, number).write_bytes(self.booster.pack(model))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; opening it runs no code from the files.

        Raises
        ------
        ModelError
            If a file is missing or damaged.
        MissingExtraError
            If the library is not installed.
        """
        with read_state(folder / SETTINGS, "boosted trees") as state:
            booster = _library(state["library"])(**state["settings"])
            model = cls(booster, int(state["lags"]), int(state["patience"]))
            model._asked = Question.from_json(state["asked"])
            model._count = int(state["count"])
            model._frequency = np.array(state["frequency"], dtype=np.float64)
            for step, count in enumerate(state["models"], 1):
                files = [_file(folder, booster, step, number) for number in range(1, int(count) + 1)]
                model._models.append([booster.unpack(file.read_bytes()) for file in files])
        return model


def _library(name: str) -> Any:
    """Class of a library's settings."""
    kind = LIBRARIES[name]
    try:
        return getattr(importlib.import_module(f"forecastle.models.boosting.{name}"), kind)
    except ModuleNotFoundError as error:
        missing = f"the model needs the package {error.name!r}, which is not installed"
        raise MissingExtraError(f"{missing}: pip install 'forecastle[boost]'") from error


def _file(folder: Path, booster: Booster, step: int, number: int) -> Path:
    """File of one model."""
    return folder / f"step_{step}_{number}.{booster.suffix}"


def _frequency(target: FloatArray, classes: int) -> FloatArray:
    """How often each class was seen at each step, shape (H, K)."""
    counts: Sequence[FloatArray] = [np.mean(target == number, axis=0) for number in range(classes)]
    return np.stack(counts, axis=1) if classes else np.zeros((0, 0))
