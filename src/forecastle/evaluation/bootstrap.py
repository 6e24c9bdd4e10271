"""Is it luck? Block bootstrap over time of mean losses, several forecasters on the same resampled blocks.

Compare forecasters by the interval of their skill, not by whether the intervals of their mean losses overlap. Calm and
wild times meet model and baseline alike, so that a skill's interval holds close to 95 % on simulated returns with
volatility regimes. The interval of a mean loss covers less there: it speaks of the regimes that the sample holds, and
the next year's volatility may lie outside of them.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from forecastle.arrays import FloatArray, IntArray, TimeArray

RESAMPLES = 1000
"""Resamples behind every interval."""

FEWEST_BLOCKS = 5
"""With fewer blocks than this no interval is given: it would be far too narrow."""


def block_length(origins: int, horizon: int) -> int:
    """Length of a block, in origins: ``max(2·H, ⌈2·origins^(1/3)⌉)``.

    Targets of neighbouring origins overlap for H bars, so their losses are dependent for as long: a block of twice
    that keeps most of it. The cube root is the growth that makes the error of a bootstrap variance smallest (Hall,
    Horowitz & Jing 1995), for the dependence that calm and wild times bring.

    >>> block_length(1000, 5), block_length(1000, 24)
    (20, 48)
    """
    return max(2 * horizon, math.ceil(2.0 * math.cbrt(origins)))


def fewest_origins(horizon: int) -> int:
    """Fewest origins for which an interval is given: they make `FEWEST_BLOCKS` blocks.

    >>> fewest_origins(1), fewest_origins(24)
    (35, 240)
    """
    return next(origins for origins in itertools.count(1) if origins >= FEWEST_BLOCKS * block_length(origins, horizon))


def resampled_means(losses: FloatArray, origin: TimeArray, horizon: int, seed: int) -> FloatArray | None:
    """Mean loss of each forecaster in each resample of the time axis.

    Circular block bootstrap (Politis & Romano 1992): blocks of origins in a row, drawn with replacement from the time
    axis closed to a circle, are laid one after the other until there are as many origins as before; the last one is
    cut to fit. Symbols at the same origin move together, so their windows are drawn together. Every forecaster sees
    the same blocks: differences and ratios of rows are paired.

    Parameters
    ----------
    losses
        Loss of each window, one row for each of M forecasters, shape (M, N).
    origin
        Origin of each window, shape (N,), in any order.
    horizon
        H, in bars.
    seed
        Of the blocks that are drawn.

    Returns
    -------
    FloatArray or None
        Shape (M, RESAMPLES); None where the origins make fewer than `FEWEST_BLOCKS` blocks.
    """
    distinct, place = np.unique(origin, return_inverse=True)
    count = len(distinct)
    length = block_length(count, horizon)
    if count < FEWEST_BLOCKS * length:
        return None
    blocks = math.ceil(count / length)
    rest = count - (blocks - 1) * length
    starts = np.random.default_rng(seed).integers(0, count, (RESAMPLES, blocks))
    windows = np.bincount(place).astype(np.float64)
    sums = [np.bincount(place, row).astype(np.float64) for row in losses]
    totals = np.array([_block_totals(each, starts, length, rest) for each in sums])
    even = windows.min() == windows.max()
    drawn = np.float64(count * windows[0]) if even else _block_totals(windows, starts, length, rest)
    return np.asarray(totals / drawn)


def _block_totals(values: FloatArray, starts: IntArray, length: int, rest: int) -> FloatArray:
    """Sum over each resample, (RESAMPLES,), of values (T,) in full blocks and a last one of `rest`."""
    count = len(values)
    running = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values[: length - 1]]))])
    full = running[length:] - running[:-length]
    last = running[rest : rest + count] - running[:count]
    return np.asarray(full[starts[:, :-1]].sum(axis=1) + last[starts[:, -1]])


def interval(values: FloatArray, blocks: float) -> tuple[float, float]:
    """95 % interval from resampled values, shape (RESAMPLES,): their percentiles, widened for few blocks (`widening`).

    Parameters
    ----------
    values
        One number for each resample.
    blocks
        How many blocks the origins make: their number over `block_length`, above 1.
    """
    low, high = np.quantile(values, (0.025, 0.975))
    extra = (widening(1.96, blocks) - 1) * (high - low) / 2
    return float(low - extra), float(high + extra)


def widening(quantile: float, blocks: float) -> float:
    """By what an interval of so many normal standard errors is to be widened where they come from few blocks.

    A bootstrap of k blocks finds a variance ``(k − 1)/k`` of the true one, and the normal's quantile z should be
    Student's with ``k − 1`` degrees of freedom, ``z·(1 + (z² + 1)/(4(k − 1)))`` to first order.
    """
    return math.sqrt(blocks / (blocks - 1)) * (1 + (quantile**2 + 1) / (4 * (blocks - 1)))
