"""EWMA volatility: the size of one bar's move, as it was known at each bar."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError

DECAY = 0.94
"""Weight of a squared return relative to the one after it; RiskMetrics' value for daily data."""

FLOOR = 1e-8
"""Smallest volatility, log return per bar (a ten-thousandth of a basis point): what a flat series gets."""

EARLIEST = 1 + math.ceil(1 / (1 - DECAY))
"""Bars up to and including the first one that has a volatility: 18."""

WARMUP = 1 + math.ceil(math.log(1e-9) / math.log(DECAY))
"""Bars after which it no longer shows (1e-9 of the variance) where the history began: 336."""


def ewma_volatility(log_close: FloatArray, decay: float = DECAY) -> FloatArray:
    r"""Exponentially weighted volatility per bar.

    .. math:: \sigma_t = \sqrt{\sum_i \lambda^i r_{t-i}^2 \Big/ \sum_i \lambda^i}

    over all log returns :math:`r` up to and including the one that ends at bar t; the mean return is taken as zero.
    The weights are divided by their own sum, so that a short history is not pulled towards a starting value.

    Parameters
    ----------
    log_close
        Natural logarithm of the close of one symbol, shape (T,), finite.
    decay
        :math:`\lambda`, inside (0, 1).

    Returns
    -------
    FloatArray
        Log return per bar, shape (T,), float64; row t uses bars at or before t. Rows with fewer than
        :math:`1 / (1 - \lambda)` returns behind them (the mean age of the weights; 17 for .94) are NaN, since a
        volatility from one or two returns may be next to nothing. Everywhere else it is at least `FLOOR`, so that
        dividing by it stays finite where the price stood still.

    Raises
    ------
    ConfigError
        If `decay` is not inside (0, 1).

    References
    ----------
    J.P. Morgan/Reuters, RiskMetrics Technical Document, 4th edition, 1996, section 5.2, equations 5.1 to 5.3.

    Examples
    --------
    >>> log_close = 0.01 * (np.arange(40) % 2)
    >>> float(ewma_volatility(log_close)[-1].round(6))
    0.01
    >>> float(ewma_volatility(np.zeros(40))[-1])
    1e-08
    """
    if not 0 < decay < 1:
        raise ConfigError(f"decay must lie inside (0, 1), got {decay}")
    squared = pd.Series(np.diff(log_close) ** 2, dtype=np.float64)
    shortest = math.ceil(1 / (1 - decay))
    variance = squared.ewm(alpha=1 - decay, adjust=True, min_periods=shortest).mean().to_numpy()
    volatility = np.full(len(log_close), np.nan)
    volatility[1:] = np.maximum(np.sqrt(variance), FLOOR)
    return volatility
