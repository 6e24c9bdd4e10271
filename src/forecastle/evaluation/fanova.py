"""Which settings of a sweep mattered: the functional analysis of variance of a random forest over its runs.

A forest learns the score from the settings. Its mean over a product of independent settings can be split exactly into
what each setting does by itself and what only several do together. The forest is a piece-wise constant guess, so it is
first asked whether it foretells runs that it has not seen; where it does not, its split of the variance means nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from forecastle.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeRegressor

TREES = 64

FEWEST_RUNS = 20
"""Below so many runs a forest has nothing to learn from."""

FEW_VALUES = 10
"""A setting of at most so many values counts as a list of choices, all equally likely; one of more as a range."""

DECADES = 2.0
"""A setting whose values are positive and span so many powers of ten is seen on a logarithmic scale."""


@dataclass(frozen=True)
class Share:
    """Part of the variance of the score that a setting explains by itself.

    Parameters
    ----------
    value
        Its mean over the trees, a fraction.
    low, high
        Between which nine tenths of the trees lie, each grown on its own bootstrap of the runs.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Importance:
    """What the settings of a sweep did to the score.

    Parameters
    ----------
    runs
        How many it is learned from.
    foretold
        Share of the variance of the score that the forest foretells in runs that it has not seen (out of bag); at or
        below 0 it foretells nothing.
    shares
        Of each setting by itself, largest first.
    together
        What is left: what only several settings do together.
    fenced
        Runs so far from the others that they count as if they stood at Tukey's outer fence, three times the distance
        of the quartiles beyond them: one broken setting would be all the variance.
    """

    runs: int
    foretold: float
    shares: dict[str, Share]
    together: Share
    fenced: int


def importance(settings: Mapping[str, Sequence[Any]], scores: FloatArray, seed: int = 0) -> Importance | None:
    r"""Split the variance of a score over the settings that brought it about.

    With the score's forest :math:`\hat f` and settings that are drawn independently, a setting's marginal is

    .. math:: a_U(x_U) = \mathrm{E}[\hat f \mid x_U], \qquad
              \mathbb{S}_j = \mathrm{Var}(a_{\{j\}}) \big/ \mathrm{Var}(\hat f),

    both of which are sums over the leaves of each tree, and exact.

    Parameters
    ----------
    settings
        Value of each setting in each run, N of them: numbers, or anything that is a category by its text.
    scores
        Finite, shape (N,).
    seed
        Of the forest.

    Returns
    -------
    Importance or None
        None where there are fewer than `FEWEST_RUNS` runs, no setting varies, or the score does not.

    References
    ----------
    Hutter, Hoos and Leyton-Brown, An efficient approach for assessing hyperparameter importance, International
    Conference on Machine Learning 2014, algorithm 2. Hooker, Generalized functional ANOVA diagnostics, Journal of
    Computational and Graphical Statistics 16 (2007), 709–732.
    """
    from sklearn.ensemble import RandomForestRegressor

    varying = {name: values for name, values in settings.items() if len({str(value) for value in values}) > 1}
    if len(scores) < FEWEST_RUNS or not varying or np.ptp(scores) <= 1e-12 * np.abs(scores).max():
        return None
    low, high = fences(scores)
    fenced = int(((scores < low) | (scores > high)).sum())
    scores = np.clip(scores, low, high)
    columns = [_placed(values, scores) for values in varying.values()]
    table = np.column_stack(columns)
    scaled = (scores - scores.mean()) / scores.std()
    forest = RandomForestRegressor(TREES, min_samples_leaf=2, oob_score=True, random_state=seed)
    forest.fit(table, scaled)
    grids = [_grid(column) for column in columns]
    found = [split_variance(tree, grids) for tree in forest.estimators_]
    parts = np.array([part for part in found if part is not None])
    if not len(parts):
        return None
    shares = {name: _share(parts[:, place]) for place, name in enumerate(varying)}
    order = sorted(shares, key=lambda name: -shares[name].value)
    together = _share(np.maximum(1 - parts.sum(axis=1), 0.0))
    return Importance(len(scores), float(forest.oob_score_), {name: shares[name] for name in order}, together, fenced)


