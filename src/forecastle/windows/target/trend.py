"""TrendScan: the direction of the most significant trend that begins at the origin."""

from __future__ import annotations

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.windows.target.ahead import after, last, same_phase


class TrendScan:
    r"""Direction of the most significant trend that begins at the origin: class 1, ``up``, or 0, ``down``.

    For step h the log close of bars t … t+s is regressed on time for every s from `shortest` to h, and the slope with
    the largest t statistic, in size, gives the label. Where h is below `shortest`, it is the slope over h bars.
    A slope of exactly zero counts as ``down``.

    Parameters
    ----------
    shortest
        Bars of the shortest trend, at least 2: two points have a slope and no t statistic.

    Raises
    ------
    ConfigError
        If `shortest` is below 2.

    References
    ----------
    López de Prado, Machine Learning for Asset Managers (2020), section 5.4.
    """

    name: str = "trend_scan"
    unit: str = "class"
    classes: tuple[str, ...] = ("down", "up")
    lower: float | None = None

    def __init__(self, shortest: int = 3) -> None:
        if shortest < 2:
            raise ConfigError(f"shortest must be a trend of at least 2 bars, got {shortest}")
        self.shortest = shortest

    def compute(self, bars: Bars, horizon: int, scale: FloatArray) -> FloatArray:  # noqa: ARG002
        """Class numbers 0 or 1, shape (T, H), float64, NaN where the future is missing."""
        log_close = np.log(bars.close)
        moves = after(log_close, horizon) - log_close[:, None]
        return np.where(np.isnan(moves), np.nan, self._labels(moves))

    def spread(self, scale: FloatArray, horizon: int) -> FloatArray:
        """Ones, shape (N, H): a class has no size."""
        return np.ones((len(scale), horizon))

    def random_walk(self, scale: FloatArray, horizon: int, levels: FloatArray) -> FloatArray:  # noqa: ARG002
        """One half for each class, shape (N, H, 2): the walk and its mirror image are equally likely."""
        return np.full((len(scale), horizon, 2), 0.5)

    def history(self, horizon: int, period: int) -> int:
        """Bars of past log close that `carried` reads: the horizon in whole periods, and one."""
        return 1 + int(same_phase(horizon, period)[-1])

    def carried(self, past: FloatArray, horizon: int, period: int) -> FloatArray:
        """Class of the newest known stretch of the same phase, shape (N, H).

        Raises
        ------
        ModelError
            If `past` has fewer bars than `history` says.
        """
        past = last(past, self.history(horizon, period), self.name)
        labels = np.empty((len(past), horizon))
        for step, back in enumerate(same_phase(horizon, period).tolist(), start=1):
            begin = past.shape[1] - 1 - back
            labels[:, step - 1] = self._labels(past[:, begin + 1 : begin + 1 + step] - past[:, [begin]])[:, -1]
        return labels

    def _labels(self, moves: FloatArray) -> FloatArray:
        """Class at each step, from log returns since the origin, both (…, H)."""
        size = _t_values(moves)
        size[:, : self.shortest - 1] = 0.0
        best = np.maximum.accumulate(np.abs(size), axis=1)
        leads = np.abs(size) == best
        places = np.maximum.accumulate(np.where(leads, np.arange(moves.shape[1]), 0), axis=1)
        places[:, : self.shortest - 1] = np.arange(min(self.shortest - 1, moves.shape[1]))
        slopes = np.take_along_axis(_slopes(moves)[0], places, axis=1)
        return (slopes > 0).astype(np.float64)


def _slopes(moves: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least-squares slope of the points 0, y_1 … y_s on 0 … s for each s, and its sum of squared errors, (…, H)."""
    steps = np.arange(1.0, moves.shape[1] + 1)
    count, middle = steps + 1, steps / 2
    around = count * (count**2 - 1) / 12  # Σ (x − x̄)²
    total = np.cumsum(moves, axis=1)
    slope = (np.cumsum(moves * steps, axis=1) - middle * total) / around
    error = np.cumsum(moves**2, axis=1) - total**2 / count - slope**2 * around
    return slope, np.maximum(error, 0.0)


def _t_values(moves: FloatArray) -> FloatArray:
    """The t statistic of each slope, (…, H); over one bar, which has none, 0, and on a perfect line very large."""
    steps = np.arange(1.0, moves.shape[1] + 1)
    count = steps + 1
    around = count * (count**2 - 1) / 12
    slope, error = _slopes(moves)
    least = 1e-20 + 1e-12 * np.cumsum(moves**2, axis=1)
    t = slope * np.sqrt(around * np.maximum(steps - 1, 0) / np.maximum(error, least))
    return np.where(np.isnan(t), 0.0, t)
