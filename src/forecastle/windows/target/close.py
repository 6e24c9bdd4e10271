"""Where the close will lie: its log return, and its direction."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.windows.target.ahead import after, last, root_of_time, same_phase


class LogReturn:
    """Log return from the close at the origin to the close of bar t+h, for h = 1 … H.

    Examples
    --------
    >>> LogReturn().carried(np.log([[1.0, 2.0, 4.0]]), horizon=3, period=2).round(4)
    array([[-0.6931,  0.    , -0.6931]])
    """

    name: str = "log_return"
    unit: str = "log return"
    classes: tuple[str, ...] = ()
    lower: float | None = None

    def compute(self, bars: Bars, horizon: int, scale: FloatArray) -> FloatArray:  # noqa: ARG002
        """Cumulative log returns, shape (T, H), float64, NaN where the future is missing."""
        log_close = np.log(bars.close)
        return after(log_close, horizon) - log_close[:, None]

    def spread(self, scale: FloatArray, horizon: int) -> FloatArray:
        """Standard deviation of each step, σ √h, log return, shape (N, H)."""
        return root_of_time(scale, horizon)

    def random_walk(self, scale: FloatArray, horizon: int, levels: FloatArray) -> FloatArray:
        """Quantiles of Normal(0, σ² h), log return, shape (N, H, Q)."""
        normal = NormalDist()
        z: FloatArray = np.array([normal.inv_cdf(float(level)) for level in levels])
        return root_of_time(scale, horizon)[:, :, None] * z

    def history(self, horizon: int, period: int) -> int:  # noqa: ARG002 (the contract's arguments)
        """Bars of past log close that `carried` reads: the last `period`."""
        return period

    def carried(self, past: FloatArray, horizon: int, period: int) -> FloatArray:
        """Price of the same phase in the last `period` bars, as a log return from the origin, shape (N, H).

        With period 1 it is the last price, hence zeros; else the seasonal naive forecast of the price
        (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, section 5.2).

        Raises
        ------
        ModelError
            If `past` has fewer bars than `history` says.
        """
        past = last(past, self.history(horizon, period), self.name)
        return past[:, np.arange(horizon) % period] - past[:, -1:]


class Direction:
    """Whether the close of bar t+h is above the close at the origin: class 1, ``up``; else class 0, ``down``.

    An unchanged close counts as ``down``.
    """

    name: str = "direction"
    unit: str = "class"
    classes: tuple[str, ...] = ("down", "up")
    lower: float | None = None

    def compute(self, bars: Bars, horizon: int, scale: FloatArray) -> FloatArray:  # noqa: ARG002
        """Class numbers 0 or 1, shape (T, H), float64, NaN where the future is missing."""
        later = after(bars.close, horizon)
        return np.where(np.isnan(later), np.nan, later > bars.close[:, None])

    def spread(self, scale: FloatArray, horizon: int) -> FloatArray:
        """Ones, shape (N, H): a class has no size."""
        return np.ones((len(scale), horizon))

    def random_walk(self, scale: FloatArray, horizon: int, levels: FloatArray) -> FloatArray:  # noqa: ARG002
        """One half for each class, shape (N, H, 2): a driftless walk rises as often as it falls."""
        return np.full((len(scale), horizon, len(self.classes)), 0.5)

    def history(self, horizon: int, period: int) -> int:
        """Bars of past log close that `carried` reads: the horizon in whole periods, and one; at most H + period."""
        return 1 + int(same_phase(horizon, period)[-1])

    def carried(self, past: FloatArray, horizon: int, period: int) -> FloatArray:
        """Class of the newest known h-bar return of the same phase, shape (N, H).

        That is step h of the target as it was the fewest whole periods ago at which it is known at the origin: with
        period 1 the h-bar return that ended at the origin; with a longer one, for h up to the period, the return
        that began one period before the origin.

        Raises
        ------
        ModelError
            If `past` has fewer bars than `history` says.
        """
        past = last(past, self.history(horizon, period), self.name)
        begin = past.shape[1] - 1 - same_phase(horizon, period)
        return (past[:, begin + np.arange(1, horizon + 1)] > past[:, begin]).astype(np.float64)
