"""Channels around the price: where the close stands in one, and how wide it is, free of the price level."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.features.library import call
from forecastle.features.memory import poles, settle
from forecastle.features.rolling import moments
from forecastle.features.trailing import Trailing, positive, ratio


class Channel(Trailing):
    """Two columns for a channel: ``position`` and ``width``.

    ``position = (close - lower) / (upper - lower)``: 0 on the lower edge, 1 on the upper, beyond them outside, ½ where
    the channel has no width. ``width = (upper - lower) / close``, a fraction of the price.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives two columns for each.
    """

    scale = "share of the channel; width as a fraction of the close"
    outputs = ("position", "width")
    least = 2

    @abstractmethod
    def edges(self, bars: Bars, period: int) -> tuple[FloatArray, FloatArray]:
        """Lower and upper edge, price; each ends at the last bar and may begin later than the first."""

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """Position and width."""
        lower, upper = self.edges(bars, period)
        width, close = upper - lower, bars.close[-len(lower) :]
        return ratio(close - lower, width, empty=0.5), width / close


class Bollinger(Channel):
    """Bollinger bands (Bollinger 2001): mean of n closes ± a number of their standard deviations (over n, not n - 1).

    Its position is known as %b, its width (here by the close) as bandwidth. Warm-up n bars.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives two columns for each.
    deviations
        Standard deviations from the mean to each edge.

    Examples
    --------
    >>> Bollinger(20).columns
    ('bollinger_position_20', 'bollinger_width_20')
    """

    name = "bollinger"

    def __init__(self, timeperiod: int | Sequence[int] = 20, deviations: float = 2.0) -> None:
        super().__init__(timeperiod)
        self.deviations = positive("bollinger", "deviations", deviations)

    def edges(self, bars: Bars, period: int) -> tuple[FloatArray, FloatArray]:
        """Lower and upper band."""
        middle, variance = moments(bars.close, period)
        reach = self.deviations * np.sqrt(variance)
        return middle - reach, middle + reach


class Donchian(Channel):
    """Donchian channel: lowest low to highest high of the last n bars, the present one among them. Warm-up n bars.

    Its position lies in [0, 1] and is the fast %K of the stochastic oscillator, divided by 100.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives two columns for each.

    Examples
    --------
    >>> Donchian([20, 55]).columns
    ('donchian_position_20', 'donchian_width_20', 'donchian_position_55', 'donchian_width_55')
    """

    name = "donchian"

    def __init__(self, timeperiod: int | Sequence[int] = 20) -> None:
        super().__init__(timeperiod)

    def edges(self, bars: Bars, period: int) -> tuple[FloatArray, FloatArray]:
        """Lowest low and highest high."""
        (lower,) = call("MIN", bars.low, timeperiod=period)
        (upper,) = call("MAX", bars.high, timeperiod=period)
        return lower, upper


class Keltner(Channel):
    """Keltner channel (Raschke's form): exponential mean of n closes ± a number of average true ranges (Wilder, n).

    Warm-up: n + 1 bars and those in which Wilder's average forgets its start (395 bars for n = 14).

    Parameters
    ----------
    timeperiod
        n, bars; a list gives two columns for each.
    ranges
        Average true ranges from the mean to each edge.

    Examples
    --------
    >>> Keltner(20).columns
    ('keltner_position_20', 'keltner_width_20')
    """

    name = "keltner"

    def __init__(self, timeperiod: int | Sequence[int] = 20, ranges: float = 2.0) -> None:
        super().__init__(timeperiod)
        self.ranges = positive("keltner", "ranges", ranges)

    def needed(self, period: int) -> int:
        """The slower of the two averages, Wilder's, decides."""
        return period + 1 + settle(poles("ATR", {"timeperiod": period}))

    def edges(self, bars: Bars, period: int) -> tuple[FloatArray, FloatArray]:
        """Mean less and plus its ranges."""
        (middle,) = call("EMA", bars.close, timeperiod=period)
        (size,) = call("ATR", bars.high, bars.low, bars.close, timeperiod=period)
        return middle - self.ranges * size, middle + self.ranges * size
