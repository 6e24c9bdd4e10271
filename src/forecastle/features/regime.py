"""Regime: whether the market is calm or wild by its own recent measure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.features.rolling import rank
from forecastle.features.trailing import Trailing
from forecastle.features.volatility import realised


class VolatilityRegime(Trailing):
    """Third of the last `window` realised volatilities in which the present one lies; warm-up n + window bars.

    Two columns: ``rank``, its place among them in (0, 1], equal ones sharing the mean place; and ``tercile``: -1 calm
    (rank up to 1/3), 0 usual, 1 wild (rank above 2/3). Both are measured against the past alone: nothing is fitted.

    Parameters
    ----------
    timeperiod
        n, bars of the realised volatility (root mean square of one-bar log returns); a list gives two columns for each.
    window
        Bars whose volatilities are compared, the present one among them.

    Raises
    ------
    ConfigError
        If the window is shorter than 3 bars.

    Examples
    --------
    >>> VolatilityRegime(20, window=500).columns
    ('regime_rank_20', 'regime_tercile_20')
    """

    name = "regime"
    scale = "rank 0 to 1; tercile -1, 0 or 1"
    outputs = ("rank", "tercile")

    def __init__(self, timeperiod: int | Sequence[int] = 20, window: int = 500) -> None:
        if not isinstance(window, int) or isinstance(window, bool) or window < 3:
            raise ConfigError(f"{self.name}: window must be a whole number of at least 3, got {window!r}")
        self.window = window
        super().__init__(timeperiod)

    def needed(self, period: int) -> int:
        """The first volatility takes n + 1 bars, the others window - 1 more."""
        return period + self.window

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """Rank and tercile."""
        place = rank(realised(bars, period), self.window)
        return place, np.where(3 * place <= 1, -1.0, np.where(3 * place <= 2, 0.0, 1.0))
