"""What targets read: values of the next bars, and of the last ones."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from forecastle.arrays import FloatArray, IntArray
from forecastle.errors import ModelError


def after(values: FloatArray, horizon: int) -> FloatArray:
    """The values of the next H bars, shape (T, H), NaN beyond the last bar."""
    padded = np.concatenate([values[1:], np.full(horizon, np.nan)])
    return sliding_window_view(padded, horizon)


def last(past: FloatArray, count: int, name: str) -> FloatArray:
    """The last `count` bars of past."""
    if past.shape[1] < count:
        raise ModelError(f"{name}: carrying forward needs {count} bars of past close, got {past.shape[1]}")
    return past[:, past.shape[1] - count :]


def root_of_time(scale: FloatArray, horizon: int) -> FloatArray:
    """σ √h, shape (N, H)."""
    return scale[:, None] * np.sqrt(np.arange(1, horizon + 1))


def same_phase(horizon: int, period: int) -> IntArray:
    """How many bars before the origin the newest known stretch of the same phase began, for each step, shape (H,).

    A stretch of h bars is known when it has ended at the origin: it began the fewest whole periods, at least h bars,
    before.
    """
    return period * -(-np.arange(1, horizon + 1) // period)
