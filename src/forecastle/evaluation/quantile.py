"""Metrics of the whole distribution, read from quantiles: CRPS, pinball loss, coverage, width."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError
from forecastle.evaluation.kind import MeanMetric, NumberMetric, quantile_forecast
from forecastle.evaluation.metric import Direction, Outcome


def pinball_loss(target: FloatArray, quantile: FloatArray, level: float) -> FloatArray:
    """Pinball (quantile) loss, elementwise, float64, in the unit of the target.

    ``(y − q)·τ`` where the target y lies above the quantile q, ``(q − y)·(1 − τ)`` below (Koenker & Bassett 1978);
    it is smallest in expectation where q is the τ-quantile of y.

    >>> pinball_loss(np.array([2.0, -2.0]), np.array([0.0, 0.0]), 0.9)
    array([1.8, 0.2])
    """
    error = target - quantile
    return np.asarray(np.maximum(level * error, (level - 1.0) * error))


def cell_widths(levels: Sequence[float]) -> FloatArray:
    """Share of the probabilities 0 to 1 that each ascending level stands for, shape (Q,), summing to 1.

    Cells meet half way between neighbouring levels; the first begins at 0 and the last ends at 1.

    >>> cell_widths([0.1, 0.5, 0.9])
    array([0.3, 0.4, 0.3])
    """
    inner = np.asarray(levels, dtype=np.float64)
    return np.diff(np.concatenate([[0.0], (inner[1:] + inner[:-1]) / 2, [1.0]]))


class CRPS(NumberMetric, MeanMetric):
    r"""Continuous ranked probability score, by its quantile decomposition, in the unit of the target.

    .. math:: \mathrm{CRPS}(F, y) = \int_0^1 2\,\rho_\tau\bigl(y - F^{-1}(\tau)\bigr)\,d\tau
              \approx 2 \sum_{i=1}^{Q} w_i\,\rho_{\tau_i}\bigl(y - q_i\bigr)

    (Gneiting & Raftery 2007, sections 4.2 and 6.1; Laio & Tamea 2007 for the integral). The estimator is a **Riemann
    sum over cells**: each level is weighed by the width :math:`w_i` of the probabilities that lie nearest to it
    (`cell_widths`), so that the weights sum to 1 and the outermost levels stand for the tails beyond them. With the
    levels ``k/40`` they are 1/40 inside and 1.5/40 at both ends; with the mid-points ``(k − 1/2)/Q`` of equal cells
    all are 1/Q, and the score is the mean quantile score. A point forecast scores its absolute error exactly where
    the levels are symmetric about 1/2; a normal law scores 0.4 % above its exact CRPS with 39 levels ``k/40`` (in the
    mean over its own outcomes) and 0.08 % with 99, where equal weights would charge it 2.4 % and 1 %. Compare only
    forecasts with equal levels.
    """

    name = "crps"

    def pointwise(self, outcome: Outcome) -> FloatArray:
        """Score of each window and step, shape (N, H)."""
        forecast = quantile_forecast(outcome)
        total = np.zeros(outcome.target.shape)
        for column, (level, width) in enumerate(zip(forecast.levels, cell_widths(forecast.levels), strict=True)):
            total += width * pinball_loss(outcome.target, forecast.values[..., column], level)
        return 2.0 * total


class Pinball(NumberMetric, MeanMetric):
    """Pinball loss at one level, in the unit of the target; at .05 the loss by which a value at risk is judged.

    Parameters
    ----------
    level
        Quantile level, inside (0, 1); it must be among the forecast's levels. The name holds it in percent:
        ``pinball_5``.
    """

    def __init__(self, level: float = 0.05) -> None:
        self.level = _inside("pinball: level", level)
        self.name = f"pinball_{100 * level:g}"
        self.needs = (level,)

    def pointwise(self, outcome: Outcome) -> FloatArray:
        """Loss of each window and step, shape (N, H)."""
        return pinball_loss(outcome.target, self.quantiles(outcome)[0], self.level)


class Coverage(NumberMetric, MeanMetric):
    """Share of targets inside the central interval, both ends included; best at its nominal value, not at 1.

    Parameters
    ----------
    nominal
        Probability of the interval, inside (0, 1); ``(1 − nominal)/2`` and ``(1 + nominal)/2`` must be among the
        forecast's levels. The name holds it in percent: ``coverage_80``.
    """

    unit = "fraction"
    direction = Direction.NONE

    def __init__(self, nominal: float = 0.8) -> None:
        self.nominal = _inside("coverage: nominal", nominal)
        self.name = f"coverage_{100 * nominal:g}"
        self.needs = ((1 - nominal) / 2, (1 + nominal) / 2)

    def pointwise(self, outcome: Outcome) -> FloatArray:
        """1 where the target lies in the interval, else 0, shape (N, H)."""
        low, high = self.quantiles(outcome)
        inside = (low <= outcome.target) & (outcome.target <= high)
        return np.asarray(inside, dtype=np.float64)


class Width(NumberMetric, MeanMetric):
    """Mean width of the central interval, in the unit of the target: how sharp a forecast is.

    Narrower is better among forecasts that cover what they say (Gneiting, Balabdaoui & Raftery 2007), and worse where
    they do not, so it has no direction of its own.

    Parameters
    ----------
    nominal
        Probability of the interval, as for `Coverage`. The name holds it in percent: ``width_80``.
    """

    direction = Direction.NONE

    def __init__(self, nominal: float = 0.8) -> None:
        self.nominal = _inside("width: nominal", nominal)
        self.name = f"width_{100 * nominal:g}"
        self.needs = ((1 - nominal) / 2, (1 + nominal) / 2)

    def pointwise(self, outcome: Outcome) -> FloatArray:
        """Width of each window and step, shape (N, H)."""
        low, high = self.quantiles(outcome)
        return np.asarray(high - low)


def _inside(what: str, value: float) -> float:
    if not 0 < value < 1:
        raise ConfigError(f"{what} must lie inside (0, 1), got {value}")
    return value
