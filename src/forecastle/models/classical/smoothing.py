"""ETS and Theta: exponential smoothing of the log price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.holtwinters import SimpleExpSmoothing

from forecastle.arrays import FloatArray
from forecastle.models.classical.method import Parameters, doubts_logged


@dataclass(frozen=True)
class ETS:
    r"""Exponential smoothing with additive errors: ETS(A,N,N), ETS(A,A,N) or ETS(A,Ad,N) of the log price.

    .. math:: e_t = y_t - l_{t-1} - \phi b_{t-1}, \quad l_t = l_{t-1} + \phi b_{t-1} + \alpha e_t, \quad
              b_t = \phi b_{t-1} + \beta e_t, \quad \hat y_{t+h} = l_t + (\phi + \dots + \phi^h) b_t

    (Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing, Springer 2008, table 2.2). The likelihood
    of statsmodels estimates :math:`\alpha, \beta, \phi`; the level begins at the first bar and the trend at zero.

    Parameters
    ----------
    trend
        ``none``, ``additive`` (:math:`\phi = 1`) or ``damped``.
    """

    trend: Literal["none", "additive", "damped"] = "damped"

    name: ClassVar[str] = "ets"

    def estimate(self, returns: FloatArray) -> Parameters:
        """Smoothing parameters of the cumulated returns."""
        price = _price(returns)
        settings = {"initial_level": price[0]} | ({} if self.trend == "none" else {"initial_trend": 0.0})
        with doubts_logged("ETS"):
            model = ETSModel(
                price,
                error="add",
                trend=None if self.trend == "none" else "add",
                damped_trend=self.trend == "damped",
                initialization_method="known",
                **settings,
            )
            found = dict(zip(model.param_names, model.fit(disp=False).params, strict=True))
        return {
            "level": [float(found["smoothing_level"])],
            "trend": [float(found.get("smoothing_trend", 0.0))],
            "damping": [float(found.get("damping_trend", 1.0))],
        }

    def forecast(self, parameters: Parameters, past: FloatArray, horizon: int) -> FloatArray:
        """Expected log return from the last bar, shape (N, horizon)."""
        (alpha,), (beta,), (phi,) = (parameters[name] for name in ("level", "trend", "damping"))
        level, trend = past[:, 0], np.zeros(len(past))
        for price in past.T:
            ahead = level + phi * trend
            error = price - ahead
            level, trend = ahead + alpha * error, phi * trend + beta * error
        weights = np.cumsum(phi ** np.arange(1, horizon + 1))
        return np.asarray(level[:, None] + trend[:, None] * weights - past[:, -1:])


@dataclass(frozen=True)
class Theta:
    r"""The theta method: exponential smoothing with half the slope of the window's trend line.

    .. math:: \hat y_{t+h} = l_t + \tfrac{b}{2} \left(h - 1 + \frac{1 - (1-\alpha)^P}{\alpha}\right)

    with the level l of simple exponential smoothing and the least-squares slope b over the P bars of the window
    (Assimakopoulos and Nikolopoulos, The theta model, International Journal of Forecasting 16, 2000; in the form of
    Hyndman and Billah, Unmasking the theta method, same journal 19, 2003). :math:`\alpha` minimises the squared
    one-step errors of the training returns (statsmodels).
    """

    name: ClassVar[str] = "theta"

    def estimate(self, returns: FloatArray) -> Parameters:
        """Smoothing parameter of the cumulated returns."""
        price = _price(returns)
        with doubts_logged("theta"):
            found = SimpleExpSmoothing(price, initialization_method="known", initial_level=price[0]).fit()
        return {"level": [max(float(found.params["smoothing_level"]), 1e-3)]}

    def forecast(self, parameters: Parameters, past: FloatArray, horizon: int) -> FloatArray:
        """Expected log return from the last bar, shape (N, horizon)."""
        (alpha,) = parameters["level"]
        count = past.shape[1]
        level = past[:, 0]
        for price in past.T:
            level = level + alpha * (price - level)
        place = np.arange(count) - (count - 1) / 2
        slope = np.einsum("np,p->n", past - past[:, -1:], place) / np.sum(place**2)
        ahead = np.arange(horizon) + (1 - (1 - alpha) ** count) / alpha
        return np.asarray(level[:, None] + slope[:, None] / 2 * ahead - past[:, -1:])


def _price(returns: FloatArray) -> FloatArray:
    """Cumulated returns in units of their own size, so that estimates do not hang on it, shape (T,)."""
    return np.asarray(np.cumsum(returns) / np.sqrt(np.mean(returns**2)))
