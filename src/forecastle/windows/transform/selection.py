"""Selection: which features are kept, by what they are among themselves or by what they say of the target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from forecastle.arrays import FloatArray, IntArray
from forecastle.errors import ConfigError, FeatureError
from forecastle.windows.transform.step import Rows, Training

Verdicts = dict[str, dict[str, Any]]
"""For each feature whether it is ``kept``, and the figures that decided it."""


class Selection(ABC):
    """A step that keeps some of the features, in their order, bit for bit."""

    memory = 0
    fills = False

    def __init__(self) -> None:
        self._rows = 0
        self._kept: tuple[str, ...] = ()
        self._verdicts: Verdicts = {}

    @abstractmethod
    def judge(self, training: Training) -> Verdicts:
        """Say of each feature whether it is kept, and why; the order is the report's."""

    def fit(self, training: Training) -> Self:
        """Judge the features on the training rows.

        Raises
        ------
        FeatureError
            If none would be kept.
        """
        verdicts = self.judge(training)
        kept = tuple(name for name in training.rows.columns if verdicts[name]["kept"])
        if not kept:
            raise FeatureError(f"a selection must keep at least one of {len(verdicts)} features, got none: {verdicts}")
        self._rows, self._kept, self._verdicts = len(training.rows.values), kept, verdicts
        return self

    def apply(self, rows: Rows) -> Rows:
        """Keep the chosen columns."""
        return rows.keep(self._kept)

    def state(self) -> dict[str, Any]:
        """Names that are kept, and the verdicts."""
        return {"rows": self._rows, "kept": list(self._kept), "verdicts": self._verdicts}

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave."""
        self._rows = int(state["rows"])
        self._kept = tuple(state["kept"])
        self._verdicts = {name: dict(verdict) for name, verdict in state["verdicts"].items()}
        return self

    def report(self) -> dict[str, Any]:
        """Number of training rows, features kept of how many, and the verdict on each."""
        count = f"{len(self._kept)} of {len(self._verdicts)}"
        return {"rows": self._rows, "kept": count, "features": self._verdicts}


class SelectVariance(Selection):
    """Features whose variance (of the population) on the training rows is above a threshold.

    Parameters
    ----------
    threshold
        In the square of each feature's unit, at least 0; 0 leaves out the constant ones.

    Raises
    ------
    ConfigError
        If `threshold` is negative.
    """

    def __init__(self, threshold: float = 0.0) -> None:
        super().__init__()
        if threshold < 0:
            raise ConfigError(f"threshold must be at least 0, got {threshold}")
        self.threshold = threshold

    def judge(self, training: Training) -> Verdicts:
        """Compare each variance with the threshold, the smallest first."""
        variance = training.rows.values.var(axis=0, dtype=np.float64)
        found = sorted(zip(training.rows.columns, variance.tolist(), strict=True), key=lambda pair: pair[1])
        return {name: {"kept": value > self.threshold, "variance": value} for name, value in found}


class SelectCorrelation(Selection):
    """Of features that say the same, the first: one after the other, each unless an earlier kept one is too like it.

    Likeness is the absolute Pearson correlation on the training rows; a constant feature is like no other.

    Parameters
    ----------
    threshold
        Absolute correlation above which a feature is left out, inside (0, 1].

    Raises
    ------
    ConfigError
        If `threshold` is outside (0, 1].
    """

    def __init__(self, threshold: float = 0.95) -> None:
        super().__init__()
        if not 0 < threshold <= 1:
            raise ConfigError(f"threshold must lie inside (0, 1], got {threshold}")
        self.threshold = threshold

    def judge(self, training: Training) -> Verdicts:
        """Find for each feature the earlier kept one that is most like it; the greatest likeness first."""
        names = training.rows.columns
        values = standardized(training.rows.values)
        likeness = np.abs(values.T @ values) / len(values)
        kept: list[int] = []
        verdicts: Verdicts = {}
        for number, name in enumerate(names):
            verdicts[name] = {"kept": True, "correlation": None, "with": None}
            if kept:
                closest = kept[int(np.argmax(likeness[number, kept]))]
                value = min(float(likeness[number, closest]), 1.0)
                verdicts[name] = {"kept": value <= self.threshold, "correlation": value, "with": names[closest]}
            if verdicts[name]["kept"]:
                kept.append(number)
        return dict(sorted(verdicts.items(), key=lambda pair: -(pair[1]["correlation"] or 0.0)))


class SelectMutualInformation(Selection):
    r"""The features that share most information with the target, on the rows of the training origins.

    Feature and target are each cut into bins of equally many rows (a class is its own bin), and

    .. math:: I = \sum_{ij} p_{ij} \log \frac{p_{ij}}{p_i p_j} - \frac{(a - 1)(b - 1)}{2 N}

    in nats, where the second term, of a and b bins that are in use, is what independent rows would show on average
    (Miller 1955; Roulston, Physica D 125 (1999), 285–294). It is averaged over the steps of the horizon. Targets
    of neighbouring rows overlap, so chance may show a little more than nothing: what counts is the order.

    Parameters
    ----------
    count
        Features that are kept, at least 1; all where there are fewer.
    bins
        Bins of feature and target, at least 2.

    Raises
    ------
    ConfigError
        If `count` or `bins` is too small.
    """

    def __init__(self, count: int = 10, bins: int = 10) -> None:
        super().__init__()
        if count < 1 or bins < 2:
            raise ConfigError(f"count must be at least 1 and bins at least 2, got {count} and {bins}")
        self.count = count
        self.bins = bins

    def judge(self, training: Training) -> Verdicts:
        """Rank the features by their mean information."""
        target = training.target.T
        labels = [step.astype(np.int64) if training.classes else _binned(step, self.bins) for step in target]
        scores = [
            float(np.mean([information(feature, label) for label in labels]))
            for feature in (_binned(column, self.bins) for column in training.inputs.T)
        ]
        return ranked(training.rows.columns, scores, self.count, "information")


def standardized(values: FloatArray) -> FloatArray:
    """Columns with mean 0 and standard deviation 1, float64; constant ones become 0."""
    apart = values - values.mean(axis=0, dtype=np.float64)
    width = np.sqrt(np.mean(apart**2, axis=0))
    scaled: FloatArray = apart / np.where(width == 0, 1.0, width)
    return scaled


def ranked(columns: tuple[str, ...], scores: list[float], count: int, name: str) -> Verdicts:
    """Verdicts that keep the `count` highest scores, highest first; of equal ones the earlier column."""
    order = sorted(range(len(columns)), key=lambda number: (-scores[number], number))
    return {
        columns[number]: {"kept": place < count, "rank": place + 1, name: scores[number]}
        for place, number in enumerate(order)
    }


def information(first: IntArray, second: IntArray) -> float:
    """Mutual information of two labels of the same rows in nats, less what independent rows would show."""
    width = int(second.max()) + 1
    joint = np.bincount(first * width + second, minlength=(int(first.max()) + 1) * width).reshape(-1, width)
    share = joint / len(first)
    product = share.sum(axis=1)[:, None] * share.sum(axis=0)
    used = joint > 0
    chance = (np.count_nonzero(used.any(axis=1)) - 1) * (np.count_nonzero(used.any(axis=0)) - 1) / (2 * len(first))
    return float(np.sum(share[used] * np.log(share[used] / product[used])) - chance)


def _binned(values: FloatArray, bins: int) -> IntArray:
    """Number of the bin of each value, shape (N,); equal values share a bin."""
    edges = np.quantile(values, np.arange(1, bins) / bins)
    return np.searchsorted(edges, values, side="right")
