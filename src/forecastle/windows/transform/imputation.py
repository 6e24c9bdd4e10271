"""Imputation: what a feature is taken to be where it is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, FeatureError
from forecastle.windows.transform.step import Rows, Training


class Impute:
    """The last known value of the symbol where it is not too old, else the median of the training rows.

    A value is missing where it is NaN or infinite. With this step in the chain, windows whose features are missing
    after the warm-up are kept (`Chain.fills`, `make_windows`).

    Parameters
    ----------
    limit
        Age in bars up to which the last known value is carried forward; 0: always the median.

    Raises
    ------
    ConfigError
        If `limit` is negative.

    Examples
    --------
    >>> rows = Rows(np.array([[1], [3], [np.nan], [np.nan]], np.float32), ("rsi_14",), np.array([0]))
    >>> step = Impute(limit=1).fit(Training(rows, np.array([3]), np.zeros((1, 1)), 0))
    >>> step.apply(rows).values.ravel()
    array([1., 3., 3., 2.], dtype=float32)
    """

    fills = True

    def __init__(self, limit: int = 5) -> None:
        if limit < 0:
            raise ConfigError(f"limit must be at least 0 bars, got {limit}")
        self.limit = limit
        self.memory = limit
        self._rows = 0
        self._median: FloatArray = np.zeros(0)
        self._missing: dict[str, int] = {}

    def fit(self, training: Training) -> Self:
        """Learn the median of the known values of each column.

        Raises
        ------
        FeatureError
            If a feature is missing on every training row.
        """
        rows = training.rows
        known = np.isfinite(rows.values)
        counts = np.count_nonzero(known, axis=0)
        unknown = [name for name, count in zip(rows.columns, counts, strict=True) if not count]
        if unknown:
            raise FeatureError(
                f"features that are missing on all {len(known)} training rows cannot be filled: {unknown}"
            )
        self._rows = len(known)
        self._median = np.nanmedian(np.where(known, rows.values.astype(np.float64), np.nan), axis=0)
        lost = zip(rows.columns, (len(known) - counts).tolist(), strict=True)
        self._missing = {name: count for name, count in lost if count}
        return self

    def apply(self, rows: Rows) -> Rows:
        """Fill every missing value, those of the warm-up too; known values stay bit for bit."""
        known = np.isfinite(rows.values)
        if known.all():
            return rows
        number = np.arange(len(known))[:, None]
        begin = np.repeat(rows.starts, np.diff([*rows.starts, len(known)]))[:, None]
        newest = np.maximum.accumulate(np.where(known, number, -1), axis=0)
        usable = (newest >= begin) & (number - newest <= self.limit)
        carried = np.take_along_axis(rows.values, np.maximum(newest, 0), axis=0)
        return rows.become(np.where(usable, carried, self._median))

    def state(self) -> dict[str, Any]:
        """Rows, medians and how often each feature was missing."""
        return {"rows": self._rows, "median": self._median.tolist(), "missing": dict(self._missing)}

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave."""
        self._rows = int(state["rows"])
        self._median = np.array(state["median"], dtype=np.float64)
        self._missing = {name: int(count) for name, count in state["missing"].items()}
        return self

    def report(self) -> dict[str, Any]:
        """Number of training rows, and of missing values among them for each feature that has any."""
        return {"rows": self._rows, "missing": dict(self._missing)}
