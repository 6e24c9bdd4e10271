"""Chain: transforms one after the other, fitted on the rows that the training windows see and on no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, overload

import numpy as np

from forecastle.errors import FeatureError, RunError
from forecastle.windows.context import Context, Timeline, Windows
from forecastle.windows.transform.step import Rows, Training, Transform

FILE = "transforms.json"
"""What `Chain.save` writes."""

EXTREME = 10.0
"""Steps that learn from the target see it cut at so many spreads: where the price stood still, one bar would decide."""


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

    @property
    def fills(self) -> bool:
        """Whether windows with missing features can be used, because a step fills them (`make_windows`)."""
        return any(step.fills for step in self.steps.values())

    @property
    def memory(self) -> int:
        """Bars before t that row t of what the chain gives may depend on."""
        return sum(step.memory for step in self.steps.values())

    def fit(self, windows: Windows) -> Self:
        """Fit on exactly the feature rows that the contexts of these (training) windows cover, each once.

        Steps that learn from the target see, of these, the rows of the windows' origins with what came after them.

        Raises
        ------
        FeatureError
            If features are missing before a step that cannot do without, or a step gives none that can be used.
        """
        training = _training(windows)
        self._columns = training.rows.columns
        for position, (name, step) in enumerate(self.steps.items(), start=1):
            if not step.fills:
                _check_finite(training.rows, f"before transform {name!r}; put one that fills before it (impute)")
            step.fit(training)
            if position < len(self.steps):
                training = replace(training, rows=step.apply(training.rows))
        return self

    @overload
    def apply(self, examples: Windows) -> Windows: ...

    @overload
    def apply(self, examples: Context) -> Context: ...

    def apply(self, examples: Windows | Context) -> Windows | Context:
        """Return the same windows or contexts over transformed features, whose names stand in the timeline.

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
        rows = _rows(timeline, np.arange(len(timeline.features)))
        for step in self.steps.values():
            rows = step.apply(rows)
        return replace(examples, timeline=replace(timeline, features=rows.values, columns=rows.columns))

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
            if list(states) != list(self.steps):
                raise RunError(
                    f"{path} was written for the transforms {list(states)}, the configuration has {list(self.steps)}"
                )
            for name, step in self.steps.items():
                step.restore(states[name])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"fitted transforms wanted in {path}, got {type(error).__name__}: {error}") from error
        self._columns = None if columns is None else tuple(columns)
        return self

    def report(self) -> dict[str, Any]:
        """Each step's report by name, ready for JSON."""
        return {name: step.report() for name, step in self.steps.items()}


def _rows(timeline: Timeline, index: np.ndarray[Any, np.dtype[np.intp]]) -> Rows:
    """Some rows of the timeline, ascending; a piece begins where the symbol changes or a row is left out."""
    symbol = timeline.symbol[index]
    begins = (np.diff(index) != 1) | (symbol[1:] != symbol[:-1])
    starts = np.concatenate([[0], np.flatnonzero(begins) + 1])
    whole = len(index) == len(timeline.features)
    return Rows(timeline.features if whole else timeline.features[index], timeline.columns, starts)


def _training(windows: Windows) -> Training:
    """The rows that stand in at least one of the contexts, in order, and the targets at their origins."""
    context = windows.context
    task, row, count = context.task, context.row, len(context.timeline.features)
    opened = np.bincount(row - (context.context_length - 1), minlength=count + 1)
    closed = np.bincount(row + 1, minlength=count + 1)
    covered = np.cumsum(opened - closed)[:-1] > 0
    target = windows.target
    if not task.target.classes:
        target = np.clip(target / task.spread(context.scale), -EXTREME, EXTREME)
    place = np.cumsum(covered) - 1
    return Training(_rows(context.timeline, np.flatnonzero(covered)), place[row], target, len(task.target.classes))


def _check_finite(rows: Rows, where: str) -> None:
    """Refuse rows that hold NaN or an infinite value."""
    finite = np.isfinite(rows.values)
    if not finite.all():
        missing = np.count_nonzero(~finite, axis=0)
        counts = {name: int(count) for name, count in zip(rows.columns, missing, strict=True) if count}
        raise FeatureError(f"every feature of the training rows must be finite {where}; got missing values: {counts}")
