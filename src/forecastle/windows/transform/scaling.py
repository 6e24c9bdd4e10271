"""Scales: every feature moved and stretched by what the training rows say of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.windows.transform.step import Rows, Training


class _Scale(ABC):
    """Each feature minus its middle, over its width; a feature without width keeps its unit and is named."""

    memory = 0
    fills = False

    def __init__(self) -> None:
        self._rows = 0
        self._middle: FloatArray = np.zeros(0)
        self._width: FloatArray = np.ones(0)
        self._flat: list[str] = []

    @abstractmethod
    def _measure(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Middle and width of each column, each of shape (D,), float64; a width of 0 where there is none."""

    def fit(self, training: Training) -> Self:
        """Learn middle and width of each column, in float64."""
        rows = training.rows
        middle, width = self._measure(rows.values)
        self._rows = len(rows.values)
        self._middle = middle
        self._width = np.where(width == 0, 1.0, width)
        self._flat = [name for name, is_flat in zip(rows.columns, width == 0, strict=True) if is_flat]
        return self

    def apply(self, rows: Rows) -> Rows:
        """Scale rows; the columns stay."""
        values = rows.values - self._middle
        values /= self._width
        return rows.become(values)

    def state(self) -> dict[str, Any]:
        """Rows, middle, width and the names of features without width."""
        return {
            "rows": self._rows,
            "middle": self._middle.tolist(),
            "width": self._width.tolist(),
            "flat": list(self._flat),
        }

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave."""
        self._rows = int(state["rows"])
        self._middle = np.array(state["middle"], dtype=np.float64)
        self._width = np.array(state["width"], dtype=np.float64)
        self._flat = list(state["flat"])
        return self


class Standardize(_Scale):
    """Each feature minus its mean, over its standard deviation (of the population), both of the training rows.

    Statistics are float64. A feature that is constant on the training rows becomes 0 there (its scale is 1) and is
    named in the report.

    Examples
    --------
    >>> rows = Rows(np.array([[1.0, 5.0], [3.0, 5.0], [4.0, 6.0]], np.float32), ("rsi_14", "flat"), np.array([0]))
    >>> first = rows.become(rows.values[:2])
    >>> step = Standardize().fit(Training(first, np.array([1]), np.zeros((1, 1)), 0))
    >>> step.apply(rows).values
    array([[-1.,  0.],
           [ 1.,  0.],
           [ 2.,  1.]], dtype=float32)
    >>> step.report()
    {'rows': 2, 'constant': ['flat']}
    """

    def _measure(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        middle = values.mean(axis=0, dtype=np.float64)  # exact for a constant: float32 leaves 29 bits for the sum
        apart = values - middle
        return middle, np.sqrt(np.einsum("td,td->d", apart, apart) / len(values))

    def report(self) -> dict[str, Any]:
        """Number of training rows and names of constant features."""
        return {"rows": self._rows, "constant": list(self._flat)}


class RobustScale(_Scale):
    """Each feature minus its median, over its interquartile range, both of the training rows.

    A few wild bars move neither. A feature whose middle half is one value (a rare candlestick pattern) has no such
    range: it keeps its unit and is named in the report.
    """

    def _measure(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        low, middle, high = np.quantile(values.astype(np.float64), (0.25, 0.5, 0.75), axis=0)
        return middle, high - low

    def report(self) -> dict[str, Any]:
        """Number of training rows and names of features without interquartile range."""
        return {"rows": self._rows, "without_range": list(self._flat)}
