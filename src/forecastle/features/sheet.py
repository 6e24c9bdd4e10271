"""A sheet: the matrix that processes of one machine fill together, each its own part."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np

from forecastle.arrays import FloatArray


class Sheet:
    """A float32 matrix in memory that goes to another process by name: what is written there stands here.

    Nothing is copied, and no file is left behind whatever happens: the memory is given back with the last array that
    shows it.

    Parameters
    ----------
    rows, columns
        Its shape, at least 1 each; all values are 0.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self._shape = (rows, columns)
        self._file = os.memfd_create("features")
        os.ftruncate(self._file, 4 * rows * columns)
        self.values = self._mapped(self._file)

    def _mapped(self, file: int) -> FloatArray:
        values: FloatArray = np.frombuffer(mmap.mmap(file, 0), dtype=np.float32)
        return values.reshape(self._shape)

    def __getstate__(self) -> dict[str, Any]:
        path = f"/proc/{os.getpid()}/fd/{self._file}"
        return {"shape": self._shape, "path": path, "number": os.fstat(self._file).st_ino}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._shape = state["shape"]
        with Path(state["path"]).open("r+b") as stream:
            if os.fstat(stream.fileno()).st_ino != state["number"]:
                raise FileNotFoundError(f"the sheet {state['path']} is closed, and another file has its place")
            self.values = self._mapped(stream.fileno())

    def close(self) -> None:
        """Let no further process in; the values stay."""
        os.close(self._file)
