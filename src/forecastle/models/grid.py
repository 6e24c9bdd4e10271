"""A few fitted quantile levels, and all levels of a forecast from them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from forecastle.arrays import FloatArray

FITTED = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
"""Levels that are fitted where a forecast has more than so many: the bounds of the 95, 80 and 50 % intervals, and the
median. Neighbouring levels of a finer grid say nearly the same, and each costs a fit."""


def fitted_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Levels to fit for a forecast at these levels: themselves where they are few, else `FITTED`."""
    return tuple(levels) if len(levels) <= len(FITTED) else FITTED


def fill(values: FloatArray, fitted: Sequence[float], levels: Sequence[float]) -> FloatArray:
    r"""Quantiles at all levels from those at the fitted ones, none crossing.

    Crossing quantiles are put in ascending order first, which never raises the pinball loss summed over the levels
    (Chernozhukov, Fernández-Val and Galichon, Quantile and probability curves without crossing, Econometrica 78, 2010).
    Between two levels a quantile is linear in the normal score :math:`\Phi^{-1}` of its level, and beyond the
    outermost two it goes on as between them: exact for a normal distribution, whatever its mean and spread.

    Parameters
    ----------
    values
        Quantiles at the fitted levels along the last axis.
    fitted
        At least two levels, ascending, inside (0, 1); one where it is all that is asked.
    levels
        Q levels, ascending, inside (0, 1).

    Returns
    -------
    FloatArray
        Quantiles at `levels` along the last axis, ascending.

    Examples
    --------
    >>> fill(np.array([1.0, -1.0]), [0.1, 0.9], [0.1, 0.5, 0.9])
    array([-1.,  0.,  1.])
    """
    values = np.sort(values, axis=-1)
    if tuple(fitted) == tuple(levels):
        return values
    score = NormalDist().inv_cdf
    known: FloatArray = np.array([score(level) for level in fitted])
    asked: FloatArray = np.array([score(level) for level in levels])
    right = np.clip(np.searchsorted(known, asked), 1, len(known) - 1)
    share = (asked - known[right - 1]) / (known[right] - known[right - 1])
    filled = values[..., right - 1] + share * (values[..., right] - values[..., right - 1])
    return np.asarray(np.maximum.accumulate(filled, axis=-1))
