"""A sheet: the matrix that processes of one machine fill together, each its own part."""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from forecastle.arrays import FloatArray

TILE = 512
"""Rows that are turned at once, so that columns and rows both stay in the processor's cache."""


def turned(found: FloatArray) -> Iterator[tuple[int, FloatArray]]:
    """Columns (D, T) as rows (T, D), some at a time, which lie together: the first row's number, and the rows.

    They are good until the next ones are asked for.
    """
    rows = np.empty((TILE, len(found)), dtype=found.dtype)
    for first in range(0, found.shape[1], TILE):
        some = found[:, first : first + TILE].T
        rows[: len(some)] = some
        yield first, rows[: len(some)]


class Sheet:
    """A float32 matrix in memory that goes to another process by name: what is written there stands here.

    Nothing is copied, and no file is left behind whatever happens: the memory is given back with the last array that
    shows it.

    Parameters
    ----------
    rows, columns
        Its shape, at least 1 each; all values are 0.

    Attributes
    ----------
    values : FloatArray
        The matrix, shape (rows, columns).
    """

    def __init__(self, rows: int, columns: int) -> None:
        self._shape = (rows, columns)
        file = os.memfd_create("features")
        os.ftruncate(file, 4 * rows * columns)
        self._hold(file)

    @property
    def columns(self) -> int:
        """Number of its columns."""
        return self._shape[1]

    def _hold(self, file: int) -> None:
        self._file = file
        self._let_go = weakref.finalize(self, os.close, file)
        values: FloatArray = np.frombuffer(mmap.mmap(file, 0), dtype=np.float32)
        self.values = values.reshape(self._shape)

    def write(self, first: int, found: FloatArray) -> None:
        """Write columns, shape (all of them, T), into T rows from `first` on.

        Whole rows are written as into a file: the system then hands out no pages that it has to clear before.
        """
        width = 4 * self.columns
        for row, rows in turned(found):
            left, place = rows.data.cast("B"), (first + row) * width
            while left:
                done = os.pwrite(self._file, left, place)
                left, place = left[done:], place + done

    def __getstate__(self) -> dict[str, Any]:
        path = f"/proc/{os.getpid()}/fd/{self._file}"
        return {"shape": self._shape, "path": path, "number": os.fstat(self._file).st_ino}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._shape = state["shape"]
        file = os.open(state["path"], os.O_RDWR)
        if os.fstat(file).st_ino != state["number"]:
            os.close(file)
            raise FileNotFoundError(f"the sheet {state['path']} is closed, and another file has its place")
        self._hold(file)

    def close(self) -> None:
        """Let no further process in; the values stay."""
        self._let_go()
