"""Are two forecasters equally good: the test of Diebold and Mariano, and the long-run variance behind it."""

from __future__ import annotations

import math

from forecastle.arrays import FloatArray


def diebold_mariano(difference: FloatArray, horizon: int) -> tuple[float, float]:
    r"""Test of equal accuracy, with the long-run variance of Newey and West and the correction of Harvey et al.

    .. math:: DM = \bar d \Big/ \sqrt{\hat\omega / T}, \qquad
              \hat\omega = \hat\gamma_0 + 2 \sum_{k=1}^{L} \Big(1 - \frac{k}{L+1}\Big) \hat\gamma_k

    times :math:`\sqrt{(T + 1 - 2h + h(h-1)/T) / T}`, against Student's t with T − 1 degrees of freedom. The number of
    lags L is the larger of h − 1, for which forecasts of h steps overlap, and :math:`\lceil T^{1/3} \rceil`, for the
    dependence that calm and wild times bring.

    Parameters
    ----------
    difference
        Loss of one forecaster less that of the other at each origin, in order, shape (T,).
    horizon
        h, in origins.

    Returns
    -------
    tuple of float
        Statistic and two-sided p-value; NaN where there is no difference at any origin, or T is too short for h.

    References
    ----------
    Diebold and Mariano, Comparing predictive accuracy, Journal of Business & Economic Statistics 13 (1995), 253–263.
    Harvey, Leybourne and Newbold, Testing the equality of prediction mean squared errors, International Journal of
    Forecasting 13 (1997), 281–291. Newey and West, Econometrica 55 (1987), 703–708.
    """
    from scipy.special import stdtr

    count, lags = len(difference), _lags(len(difference), horizon)
    shrunk = (count + 1 - 2 * horizon + horizon * (horizon - 1) / count) / count
    if count <= lags + 1 or shrunk <= 0:
        return math.nan, math.nan
    variance = long_run_variance(difference, horizon)
    if not variance > 0:
        return math.nan, math.nan
    statistic = float(difference.mean() / math.sqrt(variance / count) * math.sqrt(shrunk))
    return statistic, float(2 * stdtr(count - 1, -abs(statistic)))


def long_run_variance(series: FloatArray, horizon: int) -> float:
    """Long-run variance of a series, by Newey and West, as `diebold_mariano` takes it."""
    lags, centred = _lags(len(series), horizon), series - series.mean()
    variance = float(centred @ centred)
    for lag in range(1, min(lags, len(series) - 1) + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(centred[lag:] @ centred[:-lag])
    return variance / len(series)


def _lags(count: int, horizon: int) -> int:
    return max(horizon - 1, math.ceil(math.pow(count, 1 / 3)))
