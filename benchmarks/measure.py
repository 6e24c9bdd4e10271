"""What every benchmark prints: the machine, and median, range and number of its measurements."""

from __future__ import annotations

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
