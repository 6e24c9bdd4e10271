"""Metrics of the most probable class, all read from one confusion matrix: MCC, F1, balanced accuracy."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.evaluation.kind import ClassMetric, probabilities
from forecastle.evaluation.metric import Outcome


def confusion(outcome: Outcome) -> FloatArray:
    """Windows by class that came (rows) and most probable class (columns) at each step, shape (H, K, K).

    Classes that share the largest probability share the window, so that a forecaster without an opinion is not
    taken for one that always says the first class.
    """
    probability = probabilities(outcome)
    largest = (probability == probability.max(axis=-1, keepdims=True)).astype(np.float64)
    share = largest / largest.sum(axis=-1, keepdims=True)
    came = (outcome.target[..., None] == np.arange(probability.shape[-1])).astype(np.float64)
    return np.asarray(came.transpose(1, 2, 0) @ share.transpose(1, 0, 2))


class ConfusionMetric(ClassMetric, ABC):
    """A metric that is a function of the confusion matrix; the score pools all windows and steps.

    NaN where only one class came: nothing can then be told apart.
    """

    @abstractmethod
    def of(self, matrix: FloatArray) -> float:
        """The number for one matrix, shape (K, K), in which at least two classes came."""

    def score(self, outcome: Outcome) -> float:
        """The number over all windows and steps."""
        return self._guarded(confusion(outcome).sum(axis=0))

    def by_step(self, outcome: Outcome) -> FloatArray:
        """The number at each step, shape (H,)."""
        return np.array([self._guarded(matrix) for matrix in confusion(outcome)])

    def pointwise(self, outcome: Outcome) -> FloatArray | None:  # noqa: ARG002
        """None: it is no mean over windows."""
        return None

    def _guarded(self, matrix: FloatArray) -> float:
        return self.of(matrix) if np.count_nonzero(matrix.sum(axis=1)) > 1 else float("nan")


class MCC(ConfusionMetric):
    """Matthews' correlation coefficient, for K classes the R_K of Gorodkin (2004); 0 where one class is always said."""

    name = "mcc"
    unit = "correlation"

    def of(self, matrix: FloatArray) -> float:
        """Correlation of what came with what was said."""
        came, said, total = matrix.sum(axis=1), matrix.sum(axis=0), matrix.sum()
        scale = np.sqrt((total**2 - came @ came) * (total**2 - said @ said))
        return float((total * np.trace(matrix) - came @ said) / scale) if scale > 0 else 0.0


class F1(ConfusionMetric):
    """F1 averaged over the classes that came or were said (macro), so that `down` counts as much as `up`.

    The F1 of `up` alone rewards a forecaster that always says `up`.
    """

    name = "f1"

    def of(self, matrix: FloatArray) -> float:
        """Mean over the classes of ``2·hits / (came + said)``."""
        both = matrix.sum(axis=1) + matrix.sum(axis=0)
        used = both > 0
        return float(np.mean(2 * np.diag(matrix)[used] / both[used]))


class BalancedAccuracy(ConfusionMetric):
    """Share of right classes, averaged over the classes that came; 1/K for a forecaster that knows nothing."""

    name = "balanced_accuracy"

    def of(self, matrix: FloatArray) -> float:
        """Mean recall."""
        came = matrix.sum(axis=1)
        return float(np.mean(np.diag(matrix)[came > 0] / came[came > 0]))
