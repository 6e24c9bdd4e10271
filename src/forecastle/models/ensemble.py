"""Ensemble: several forecasters asked as one."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, ModelError
from forecastle.models.calibration import split_in_time
from forecastle.models.forecast import ClassForecast, Forecast, Forecaster, QuantileForecast, Resumable, SampleForecast
from forecastle.models.pooling import best_weights, log_loss_of, mean_distribution, pinball_of
from forecastle.models.question import Question
from forecastle.models.state import read_state, write_state
from forecastle.windows.context import Context, Windows

FILE = "ensemble.json"

METHODS = ("history", "fit", "predict", "save", "load")
"""What a member has to offer."""


class Ensemble:
    r"""Members that are fitted on the same training windows, and one forecast of all of theirs.

    Rules, for a number:

    ``mean``
        the mean of the distributions: of their distribution functions (the linear pool). It is wider than its members
        where they disagree about the location.
    ``quantiles``
        the mean of the quantiles at each level (Vincentization: Vincent 1912; Ratcliff, Group reaction time
        distributions and an analysis of distribution statistics, Psychological Bulletin 86, 1979). It has the mean
        location and the mean width. Lichtendahl, Grushka-Cockayne and Winkler (Is it better to average probabilities
        or quantiles?, Management Science 59, 2013) compare the two.
    ``stacking``
        quantiles weighted, with one weight for each member, none negative and of sum 1, that minimises the mean pinball
        loss on validation windows (Breiman, Stacked regressions, Machine Learning 24, 1996, for weights of this kind).

    For classes ``mean`` and ``quantiles`` are the mean of the probabilities; ``stacking`` weighs them by the log loss.

    **What validation is for.** With ``mean`` and ``quantiles`` all validation windows may stop members early. With
    ``stacking`` they are cut in time: the earlier half may stop members, the later half alone chooses the weights, so
    that no member is judged on what stopped it. The cost is half the windows for each. Scores of a stacked ensemble on
    the validation part are of windows that its weights were chosen on, and so a little too good: compare it on the test
    part. No member ever sees that. The cost is that of all members, one after the other.

    Parameters
    ----------
    members
        Forecasters by name; names are words, since they name folders.
    rule
        ``mean``, ``quantiles`` or ``stacking``.

    Attributes
    ----------
    curves : dict
        Those of each member, under its name.
    weights : FloatArray
        Of the members, in their order, shape (M,); after `fit`.
    checkpoints : Path or None
        Folder below which each member that can go on after a stop keeps its state; set before `fit`.

    Raises
    ------
    ConfigError
        If there are fewer than two members, or one is no forecaster or has no proper name.
    """

    def __init__(
        self, members: Mapping[str, Any], rule: Literal["mean", "quantiles", "stacking"] = "quantiles"
    ) -> None:
        if len(members) < 2:
            raise ConfigError(f"an ensemble needs at least 2 members, got {len(members)}")
        for name, member in members.items():
            if not re.fullmatch(r"\w+", name):
                raise ConfigError(f"the name of a member must be a word, got {name!r}")
            if lacking := [method for method in METHODS if not callable(getattr(member, method, None))]:
                raise ConfigError(f"member {name} is no model: it has no {', '.join(lacking)}()")
        self.members: dict[str, Forecaster] = dict(members)
        self.rule = rule
        self.checkpoints: Path | None = None
        self.curves: dict[str, list[float]] = {}
        self.weights: FloatArray = np.full(len(members), 1 / len(members))
        self._asked = Question((), (), 0)

    def history(self, horizon: int) -> int:
        """Bars of past log close that the member with the longest memory reads."""
        return max(member.history(horizon) for member in self.members.values())

    def fit(self, train: Windows, validation: Windows | None = None) -> Self:
        """Fit each member on the training windows, and the weights where the rule has any.

        Raises
        ------
        ModelError
            If a member cannot be fitted, or there are too few validation windows to choose weights on.
        """
        stop, judged = (validation, None) if self.rule != "stacking" else _halves(validation)
        for name, member in self.members.items():
            if self.checkpoints is not None and isinstance(member, Resumable):
                member.checkpoints = self.checkpoints / name
            try:
                self.members[name] = member.fit(train, stop)
            except ModelError as error:
                raise ModelError(f"member {name}: {error}") from error
        self._asked = Question.of(train.context.task)
        self.curves = {
            f"{name}/{curve}": values
            for name, member in self.members.items()
            for curve, values in member.curves.items()
        }
        if judged is not None:
            values = self._values(judged.context)
            loss = (
                log_loss_of(values, judged.target)
                if self._asked.classes
                else pinball_of(values, self._asked.levels, judged.target)
            )
            self.weights = best_weights(loss, len(self.members))
        return self

    def predict(self, context: Context) -> Forecast:
        """Quantiles at the task's levels for a number, probabilities for classes, in the target's unit.

        Raises
        ------
        ModelError
            Before `fit`, or if the task is another than at `fit`.
        """
        if not self._asked.steps:
            raise ModelError(f"{type(self).__name__} must be fitted before it predicts")
        self._asked.check(context.task, type(self).__name__)
        values = self._values(context)
        if self.rule == "mean" and not self._asked.classes:
            pooled = mean_distribution(values, self._asked.levels)
        else:
            pooled = sum(weight * each for weight, each in zip(self.weights.tolist(), values, strict=True))
        if self._asked.classes:
            return ClassForecast((pooled / pooled.sum(axis=2, keepdims=True)).astype(np.float32))
        return QuantileForecast(self._asked.levels, pooled.astype(np.float32))

    def _values(self, context: Context) -> FloatArray:
        """What each member says, shape (M, N, H, Q) or (M, N, H, K), float64."""
        forecasts = [member.predict(context) for member in self.members.values()]
        levels = context.task.quantile_levels
        plain = [each.quantiles(levels) if isinstance(each, SampleForecast) else each for each in forecasts]
        return np.stack([each.values for each in plain]).astype(np.float64)

    def save(self, folder: Path) -> None:
        """Write rule and weights as JSON into an existing folder, and each member into a folder of its own."""
        kinds = {
            name: f"{type(member).__module__}:{type(member).__qualname__}" for name, member in self.members.items()
        }
        state = {"rule": self.rule, "weights": self.weights.tolist(), "asked": self._asked._asdict(), "members": kinds}
        write_state(folder / FILE, state)
        for name, member in self.members.items():
            (folder / name).mkdir()
            member.save(folder / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; the files name no code but forecasters of this package, or imported already.

        Raises
        ------
        ModelError
            If it is missing or damaged.
        """
        with read_state(folder / FILE, "ensemble") as state:
            kinds = {str(name): _kind(str(kind)) for name, kind in state["members"].items()}
            model = cls({name: kind.load(folder / name) for name, kind in kinds.items()}, state["rule"])
            model.weights = np.array(state["weights"], dtype=np.float64)
            model._asked = Question.from_json(state["asked"])
        return model


def _halves(validation: Windows | None) -> tuple[Windows, Windows]:
    """The earlier windows, which may stop members, and the later ones, which choose the weights."""
    if validation is None or not len(validation):
        raise ModelError("rule=stacking needs validation windows to choose its weights on, got none")
    try:
        earlier, later = split_in_time(validation.context.origin, validation.label_end, 0.5)
    except ModelError as error:
        raise ModelError(f"rule=stacking needs more validation windows, got {len(validation)}") from error
    return validation[earlier], validation[later]


def _kind(name: str) -> type[Forecaster]:
    """Class of a member: one of ours, or of a module of the user's that the configuration has imported."""
    module, _, kind = name.partition(":")
    if not module.startswith("forecastle.models.") and module not in sys.modules:
        raise ValueError(f"{name} is no forecaster of this package, nor imported")
    found = getattr(importlib.import_module(module), kind)
    if not isinstance(found, type) or found.__module__ != module or not all(hasattr(found, m) for m in METHODS):
        raise ValueError(f"{name} is no forecaster")
    return found
