"""TripleBarrier: which of three comes first, a rise, a fall, or the end of the time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from forecastle.arrays import BoolArray, FloatArray, IntArray
from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.windows.target.ahead import after, last, same_phase
from forecastle.windows.volatility import EARLIEST

TERMS = 200
"""Terms of the law's series; they fall off as exp(−n²)."""


class TripleBarrier:
    r"""Which barrier the price touches first: class 2, ``up``; class 0, ``down``; or neither by step h, 1, ``flat``.

    The barriers of step h lie at

    .. math:: +u \, \sigma \sqrt h \quad\text{and}\quad -l \, \sigma \sqrt h

    log return from the close at the origin, with :math:`\sigma` the EWMA volatility per bar there, so that every
    step asks as hard a question. Highs and lows touch. Where one bar touches both, which came first is not known, and
    its close decides: above the close at the origin it is ``up``, else ``down``.

    The label is settled when a barrier is touched: that is where its span ends, which the purge of a split reads, and
    by which windows are weighed (`forecastle.windows.uniqueness`).

    Parameters
    ----------
    up, down
        u and l, each above 0.

    Raises
    ------
    ConfigError
        If one is not above 0.

    References
    ----------
    López de Prado, Advances in Financial Machine Learning (2018), section 3.4. There the barriers do not grow with the
    step.
    """

    name: str = "triple_barrier"
    unit: str = "class"
    classes: tuple[str, ...] = ("down", "flat", "up")
    lower: float | None = None

    def __init__(self, up: float = 1.0, down: float = 1.0) -> None:
        for name, value in {"up": up, "down": down}.items():
            if not value > 0:
                raise ConfigError(f"{name} must be a barrier above 0, in volatilities of the step, got {value}")
        self.up, self.down = up, down

    def compute(self, bars: Bars, horizon: int, scale: FloatArray) -> FloatArray:
        """Class numbers, shape (T, H), float64, NaN where the future is missing or the scale is."""
        origin = np.log(bars.close)[:, None]
        close = after(np.log(bars.close), horizon) - origin
        high, low = self._extremes(bars, horizon)
        labels = np.empty_like(close)
        for step in range(1, horizon + 1):
            labels[:, step - 1] = self._label(high[:, :step], low[:, :step], close[:, :step], scale)
        return np.where(np.isnan(close) | np.isnan(scale)[:, None], np.nan, labels)

    def span(self, bars: Bars, horizon: int, scale: FloatArray) -> IntArray:
        """Bars from the origin until the label of the last step is settled, 1 … H, shape (T,)."""
        touched = np.logical_or(*self._touched(*self._extremes(bars, horizon), scale))
        return np.minimum(_first(touched) + 1, horizon)

    def spread(self, scale: FloatArray, horizon: int) -> FloatArray:
        """Ones, shape (N, H): a class has no size."""
        return np.ones((len(scale), horizon))

    def random_walk(self, scale: FloatArray, horizon: int, levels: FloatArray) -> FloatArray:  # noqa: ARG002
        r"""Law of the first exit of a Brownian motion, the same at every step and volatility, shape (N, H, 3).

        With :math:`w = u + l`, it leaves at the upper side by time 1 with the probability

        .. math:: \frac{l}{w} + \frac{2}{\pi} \sum_{n \ge 1} \frac{(-1)^n}{n}
                  \sin\frac{n \pi l}{w} \, e^{-n^2 \pi^2 / (2 w^2)}

        (Borodin and Salminen, Handbook of Brownian Motion, 2nd edition, formula 1.3.0.6 integrated), at the lower side
        with u and l exchanged.
        """
        up, down = _exit(self.up, self.down), _exit(self.down, self.up)
        law = np.array([down, 1 - up - down, up])
        return np.broadcast_to(law, (len(scale), horizon, 3)).copy()

    def history(self, horizon: int, period: int) -> int:
        """Bars of past log close that `carried` reads."""
        return max(1 + int(same_phase(horizon, period)[-1]), EARLIEST)

    def carried(self, past: FloatArray, horizon: int, period: int) -> FloatArray:
        """Class of the newest known stretch of the same phase, by its closes, shape (N, H).

        The volatility is the root mean square of the last returns.

        Raises
        ------
        ModelError
            If `past` has fewer bars than `history` says.
        """
        past = last(past, self.history(horizon, period), self.name)
        scale = np.sqrt(np.mean(np.diff(past, axis=1) ** 2, axis=1))
        labels = np.empty((len(past), horizon))
        for step, back in enumerate(same_phase(horizon, period).tolist(), start=1):
            begin = past.shape[1] - 1 - back
            moves = past[:, begin + 1 : begin + 1 + step] - past[:, [begin]]
            high, low = np.maximum.accumulate(moves, axis=1), np.minimum.accumulate(moves, axis=1)
            labels[:, step - 1] = self._label(high, low, moves, scale)
        return labels

    def _extremes(self, bars: Bars, horizon: int) -> tuple[FloatArray, FloatArray]:
        """Highest high and lowest low from bar t+1 to each step, log return from the origin, each (T, H)."""
        origin = np.log(bars.close)[:, None]
        high = np.maximum.accumulate(after(np.log(bars.high), horizon), axis=1) - origin
        low = np.minimum.accumulate(after(np.log(bars.low), horizon), axis=1) - origin
        return high, low

    def _touched(self, high: FloatArray, low: FloatArray, scale: FloatArray) -> tuple[BoolArray, BoolArray]:
        """Whether the barriers of the last step have been touched by each bar, each (…, h)."""
        wide = scale[:, None] * np.sqrt(high.shape[1])
        return high >= self.up * wide, low <= -self.down * wide

    def _label(self, high: FloatArray, low: FloatArray, close: FloatArray, scale: FloatArray) -> FloatArray:
        """Class of the last of the steps that are shown, (…,)."""
        above, below = (_first(each) for each in self._touched(high, low, scale))
        steps = high.shape[1]
        decides = np.take_along_axis(close, np.minimum(above, steps - 1)[:, None], axis=1)[:, 0] > 0
        both = np.where(decides, 2.0, 0.0)
        one = np.where(above < below, 2.0, 0.0)
        return np.where(above == below, np.where(above == steps, 1.0, both), one)


def _first(touched: BoolArray) -> IntArray:
    """Column of the first touch, shape (…,); their number where there is none. Once touched, a row stays so."""
    column: IntArray = np.count_nonzero(~touched, axis=1)
    return column


@lru_cache
def _exit(near: float, far: float) -> float:
    """Probability that a standard Brownian motion leaves (−far, near) at `near` before time 1."""
    wide, n = near + far, np.arange(1, TERMS + 1)
    terms = (-1.0) ** n / n * np.sin(n * np.pi * far / wide) * np.exp(-((n * np.pi / wide) ** 2) / 2)
    return float(far / wide + 2 / np.pi * terms.sum())
