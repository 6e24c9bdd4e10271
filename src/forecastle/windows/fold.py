"""Fold and the Split contract: which windows train, validate and test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from forecastle.arrays import IntArray, TimeArray


@dataclass(frozen=True, eq=False)
class Fold:
    """Indices of windows, each ascending in origin; no window stands in two parts.

    Parameters
    ----------
    train, validation, test
        Index arrays into the windows that were split.
    purged
        Number of windows left out because their label reaches over a boundary.
    """

    train: IntArray
    validation: IntArray
    test: IntArray
    purged: int


class Split(Protocol):
    """Cuts windows into folds by time."""

    def split(self, origin: TimeArray, label_end: TimeArray, times: TimeArray, horizon: int) -> tuple[Fold, ...]:
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

        Raises
        ------
        SplitError
            If a part is empty; the message names the part and its dates.
        """
        ...
