"""Permutation importance: how much worse a forecast gets once an input no longer belongs to its window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from forecastle.arrays import BoolArray, FloatArray, IntArray, TimeArray
from forecastle.errors import ModelError
from forecastle.evaluation.bootstrap import block_length, fewest_origins, interval, resampled_means
from forecastle.evaluation.metric import Direction, Metric, Outcome
from forecastle.evaluation.substitution import inputs_of, substituted
from forecastle.logs import progress
from forecastle.models.forecast import ClassForecast, QuantileForecast
from forecastle.windows.context import Context, Windows

CELLS = 2**23
"""Numbers of features that are laid out at a time."""

Ask: TypeAlias = Callable[[Context], QuantileForecast | ClassForecast]
"""A fitted model, asked for its forecast."""


@dataclass(frozen=True, eq=False)
class Increase:
    """What the permutation of each of G groups of inputs costs on N windows of one fold.

    Parameters
    ----------
    repeats
        Increase of the loss, in the unit of the objective, in each of R permutations, shape (G, R).
    windows
        Its share in each window, averaged over permutations and steps, shape (G, N); None where the objective is no
        mean over windows.
    origin
        Of the windows, shape (N,), UTC.
    """

    repeats: FloatArray
    windows: FloatArray | None
    origin: TimeArray


@dataclass(frozen=True)
class Importance:
    """The importance of one group of inputs, in the unit of the objective; more is more important.

    Parameters
    ----------
    name
        Of the group.
    value
        Mean increase of the loss over all windows of all folds.
    low, high
        Its 95 % interval over blocks of time; None where the objective is no mean or there are too few origins.
    folds
        Mean increase in each fold.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    folds: tuple[float, ...]


def permuted_blocks(origin: TimeArray, symbol: IntArray, horizon: int, random: np.random.Generator) -> IntArray:
    """For each window the number of the one whose inputs it gets: blocks of windows in a row change places.

    A block keeps the order of its windows, so that inputs keep most of their dependence in time, and only that with
    the target is lost. Where the first block begins is drawn anew each time; windows stay with their symbol.

    Parameters
    ----------
    origin, symbol
        Of N windows, shape (N,).
    horizon
        H, in bars: blocks are as long as those of the bootstrap (`block_length`).
    random
        Draws the places.

    Returns
    -------
    IntArray
        A permutation of 0 … N − 1.

    Raises
    ------
    ModelError
        If a symbol has too few windows for five blocks.
    """
    donor = np.empty(len(origin), dtype=np.intp)
    for number in np.unique(symbol):
        mine = np.flatnonzero(symbol == number)
        mine = mine[np.argsort(origin[mine], kind="stable")]
        count = len(mine)
        if count < fewest_origins(horizon):
            raise ModelError(
                f"importance needs at least {fewest_origins(horizon)} validation windows of each symbol, got {count}"
            )
        length = block_length(count, horizon)
        turned = np.roll(mine, -int(random.integers(length)))
        blocks = np.split(turned, np.arange(length, count, length))
        donor[turned] = np.concatenate([blocks[place] for place in random.permutation(len(blocks))])
    return donor


def permutation_increase(
    ask: Ask, windows: Windows, metric: Metric, groups: Mapping[str, Sequence[str]], repeats: int, seed: int
) -> Increase:
    """Permute one group of inputs after the other and score what a fitted model then forecasts.

    Permutation importance (Breiman 2001; Fisher, Rudin & Dominici 2019), with blocks in place of single windows: the
    model is not fitted again. Inputs that say the same share their importance, and each alone may seem to have none,
    which is what groups are for.

    Parameters
    ----------
    ask
        The fitted model.
    windows
        N windows of a part that the model was not fitted on.
    metric
        The objective.
    groups
        Names of inputs (`forecastle.evaluation.substitution.inputs_of`) that are permuted together, by group.
    repeats
        R, permutations; each is the same for all groups.
    seed
        Of the permutations.

    Raises
    ------
    ModelError
        If a symbol has too few windows for five blocks.
    """
    context = windows.context
    random = np.random.default_rng(seed)
    donors = [permuted_blocks(context.origin, context.symbol, context.task.horizon, random) for _ in range(repeats)]
    names = inputs_of(context)
    masks = [np.isin(names, list(members)) for members in groups.values()]
    unchanged = _score(ask, windows, metric, context, np.zeros(len(names), dtype=bool))
    worse = -1.0 if metric.direction is Direction.MAX else 1.0
    total = np.empty((len(masks), repeats))
    each = np.zeros((len(masks), len(windows)))
    calls = [(group, repeat) for group in range(len(masks)) for repeat in range(repeats)]
    for group, repeat in progress(calls, len(calls), "importance, permutations"):
        score, values = _score(ask, windows, metric, context[donors[repeat]], masks[group])
        total[group, repeat] = worse * (score - unchanged[0])
        if values is not None and unchanged[1] is not None:
            each[group] += worse * (values - unchanged[1]) / repeats
    return Increase(total, None if unchanged[1] is None else each, context.origin)


def importances(names: Sequence[str], folds: Sequence[Increase], horizon: int, seed: int) -> list[Importance]:
    """Summarise the increases of all folds, the most important group first.

    Parameters
    ----------
    names
        Of the G groups.
    folds
        What `permutation_increase` gave for each fold.
    horizon
        H, in bars, for the blocks of the interval (`forecastle.evaluation.bootstrap`).
    seed
        Of the resamples.
    """
    sizes = np.array([len(fold.origin) for fold in folds])
    by_fold = np.array([fold.repeats.mean(axis=1) for fold in folds])  # (folds, G)
    value = sizes @ by_fold / sizes.sum()
    parts = [fold.windows for fold in folds if fold.windows is not None]
    origin = np.concatenate([fold.origin for fold in folds])
    means = resampled_means(np.concatenate(parts, axis=1), origin, horizon, seed) if len(parts) == len(folds) else None
    count = len(np.unique(origin))
    found = []
    for group, name in enumerate(names):
        low, high = (None, None) if means is None else interval(means[group], count / block_length(count, horizon))
        found.append(Importance(name, float(value[group]), low, high, tuple(by_fold[:, group].tolist())))
    return sorted(found, key=lambda each: -each.value)


def forecast_with(ask: Ask, context: Context, lent: Context, taken: BoolArray) -> QuantileForecast | ClassForecast:
    """What a model forecasts with some inputs of other windows (`substituted`), a bounded number at a time."""
    room = max(1, CELLS // (context.past_length * taken.shape[-1]))
    forecasts = []
    for start in range(0, len(context), room):
        rows = np.arange(start, min(start + room, len(context)))
        mask = taken if taken.ndim == 1 else taken[rows]
        forecasts.append(ask(substituted(context[rows], lent[rows], mask)))
    return replace(forecasts[0], values=np.concatenate([each.values for each in forecasts]))


def _score(
    ask: Ask, windows: Windows, metric: Metric, lent: Context, taken: BoolArray
) -> tuple[float, FloatArray | None]:
    """Score of the metric, and its value in each window (N,) where it is a mean."""
    context = windows.context
    forecast = forecast_with(ask, context, lent, taken)
    outcome = Outcome(forecast, windows.target, context.past[:, -1], context.origin, context.symbol)
    values = metric.pointwise(outcome)
    if values is None:
        return metric.score(outcome), None
    return float(values.mean()), values.mean(axis=1)
