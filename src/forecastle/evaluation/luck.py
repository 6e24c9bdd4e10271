"""Is the best of many trials more than the luckiest: deflated Sharpe ratio, backtest overfitting, best of N.

Who tries two hundred settings on noise finds one that looks good. Each function here asks how good the best would look
by luck alone, given how many were tried; the number of trials is counted by the ledger and not typed in.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError
from forecastle.evaluation.trading.performance import standard_error

BLOCKS = 16
"""Blocks of time that are split into halves in every way: 12,870 of them, as Bailey et al. have it."""

EULER = 0.5772156649015329
"""The constant of Euler and Mascheroni."""

SURE = 0.95
"""Probability of skill from which the best of a sweep is not called luck."""


@dataclass(frozen=True)
class Deflated:
    """The Sharpe ratio of the best trial against that of the luckiest of as many without skill.

    Parameters
    ----------
    best
        Number of the trial with the highest ratio.
    ratio
        Its Sharpe ratio per bar.
    expected
        Highest ratio per bar that as many trials without skill are expected to show.
    probability
        That the true ratio is above the expected one: the Deflated Sharpe Ratio.
    """

    best: int
    ratio: float
    expected: float
    probability: float


@dataclass(frozen=True)
class Overfitting:
    """What becomes out of sample of the trial that is best in sample.

    Parameters
    ----------
    probability
        Share of the splits in which it is below the median of all trials: the Probability of Backtest Overfitting.
    loss
        Share of the splits in which its return out of sample is below 0.
    """

    probability: float
    loss: float


@dataclass(frozen=True)
class BestOf:
    """The score of the best trial beside what luck alone gives the best of as many.

    Parameters
    ----------
    best
        Number of the trial with the highest score.
    value
        Its score.
    luck
        By how much the best of as many trials would exceed its true score if all were equally good.
    low
        Lower end of a one-sided 95 % interval of its true score, that holds whichever trial is chosen.
    """

    best: int
    value: float
    luck: float
    low: float


def deflated_sharpe(returns: FloatArray, trials: int | None = None, judged: Sequence[int] | None = None) -> Deflated:
    r"""Deflated Sharpe Ratio of the best of several trials, or of some of them.

    .. math:: \widehat{SR}_0 = \sqrt{V} \left( (1 - \gamma) \, \Phi^{-1}\!\left(1 - \tfrac1N\right)
              + \gamma \, \Phi^{-1}\!\left(1 - \tfrac1{N e}\right) \right)

    is the expected highest of N ratios without skill, with V their variance over the trials and γ Euler's constant; the
    answer is the Probabilistic Sharpe Ratio against it.

    Parameters
    ----------
    returns
        Returns per bar of each trial, one column for each, shape (T, N).
    trials
        How many were tried, at least N; None: N. Trials that failed or were stopped early count: who looks, chooses.
    judged
        Numbers of the trials among which the best is looked for; None: all.

    Raises
    ------
    ConfigError
        If there are fewer than two trials, no bar, or none of the returns vary.

    References
    ----------
    Bailey and López de Prado, The deflated Sharpe ratio, Journal of Portfolio Management 40 (2014), equations 1 and 2.
    """
    count = returns.shape[1] if trials is None else trials
    ratios = _ratios(returns)
    varying = ratios[np.isfinite(ratios)]
    if count < max(2, returns.shape[1]) or len(varying) < 2:
        raise ConfigError(f"at least two trials with returns that vary are wanted, got {len(varying)} of {count}")
    normal = NormalDist()
    size = float(varying.std(ddof=1))
    expected = size * ((1 - EULER) * normal.inv_cdf(1 - 1 / count) + EULER * normal.inv_cdf(1 - 1 / (count * math.e)))
    places = np.arange(len(ratios)) if judged is None else np.asarray(judged)
    places = places[np.isfinite(ratios[places])]
    if not len(places):
        raise ConfigError("returns that vary are wanted, got none among those that are judged")
    best = int(places[np.argmax(ratios[places])])
    chosen = returns[:, best] - returns[:, best].mean()
    variance = float(np.mean(chosen**2))
    skewness, kurtosis = (float(np.mean(chosen**power)) / variance ** (power / 2) for power in (3, 4))
    ratio = float(ratios[best])
    error = standard_error(ratio, len(returns), skewness, kurtosis)
    return Deflated(best, ratio, expected, normal.cdf((ratio - expected) / error))


def backtest_overfitting(returns: FloatArray, blocks: int = BLOCKS) -> Overfitting:
    """Probability of Backtest Overfitting by combinatorially symmetric cross-validation.

    Time is cut into blocks; in every split of them into two halves the trial with the highest Sharpe ratio in one half
    is looked up in the other.

    Parameters
    ----------
    returns
        Returns per bar of each trial, one column for each, shape (T, N).
    blocks
        An even number of blocks, at least 4.

    Raises
    ------
    ConfigError
        If there are fewer than two trials or fewer than two bars in a block, or `blocks` is odd or below 4.

    References
    ----------
    Bailey, Borwein, López de Prado and Zhu, The probability of backtest overfitting, Journal of Computational Finance
    20 (2017), section 4.
    """
    count, trials = returns.shape
    if blocks < 4 or blocks % 2:
        raise ConfigError(f"blocks must be an even number of at least 4, got {blocks}")
    if trials < 2 or count < 2 * blocks:
        raise ConfigError(
            f"at least two trials of {2 * blocks} bars are wanted for {blocks} blocks, got {trials} of {count}"
        )
    edges = np.linspace(0, count, blocks + 1).astype(int)
    size = np.diff(edges)
    total = np.add.reduceat(returns, edges[:-1], axis=0)
    square = np.add.reduceat(returns**2, edges[:-1], axis=0)
    halves = np.array([np.isin(range(blocks), half) for half in itertools.combinations(range(blocks), blocks // 2)])
    seen, rest = (_half_ratios(part.astype(np.float64), total, square, size) for part in (halves, ~halves))
    best = seen.argmax(axis=1)[:, None]
    outside = np.take_along_axis(rest, best, axis=1)
    # a trial at place r of N from below has the relative rank r/(N+1); ties take the middle of their places
    below = (rest < outside).sum(axis=1) + 0.5 * ((rest == outside).sum(axis=1) - 1)
    rank = (below + 1) / (trials + 1)
    return Overfitting(float(np.mean(rank <= 0.5)), float(np.mean(outside < 0)))


def best_of(resampled: FloatArray, scores: FloatArray) -> BestOf:
    """What the best of several scores, higher better, is worth, given that it was chosen for being the best.

    How far each trial's score in a resample of time lies from its score in the sample is drawn from what chance does to
    it; the largest such deviation is what chance does to the best. Its mean is the luck of the choice, its 95th
    percentile the margin that a true score lies within.

    Parameters
    ----------
    resampled
        Scores of each of N trials in each of R resamples, the same resamples for all, shape (R, N).
    scores
        Scores in the sample, shape (N,).

    References
    ----------
    White, A reality check for data snooping, Econometrica 68 (2000), 1097–1126, whose statistic is the largest
    deviation.
    """
    deviation = (resampled - scores).max(axis=1)
    best = int(np.argmax(scores))
    value = float(scores[best])
    return BestOf(best, value, float(deviation.mean()), value - float(np.quantile(deviation, 0.95)))


def _ratios(returns: FloatArray) -> FloatArray:
    """Sharpe ratio per bar of each column, NaN where it does not vary."""
    mean, size = returns.mean(axis=0), returns.std(axis=0, ddof=1)
    ratio: FloatArray = np.divide(mean, size, out=np.full(len(mean), np.nan), where=size > 1e-15)
    return ratio


def _half_ratios(part: FloatArray, total: FloatArray, square: FloatArray, size: FloatArray) -> FloatArray:
    """Sharpe ratio per bar of each trial in each half, shape (halves, N); 0 where it does not vary."""
    count = (part @ size)[:, None]
    mean = part @ total / count
    variance = np.maximum(part @ square / count - mean**2, 0.0)
    ratio: FloatArray = np.divide(mean, np.sqrt(variance), out=np.zeros_like(mean), where=variance > 1e-30)
    return ratio
