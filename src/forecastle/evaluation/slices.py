"""Where does the skill sit? Windows in slices of time, volatility and symbol, and the skill in each, judged together.

Whoever looks at thirty slices finds one that shines by luck. So the intervals here hold for all slices of a part at
once: with 95 % probability none of them misses its true value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from forecastle.arrays import FloatArray, IntArray, TimeArray
from forecastle.evaluation.bootstrap import RESAMPLES, block_length, widening
from forecastle.evaluation.metric import Direction, Metric, Outcome

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

REGIMES = ("calm", "normal", "wild")
"""Names of the thirds of volatility, in ascending order."""

FEWEST = 10.0
"""With fewer blocks than this a slice has no interval: far out, where many slices are looked at, it would be wrong."""


@dataclass(frozen=True, eq=False)
class Slicing:
    """One way to cut windows into slices.

    Parameters
    ----------
    name
        ``symbol``, ``hour``, ``weekday``, ``regime`` or ``year``.
    labels
        Name of each slice that has windows.
    group
        Number of each window's slice, shape (N,); −1 where it is in none.
    """

    name: str
    labels: tuple[str, ...]
    group: IntArray


def regime_of(scale: FloatArray, symbol: IntArray, train_scale: FloatArray, train_symbol: IntArray) -> IntArray:
    """Third of volatility that each window lies in, by thresholds of the training windows of its symbol.

    Nothing looks ahead: the volatility is that at the origin, and the thresholds are fixed before the first origin.
    Thirds of the training part need not be thirds of another: a crisis may be wild from end to end.

    Parameters
    ----------
    scale, symbol
        EWMA volatility per bar at the origin and number of the symbol, shape (N,).
    train_scale, train_symbol
        The same of the training windows.

    Returns
    -------
    IntArray
        Number in `REGIMES`, shape (N,), int8; −1 for a symbol without training windows.

    Examples
    --------
    >>> train = np.arange(1.0, 10.0)
    >>> regime_of(np.array([1.0, 5.0, 20.0]), np.zeros(3, int), train, np.zeros(9, int))
    array([0, 1, 2], dtype=int8)
    """
    regime = np.full(len(scale), -1, dtype=np.int8)
    for number in np.unique(symbol):
        known = train_scale[train_symbol == number]
        if len(known):
            mine = symbol == number
            regime[mine] = np.searchsorted(np.quantile(known, (1 / 3, 2 / 3)), scale[mine], side="left")
    return regime


def slicings(origin: TimeArray, symbol: IntArray, symbols: Sequence[str], regime: IntArray) -> tuple[Slicing, ...]:
    """Every way to cut these windows that gives at least two slices.

    Hour, weekday and calendar year are those (UTC) of the last instant of the newest bar that is known: a daily bar of
    Friday, known at midnight, counts as Friday.

    Parameters
    ----------
    origin
        Known time of each window's last bar, UTC, shape (N,).
    symbol
        Number of the symbol, shape (N,).
    symbols
        Names of all symbols.
    regime
        As `regime_of` gives it, shape (N,).
    """
    instant = origin - np.timedelta64(1, "us")
    day = instant.astype("datetime64[D]")
    hour = (instant - day) // np.timedelta64(1, "h")
    year = instant.astype("datetime64[Y]").astype(np.int64) + 1970
    found = [
        _slicing("symbol", symbol, dict(enumerate(symbols))),
        _slicing("hour", hour, {number: f"{number:02d} h" for number in range(24)}),
        _slicing("weekday", (day.astype(np.int64) + 3) % 7, dict(enumerate(WEEKDAYS))),
        _slicing("regime", regime, dict(enumerate(REGIMES))),
        _slicing("year", year, {int(number): str(number) for number in np.unique(year)}),
    ]
    return tuple(each for each in found if len(each.labels) > 1)


def _slicing(name: str, number: IntArray, labels: dict[int, str]) -> Slicing:
    present, place = np.unique(number, return_inverse=True)
    outside = int(present[0] < 0)
    return Slicing(name, tuple(labels[int(each)] for each in present[outside:]), place - outside)


def score_slices(outcome: Outcome, metric: Metric, slicing: Slicing) -> FloatArray:
    """Any metric in each slice, shape (number of labels,); NaN where it is undefined."""
    return np.array([metric.score(outcome[slicing.group == number]) for number in range(len(slicing.labels))])


def slice_means(values: FloatArray, slicing: Slicing) -> FloatArray:
    """Mean in each slice, shape (number of labels,), of values of each window (N,)."""
    inside = slicing.group >= 0
    group = slicing.group[inside]
    return np.asarray(np.bincount(group, values[inside]) / np.bincount(group))


def skill_slices(
    model: FloatArray,
    baseline: FloatArray,
    direction: Direction,
    origin: TimeArray,
    horizon: int,
    cuts: Sequence[Slicing],
    seed: int,
) -> dict[str, list[dict[str, Any]]]:
    r"""Skill against a baseline in each slice, with intervals that hold for all slices at once.

    The skill is one less the ratio of summed losses. Its error is that of the ratio to first order, summed over blocks
    of origins in a row (`forecastle.evaluation.bootstrap.block_length`), which are independent of each other, nearly:

    .. math:: d_{bk} = \frac{\sum_{i \in b \cap k} (m_i - r_k\, w_i)}{\sum_{i \in k} w_i}, \qquad
              \hat\sigma_k^2 = \sum_b d_{bk}^2

    with losses m of the model and w of the baseline, :math:`r_k` their ratio in slice k. The half width of all
    intervals is :math:`c\,\hat\sigma_k`, where c is the 95 % quantile of :math:`\max_k |\sum_b g_b d_{bk}| /
    \hat\sigma_k` over independent normal multipliers g: a block multiplier bootstrap of the largest deviation
    (Chernozhukov, Chetverikov & Kato 2013), which knows how slices hang together, where Bonferroni would count each
    as one more. It is widened for slices of few blocks, as the house's other intervals are; blocks of little loss
    count for little (Kish's effective number, by the baseline's loss in each).

    Parameters
    ----------
    model, baseline
        Objective of each window, shape (N,).
    direction
        Which way the objective is better; where it is maximised, 1 is perfect.
    origin
        Shape (N,), UTC, in any order.
    horizon
        H, in bars.
    cuts
        As `slicings` gives them.
    seed
        Of the multipliers.

    Returns
    -------
    dict
        For each way to cut, one entry for each slice, in its order: ``value low high``. The ends are None in slices of
        fewer than `FEWEST` blocks, the value is None where the baseline is perfect.
    """
    if direction is Direction.MAX:
        model, baseline = 1 - model, 1 - baseline
    distinct, place = np.unique(origin, return_inverse=True)
    block = place // block_length(len(distinct), horizon)
    parts = [_by_block(np.stack([model, baseline]), block, cut) for cut in cuts]
    ours, theirs = np.concatenate(parts, axis=2) if parts else np.zeros((2, 1, 0))
    total = theirs.sum(axis=0)
    ratio = np.divide(ours.sum(axis=0), total, out=np.full(len(total), np.nan), where=total > 0)
    error = np.divide(ours - ratio * theirs, total, out=np.zeros_like(ours), where=total > 0)
    size = np.sqrt(np.square(error).sum(axis=0))
    blocks = np.divide(total**2, np.square(theirs).sum(axis=0), out=np.zeros_like(total), where=total > 0)
    judged = blocks >= FEWEST
    scaled = np.divide(error, size, out=np.zeros_like(error), where=size > 0)[:, judged]
    critical = (
        float(np.quantile(np.abs(_multipliers(seed, len(error)) @ scaled).max(axis=1), 0.95))
        if judged.any()
        else math.nan
    )
    half = [
        critical * widening(critical, n) * s if fine else None for fine, n, s in zip(judged, blocks, size, strict=True)
    ]
    entries = iter(
        {
            "value": 1 - r if math.isfinite(r) else None,
            "low": None if h is None else 1 - r - h,
            "high": None if h is None else 1 - r + h,
        }
        for r, h in zip(ratio.tolist(), half, strict=True)
    )
    return {cut.name: [next(entries) for _ in cut.labels] for cut in cuts}


@lru_cache(maxsize=1)
def _multipliers(seed: int, blocks: int) -> FloatArray:
    """Normal multipliers of blocks, shape (RESAMPLES, blocks): the same for all models on the same windows."""
    return np.random.default_rng(seed).standard_normal((RESAMPLES, blocks))


def _by_block(values: FloatArray, block: IntArray, cut: Slicing) -> FloatArray:
    """Sums of rows of values (R, N) in each block and slice, shape (R, blocks, slices)."""
    width, inside = len(cut.labels), cut.group >= 0
    cell = block[inside] * width + cut.group[inside]
    length = (int(block.max()) + 1) * width
    return np.array([np.bincount(cell, row[inside], length).reshape(-1, width) for row in values])
