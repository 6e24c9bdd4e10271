"""Returns: how far the close has moved, and how far it moved before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.features.trailing import Trailing, log_returns


class LogReturn(Trailing):
    """``ln(close_t / close_{t-n})``, in log return over n bars; warm-up n + 1 bars.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> LogReturn([1, 5]).columns
    ('log_return_1', 'log_return_5')
    """

    name = "log_return"
    scale = "log return"
    extra = 1

    def __init__(self, timeperiod: int | Sequence[int] = 1) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column, from the second close on."""
        return (np.log(bars.close[period:] / bars.close[:-period]),)


class LaggedReturn(Trailing):
    """``ln(close_{t-k} / close_{t-k-1})``, the one-bar log return of k bars ago; warm-up k + 2 bars.

    Parameters
    ----------
    timeperiod
        k, bars; a list gives one column for each.

    Examples
    --------
    >>> LaggedReturn([1, 2, 3]).columns
    ('lagged_return_1', 'lagged_return_2', 'lagged_return_3')
    """

    name = "lagged_return"
    scale = "log return"
    extra = 2

    def __init__(self, timeperiod: int | Sequence[int] = 1) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        return (log_returns(bars)[:-period],)
