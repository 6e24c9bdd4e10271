"""FutureRange: between which extremes the price will move."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.windows.target.ahead import after, last, root_of_time, same_phase

TERMS = 400
"""Terms of the law's series."""


class FutureRange:
    r"""Log of the highest over the lowest price from the close at the origin to bar t+h, for h = 1 … H.

    What a stop, a take-profit or an option strip is set by. Highs and lows of the bars count, and the close at the
    origin.

    References
    ----------
    Feller, The asymptotic distribution of the range of sums of independent random variables, Annals of Mathematical
    Statistics 22 (1951). Parkinson, The extreme value method for estimating the variance of the rate of return,
    Journal of Business 53 (1980).
    """

    name: str = "future_range"
    unit: str = "log return"
    classes: tuple[str, ...] = ()
    lower: float | None = 0.0

    def compute(self, bars: Bars, horizon: int, scale: FloatArray) -> FloatArray:  # noqa: ARG002
        """Ranges, log return, shape (T, H), float64, NaN where the future is missing."""
        origin = np.log(bars.close)[:, None]
        high = np.maximum.accumulate(after(np.log(bars.high), horizon), axis=1)
        low = np.minimum.accumulate(after(np.log(bars.low), horizon), axis=1)
        extent: FloatArray = np.maximum(high, origin) - np.minimum(low, origin)
        return extent

    def spread(self, scale: FloatArray, horizon: int) -> FloatArray:
        r"""Root mean square of each step, :math:`\sigma \sqrt{4 h \ln 2}` (Parkinson), log return, shape (N, H)."""
        size: FloatArray = np.sqrt(4 * np.log(2)) * root_of_time(scale, horizon)
        return size

    def random_walk(self, scale: FloatArray, horizon: int, levels: FloatArray) -> FloatArray:
        r"""Quantiles of the range of a Brownian motion, log return, shape (N, H, Q).

        .. math:: P(R > r) = 8 \sum_{k \ge 1} (-1)^{k-1} k \, Q(k r), \qquad Q(x) = 1 - \Phi(x)

        for the range R over one unit of time (Feller's density, integrated). A market's highs and lows are of trades
        and not of every moment, so that real ranges are a little smaller.
        """
        quantiles = np.array([_quantile(float(level)) for level in levels])
        law: FloatArray = root_of_time(scale, horizon)[:, :, None] * quantiles
        return law

    def history(self, horizon: int, period: int) -> int:
        """Bars of past log close that `carried` reads: the horizon in whole periods, and one."""
        return 1 + int(same_phase(horizon, period)[-1])

    def carried(self, past: FloatArray, horizon: int, period: int) -> FloatArray:
        """Range of the closes of the newest known stretch of the same phase, log return, shape (N, H).

        Raises
        ------
        ModelError
            If `past` has fewer bars than `history` says.
        """
        past = last(past, self.history(horizon, period), self.name)
        begins = past.shape[1] - 1 - same_phase(horizon, period)
        stretches = (past[:, begin : begin + 1 + step] for step, begin in enumerate(begins.tolist(), start=1))
        return np.stack([np.ptp(each, axis=1) for each in stretches], axis=1)


@lru_cache(maxsize=1024)
def _quantile(level: float) -> float:
    """Where P(R ≤ r) is `level`, for the range R of a Brownian motion over one unit of time."""
    from scipy.optimize import brentq

    return float(brentq(lambda size: 1 - _exceeds(size) - level, 0.05, 20.0, xtol=1e-12))


def _exceeds(size: float) -> float:
    """P(R > r)."""
    from scipy.special import ndtr

    k = np.arange(1, TERMS + 1)
    return float(8 * np.sum((-1.0) ** (k - 1) * k * ndtr(-k * size)))
