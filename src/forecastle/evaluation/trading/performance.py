"""Performance: the numbers by which a series of returns is judged, and how sure they are.

Returns are simple ones of a bar, net of costs, as fractions of the equity at its beginning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from forecastle.arrays import FloatArray

FEWEST = 30
"""With fewer returns than this no Sharpe ratio is given: its interval rests on the law of large numbers."""


@dataclass(frozen=True)
class Sharpe:
    """A Sharpe ratio per year.

    Parameters
    ----------
    value
        Mean return over its standard deviation, times the root of the bars per year.
    low, high
        95 % interval.
    probability
        That the true ratio is above 0 (the Probabilistic Sharpe Ratio against 0).
    """

    value: float
    low: float
    high: float
    probability: float


def sharpe(returns: FloatArray, per_year: float) -> Sharpe | None:
    """Sharpe ratio with its interval; None for fewer than `FEWEST` returns, or where they do not vary.

    Both interval and probability are asymptotic, with the skewness γ₃ and the kurtosis γ₄ of the returns: the standard
    error of a ratio S per bar from n bars is ``√((1 − γ₃ S + (γ₄ − 1)/4 · S²)/(n − 1))`` (Mertens 2002), and the
    probability is that of Bailey and López de Prado, The Sharpe Ratio Efficient Frontier, Journal of Risk 15 (2012),
    equation 5, with a benchmark of 0. Returns must be unpredictable from their own past for it, which those of bars
    that do not overlap are in all but the hours after an untraded price.

    Parameters
    ----------
    returns
        Shape (n,).
    per_year
        Bars per year.
    """
    count = len(returns)
    if count < FEWEST:
        return None
    centred = returns - returns.mean()
    variance = float(np.mean(centred**2))
    if variance <= 1e-30 * max(1.0, float(np.mean(returns)) ** 2):
        return None
    ratio = float(returns.mean()) / math.sqrt(variance * count / (count - 1))
    skewness = float(np.mean(centred**3)) / variance**1.5
    kurtosis = float(np.mean(centred**4)) / variance**2
    error = standard_error(ratio, count, skewness, kurtosis)
    year, reach = math.sqrt(per_year), NormalDist().inv_cdf(0.975) * error
    return Sharpe(ratio * year, (ratio - reach) * year, (ratio + reach) * year, NormalDist().cdf(ratio / error))


def standard_error(ratio: float, count: int, skewness: float, kurtosis: float) -> float:
    """Standard error of a Sharpe ratio per bar from `count` bars; the kurtosis of a normal law is 3.

    The hedge fund of Bailey and López de Prado (2012), whose 24 months give a ratio of .458, skewness −2.448 and
    kurtosis 10.164, has skill with a probability of .913:

    >>> round(NormalDist().cdf(0.458 / standard_error(0.458, 24, -2.448, 10.164)), 3)
    0.913
    """
    return math.sqrt((1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2) / (count - 1))


def sortino(returns: FloatArray, per_year: float) -> float | None:
    """Mean return over the root mean square of the losses, per year; None where there is no loss.

    Sortino and Price, Performance Measurement in a Downside Risk Framework (1994), with 0 as the wanted return.
    """
    downside = math.sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2))) if len(returns) else 0.0
    return float(returns.mean()) / downside * math.sqrt(per_year) if downside > 0 else None


def drawdown(equity: FloatArray) -> FloatArray:
    """How far below its highest value so far the equity is, a fraction from 0, shape (P,).

    Examples
    --------
    >>> drawdown(np.array([1.0, 2.0, 1.5, 3.0]))
    array([0.  , 0.  , 0.25, 0.  ])
    """
    peak = np.maximum.accumulate(equity)
    return 1.0 - equity / peak


def longest_drawdown(equity: FloatArray) -> tuple[int, int]:
    """First and last position of the longest time below an earlier peak: from the peak to the recovery, or to the end.

    Examples
    --------
    >>> longest_drawdown(np.array([1.0, 2.0, 1.5, 1.8, 2.0, 3.0, 2.5]))
    (1, 4)
    """
    below = drawdown(equity) > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], below, [False]]).astype(np.int8)))
    if not len(edges):
        return 0, 0
    begin, end = edges[::2] - 1, np.minimum(edges[1::2], len(equity) - 1)
    longest = int(np.argmax(end - begin))
    return int(begin[longest]), int(end[longest])


def influence(returns: FloatArray, per_year: float) -> FloatArray:
    r"""What each bar adds to the Sharpe ratio per year: a series whose mean, and its error, are those of the ratio.

    .. math:: S + \sqrt{n_y} \left( z_t - \frac{S_b}{2} (z_t^2 - 1) \right), \qquad z_t = (r_t - \bar r) / \sigma,

    the ratio's linearisation in the mean and the variance, with :math:`S_b` per bar, so that a test of means is one
    of ratios, whose dispersion is estimated, too.

    Parameters
    ----------
    returns
        Shape (n,); they vary.
    per_year
        Bars per year.

    References
    ----------
    Ledoit and Wolf, Robust performance hypothesis testing with the Sharpe ratio, Journal of Empirical Finance 15
    (2008), 850–859, equation 4.
    """
    centred = (returns - returns.mean()) / returns.std()
    ratio = float(returns.mean() / returns.std(ddof=1))
    added: FloatArray = ratio + centred - ratio / 2 * (centred**2 - 1)
    return math.sqrt(per_year) * added
