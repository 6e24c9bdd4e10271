"""What every benchmark prints: the machine, and median, range and number of its measurements."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Sequence
from statistics import median

from forecastle.runs.identity import machine as processor


def machine() -> str:
    """One line about the machine."""
    return f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def spread(values: Sequence[float]) -> str:
    """Median, range and number of measurements."""
    return f"{median(values):7.3f}  [{min(values):.3f}, {max(values):.3f}]  n={len(values)}"


def keep_memory() -> None:
    """Have the C library (glibc) keep what is freed for the next repetition.

    Otherwise each repetition gets its large arrays from the system anew. On a virtual machine that hands freed memory
    to its host this costs from nothing to a second a gigabyte, by whether the host has taken it yet.
    """
    library = ctypes.CDLL(None)
    for option, value in ((-4, 0), (-1, 2**31 - 1)):  # M_MMAP_MAX and M_TRIM_THRESHOLD
        if not library.mallopt(option, value):
            raise OSError(f"mallopt({option}, {value}) is refused")
