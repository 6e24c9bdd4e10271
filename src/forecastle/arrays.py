"""Array aliases and the shape letters, defined once.

======  ==================================================================
letter  meaning
======  ==================================================================
T       bars (rows of one symbol, or of all symbols one after the other)
N       windows (one for each symbol and origin)
C       context_length, in bars
P       bars of past log close that a window shows (at least C)
D       features
H       horizon, in bars
S       num_samples
Q       quantile levels
K       classes
======  ==================================================================

Times are ``datetime64[us]`` without a zone in the array and UTC by contract.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
IntArray: TypeAlias = npt.NDArray[np.integer[Any]]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
TimeArray: TypeAlias = npt.NDArray[np.datetime64]

TIME = np.dtype("datetime64[us]")
"""The one resolution of time stamps."""

SPAN = np.dtype("timedelta64[us]")
"""The one resolution of durations."""
