"""Steps that know the training rows by their quantiles: rank to normal, and clipping the tails."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any, Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError
from forecastle.windows.transform.step import Rows, Training


class QuantileNormal:
    r"""Each feature by its rank among the training rows, as a standard normal value.

    Of each feature the quantiles at the levels (i − ½)/P, i = 1 … P, are learned (Hazen's, so that with P = T they are
    the training values themselves), and

    .. math:: z(x) = \Phi^{-1}(\text{level of } x),

    linear in between. Values that are tied get their mean level, so a feature that is constant becomes 0. Beyond the
    outermost quantiles z stays what it is there, :math:`\pm\Phi^{-1}(1 - 1/2P)`: 2.9 for 256 points.

    Parameters
    ----------
    points
        P, quantiles that are learned of each feature; no more than there are training rows.

    Raises
    ------
    ConfigError
        If `points` is below 2.
    """

    memory = 0
    fills = False

    def __init__(self, points: int = 256) -> None:
        if points < 2:
            raise ConfigError(f"points must be at least 2, got {points}")
        self.points = points
        self._rows = 0
        self._columns: list[str] = []
        self._knots: list[tuple[FloatArray, FloatArray]] = []

    def fit(self, training: Training) -> Self:
        """Learn the quantiles of each column, in float64."""
        rows = training.rows
        self._rows = len(rows.values)
        self._columns = list(rows.columns)
        levels = (np.arange(min(self.points, self._rows)) + 0.5) / min(self.points, self._rows)
        quantiles = np.quantile(rows.values.astype(np.float64), levels, axis=0, method="hazen")
        self._knots = [_knots(column, levels) for column in quantiles.T.astype(np.float32)]
        return self

    def apply(self, rows: Rows) -> Rows:
        """Replace each value by its normal value; the columns stay."""
        values = np.empty_like(rows.values)
        for number, (quantiles, normal) in enumerate(self._knots):
            values[:, number] = np.interp(rows.values[:, number], quantiles, normal)
        return rows.become(values)

    def state(self) -> dict[str, Any]:
        """Quantiles and normal values of each feature."""
        knots = {name: [each.tolist() for each in pair] for name, pair in zip(self._columns, self._knots, strict=True)}
        return {"rows": self._rows, "knots": knots}

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave."""
        self._rows = int(state["rows"])
        self._columns = list(state["knots"])
        self._knots = [(np.array(pair[0]), np.array(pair[1])) for pair in state["knots"].values()]
        return self

    def report(self) -> dict[str, Any]:
        """Number of training rows, and how many values the features of few values have."""
        few = {name: len(pair[0]) for name, pair in zip(self._columns, self._knots, strict=True) if len(pair[0]) < 10}
        return {"rows": self._rows, "few_values": few}


class Clip:
    """Each feature cut at two quantiles of the training rows (winsorised): wild bars count no more than rare ones.

    Parameters
    ----------
    lower, upper
        Levels of the two quantiles, in [0, 1]; 0 and 1 are the smallest and largest training values.

    Raises
    ------
    ConfigError
        If the levels do not ascend inside [0, 1].
    """

    memory = 0
    fills = False

    def __init__(self, lower: float = 0.005, upper: float = 0.995) -> None:
        if not 0 <= lower < upper <= 1:
            raise ConfigError(f"lower and upper must ascend inside [0, 1], got {lower} and {upper}")
        self.lower = lower
        self.upper = upper
        self._rows = 0
        self._columns: list[str] = []
        self._bounds: FloatArray = np.zeros((2, 0))

    def fit(self, training: Training) -> Self:
        """Learn the two quantiles of each column, in float64 (linear between training values)."""
        rows = training.rows
        self._rows = len(rows.values)
        self._columns = list(rows.columns)
        self._bounds = np.quantile(rows.values.astype(np.float64), (self.lower, self.upper), axis=0)
        return self

    def apply(self, rows: Rows) -> Rows:
        """Cut rows; what lies inside stays bit for bit."""
        return rows.become(np.clip(rows.values, *self._bounds))

    def state(self) -> dict[str, Any]:
        """Bounds of each feature."""
        return {"rows": self._rows, "bounds": dict(zip(self._columns, self._bounds.T.tolist(), strict=True))}

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave."""
        self._rows = int(state["rows"])
        self._columns = list(state["bounds"])
        self._bounds = np.array(list(state["bounds"].values()), dtype=np.float64).reshape(-1, 2).T
        return self

    def report(self) -> dict[str, Any]:
        """Number of training rows and the bounds of each feature."""
        bounds = zip(self._columns, self._bounds.T.tolist(), strict=True)
        return {"rows": self._rows, "features": {name: {"lower": low, "upper": high} for name, (low, high) in bounds}}


def _knots(quantiles: FloatArray, levels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distinct quantiles of a feature (float32, as it is), ascending, with the normal value of its mean level."""
    distinct, place = np.unique(quantiles, return_inverse=True)
    level = np.bincount(place, levels) / np.bincount(place)
    normal = NormalDist()
    # a mean of levels may miss one half by its last digit; the middle is to be 0
    return distinct.astype(np.float64), np.array([normal.inv_cdf(value) for value in np.round(level, 12).tolist()])
