"""The length of a bar: read from text, written as text, or derived from the times themselves."""

from __future__ import annotations

import re

import numpy as np

from forecastle.arrays import SPAN, TIME, TimeArray
from forecastle.errors import ConfigError

UNITS = (
    ("W", 604_800_000_000),
    ("D", 86_400_000_000),
    ("h", 3_600_000_000),
    ("min", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
)
"""Units in microseconds, longest first."""

SPELLINGS = {"w": "W", "d": "D", "H": "h", "m": "min"}
"""Other ways to write a unit; M is none of them, since months differ in length."""

MAX_LENGTH = 2**62
"""Microseconds."""


def parse_interval(text: str) -> np.timedelta64:
    """Read the length of a bar, such as ``1W``, ``1D``, ``4h`` or ``5min``, as ``timedelta64[us]``.

    Raises
    ------
    ConfigError
        If the text is no length of time, or not a positive one.

    Examples
    --------
    >>> parse_interval("5min")
    np.timedelta64(300000000,'us')
    """
    found = re.fullmatch(r"\s*(\d+)\s*([A-Za-z]+)\s*", str(text))
    sizes = dict(UNITS)
    unit = SPELLINGS.get(found[2], found[2]) if found else ""
    length = int(found[1]) * sizes.get(unit, 0) if found else 0
    if not 0 < length < MAX_LENGTH:
        raise ConfigError(f"interval must be a positive length of time such as 1D, 4h or 5min, got {text!r}")
    return np.timedelta64(length, "us")


def interval_text(interval: np.timedelta64) -> str:
    """Write the length of a bar in the largest unit that divides it.

    Examples
    --------
    >>> interval_text(np.timedelta64(90, "m")), interval_text(np.timedelta64(48, "h"))
    ('90min', '2D')
    """
    length = int(interval.astype(SPAN).astype(np.int64))
    unit, size = next((unit, size) for unit, size in UNITS if length % size == 0)
    return f"{length // size}{unit}"


def steps(time: TimeArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Positive differences between successive times in microseconds; order, repeats and NaT in `time` do not matter."""
    moments = np.sort(time[~np.isnat(time)].astype(TIME).view(np.int64))
    differences = np.diff(moments)
    return differences[differences > 0]


def most_frequent(differences: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.timedelta64 | None:
    """Return the most frequent step (the shortest of equals) as ``timedelta64[us]``, or None where there is no step.

    Examples
    --------
    >>> most_frequent(np.array([60, 60, 3600]))
    np.timedelta64(60,'us')
    """
    if not len(differences):
        return None
    values, counts = np.unique(differences, return_counts=True)
    return np.timedelta64(int(values[counts.argmax()]), "us")
