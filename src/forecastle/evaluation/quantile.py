"""Metrics of the whole distribution, read from quantiles: CRPS, pinball loss, coverage."""

from __future__ import annotations

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


class CRPS(NumberMetric, MeanMetric):
    r"""Continuous ranked probability score, by its quantile decomposition, in the unit of the target.

    .. math:: \mathrm{CRPS}(F, y) = \int_0^1 2\,\rho_\tau\bigl(y - F^{-1}(\tau)\bigr)\,d\tau
              \approx \frac{2}{Q} \sum_{i=1}^{Q} \rho_{\tau_i}\bigl(y - q_i\bigr)

    (Gneiting & Raftery 2007, sections 4.2 and 6.1; Laio & Tamea 2007 for the integral). The estimator is the **mean
    over the forecast's quantile levels**: with uniform levels ``k/(Q + 1)`` a Riemann sum of the integral, which
    leaves out the outermost tails and so is the exact score only in the limit of many levels; with other levels it is
    the mean quantile score of those levels and no estimate of the integral. Scores are comparable only between
    forecasts with equal levels.
    """

    name = "crps"

    def pointwise(self, outcome: Outcome) -> FloatArray:
        """Score of each window and step, shape (N, H)."""
        forecast = quantile_forecast(outcome)
        total = np.zeros(outcome.target.shape)
        for column, level in enumerate(forecast.levels):
            total += pinball_loss(outcome.target, forecast.values[..., column], level)
        return total * (2.0 / len(forecast.levels))


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


def _inside(what: str, value: float) -> float:
    if not 0 < value < 1:
        raise ConfigError(f"{what} must lie inside (0, 1), got {value}")
    return value
