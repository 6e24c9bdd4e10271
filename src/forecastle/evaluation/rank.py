"""Ranks with ties, and the rank correlation of forecast and target in time."""

from __future__ import annotations

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.evaluation.kind import NumberMetric
from forecastle.evaluation.metric import Direction, Outcome


def midrank(values: FloatArray) -> FloatArray:
    """Ranks 1 … M along the last axis, float64; equal values share the mean of their ranks.

    >>> midrank(np.array([0.3, 0.1, 0.3, 0.2]))
    array([3.5, 1. , 3.5, 2. ])
    """
    order = np.argsort(values, axis=-1)
    ascending = np.take_along_axis(values, order, axis=-1)
    place = np.arange(1, values.shape[-1] + 1)
    differs = ascending[..., 1:] != ascending[..., :-1]
    edge = np.ones((*values.shape[:-1], 1), dtype=bool)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, differs], axis=-1), place, 0), axis=-1)
    last = np.where(np.concatenate([differs, edge], axis=-1), place, place[-1])
    last = np.minimum.accumulate(last[..., ::-1], axis=-1)[..., ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2, axis=-1)
    return ranks


class InformationCoefficient(NumberMetric):
    """Spearman's rank correlation in time between median and target, for each symbol and step, then averaged.

    In time, not across symbols: of one market, does a larger forecast go with a larger move? Ties share their mean
    rank (Spearman 1904). A symbol whose median or target never changes has no correlation and is left out of the
    average; NaN where none is left, as for a random walk.
    """

    name = "information_coefficient"
    unit = "correlation"
    direction = Direction.MAX
    needs = (0.5,)

    def score(self, outcome: Outcome) -> float:
        """Mean of the steps that have one; NaN where none has."""
        steps = self.by_step(outcome)
        defined = ~np.isnan(steps)
        return float(steps[defined].mean()) if defined.any() else float("nan")

    def by_step(self, outcome: Outcome) -> FloatArray:
        """Mean over the symbols at each step, shape (H,)."""
        median, target = self.quantiles(outcome)[0].T, outcome.target.T
        rows = [outcome.symbol == symbol for symbol in np.unique(outcome.symbol)]
        each = np.array([_spearman(median[:, row], target[:, row]) for row in rows])
        defined = ~np.isnan(each)
        total = np.where(defined, each, 0.0).sum(axis=0)
        return np.where(defined.any(axis=0), total / np.maximum(defined.sum(axis=0), 1), np.nan)

    def pointwise(self, outcome: Outcome) -> FloatArray | None:  # noqa: ARG002
        """None: a correlation is no mean."""
        return None


def _spearman(first: FloatArray, second: FloatArray) -> FloatArray:
    """Rank correlation along the last axis, shape (H,); NaN where one side is constant."""
    if np.all(first == first[:, :1]):
        return np.full(len(first), np.nan)
    a, b = (ranks - ranks.mean(axis=-1, keepdims=True) for ranks in (midrank(first), midrank(second)))
    scale = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    return np.where(scale > 0, (a * b).sum(axis=-1) / np.where(scale > 0, scale, 1.0), np.nan)
