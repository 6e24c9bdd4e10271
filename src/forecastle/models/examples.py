"""Examples: windows as rows of inputs and targets, for models of one table."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from forecastle.arrays import FloatArray, IntArray
from forecastle.errors import ModelError
from forecastle.windows.context import Context, Windows

EXTREME = 10.0
"""Targets are cut at so many spreads in fitting: after a stretch in which the price stood still the spread may be next
to nothing, and one bar would decide the fit. The held-out errors, and so the intervals, are of the uncut targets."""


class Examples(NamedTuple):
    """What an estimator is fitted on.

    Inputs, shape (N, lags·D); targets, shape (N, H), or (N,) of one step; weights, shape (N,), or None for all equal.
    """

    inputs: FloatArray
    target: FloatArray | IntArray
    weight: FloatArray | None

    @classmethod
    def from_windows(cls, windows: Windows, lags: int) -> Examples:
        """Return inputs, targets in spreads (or class numbers) and weights of windows.

        Raises
        ------
        ModelError
            If `lags` is above the context length.
        """
        task, target = windows.context.task, windows.target
        if not task.target.classes:
            target = target / task.spread(windows.context.scale)
        weight = None if np.all(windows.weight == 1) else windows.weight
        return cls(inputs_of(windows.context, lags), target, weight)

    def of(self, rows: IntArray) -> Examples:
        """The examples of some rows."""
        return Examples(self.inputs[rows], self.target[rows], None if self.weight is None else self.weight[rows])

    def step(self, step: int) -> Examples:
        """The examples of one step, counted from 0."""
        return self._replace(target=self.target[:, step])

    def labelled(self) -> Examples:
        """The examples with class numbers as integers."""
        return self._replace(target=self.target.astype(np.int64))

    def cut(self) -> Examples:
        """The examples with targets no further out than `EXTREME`."""
        return self._replace(target=np.asarray(np.clip(self.target, -EXTREME, EXTREME), dtype=np.float64))


def inputs_of(context: Context, lags: int) -> FloatArray:
    """Features of the last `lags` bars, oldest first, as rows, shape (N, lags·D), float64.

    Raises
    ------
    ModelError
        If `lags` is above the context length.
    """
    if lags > context.context_length:
        raise ModelError(f"lags must be at most context_length {context.context_length}, got {lags}")
    features = replace(context, context_length=lags).features
    return features.reshape(len(context), -1).astype(np.float64)