def fences(scores: FloatArray) -> tuple[float, float]:
    """Tukey's outer fences: three times the distance of the quartiles beyond them; all there is where they are one."""
    quarter, three = np.quantile(scores, (0.25, 0.75))
    if quarter == three:
        return float(scores.min()), float(scores.max())
    return float(4 * quarter - 3 * three), float(4 * three - 3 * quarter)


def split_variance(tree: DecisionTreeRegressor, grids: Sequence[tuple[FloatArray, FloatArray]]) -> FloatArray | None:
    """Share of a tree's variance that each setting explains by itself, exact.

    Parameters
    ----------
    tree
        A fitted regression tree over D settings.
    grids
        Values that each setting takes, ascending, and how likely each is, in sum 1.

    Returns
    -------
    FloatArray or None
        Shape (D,); None where the tree is constant.
    """
    low, high, value = _leaves(tree, len(grids))
    inside = [
        (grid > low[:, [place]]) & (grid <= high[:, [place]]) for place, (grid, _) in enumerate(grids)
    ]  # of each leaf (L) and value (V)
    mass = np.column_stack([held @ likely for held, (_, likely) in zip(inside, grids, strict=True)])
    whole = mass.prod(axis=1)
    mean = float(value @ whole)
    variance = float(value**2 @ whole) - mean**2
    if not variance > 1e-12:
        return None
    shares = np.empty(len(grids))
    for place, (_, likely) in enumerate(grids):
        rest = np.delete(mass, place, axis=1).prod(axis=1)
        marginal = (value * rest) @ inside[place]
        shares[place] = likely @ (marginal - mean) ** 2 / variance
    return shares


def _leaves(tree: DecisionTreeRegressor, settings: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Bounds of each leaf, above `low` and up to `high`, shape (L, D) each, and its value, shape (L,)."""
    nodes = tree.tree_
    low, high = (np.full((nodes.node_count, settings), bound) for bound in (-np.inf, np.inf))
    for node in range(nodes.node_count):  # a parent stands before its children
        left, right = nodes.children_left[node], nodes.children_right[node]
        if left == right:
            continue
        low[[left, right]], high[[left, right]] = low[node], high[node]
        split = nodes.feature[node]
        high[left, split] = low[right, split] = nodes.threshold[node]
    leaf = nodes.children_left == nodes.children_right
    return low[leaf], high[leaf], nodes.value[leaf, 0, 0]


def is_number(values: Sequence[Any]) -> bool:
    """Whether a setting is a number in all runs that have it, and none is a truth value."""
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known)


def is_logarithmic(values: Sequence[float]) -> bool:
    """Whether numbers are to be seen on a logarithmic scale.

    >>> is_logarithmic([0.1, 1, 100]), is_logarithmic([8, 32]), is_logarithmic([0, 1000])
    (True, False, False)
    """
    return min(values) > 0 and max(values) / min(values) >= 10**DECADES


def _placed(values: Sequence[Any], scores: FloatArray) -> FloatArray:
    """Numbers that a tree can split: logarithms, or the rank of a category's mean score.

    A category, or a number that some runs lack, has no order of its own; that of the mean score gives a tree the best
    split of any (Fisher 1958; Breiman et al. 1984).
    """
    if is_number(values) and None not in values:
        numbers = np.array(values, dtype=np.float64)
        if np.isfinite(numbers).all():
            return np.log10(numbers) if is_logarithmic(numbers.tolist()) else numbers
    _, code = np.unique([str(value) for value in values], return_inverse=True)
    mean = np.bincount(code, scores) / np.bincount(code)
    rank: IntArray = np.argsort(np.argsort(mean, kind="stable"), kind="stable")
    return rank[code].astype(np.float64)


def _grid(column: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values of a setting and how likely each is: all alike where they are few, else by the room around each."""
    grid = np.unique(column.astype(np.float32)).astype(np.float64)  # as the trees see them
    if len(grid) <= FEW_VALUES:
        return grid, np.full(len(grid), 1 / len(grid))
    edges = np.concatenate([grid[:1], (grid[1:] + grid[:-1]) / 2, grid[-1:]])
    return grid, np.diff(edges) / (grid[-1] - grid[0])


def _share(values: FloatArray) -> Share:
    low, high = np.quantile(values, (0.05, 0.95))
    return Share(float(values.mean()), float(low), float(high))
