"""Question: what a model was fitted to answer, which must be what it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from forecastle.errors import ModelError
from forecastle.windows.context import Target, Task


class Question(NamedTuple):
    """What must be the same at `fit` and at `predict`.

    The H steps in bars, quantile levels (none for classes) and number of classes (0 for a number).
    """

    steps: tuple[int, ...]
    levels: tuple[float, ...]
    classes: int

    @classmethod
    def of(cls, task: Task) -> Question:
        """Return the question of a task."""
        classes = len(task.target.classes)
        return cls(task.steps, () if classes else tuple(task.quantile_levels), classes)

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Question:
        """Return the question of what ``_asdict`` gave, read back from JSON."""
        return cls(
            tuple(map(int, state["steps"])), tuple(float(level) for level in state["levels"]), int(state["classes"])
        )

    def check(self, task: Task, name: str) -> None:
        """Refuse a task that asks anything else.

        Raises
        ------
        ModelError
            If the steps, the levels or the number of classes differ; the message says both.
        """
        asked = Question.of(task)
        if asked != self:
            raise ModelError(f"{name} was fitted for {self}, got {asked}")

    def __str__(self) -> str:
        levels = f"{len(self.levels)} quantile levels {self.levels}"
        return f"{len(self.steps)} steps (to {self.steps[-1]} bars) of " + (
            f"{self.classes} classes" if self.classes else levels
        )


def refuse_classes(target: Target, name: str) -> None:
    """Refuse a target with classes where a model forecasts numbers.

    Raises
    ------
    ModelError
        If the target has classes; the message names them, and models for them.
    """
    if target.classes:
        raise ModelError(
            f"{name} forecasts a number, but {target.name} has the classes {', '.join(target.classes)}: "
            "choose a classifier, such as model=logistic or model=random_forest_classifier"
        )
