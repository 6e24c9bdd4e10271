"""Scaling: long memory in the price, as an exponent and as a filter."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.features.rolling import mean, weighted
from forecastle.features.trailing import Trailing, log_returns


class Hurst(Trailing):
    """Generalised Hurst exponent (q = 2) of the log close over the last n bars; warm-up n + 1 bars.

    H in ``mean |x_{t+τ} - x_t|² ∝ τ^{2H}`` (Di Matteo, Aste and Dacorogna 2003, equation 2), by least squares over
    τ = 1, 2, 4, … up to n / 4, all moves inside the n + 1 closes: ½ for a random walk and where the price stands still,
    more where moves go on, less where they turn back.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> Hurst([60, 120]).columns
    ('hurst_60', 'hurst_120')
    """

    name = "hurst"
    scale = "0.5 for a random walk"
    least = 8
    extra = 1

    def __init__(self, timeperiod: int | Sequence[int] = 120) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        spans = 2 ** np.arange(int(math.log2(period // 4)) + 1)
        places = np.log(spans) - np.log(spans).mean()
        slope = np.zeros(len(bars) - period)
        moving = np.ones(len(slope), dtype=bool)
        for span, place in zip(spans.tolist(), places.tolist(), strict=True):
            squares = mean(np.log(bars.close[span:] / bars.close[:-span]) ** 2, period - span + 1)
            moving &= squares > 0
            slope += place * np.log(squares, out=np.zeros_like(squares), where=squares > 0)
        slope /= 2 * float((places**2).sum())
        return (np.where(moving, slope, 0.5),)


class FractionalDifference(Trailing):
    """Fractional difference of the log close over the last n bars, in log return; warm-up n + 1 bars.

    ``Σ_k w_k (x_{t-k} - x_{t-n})`` for k < n with ``w_0 = 1, w_k = -w_{k-1} (d - k + 1) / k`` (Hosking 1981; the fixed
    window of López de Prado 2018, section 5.5): between the price (d = 0) and its return (d = 1), and so with memory.
    The path is measured from where the window begins, so that no unit of price stays in it; what is computed is the
    same number as the weights of order d - 1 applied to the returns.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.
    order
        d, in (0, 1).

    Raises
    ------
    ConfigError
        If the order is not between 0 and 1.

    Examples
    --------
    >>> FractionalDifference(100, order=0.4).columns
    ('fractional_difference_100',)
    """

    name = "fractional_difference"
    scale = "log return"
    extra = 1

    def __init__(self, timeperiod: int | Sequence[int] = 100, order: float = 0.4) -> None:
        super().__init__(timeperiod)
        if isinstance(order, bool) or not isinstance(order, (int, float)) or not 0 < order < 1:
            raise ConfigError(f"{self.name}: order must lie between 0 and 1, got {order!r}")
        self.order = float(order)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        steps = np.arange(1, period)
        weights = np.cumprod(np.concatenate([[1.0], (steps - self.order) / steps]))
        return (weighted(log_returns(bars), weights[::-1]),)
