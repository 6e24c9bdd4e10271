"""Fold, Sample and the Split contract: which windows train, validate and test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from forecastle.arrays import IntArray, TimeArray
from forecastle.windows.context import Windows

VALIDATION, TEST = "validation", "test"


@dataclass(frozen=True, eq=False)
class Fold:
    """Indices of windows, each ascending in origin; no window stands in two parts of a fold.

    Parameters
    ----------
    train, validation, test
        Index arrays into the windows that were split.
    purged
        Number of windows left out because their label overlaps one of a part that they must not know.
    embargoed
        Number of windows left out because their context alone reaches into such a label.
    path
        Number of the path, from 0, that each test window belongs to, shape of `test`; where it is not given all are of
        path 0. Over all folds no window stands twice in a path, and every path has the same windows.
    """

    train: IntArray
    validation: IntArray
    test: IntArray
    purged: int
    embargoed: int = 0
    path: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        if not len(self.path):
            object.__setattr__(self, "path", np.zeros(len(self.test), dtype=np.int64))

    def part(self, name: str) -> IntArray:
        """The windows of ``train``, ``validation`` or ``test``."""
        indices: IntArray = getattr(self, name)
        return indices


@dataclass(frozen=True, eq=False)
class Sample:
    """All windows of the panel, and which of them train, validate and test in each fold."""

    windows: Windows
    folds: tuple[Fold, ...]

    def part(self, name: str, number: int) -> Windows:
        """The windows of ``train``, ``validation`` or ``test`` of a fold, counted from 0."""
        return self.windows[self.folds[number].part(name)]


class Split(Protocol):
    """Cuts windows into folds by time."""

    def split(
        self, origin: TimeArray, label_end: TimeArray, times: TimeArray, horizon: int, context_start: TimeArray
    ) -> tuple[Fold, ...]:
        """Return the folds.

        Parameters
        ----------
        origin
            Known time of each window's last bar, shape (N,), in any order (symbols one after the other).
        label_end
            Known time of the last bar of each window's target, shape (N,).
        times
            Known times of all bars of the panel, sorted and unique.
        horizon
            H, in bars.
        context_start
            Known time of the oldest bar that any number of the window's context was computed from, shape (N,).

        Raises
        ------
        SplitError
            If a part is empty; the message names the part and its dates.
        """
        ...
