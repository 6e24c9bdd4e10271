"""RealisedVolatility: how much the close moves from bar to bar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.features.trailing import Trailing, rolling_mean


class RealisedVolatility(Trailing):
    """Root mean square of the last n one-bar log returns, in log return per bar; warm-up n + 1 bars.

    ``sqrt(Σ r² / n)`` with ``r_t = ln(close_t / close_{t-1})``: the realised variance of Andersen, Bollerslev, Diebold
    and Labys (2003), per bar and not summed. No mean is subtracted.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> RealisedVolatility(20).columns
    ('realised_volatility_20',)
    """

    name = "realised_volatility"
    extra = 1

    def __init__(self, timeperiod: int | Sequence[int] = 20) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        returns = np.log(bars.close[1:] / bars.close[:-1])
        return (np.sqrt(rolling_mean(returns**2, period)),)
