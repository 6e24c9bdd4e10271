"""Filling: stretches of candles, each copied to its place as soon as it is read, so that none is held twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from forecastle.arrays import TIME
from forecastle.data.store.series import Candles

Arrays = dict[str, npt.NDArray[Any]]


class Filling:
    """The columns ``time`` and others, as long as what was added.

    Parameters
    ----------
    names
        Columns beside the time; where a stretch lacks one, it is NaN.
    room
        Candles that are expected. Memory is used where something was written only.
    """

    def __init__(self, names: Sequence[str], room: int) -> None:
        self.count = 0
        self._names = tuple(names)
        self._arrays = self._empty(room)

    def _empty(self, room: int) -> Arrays:
        return {"time": np.empty(room, dtype=TIME)} | {name: np.empty(room) for name in self._names}

    def add(self, candles: Candles) -> None:
        """Add a stretch, also where it is more than was expected (somebody imports at the same time)."""
        end = self.count + len(candles)
        if end > len(self._arrays["time"]):
            before, self._arrays = self.columns(), self._empty(2 * end)
            for name, column in before.items():
                self._arrays[name][: self.count] = column
        rows = slice(self.count, end)
        self._arrays["time"][rows] = candles.time
        for name in self._names:
            self._arrays[name][rows] = candles.columns.get(name, np.nan)
        self.count = end

    def columns(self) -> Arrays:
        """All that was added."""
        return {name: column[: self.count] for name, column in self._arrays.items()}
