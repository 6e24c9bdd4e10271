"""Metrics of the median: absolute and squared error, and the share of right signs."""

from __future__ import annotations

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.evaluation.kind import MeanMetric, NumberMetric
from forecastle.evaluation.metric import Direction, Outcome
from forecastle.windows.context import Target


class MAE(NumberMetric, MeanMetric):
    """Mean absolute error of the median, in the unit of the target."""

    name = "mae"
    needs = (0.5,)

    def pointwise(self, outcome: Outcome) -> FloatArray:
        """Absolute error of each window and step, shape (N, H)."""
        return np.asarray(np.abs(outcome.target - self.quantiles(outcome)[0]))


class RMSE(NumberMetric):
    """Root mean squared error of the median, in the unit of the target.

    The median, not the mean, is scored: for skewed targets that costs something, for every forecaster alike.
    """

    name = "rmse"
    needs = (0.5,)

    def score(self, outcome: Outcome) -> float:
        """Root of the mean over all windows and steps."""
        return float(np.sqrt(np.mean(self._squared(outcome))))

    def by_step(self, outcome: Outcome) -> FloatArray:
        """Root of the mean over the windows at each step, shape (H,)."""
        return np.asarray(np.sqrt(self._squared(outcome).mean(axis=0)))

    def pointwise(self, outcome: Outcome) -> FloatArray | None:  # noqa: ARG002
        """None: a root of a mean is no mean."""
        return None

    def _squared(self, outcome: Outcome) -> FloatArray:
        return np.asarray(np.square(outcome.target - self.quantiles(outcome)[0]))


class HitRate(NumberMetric, MeanMetric):
    """Share of windows where the median has the sign of the target; 0.5 is a coin.

    A median or a target of zero has no sign and counts **half**, as a coin tossed for it would in expectation. So a
    forecaster without an opinion (a random walk without drift) scores 0.5 exactly, a market that stands still is no
    hit for anybody, and nothing can be gained by being silent. Signed targets only: a volatility has one sign.
    """

    name = "hit_rate"
    unit = "fraction"
    direction = Direction.MAX
    needs = (0.5,)

    def suits(self, target: Target) -> bool:
        """True for targets that can be negative."""
        return target.lower is None or target.lower < 0

    def pointwise(self, outcome: Outcome) -> FloatArray:
        """1 for a hit, 0 for a miss, 0.5 where a sign is missing, shape (N, H)."""
        return np.asarray(0.5 + 0.5 * np.sign(self.quantiles(outcome)[0]) * np.sign(outcome.target))
