"""Moments: the shape of the last returns and how they hang together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.features.rolling import blocks, mean, moments
from forecastle.features.trailing import Trailing, log_returns, ratio, whole_numbers


class Skewness(Trailing):
    """Skewness ``m₃ / m₂^1.5`` of the last n one-bar log returns, without a unit; warm-up n + 1 bars.

    Central moments are averages over n (scipy's ``bias=True``); 0 where the returns are equal.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> Skewness([20, 60]).columns
    ('skewness_20', 'skewness_60')
    """

    name = "skewness"
    scale = "none"
    least = 3
    extra = 1

    def __init__(self, timeperiod: int | Sequence[int] = 60) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        _, second, third = moments(log_returns(bars), period, highest=3)
        return (ratio(third, second * np.sqrt(second), empty=0.0),)


class Kurtosis(Trailing):
    """Excess kurtosis ``m₄ / m₂² - 3`` of the last n one-bar log returns, without a unit; warm-up n + 1 bars.

    Central moments are averages over n (scipy's ``bias=True``); 0 for a normal law, and where the returns are equal.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.

    Examples
    --------
    >>> Kurtosis(60).columns
    ('kurtosis_60',)
    """

    name = "kurtosis"
    scale = "none"
    least = 4
    extra = 1

    def __init__(self, timeperiod: int | Sequence[int] = 60) -> None:
        super().__init__(timeperiod)

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        _, second, _, fourth = moments(log_returns(bars), period, highest=4)
        return (ratio(fourth, second * second, empty=3.0) - 3.0,)


class Autocorrelation(Trailing):
    """Autocorrelation of the last n one-bar log returns at one or more lags, in [-1, 1]; warm-up n + 1 bars.

    ``Σ (r_t - m)(r_{t-k} - m) / Σ (r_t - m)²`` with the mean m of the n returns, the first sum over the n - k pairs
    inside them (Box and Jenkins 1976, equation 2.1.11); 0 where the returns are equal.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one group of columns for each.
    lag
        k, bars; a list gives one column for each.

    Examples
    --------
    >>> Autocorrelation(60, lag=[1, 5]).columns
    ('autocorrelation_lag1_60', 'autocorrelation_lag5_60')
    """

    name = "autocorrelation"
    scale = "-1 to 1"
    least = 3
    extra = 1

    def __init__(self, timeperiod: int | Sequence[int] = 60, lag: int | Sequence[int] = 1) -> None:
        self.lag = whole_numbers(self.name, "lag", lag, 1)
        self.outputs = tuple(f"lag{value}" for value in self.lag)
        super().__init__(timeperiod)
        whole_numbers(self.name, "timeperiod", timeperiod, max(self.lag) + 2)

    def values(self, bars: Bars, period: int) -> Iterable[FloatArray]:
        """One column for each lag."""
        returns = log_returns(bars)
        middle, variance = moments(returns, period)
        whole = variance * period
        return (ratio(self._product(returns, middle, period, lag), whole, empty=0.0) for lag in self.lag)

    @staticmethod
    def _product(returns: FloatArray, middle: FloatArray, period: int, lag: int) -> FloatArray:
        """``Σ (r_t - m)(r_{t-k} - m)`` of each window."""
        product = np.zeros(len(middle))
        for rows in blocks(len(middle)):
            centre = middle[rows]
            for place in range(period - lag):
                early = returns[rows.start + place : rows.stop + place]
                late = returns[rows.start + place + lag : rows.stop + place + lag]
                product[rows] += (early - centre) * (late - centre)
        return product


class VarianceRatio(Trailing):
    """Variance ratio of the last n one-bar log returns over q bars (Lo and MacKinlay 1988); warm-up n + 1 bars.

    ``V_q / V_1 - 1`` with both variances unbiased and overlapping (their equations 12): above 0 where moves go on,
    below 0 where they turn back, 0 for a random walk and where the returns are equal.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one group of columns for each.
    span
        q, bars; a list gives one column for each.

    Examples
    --------
    >>> VarianceRatio(60, span=[2, 5]).columns
    ('variance_ratio_over2_60', 'variance_ratio_over5_60')
    """

    name = "variance_ratio"
    scale = "0 for a random walk"
    least = 3
    extra = 1

    def __init__(self, timeperiod: int | Sequence[int] = 60, span: int | Sequence[int] = (2, 5)) -> None:
        self.span = whole_numbers(self.name, "span", span, 2)
        self.outputs = tuple(f"over{value}" for value in self.span)
        super().__init__(timeperiod)
        whole_numbers(self.name, "timeperiod", timeperiod, max(self.span) + 1)

    def values(self, bars: Bars, period: int) -> Iterable[FloatArray]:
        """One column for each span."""
        returns = log_returns(bars)
        middle, variance = moments(returns, period)
        one = variance * period / (period - 1)
        return (ratio(self._long(returns, middle, period, span), one, empty=1.0) - 1.0 for span in self.span)

    @staticmethod
    def _long(returns: FloatArray, middle: FloatArray, period: int, span: int) -> FloatArray:
        """``V_q``: mean square of the returns over q bars about q times the mean, per bar, unbiased."""
        long = mean(returns, span) * span
        squares = np.zeros(len(middle))
        count = period - span + 1
        for rows in blocks(len(middle)):
            centre = span * middle[rows]
            for place in range(count):
                squares[rows] += (long[rows.start + place : rows.stop + place] - centre) ** 2
        squares /= span * count * (1 - span / period)
        return squares
