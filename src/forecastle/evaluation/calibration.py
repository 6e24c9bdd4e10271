"""Calibration: whether what is forecast with a probability happens that often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecastle.arrays import FloatArray, TimeArray
from forecastle.errors import ConfigError
from forecastle.evaluation.kind import ClassMetric, probabilities
from forecastle.evaluation.metric import Direction, Outcome


@dataclass(frozen=True, eq=False)
class Histogram:
    """A PIT histogram on bins between quantile levels.

    Parameters
    ----------
    edges
        0, the levels, 1; shape (Q + 2,).
    density
        Share of outcomes in each bin over the share expected, shape (Q + 1,); 1 everywhere when calibrated.
    low, high
        What a calibrated forecast stays between in each bin with 95 % probability, shape (Q + 1,).
    """

    edges: FloatArray
    density: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class Reliability:
    """Forecast against observed frequency in bins of equal counts.

    Parameters
    ----------
    forecast, observed
        Mean probability and frequency of each bin, shape (B,).
    low, high
        What the frequency of a calibrated forecast stays between with 95 % probability, shape (B,).
    count
        Forecasts in each bin, shape (B,).
    """

    forecast: FloatArray
    observed: FloatArray
    low: FloatArray
    high: FloatArray
    count: FloatArray


def pit_histogram(levels: FloatArray, quantiles: FloatArray, target: FloatArray, independent: int) -> Histogram:
    """Count where the outcomes fall among the forecast quantiles.

    The probability integral transform of a calibrated forecast is uniform (Dawid 1984; Diebold, Gunther and Tay 1998).
    Quantiles give it up to the bin between two levels.

    Parameters
    ----------
    levels
        Q levels, ascending, inside (0, 1).
    quantiles
        Shape (N, Q), in the target's unit.
    target
        What happened, shape (N,). Rows with NaN are left out. An outcome equal to a quantile counts as below it.
    independent
        Number of outcomes that do not overlap in time, from which the band is made: labels of h bars share
        information for h bars.
    """
    known = np.isfinite(target) & np.isfinite(quantiles).all(axis=1)
    edges = np.concatenate([[0.0], levels, [1.0]])
    width = np.diff(edges)
    place = np.sum(target[known, None] > quantiles[known], axis=1)
    share = np.bincount(place, minlength=len(width)) / max(int(known.sum()), 1)
    low, high = binomial_interval(max(independent, 1), width)
    return Histogram(edges, share / width, low / width, high / width)


def reliability(probability: FloatArray, happened: FloatArray, independent: int, bins: int = 10) -> Reliability:
    """Compare forecast probabilities with frequencies, in bins of equal counts.

    The band is the consistency band of Bröcker and Smith (2007), taken from the binomial law at the bin's mean
    probability.

    Parameters
    ----------
    probability
        Of the event, shape (N,).
    happened
        1 where it happened, 0 where not, shape (N,).
    independent
        Number of the N outcomes that do not overlap in time; spread evenly over the bins.
    bins
        At most so many; fewer where probabilities are equal or forecasts are few.
    """
    forecast, observed, count = equal_bins(probability, happened, bins)
    effective = np.maximum(np.round(count * independent / max(len(probability), 1)), 1)
    bands = [binomial_interval(int(n), np.array([p])) for n, p in zip(effective, forecast, strict=True)]
    low, high = np.concatenate([low for low, _ in bands]), np.concatenate([high for _, high in bands])
    return Reliability(forecast, observed, low, high, count)


def independent(origin: TimeArray, step: int) -> int:
    """Outcomes of a step that do not overlap; symbols at one time are counted once, since markets move together."""
    return max(1, len(np.unique(origin)) // step)


def equal_bins(probability: FloatArray, happened: FloatArray, bins: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean probability, frequency and number of forecasts, in bins of equal counts, each of shape (B,).

    At most `bins` of them; fewer where probabilities are equal, which share a bin, or forecasts are few (10 a bin).
    """
    order = np.argsort(probability, kind="stable")
    ordered = probability[order]
    cuts = np.linspace(0, len(order), max(1, min(bins, len(order) // 10)) + 1).astype(int)[1:-1]
    starts = np.unique(np.concatenate([[0], np.searchsorted(ordered, ordered[cuts], side="left")]))
    count = np.diff(np.append(starts, len(order))).astype(np.float64)
    forecast = np.add.reduceat(ordered.astype(np.float64), starts) / count
    return forecast, np.add.reduceat(happened[order].astype(np.float64), starts) / count, count


class CalibrationError(ClassMetric):
    r"""Expected calibration error: how far frequencies lie from the probabilities that were forecast.

    .. math:: \mathrm{ECE} = \sum_b \frac{n_b}{N} \, |\bar p_b - \bar o_b|

    over bins of equal counts, those of the reliability diagram (Naeini, Cooper & Hauskrecht 2015, with the adaptive
    bins of Nguyen & O'Connor 2015). Two classes: of the last one, `up`. More: the mean over the classes, each against
    the rest (classwise; Kull et al. 2019). The score pools all windows and steps. It is 0 for a calibrated forecast of
    endless length only: with n forecasts in a bin chance alone gives up to about .4/√n.

    Parameters
    ----------
    bins
        At most so many.
    """

    name = "ece"
    direction = Direction.MIN

    def __init__(self, bins: int = 10) -> None:
        if bins < 1:
            raise ConfigError(f"ece: bins must be at least 1, got {bins}")
        self.bins = bins

    def score(self, outcome: Outcome) -> float:
        """Error over all windows and steps."""
        probability = probabilities(outcome)
        return self._error(probability.reshape(-1, probability.shape[-1]), outcome.target.ravel())

    def by_step(self, outcome: Outcome) -> FloatArray:
        """Error at each step, shape (H,)."""
        probability = probabilities(outcome)
        return np.array([self._error(probability[:, h], outcome.target[:, h]) for h in range(outcome.target.shape[1])])

    def pointwise(self, outcome: Outcome) -> FloatArray | None:  # noqa: ARG002
        """None: it is no mean over windows."""
        return None

    def _error(self, probability: FloatArray, target: FloatArray) -> float:
        """Error for probabilities (M, K) and classes (M,)."""
        classes = probability.shape[-1]
        errors = []
        for k in range(classes) if classes > 2 else (classes - 1,):
            forecast, observed, count = equal_bins(probability[:, k], (target == k).astype(np.float64), self.bins)
            errors.append(float(count @ np.abs(forecast - observed) / count.sum()))
        return float(np.mean(errors))


def binomial_interval(count: int, probability: FloatArray, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Shares between which a binomial share stays with at least the probability `level`, tails cut equally.

    Exact, from the logarithms of the binomial probabilities (scipy.stats costs a second of start-up).

    Parameters
    ----------
    count
        Number of trials, at least 1.
    probability
        Of success, shape (B,); clipped into [0, 1].
    level
        Of the interval.

    Examples
    --------
    >>> binomial_interval(100, np.array([0.5]))
    (array([0.4]), array([0.6]))
    """
    factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1)))])
    choose = factorial[-1] - factorial - factorial[::-1]
    chance = np.clip(np.asarray(probability, dtype=np.float64), 1e-12, 1 - 1e-12)[:, None]
    number = np.arange(count + 1)
    below = np.cumsum(np.exp(choose + number * np.log(chance) + (count - number) * np.log1p(-chance)), axis=1)
    tail = (1 - level) / 2
    low = np.argmax(below >= tail - 1e-12, axis=1)
    high = np.argmax(below >= 1 - tail - 1e-12, axis=1)
    return low / count, high / count
