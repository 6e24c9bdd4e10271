"""Rolling: statistics of every window of a series, each from that window alone.

Nothing is carried from one window to the next, so no rounding drifts along and a window gives the same bits whatever
lies before it. Sums are built by doubling (a window of 12 is one of 8 and one of 4: about 2·log₂(n) additions a bar);
what has no such shape walks over the lags of the window, in blocks that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from forecastle.arrays import FloatArray

BLOCK = 8192
"""Bars that are worked on together."""

CELLS = 1 << 19
"""Values that are sorted together (4 MB)."""

DUST = 16 * float(np.finfo(np.float64).eps)
"""A standard deviation below this share of the mean is the rounding of numbers that are equal."""


def blocks(count: int) -> Iterator[slice]:
    """Cut `count` rows into slices of at most `BLOCK`."""
    for first in range(0, count, BLOCK):
        yield slice(first, min(first + BLOCK, count))


def lags(values: FloatArray, rows: slice, period: int) -> Iterator[FloatArray]:
    """For a block of windows: their oldest values, the next ones, …, their newest, as views."""
    for lag in range(period):
        yield values[rows.start + lag : rows.stop + lag]


def total(values: FloatArray, period: int) -> FloatArray:
    """Sum of each `period` neighbours, shape (T - period + 1,); exactly 0 where all are 0.

    >>> total(np.array([1.0, 3.0, 5.0]), 2)
    array([4., 8.])
    """
    count = max(len(values) - period + 1, 0)
    found, block, length, start = np.zeros(count), values, 1, 0
    while True:
        if period & length:
            found += block[start : start + count]
            start += length
        if 2 * length > period:
            return found
        block = block[:-length] + block[length:]
        length *= 2


def mean(values: FloatArray, period: int) -> FloatArray:
    """Mean of each `period` neighbours, shape (T - period + 1,).

    >>> mean(np.array([1.0, 3.0, 5.0]), 2)
    array([2., 4.])
    """
    found = total(values, period)
    found /= period
    return found


def moments(values: FloatArray, period: int, highest: int = 2) -> tuple[FloatArray, ...]:
    """Mean of each window and its central moments of order 2 to `highest`, each of shape (T - period + 1,).

    The moments are averages over the window's n values (not n - 1), of powers of the distance to the window's own
    mean; all are exactly 0 where the values are equal.

    >>> moments(np.array([1.0, 3.0, 3.0]), 2)
    (array([2., 3.]), array([1., 0.]))
    """
    means = mean(values, period)
    sums = np.zeros((highest - 1, len(means)))
    for rows in blocks(len(means)):
        middle = means[rows]
        for value in lags(values, rows, period):
            distance = value - middle
            power = distance
            for order in range(highest - 1):
                power = power * distance
                sums[order, rows] += power
    sums /= period
    sums[:, sums[0] <= (DUST * means) ** 2] = 0.0
    return means, *sums


def deviation(values: FloatArray, period: int, freedom: int = 0) -> FloatArray:
    """Standard deviation of each window, over ``n - freedom``, shape (T - period + 1,).

    >>> deviation(np.array([1.0, 3.0, 3.0]), 2)
    array([1., 0.])
    """
    spread: FloatArray = np.sqrt(moments(values, period)[1] * (period / (period - freedom)))
    return spread


def correlation(first: FloatArray, second: FloatArray, period: int) -> FloatArray:
    """Pearson's correlation of two series in each window, in [-1, 1], 0 where one of them does not move.

    >>> correlation(np.array([1.0, 2.0, 3.0]), np.array([3.0, 1.0, -1.0]), 3)
    array([-1.])
    """
    one, other = moments(first, period), moments(second, period)
    product = np.zeros(len(one[0]))
    for rows in blocks(len(product)):
        kept = product[rows]
        for left, right in zip(lags(first, rows, period), lags(second, rows, period), strict=True):
            kept += (left - one[0][rows]) * (right - other[0][rows])
    size = np.sqrt(one[1]) * np.sqrt(other[1]) * period
    found: FloatArray = np.divide(product, size, out=np.zeros_like(size), where=size > 0)
    return np.clip(found, -1.0, 1.0, out=found)


def line(values: FloatArray, period: int) -> tuple[FloatArray, FloatArray]:
    """Slope of the least-squares line through each window, per bar, and the share R² that it explains (0 where flat).

    >>> slope, explained = line(np.array([1.0, 3.0, 5.0]), 3)
    >>> slope, explained
    (array([2.]), array([1.]))
    """
    means, variance = moments(values, period)
    places = np.arange(period) - (period - 1) / 2
    slope = np.zeros(len(means))
    for rows in blocks(len(means)):
        kept, middle = slope[rows], means[rows]
        for place, value in zip(places, lags(values, rows, period), strict=True):
            kept += place * (value - middle)
    width = float((places**2).sum())
    slope /= width
    slope[variance == 0] = 0.0
    share = np.divide(slope * slope * (width / period), variance, out=np.zeros_like(slope), where=variance > 0)
    return slope, np.minimum(share, 1.0, out=share)


def rank(values: FloatArray, period: int) -> FloatArray:
    """Place of each window's newest value among all of its values, in (0, 1]; equal ones share the mean place.

    >>> rank(np.array([1.0, 3.0, 2.0, 2.0]), 3)
    array([0.66666667, 0.5       ])
    """
    count = len(values) - period + 1
    found = np.empty(max(count, 0))
    for rows in blocks(max(count, 0)):
        newest = values[rows.start + period - 1 : rows.stop + period - 1]
        below, equal = (np.zeros(len(newest), dtype=np.int32) for _ in range(2))
        for value in lags(values, rows, period):
            below += value < newest
            equal += value == newest
        found[rows] = (below + (equal + 1) / 2) / period
    return found


def quantiles(values: FloatArray, period: int, levels: tuple[float, ...]) -> tuple[FloatArray, ...]:
    """Quantiles of each window, linear between the two nearest values, each of shape (T - period + 1,).

    >>> quantiles(np.array([1.0, 3.0, 2.0]), 3, (0.25,))
    (array([1.5]),)
    """
    windows = sliding_window_view(values, period)
    found = np.empty((len(levels), len(windows)))
    places = [level * (period - 1) for level in levels]
    step = max(CELLS // period, 1)
    for first in range(0, len(windows), step):
        block = np.sort(windows[first : first + step], axis=1)
        for kept, place in zip(found[:, first : first + step], places, strict=True):
            below = int(place)
            lower, upper = block[:, below], block[:, min(below + 1, period - 1)]
            np.add(lower, (place - below) * (upper - lower), out=kept)
    return tuple(found)


def oldest_extreme(values: FloatArray, period: int) -> FloatArray:
    """Place of each window's highest value, 1 for its oldest bar and `period` for its newest; of equals the oldest.

    >>> oldest_extreme(np.array([1.0, 3.0, 3.0, 2.0]), 3)
    array([2., 1.])
    """
    count = len(values) - period + 1
    found = np.ones(max(count, 0))
    for rows in blocks(max(count, 0)):
        kept, best = found[rows], values[rows].copy()
        for place, value in enumerate(lags(values, rows, period), start=1):
            np.copyto(kept, place, where=value > best)
            np.maximum(best, value, out=best)
    return found


def weighted(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Sum of each window's values times `weights` (oldest first), shape (T - len(weights) + 1,).

    >>> weighted(np.array([1.0, 3.0, 5.0]), np.array([1.0, 10.0]))
    array([31., 53.])
    """
    found = np.zeros(max(len(values) - len(weights) + 1, 0))
    for rows in blocks(len(found)):
        kept = found[rows]
        for weight, value in zip(weights, lags(values, rows, len(weights)), strict=True):
            kept += weight * value
    return found
