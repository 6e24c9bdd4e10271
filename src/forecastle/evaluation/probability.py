"""Metrics of class probabilities: log loss, Brier score, area under the ROC curve."""

from __future__ import annotations

import numpy as np

from forecastle.arrays import BoolArray, FloatArray
from forecastle.evaluation.kind import ClassMetric, MeanMetric, probabilities
from forecastle.evaluation.metric import Direction, Outcome
from forecastle.evaluation.rank import midrank

SMALLEST = float(np.finfo(np.float32).eps)
"""Probabilities are raised to this before a logarithm: a forecast is float32, which rounds to it near 1."""


class LogLoss(ClassMetric, MeanMetric):
    """Negative log likelihood of the class that came, in nats; ln K for a forecaster that knows nothing.

    A probability under 1.2e-7 counts as 1.2e-7, so that one window costs 15.9 nats at most and not infinity.
    """

    name = "log_loss"
    unit = "nats"
    direction = Direction.MIN

    def pointwise(self, outcome: Outcome) -> FloatArray:
        """Loss of each window and step, shape (N, H)."""
        came = outcome.target.astype(np.intp)[..., None]
        probability = np.take_along_axis(probabilities(outcome), came, axis=-1)[..., 0]
        return np.asarray(-np.log(np.maximum(probability, SMALLEST)))


class Brier(ClassMetric, MeanMetric):
    """Brier score: **half** the squared distance between the probabilities and what came, from 0 to 1.

    Half of Brier's (1950) sum over the classes, so that for two classes it is the squared error of the probability
    of either one: 0.25 for a forecaster that knows nothing.
    """

    name = "brier"
    unit = "squared probability"
    direction = Direction.MIN

    def pointwise(self, outcome: Outcome) -> FloatArray:
        """Loss of each window and step, shape (N, H)."""
        probability = probabilities(outcome)
        came = outcome.target[..., None] == np.arange(probability.shape[-1])
        return np.asarray(0.5 * np.square(probability - came).sum(axis=-1))


class AUC(ClassMetric):
    """Area under the ROC curve: the chance that a window where the class came had the larger probability of it.

    The Mann–Whitney statistic, ties counting half (Hanley & McNeil 1982). Two classes: of the last one, `up`. More:
    one against the rest, averaged over the classes for which it is defined (macro). NaN where only one class came.
    The score pools all windows and steps.
    """

    name = "auc"

    def score(self, outcome: Outcome) -> float:
        """Area over all windows and steps."""
        probability = probabilities(outcome)
        return _area(probability.reshape(-1, probability.shape[-1]), outcome.target.ravel())

    def by_step(self, outcome: Outcome) -> FloatArray:
        """Area at each step, shape (H,)."""
        probability = probabilities(outcome)
        return np.array([_area(probability[:, h], outcome.target[:, h]) for h in range(outcome.target.shape[1])])

    def pointwise(self, outcome: Outcome) -> FloatArray | None:  # noqa: ARG002
        """None: an area is no mean over windows."""
        return None


def _area(probability: FloatArray, target: FloatArray) -> float:
    """Area for probabilities (M, K) and classes (M,)."""
    count = probability.shape[-1]
    classes = range(count) if count > 2 else range(count - 1, count)
    areas = [_one_against_rest(probability[:, k], target == k) for k in classes]
    defined = [area for area in areas if area is not None]
    return float(np.mean(defined)) if defined else float("nan")


def _one_against_rest(probability: FloatArray, came: BoolArray) -> float | None:
    positive = int(came.sum())
    negative = len(came) - positive
    if positive == 0 or negative == 0:
        return None
    above = midrank(probability)[came].sum() - positive * (positive + 1) / 2
    return float(above / (positive * negative))
