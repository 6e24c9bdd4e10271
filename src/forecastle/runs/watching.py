"""Watching a fit: it tells how well it does on the validation part while it runs, and may be told to stop.

What watches changes no number: a fit that is watched and not stopped is the one that nobody watches.

=====================  ==============================================================  ==================
what fits              what it tells, after each step                                  step
=====================  ==============================================================  ==================
a run of several folds the objective on the validation parts of the folds so far       fold
networks               ``validation/crps``, in units of a random walk                  epoch
boosted trees          ``validation/relative_loss``: over that of a constant forecast  round, every tenth
``trainer=epochs``     ``validation/loss``: squared error of z, or log loss            epoch
=====================  ==============================================================  ==================

In a run of several folds the fits inside the folds are not watched, since one series cannot speak of two things; nor
are the members of an ensemble, the models of ``pooling=per_symbol``, or a network that several processes train.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from forecastle.errors import RunError
from forecastle.runs.store import read_json


class Measure(NamedTuple):
    """What is told.

    Its name; ``min`` or ``max``, the way in which it is better; and whether the latest value is what a fit is worth so
    far, as of folds, and not the best one, as of epochs, of which the best is kept.
    """

    name: str
    direction: Literal["min", "max"]
    latest: bool = False


Watch = Callable[[Measure, int, float], None]
"""What is told the measure, the step (steps rise) and a finite value; it raises `forecastle.errors.Pruned` to stop."""


class Told:
    """Keeps what a fit tells, and tells it on.

    Parameters
    ----------
    watch
        Who else is told, and may stop the fit; None: nobody.
    """

    def __init__(self, watch: Watch | None = None) -> None:
        self._watch = watch
        self._measure: Measure | None = None
        self._values: dict[int, float] = {}

    def __call__(self, measure: Measure, step: int, value: float) -> None:
        """Keep a value, and tell it on."""
        self._measure = measure
        self._values[step] = value
        if self._watch is not None:
            self._watch(measure, step, value)

    def write(self, path: Path) -> None:
        """Write it as JSON; nothing where nothing was told."""
        if self._measure is not None:
            values = {str(step): value for step, value in self._values.items()}
            path.write_text(json.dumps({"measure": self._measure._asdict(), "values": values}) + "\n", encoding="utf-8")


def tell_again(path: Path, watch: Watch) -> None:
    """Tell what a fit told that `Told.write` has written; nothing where there is no file.

    Raises
    ------
    Pruned
        If who is told would have stopped the fit.
    RunError
        If the file is damaged.
    """
    if not path.is_file():
        return
    node = read_json(path)
    try:
        measure, values = Measure(**node["measure"]), {int(step): float(each) for step, each in node["values"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{path} is damaged: {error!r}; `forecastle run … force=true` writes it anew") from error
    for step, value in values.items():
        watch(measure, step, value)


class Series:
    """What the trainings of one fit tell, one training after the other, as one series of values.

    A value is the mean over the trainings so far: the best of each that has ended, and the latest of the one that runs.
    So it means the same in the first training and in the last, if all are measured in one unit. A value that is not
    finite is not told.

    Parameters
    ----------
    watch
        What is told; None: nobody.
    measure
        What it is told of.
    most
        Steps that a training can have. The first step of the second training is `most` + 1, wherever the first one
        ended, so that a step means the same in each fit of a search.
    """

    def __init__(self, watch: Watch | None, measure: Measure, most: int) -> None:
        self._watch, self._measure, self._most = watch, measure, most
        self._ended: list[float] = []
        self._begun, self._best = 0, math.nan

    @property
    def watched(self) -> bool:
        """Whether anybody is told."""
        return self._watch is not None

    def begin(self) -> None:
        """Begin with the next training."""
        if math.isfinite(self._best):
            self._ended.append(self._best)
        self._begun, self._best = self._begun + 1, math.nan

    def tell(self, step: int, value: float) -> None:
        """Tell the value after a step, from 1, of the training that runs.

        Raises
        ------
        Pruned
            If the fit is to stop.
        """
        if self._watch is None or not math.isfinite(value):
            return
        better = min if self._measure.direction == "min" else max
        self._best = better(self._best, value) if math.isfinite(self._best) else value
        mean = (sum(self._ended) + value) / (len(self._ended) + 1)
        self._watch(self._measure, (self._begun - 1) * self._most + step, mean)
