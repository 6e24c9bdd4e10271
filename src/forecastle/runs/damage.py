"""Damage: what is wrong with the files of a finished run, seen by their sizes and their ends, without reading them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from forecastle import paths

ALWAYS = (paths.CONFIG, paths.QUALITY, paths.CURVES, paths.FORECAST)
"""Files that a run's folder always holds, beside its manifest and its metrics."""

MAGIC = b"PAR1"
"""How a Parquet file begins and ends."""


def damage(folder: Path, names: Iterable[str]) -> str | None:
    """What is wrong with the first of some files that is missing, empty or cut short; None where none is.

    Only somebody's hand or a broken disk makes them so. What was changed in the middle of a file is not seen.
    """
    for name in names:
        if told := _file(folder / name):
            return f"{name} {told}"
    return None


def _file(path: Path) -> str | None:
    try:
        with path.open("rb", buffering=0) as stream:
            size = os.fstat(stream.fileno()).st_size
            if not size:
                return "is empty"
            return None if path.suffix != ".parquet" or _closed(stream.fileno(), size) else "is no whole Parquet file"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _closed(descriptor: int, size: int) -> bool:
    """Whether a Parquet file begins and ends as such a file does, with a footer that fits into it."""
    begin, end = os.pread(descriptor, 4, 0), os.pread(descriptor, 8, max(0, size - 8))
    return begin == MAGIC == end[4:] and int.from_bytes(end[:4], "little") + 12 <= size
