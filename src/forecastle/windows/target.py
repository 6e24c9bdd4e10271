"""What can be forecast: log return, direction, volatility.

All are of the close and cumulative: step h is about the whole stretch from the origin to the h-th bar after it.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.errors import ModelError


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

    def compute(self, bars: Bars, horizon: int) -> FloatArray:
        """Cumulative log returns, shape (T, H), float64, NaN where the future is missing."""
        log_close = np.log(bars.close)
        return _after(log_close, horizon) - log_close[:, None]

    def spread(self, scale: FloatArray, horizon: int) -> FloatArray:
        """Standard deviation of each step, σ √h, log return, shape (N, H)."""
        return _root_of_time(scale, horizon)

    def random_walk(self, scale: FloatArray, horizon: int, levels: FloatArray) -> FloatArray:
        """Quantiles of Normal(0, σ² h), log return, shape (N, H, Q)."""
        normal = NormalDist()
        z: FloatArray = np.array([normal.inv_cdf(float(level)) for level in levels])
        return _root_of_time(scale, horizon)[:, :, None] * z

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
        past = _last(past, self.history(horizon, period), self.name)
        return past[:, np.arange(horizon) % period] - past[:, -1:]


class Direction:
    """Whether the close of bar t+h is above the close at the origin: class 1, ``up``; else class 0, ``down``.

    An unchanged close counts as ``down``.
    """

    name: str = "direction"
    unit: str = "class"
    classes: tuple[str, ...] = ("down", "up")
    lower: float | None = None

    def compute(self, bars: Bars, horizon: int) -> FloatArray:
        """Class numbers 0 or 1, shape (T, H), float64, NaN where the future is missing."""
        after = _after(bars.close, horizon)
        return np.where(np.isnan(after), np.nan, after > bars.close[:, None])

    def spread(self, scale: FloatArray, horizon: int) -> FloatArray:
        """Ones, shape (N, H): a class has no size."""
        return np.ones((len(scale), horizon))

    def random_walk(self, scale: FloatArray, horizon: int, levels: FloatArray) -> FloatArray:  # noqa: ARG002
        """One half for each class, shape (N, H, 2): a driftless walk rises as often as it falls."""
        return np.full((len(scale), horizon, len(self.classes)), 0.5)

    def history(self, horizon: int, period: int) -> int:
        """Bars of past log close that `carried` reads: the horizon in whole periods, and one; at most H + period."""
        return 1 + period * -(-horizon // period)

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
        past = _last(past, self.history(horizon, period), self.name)
        steps = np.arange(1, horizon + 1)
        begin = past.shape[1] - 1 - period * -(-steps // period)
        return (past[:, begin + steps] > past[:, begin]).astype(np.float64)


class Volatility:
    """Realised volatility of bars t+1 … t+h: the root of the sum of their squared close-to-close log returns.

    It is of the whole stretch, not per bar and not annualised, so it grows with h.

    References
    ----------
    Andersen, Bollerslev, Diebold and Labys, Modeling and Forecasting Realized Volatility, Econometrica 71 (2003).

    Examples
    --------
    >>> Volatility().random_walk(np.array([0.01]), 2, np.array([0.5])).round(5)  # the median of chi_2 is 1.17741
    array([[[0.00674],
            [0.01177]]])
    """

    name: str = "volatility"
    unit: str = "log return"
    classes: tuple[str, ...] = ()
    lower: float | None = 0.0

    def compute(self, bars: Bars, horizon: int) -> FloatArray:
        """Realised volatility, log return, shape (T, H), float64, NaN where the future is missing."""
        squared = np.diff(np.log(bars.close), prepend=np.nan) ** 2
        return np.sqrt(np.cumsum(_after(squared, horizon), axis=1))

    def spread(self, scale: FloatArray, horizon: int) -> FloatArray:
        """Root mean square of each step, σ √h, log return, shape (N, H)."""
        return _root_of_time(scale, horizon)

    def random_walk(self, scale: FloatArray, horizon: int, levels: FloatArray) -> FloatArray:
        """Quantiles of σ χ_h (h squared normal returns add up to σ² χ²_h), log return, shape (N, H, Q)."""
        from scipy.special import gammaincinv

        steps = np.arange(1, horizon + 1)[:, None]
        chi: FloatArray = np.sqrt(2 * gammaincinv(steps / 2, np.asarray(levels, dtype=np.float64)))
        return scale[:, None, None] * chi

    def history(self, horizon: int, period: int) -> int:
        """Bars of past log close that `carried` reads: one more than the returns, H of them or one period."""
        return 1 + (horizon if period == 1 else period)

    def carried(self, past: FloatArray, horizon: int, period: int) -> FloatArray:
        """Realised volatility, had the last squared returns come again, log return, shape (N, H).

        With period 1: of the last h bars, for each h (one bar alone, repeated, would say little). Else the last
        `period` bars are repeated, each in its phase.

        Raises
        ------
        ModelError
            If `past` has fewer bars than `history` says.
        """
        past = _last(past, self.history(horizon, period), self.name)
        squared = np.diff(past, axis=1) ** 2
        repeated = squared[:, ::-1] if period == 1 else squared[:, np.arange(horizon) % period]
        return np.sqrt(np.cumsum(repeated, axis=1))


def _after(values: FloatArray, horizon: int) -> FloatArray:
    """The values of the next H bars, shape (T, H), NaN beyond the last bar."""
    padded = np.concatenate([values[1:], np.full(horizon, np.nan)])
    return sliding_window_view(padded, horizon)


def _last(past: FloatArray, count: int, name: str) -> FloatArray:
    """The last `count` bars of past."""
    if past.shape[1] < count:
        raise ModelError(f"{name}: carrying forward needs {count} bars of past close, got {past.shape[1]}")
    return past[:, past.shape[1] - count :]


def _root_of_time(scale: FloatArray, horizon: int) -> FloatArray:
    """σ √h, shape (N, H)."""
    return scale[:, None] * np.sqrt(np.arange(1, horizon + 1))
