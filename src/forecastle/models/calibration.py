"""Errors held out in time: which windows they come from, and the quantiles that they give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecastle.arrays import FloatArray, IntArray, TimeArray
from forecastle.errors import ModelError

FEWEST = 20
"""Held-out windows below which their errors say nothing about a tail."""


def split_in_time(origin: TimeArray, label_end: TimeArray, share: float) -> tuple[IntArray, IntArray]:
    """Cut windows into an earlier part to fit on and a later part to see the errors on.

    Parameters
    ----------
    origin
        Known time of each window's last bar, UTC, shape (N,), in any order.
    label_end
        Known time of the last bar of each window's target, UTC, shape (N,).
    share
        Share of the windows that the later part takes, inside (0, 1).

    Returns
    -------
    tuple of IntArray
        Indices, ascending. Every label of the earlier part ends at or before the first origin of the later part
        (windows between them are left out), so that no outcome is both learnt from and held out.

    Raises
    ------
    ModelError
        If the later part has fewer than `FEWEST` windows, or the earlier part has none.

    Examples
    --------
    >>> day = np.datetime64("2024-01-01", "us") + np.arange(80) * np.timedelta64(1, "D")
    >>> earlier, later = split_in_time(day, day + np.timedelta64(3, "D"), share=0.25)
    >>> int(earlier[-1]), int(later[0]), len(later)
    (57, 60, 20)
    """
    count = len(origin)
    first = np.sort(origin)[min(int((1 - share) * count), count - 1)]
    earlier = np.flatnonzero(label_end <= first)
    later = np.flatnonzero(origin >= first)
    if len(later) < FEWEST or not len(earlier):
        raise ModelError(
            f"intervals need at least {FEWEST} held-out windows and some earlier ones that do not overlap them, "
            f"got {len(later)} and {len(earlier)} from {count} training windows with calibration={share}"
        )
    return earlier, later


def error_quantiles(errors: FloatArray, levels: Sequence[float]) -> FloatArray:
    r"""Quantiles of held-out errors at each step.

    The k-th smallest of n errors stands for the level :math:`k / (n + 1)`, between them linearly, beyond them the
    extremes. That is the split conformal predictive distribution: under exchangeability a new error is below the k-th
    smallest with exactly that probability. Errors in time are not exchangeable; taking the latest ones, in units of
    the volatility at their origin, is what brings them near it, and coverage is measured on later data, not promised.

    Parameters
    ----------
    errors
        Actual minus forecast, shape (n, H).
    levels
        Q levels, ascending, inside (0, 1).

    Returns
    -------
    FloatArray
        Shape (H, Q), ascending along Q.

    References
    ----------
    Vovk, Nouretdinov, Manokhin and Gammerman, Cross-conformal predictive distributions, PMLR 91 (2018), for the split
    form; Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, Distribution-free predictive inference for regression, JASA
    113 (2018), algorithm 2.

    Examples
    --------
    >>> error_quantiles(np.array([[3.0], [1.0], [2.0]]), [0.25, 0.5, 0.75, 0.9])
    array([[1., 2., 3., 3.]])
    """
    return np.quantile(errors, levels, axis=0, method="weibull").T
