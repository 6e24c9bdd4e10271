"""Which of several runs is better, and is it sure: Diebold–Mariano, paired bootstrap, the model confidence set, SPA.

All read the same thing: the loss of each forecaster at each origin, with the origins in order of time. Losses of
windows at one origin (several symbols, all steps) are brought together first, since they move together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from forecastle.arrays import FloatArray, TimeArray
from forecastle.evaluation.accuracy import diebold_mariano
from forecastle.evaluation.bootstrap import RESAMPLES, block_length, fewest_origins, widening

LARGEST_SET = 100
"""Most forecasters in a model confidence set: it compares each with each in every resample."""

CONFIDENCE = 0.95
"""Of the intervals and of the model confidence set."""


@dataclass(frozen=True)
class Difference:
    """Mean loss of a forecaster less that of another, in the unit of the loss: below 0 it is better.

    Parameters
    ----------
    value
        The mean difference.
    low, high
        Its 95 % interval by the stationary bootstrap.
    statistic, p_value
        Of the test of Diebold and Mariano that both are equally good, two-sided; NaN where they never differ.
    """

    value: float
    low: float
    high: float
    statistic: float
    p_value: float


def by_origin(losses: FloatArray, origin: TimeArray) -> FloatArray:
    """Loss of each origin, ascending in time, shape (T,), from losses (N, H) and their origins (N,).

    It is the sum over the origin's windows of their mean over steps, in units of the mean number of windows at an
    origin: where all origins have as many, the mean of theirs, and the mean over origins is always that over windows.
    """
    _, place = np.unique(origin, return_inverse=True)
    total = np.bincount(place, losses.mean(axis=1))
    return np.asarray(total * (len(total) / len(place)))


def stationary_means(losses: FloatArray, length: float, seed: int) -> FloatArray:
    """Mean of each series in each resample of the stationary bootstrap.

    Blocks begin anywhere and end with the probability 1/length at each origin; the axis is closed to a circle. All
    series see the same blocks, so that differences are paired.

    Parameters
    ----------
    losses
        One column for each of M series, shape (T, M).
    length
        Mean length of a block, in origins.
    seed
        Of what is drawn.

    Returns
    -------
    FloatArray
        Shape (RESAMPLES, M).

    References
    ----------
    Politis and Romano, The stationary bootstrap, Journal of the American Statistical Association 89 (1994), 1303–1313.
    """
    count = len(losses)
    random = np.random.default_rng(seed)
    means = np.empty((RESAMPLES, losses.shape[1]))
    together = max(1, min(RESAMPLES, 4_000_000 // count))
    for start in range(0, RESAMPLES, together):
        rows = min(together, RESAMPLES - start)
        begins = random.random((rows, count)) < 1 / length
        begins[:, 0] = True
        place = np.arange(count)
        since = place - np.maximum.accumulate(np.where(begins, place, 0), axis=1)
        first = np.where(begins, random.integers(0, count, (rows, count)), 0)
        first = np.take_along_axis(first, place - since, axis=1)
        index = (first + since) % count + count * np.arange(rows)[:, None]
        weight = np.bincount(index.ravel(), minlength=rows * count).reshape(rows, count)
        means[start : start + rows] = weight @ losses / count
    return means


def differences(losses: FloatArray, reference: FloatArray, horizon: int, seed: int) -> list[Difference]:
    """Compare each of M forecasters with a reference.

    Parameters
    ----------
    losses
        Mean loss at each origin, in order, shape (T, M).
    reference
        That of the reference, shape (T,).
    horizon
        H, in bars, taken for as many origins.
    seed
        Of the bootstrap.

    Returns
    -------
    list of Difference
        M of them; the interval is NaN where there are too few origins for one
        (`forecastle.evaluation.bootstrap.fewest_origins`).
    """
    gaps = losses - reference[:, None]
    count, length = len(gaps), block_length(len(gaps), horizon)
    low = high = np.full(gaps.shape[1], math.nan)
    if count >= fewest_origins(horizon):
        means = stationary_means(gaps, length, seed)
        low, high = np.quantile(means, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2), axis=0)
        extra = (widening(1.96, count / length) - 1) * (high - low) / 2
        low, high = low - extra, high + extra
    values = gaps.mean(axis=0).tolist()
    tests = [diebold_mariano(gap, horizon) for gap in gaps.T]
    return [
        Difference(*each) for each in zip(values, low.tolist(), high.tolist(), *zip(*tests, strict=True), strict=True)
    ]


def confidence_set(losses: FloatArray, horizon: int, seed: int) -> FloatArray:
    """P-values of the model confidence set: those above 0.05 cannot be told from the best.

    Parameters
    ----------
    losses
        Mean loss at each origin, in order, shape (T, M).
    horizon
        H, in bars, taken for as many origins.
    seed
        Of the bootstrap.

    Returns
    -------
    FloatArray
        Shape (M,); 0 for those beyond the best `LARGEST_SET`, which take no part, and NaN for all where there are
        too few origins.

    References
    ----------
    Hansen, Lunde and Nason, The model confidence set, Econometrica 79 (2011), 453–497.
    """
    from arch.bootstrap import MCS

    count, models = losses.shape
    if count < fewest_origins(horizon):
        return np.full(models, math.nan)
    found = np.zeros(models)
    taking = np.argsort(losses.mean(axis=0), kind="stable")[:LARGEST_SET]
    _, distinct, same = np.unique(losses[:, taking], axis=1, return_index=True, return_inverse=True)
    if len(distinct) == 1:
        found[taking] = 1.0
        return found
    length = block_length(count, horizon)
    test = MCS(
        losses[:, taking[distinct]].astype(np.float64),
        size=1 - CONFIDENCE,
        reps=RESAMPLES,
        block_size=length,
        seed=seed,
    )
    test.compute()
    values = test.pvalues["Pvalue"].sort_index().to_numpy()
    found[taking] = values[same.ravel()]
    return found


def superior(losses: FloatArray, baseline: FloatArray, horizon: int, seed: int) -> float:
    r"""P-value of the hypothesis that none of M forecasters is better than the baseline: Hansen's SPA test, consistent.

    The statistic is the largest gain over its standard error, at least 0,

    .. math:: T = \max\Big(0, \max_k \sqrt n \, \bar d_k / \hat\omega_k\Big)

    and its law is that of the resamples, with each gain centred, but for those that lie further below 0 than
    :math:`-\hat\omega_k \sqrt{2 \log \log n / n}`: hopeless forecasters do not blunt the test. The law is
    widened for few blocks, as the intervals are.

    Parameters
    ----------
    losses
        Mean loss at each origin, in order, shape (T, M).
    baseline
        That of the baseline, shape (T,).
    horizon
        H, in bars, taken for as many origins.
    seed
        Of the bootstrap.

    Returns
    -------
    float
        NaN where there are too few origins; 1 where no forecaster differs from the baseline.

    References
    ----------
    Hansen, A test for superior predictive ability, Journal of Business & Economic Statistics 23 (2005), 365–380.
    """
    count = len(losses)
    if count < fewest_origins(horizon):
        return math.nan
    gains = baseline[:, None] - losses
    gains = gains[:, (gains != 0).any(axis=0)]
    if not gains.shape[1]:
        return 1.0
    length = block_length(count, horizon)
    means = stationary_means(gains, length, seed)
    error = means.std(axis=0)
    mean = gains.mean(axis=0)
    hopeless = mean < -error * math.sqrt(2 * math.log(math.log(count)))
    centre = np.where(hopeless, 0.0, mean)
    wider = widening(1.96, count / length)
    drawn = np.maximum(wider * ((means - centre) / error).max(axis=1), 0.0)
    return float(np.mean(drawn >= max(0.0, float((mean / error).max()))))
