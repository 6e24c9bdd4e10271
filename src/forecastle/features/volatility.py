"""Volatility: how much the price moves, measured from closes alone or from whole candles, in log return per bar."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.features.rolling import mean, moments
from forecastle.features.trailing import Trailing, log_returns, ratio


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
    scale = "log return per bar"
    extra = 1

    def __init__(self, timeperiod: int | Sequence[int] = 20) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        return (realised(bars, period),)


class CandleVolatility(Trailing):
    """Root of the mean over n bars of a variance that each candle gives by itself, in log return per bar.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.
    """

    scale = "log return per bar"

    def __init__(self, timeperiod: int | Sequence[int] = 20) -> None:
        super().__init__(timeperiod)

    @abstractmethod
    def variance(self, bars: Bars) -> FloatArray:
        """Variance that each bar shows, squared log return, shape (T,)."""

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column; a mean below 0, which only candles with a close outside their range give, counts as 0."""
        return (np.sqrt(np.maximum(mean(self.variance(bars), period), 0.0)),)


class Parkinson(CandleVolatility):
    """Parkinson's (1980) volatility from the range, in log return per bar; warm-up n bars.

    ``sqrt(Σ ln(high / low)² / (4 ln 2) / n)``: for a price without drift or gaps.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> Parkinson(20).columns
    ('parkinson_20',)
    """

    name = "parkinson"

    def variance(self, bars: Bars) -> FloatArray:
        """Equation (12) of the paper for one bar."""
        squared: FloatArray = np.log(bars.high / bars.low) ** 2 / (4 * np.log(2))
        return squared


class GarmanKlass(CandleVolatility):
    """Garman and Klass's (1980) volatility from range and body, in log return per bar; warm-up n bars.

    Mean over n bars of ``½ ln(high / low)² - (2 ln 2 - 1) ln(close / open)²``, and its root: for a price without drift
    or gaps.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> GarmanKlass(20).columns
    ('garman_klass_20',)
    """

    name = "garman_klass"

    def variance(self, bars: Bars) -> FloatArray:
        """The paper's practical estimator for one bar, without its small cross terms."""
        body: FloatArray = np.log(bars.close / bars.open) ** 2
        variance: FloatArray = np.log(bars.high / bars.low) ** 2 / 2 - (2 * np.log(2) - 1) * body
        return variance


class RogersSatchell(CandleVolatility):
    """Rogers and Satchell's (1991) volatility, right under any drift, in log return per bar; warm-up n bars.

    Mean over n bars of ``ln(high / close) ln(high / open) + ln(low / close) ln(low / open)``, and its root.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> RogersSatchell(20).columns
    ('rogers_satchell_20',)
    """

    name = "rogers_satchell"

    def variance(self, bars: Bars) -> FloatArray:
        """The paper's estimator for one bar."""
        above: FloatArray = np.log(bars.high / bars.close) * np.log(bars.high / bars.open)
        below: FloatArray = np.log(bars.low / bars.close) * np.log(bars.low / bars.open)
        return above + below


class YangZhang(Trailing):
    """Yang and Zhang's (2000) volatility, right under drift and gaps, in log return per bar; warm-up n + 1 bars.

    ``sqrt(V_o + k V_c + (1 - k) V_rs)`` (their equation 7): sample variances over n bars of
    ``ln(open_t / close_{t-1})`` and of ``ln(close_t / open_t)``, the mean of Rogers and Satchell's, and
    ``k = .34 / (1.34 + (n + 1) / (n - 1))``.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> YangZhang(20).columns
    ('yang_zhang_20',)
    """

    name = "yang_zhang"
    scale = "log return per bar"
    least = 2
    extra = 1

    def __init__(self, timeperiod: int | Sequence[int] = 20) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        share = 0.34 / (1.34 + (period + 1) / (period - 1))
        sample = period / (period - 1)
        _, gap = moments(np.log(bars.open[1:] / bars.close[:-1]), period)
        _, body = moments(np.log(bars.close / bars.open)[1:], period)
        inner = np.maximum(mean(RogersSatchell().variance(bars)[1:], period), 0.0)
        return (np.sqrt(sample * (gap + share * body) + (1 - share) * inner),)


class VolatilityOfVolatility(Trailing):
    """Standard deviation of the last n realised volatilities of n bars, divided by their mean; warm-up 2 n bars.

    A coefficient of variation, so that calm and wild markets compare; 0 where nothing moves.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> VolatilityOfVolatility(20).columns
    ('volatility_of_volatility_20',)
    """

    name = "volatility_of_volatility"
    scale = "ratio"
    least = 2

    def __init__(self, timeperiod: int | Sequence[int] = 20) -> None:
        super().__init__(timeperiod)

    def needed(self, period: int) -> int:
        """The first volatility takes n + 1 bars, the others n - 1 more."""
        return 2 * period

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        middle, variance = moments(realised(bars, period), period)
        return (ratio(np.sqrt(variance), middle, empty=0.0),)


def realised(bars: Bars, period: int) -> FloatArray:
    """Root mean square of each `period` neighbouring log returns, per bar, shape (T - period,)."""
    found: FloatArray = np.sqrt(mean(log_returns(bars) ** 2, period))
    return found
