"""ARIMA of the log price."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from statsmodels.tsa.arima import model

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, ModelError
from forecastle.models.classical.method import Parameters, doubts_logged


@dataclass(frozen=True)
class ARIMA:
    r"""ARIMA(p,d,q) of the log price, without drift.

    With w the log price differenced d times,

    .. math:: w_t = \phi_1 w_{t-1} + \dots + \phi_p w_{t-p} + e_t + \theta_1 e_{t-1} + \dots + \theta_q e_{t-q}

    (Box and Jenkins, Time Series Analysis, 1970). The exact Gaussian likelihood (innovations algorithm of statsmodels)
    estimates the parameters; in a window the errors before its first p differences are taken as zero, which an
    invertible model forgets.

    Parameters
    ----------
    order
        p, d and q; d is 1 or 2, since a log price has no level of its own.

    Raises
    ------
    ConfigError
        If the order is none.
    """

    order: list[int] = field(default_factory=lambda: [1, 1, 1])

    name: ClassVar[str] = "arima"

    def __post_init__(self) -> None:
        if len(self.order) != 3 or min(self.order) < 0 or self.order[1] not in (1, 2) or max(self.order) > 20:
            raise ConfigError(f"order must be [p, d, q] with d 1 or 2 and p, q from 0 to 20, got {self.order}")

    def estimate(self, returns: FloatArray) -> Parameters:
        """Coefficients ``ar`` (p) and ``ma`` (q)."""
        p, d, q = self.order
        if p + q == 0:
            return {"ar": [], "ma": []}
        values = np.diff(returns / np.sqrt(np.mean(returns**2)), n=d - 1)
        with doubts_logged("ARIMA"):
            try:
                found = model.ARIMA(values, order=(p, 0, q), trend="n").fit(method="innovations_mle")
            except (ValueError, np.linalg.LinAlgError) as error:
                raise ModelError(f"ARIMA of order {self.order} cannot be estimated: {error}") from error
        return {"ar": [float(each) for each in found.arparams], "ma": [float(each) for each in found.maparams]}

    def forecast(self, parameters: Parameters, past: FloatArray, horizon: int) -> FloatArray:
        """Expected log return from the last bar, shape (N, horizon)."""
        d = self.order[1]
        ar, ma = parameters["ar"], parameters["ma"]
        known = np.diff(past, n=d, axis=1)
        count = known.shape[1]
        values = np.concatenate([known, np.zeros((len(past), horizon))], axis=1)
        errors = np.zeros_like(values)
        for place in range(len(ar), count + horizon):
            expected = np.zeros(len(past))
            for lag, weight in enumerate(ar, 1):
                expected += weight * values[:, place - lag]
            for lag, weight in enumerate(ma[:place], 1):
                expected += weight * errors[:, place - lag]
            if place < count:
                errors[:, place] = values[:, place] - expected
            else:
                values[:, place] = expected
        ahead = values[:, count:]
        for order in range(d - 1, -1, -1):
            ahead = np.cumsum(ahead, axis=1)
            if order:
                ahead += np.diff(past, n=order, axis=1)[:, -1:]
        return np.asarray(ahead)
