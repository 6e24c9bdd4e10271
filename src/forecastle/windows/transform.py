"""Transforms of the features, fitted on the rows that the training windows see and on no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, Self, overload

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import FeatureError, RunError
from forecastle.windows.context import Context, Windows

FILE = "transforms.json"
"""What `Chain.save` writes."""


class Transform(Protocol):
    """One step: fitted on some rows, applied to each row by itself.

    Row t of what `apply` returns depends on row t of the values and on nothing else, so that a transform cannot look
    ahead once it is fitted.
    """

    def fit(self, values: FloatArray, columns: tuple[str, ...]) -> Self:
        """Learn from training rows, shape (R, D), all finite; what an earlier fit learned is forgotten."""
        ...

    def apply(self, values: FloatArray) -> FloatArray:
        """Transform rows, shape (T, D), to float32 of the same shape; NaN stays NaN."""
        ...

    def state(self) -> dict[str, Any]:
        """What was learned, ready for JSON."""
        ...

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave."""
        ...

    def report(self) -> dict[str, Any]:
        """What a reader should know of the fit, ready for JSON."""
        ...


class Standardize:
    """Each feature minus its mean, over its standard deviation (of the population), both of the training rows.

    Statistics are float64. A feature that is constant on the training rows becomes 0 there (its scale is 1) and is
    named in the report.

    Examples
    --------
    >>> step = Standardize().fit(np.array([[1.0, 5.0], [3.0, 5.0]]), ("rsi_14", "flat"))
    >>> step.apply(np.array([[1.0, 5.0], [4.0, 6.0]]))
    array([[-1.,  0.],
           [ 2.,  1.]], dtype=float32)
    >>> step.report()
    {'rows': 2, 'constant': ['flat']}
    """

    def __init__(self) -> None:
        self._rows = 0
        self._mean: FloatArray = np.zeros(0)
        self._scale: FloatArray = np.ones(0)
        self._constant: list[str] = []

    def fit(self, values: FloatArray, columns: tuple[str, ...]) -> Self:
        """Learn mean and standard deviation of each column."""
        lowest = values.min(axis=0).astype(np.float64)
        constant = lowest == values.max(axis=0)
        wide = values.astype(np.float64)
        self._rows = len(values)
        self._mean = np.where(constant, lowest, wide.mean(axis=0))
        self._scale = np.where(constant, 1.0, wide.std(axis=0))
        self._constant = [name for name, is_constant in zip(columns, constant, strict=True) if is_constant]
        return self

    def apply(self, values: FloatArray) -> FloatArray:
        """Standardise rows, shape (T, D), float32."""
        return np.asarray((values - self._mean) / self._scale, dtype=np.float32)

    def state(self) -> dict[str, Any]:
        """Rows, mean, scale and the names of constant features."""
        return {
            "rows": self._rows,
            "mean": self._mean.tolist(),
            "scale": self._scale.tolist(),
            "constant": list(self._constant),
        }

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave."""
        self._rows = int(state["rows"])
        self._mean = np.array(state["mean"], dtype=np.float64)
        self._scale = np.array(state["scale"], dtype=np.float64)
        self._constant = list(state["constant"])
        return self

    def report(self) -> dict[str, Any]:
        """Number of training rows and names of constant features."""
        return {"rows": self._rows, "constant": list(self._constant)}


class Chain:
    """Transforms one after the other, each fitted on what the ones before it give.

    Parameters
    ----------
    steps
        Transforms by name, in order; none leaves the features as they are.
    """

    def __init__(self, steps: Mapping[str, Transform]) -> None:
        self.steps = dict(steps)
        self._columns: tuple[str, ...] | None = None

    def fit(self, windows: Windows) -> Self:
        """Fit on exactly the feature rows that the contexts of these (training) windows cover, each once."""
        context = windows.context
        values = _covered(context)
        self._columns = context.timeline.columns
        for position, step in enumerate(self.steps.values(), start=1):
            step.fit(values, self._columns)
            if position < len(self.steps):
                values = step.apply(values)
        return self

    @overload
    def apply(self, examples: Windows) -> Windows: ...

    @overload
    def apply(self, examples: Context) -> Context: ...

    def apply(self, examples: Windows | Context) -> Windows | Context:
        """Return the same windows or contexts over transformed features.

        The whole timeline is transformed: apply it to all windows once and take the parts of a fold afterwards.

        Raises
        ------
        FeatureError
            If the features are not those that it was fitted on, or it was not fitted.
        """
        if isinstance(examples, Windows):
            return replace(examples, context=self.apply(examples.context))
        timeline = examples.timeline
        if not self.steps:
            return examples
        if self._columns is None:
            raise FeatureError("transforms must be fitted or loaded before they are applied")
        if timeline.columns != self._columns:
            raise FeatureError(f"transforms were fitted on {list(self._columns)}, got {list(timeline.columns)}")
        values = timeline.features
        for step in self.steps.values():
            values = step.apply(values)
        return replace(examples, timeline=replace(timeline, features=values))

    def save(self, folder: Path) -> None:
        """Write what was learned into an existing folder, as JSON; floats come back bit for bit."""
        content = {"columns": self._columns, "steps": {name: step.state() for name, step in self.steps.items()}}
        (folder / FILE).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")

    def load(self, folder: Path) -> Self:
        """Take over what `save` wrote; the steps themselves come from the configuration, never from the file.

        Raises
        ------
        RunError
            If the file is missing or damaged, or tells of other steps.
        """
        path = folder / FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            columns, states = content["columns"], content["steps"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"fitted transforms wanted in {path}, got {type(error).__name__}: {error}") from error
        if list(states) != list(self.steps):
            raise RunError(
                f"{path} was written for the transforms {list(states)}, the configuration has {list(self.steps)}"
            )
        for name, step in self.steps.items():
            step.restore(states[name])
        self._columns = None if columns is None else tuple(columns)
        return self

    def report(self) -> dict[str, Any]:
        """Each step's report by name, ready for JSON."""
        return {name: step.report() for name, step in self.steps.items()}


def _covered(context: Context) -> FloatArray:
    """The feature rows that stand in at least one of the contexts, shape (R, D), in order."""
    features = context.timeline.features
    opened = np.bincount(context.row - (context.context_length - 1), minlength=len(features) + 1)
    closed = np.bincount(context.row + 1, minlength=len(features) + 1)
    return features[np.cumsum(opened - closed)[:-1] > 0]
