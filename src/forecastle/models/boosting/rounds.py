"""Rounds: what growing tells of itself, in a unit that is the same for each step, quantile level and library."""

from __future__ import annotations

import math

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.models.examples import Examples
from forecastle.runs.watching import Measure, Series

RELATIVE_LOSS = Measure("validation/relative_loss", "min")
"""Pinball or log loss over that of a constant forecast, the training part's quantiles or frequencies: below 1 is
better."""

EVERY = 10
"""Rounds between two values: one often takes less time than telling of it."""


class Rounds:
    """Tells a series of the rounds of one growing.

    Parameters
    ----------
    series
        Of all growings of a forecaster.
    train, watched
        Examples of one step.
    levels
        Quantile levels that are grown together; none for classes.
    """

    def __init__(self, series: Series, train: Examples, watched: Examples, levels: tuple[float, ...]) -> None:
        self._series = series
        series.begin()
        self._constant = _constant_loss(train, watched, levels) if series.watched else math.nan

    def tell(self, done: int, loss: float) -> None:
        """Tell the validation loss after so many rounds, every tenth of them.

        Raises
        ------
        Pruned
            If growing is to stop.
        """
        if done % EVERY == 0 and self._constant > 0:
            self._series.tell(done, loss / self._constant)


def _constant_loss(train: Examples, watched: Examples, levels: tuple[float, ...]) -> float:
    """Mean loss on the watched examples of what suits the training examples best without looking at their inputs."""
    if not levels:
        classes, count = np.unique(train.target, return_counts=True)
        share = (count / count.sum())[np.searchsorted(classes, watched.target)]
        return float(np.average(-np.log(share), weights=watched.weight))
    tau = np.array(levels)
    error: FloatArray = watched.target[:, None] - np.quantile(train.target, tau)
    return float(np.average(np.maximum(tau * error, (tau - 1) * error).mean(axis=1), weights=watched.weight))
