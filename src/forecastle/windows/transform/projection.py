"""Principal components: the directions in which the features vary most, in place of the features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, FeatureError
from forecastle.windows.transform.step import Rows, Training

LARGEST = 3
"""Features that the report names for each component."""


class PrincipalComponents:
    """Uncorrelated sums of the features in their place, those of most variance first: ``pca_1``, ``pca_2`` and so on.

    The features are centred, not scaled: put a scaling step before it, or the feature of the largest unit decides.
    Directions are the eigenvectors of the training rows' covariance; the largest weight of each is positive, so that
    the same rows give the same signs (Jolliffe, Principal Component Analysis, 2002, section 2.1).

    Parameters
    ----------
    components
        How many, where it is whole and at least 1 (all that vary where there are fewer); or, inside (0, 1), the share
        of the variance that is to be explained, by as few as will do.

    Raises
    ------
    ConfigError
        If `components` is neither.
    """

    memory = 0
    fills = False

    def __init__(self, components: int | float = 0.95) -> None:
        if not (0 < components < 1 or (components >= 1 and components == int(components))):
            raise ConfigError(f"components must be whole and at least 1, or a share inside (0, 1), got {components}")
        self.components = components
        self._rows = 0
        self._columns: list[str] = []
        self._mean: FloatArray = np.zeros(0)
        self._weights: FloatArray = np.zeros((0, 0))
        self._shares: list[float] = []

    def fit(self, training: Training) -> Self:
        """Learn mean and directions, in float64.

        Raises
        ------
        FeatureError
            If no feature varies.
        """
        values = training.rows.values.astype(np.float64)
        mean = values.mean(axis=0)
        apart = values - mean
        variance, directions = np.linalg.eigh(apart.T @ apart / len(values))
        variance, directions = np.maximum(variance[::-1], 0), directions.T[::-1]
        varying = int(np.count_nonzero(variance > variance[0] * len(variance) * np.finfo(np.float64).eps))
        if not varying:
            raise FeatureError(f"principal components want features that vary, got {len(variance)} constant ones")
        shares = variance / variance.sum()
        if self.components < 1:
            enough = int(np.searchsorted(np.cumsum(shares), self.components)) + 1
        else:
            enough = int(self.components)
        kept = directions[: min(enough, varying)]
        sign = np.sign(kept[np.arange(len(kept)), np.argmax(np.abs(kept), axis=1)])
        self._rows, self._columns, self._mean = len(values), list(training.rows.columns), mean
        self._weights = kept * sign[:, None]
        self._shares = shares[: len(kept)].tolist()
        return self

    def apply(self, rows: Rows) -> Rows:
        """Give the components of each row; a row that lacks a feature lacks them all."""
        columns = tuple(f"pca_{number + 1}" for number in range(len(self._weights)))
        return rows.become((rows.values - self._mean) @ self._weights.T, columns)

    def state(self) -> dict[str, Any]:
        """Means, weights and shares of the variance."""
        return {
            "rows": self._rows,
            "columns": list(self._columns),
            "mean": self._mean.tolist(),
            "weights": self._weights.tolist(),
            "shares": list(self._shares),
        }

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave."""
        self._rows = int(state["rows"])
        self._columns = list(state["columns"])
        self._mean = np.array(state["mean"], dtype=np.float64)
        self._weights = np.array(state["weights"], dtype=np.float64)
        self._shares = list(state["shares"])
        return self

    def report(self) -> dict[str, Any]:
        """Share of the variance that each component explains, and the features that weigh most in it."""
        explained = np.cumsum(self._shares).tolist()
        components = {
            f"pca_{number}": {"explains": share, "together": together, "mostly": self._words(weights)}
            for number, (share, together, weights) in enumerate(
                zip(self._shares, explained, self._weights, strict=True), start=1
            )
        }
        return {"rows": self._rows, "kept": f"{len(components)} of {len(self._columns)}", "components": components}

    def _words(self, weights: FloatArray) -> str:
        largest = np.argsort(-np.abs(weights), kind="stable")[:LARGEST]
        return ", ".join(f"{weights[number]:+.2f} {self._columns[number]}" for number in largest)
