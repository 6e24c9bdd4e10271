"""How much the price will move: realised volatility, and its class."""

from __future__ import annotations

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.windows.target.ahead import after, last, root_of_time
from forecastle.windows.volatility import EARLIEST


class Volatility:
    """Realised volatility of bars t+1 … t+h: the root of the sum of their squared close-to-close log returns.

    It is of the whole stretch, not per bar and not annualised, so it grows with h.

    References
    ----------
    Andersen, Bollerslev, Diebold and Labys, Modeling and Forecasting Realized Volatility, Econometrica 71 (2003).

    Examples
    --------
    >>> Volatility().random_walk(np.array([0.01]), 2, np.array([0.5])).round(5)  # the median of chi_2 is 1.17741
    array([[[0.00674],
            [0.01177]]])
    """

    name: str = "volatility"
    unit: str = "log return"
    classes: tuple[str, ...] = ()
    lower: float | None = 0.0

    def compute(self, bars: Bars, horizon: int, scale: FloatArray) -> FloatArray:  # noqa: ARG002
        """Realised volatility, log return, shape (T, H), float64, NaN where the future is missing."""
        squared = np.diff(np.log(bars.close), prepend=np.nan) ** 2
        return np.sqrt(np.cumsum(after(squared, horizon), axis=1))

    def spread(self, scale: FloatArray, horizon: int) -> FloatArray:
        """Root mean square of each step, σ √h, log return, shape (N, H)."""
        return root_of_time(scale, horizon)

    def random_walk(self, scale: FloatArray, horizon: int, levels: FloatArray) -> FloatArray:
        """Quantiles of σ χ_h (h squared normal returns add up to σ² χ²_h), log return, shape (N, H, Q)."""
        from scipy.special import gammaincinv

        steps = np.arange(1, horizon + 1)[:, None]
        chi: FloatArray = np.sqrt(2 * gammaincinv(steps / 2, np.asarray(levels, dtype=np.float64)))
        return scale[:, None, None] * chi

    def history(self, horizon: int, period: int) -> int:
        """Bars of past log close that `carried` reads: one more than the returns, H of them or one period."""
        return 1 + (horizon if period == 1 else period)

    def carried(self, past: FloatArray, horizon: int, period: int) -> FloatArray:
        """Realised volatility, had the last squared returns come again, log return, shape (N, H).

        With period 1: of the last h bars, for each h (one bar alone, repeated, would say little). Else the last
        `period` bars are repeated, each in its phase.

        Raises
        ------
        ModelError
            If `past` has fewer bars than `history` says.
        """
        past = last(past, self.history(horizon, period), self.name)
        squared = np.diff(past, axis=1) ** 2
        repeated = squared[:, ::-1] if period == 1 else squared[:, np.arange(horizon) % period]
        return np.sqrt(np.cumsum(repeated, axis=1))


class VolatilityClass:
    r"""Whether the coming volatility is low, middle or high against that of a random walk with today's volatility.

    The class of step h is the number of limits :math:`q_j` that

    .. math:: F_h\left( RV_h^2 / \sigma^2 \right) > q_j

    exceeds, with :math:`RV_h` the realised volatility (`Volatility`), :math:`\sigma` the EWMA volatility per bar at
    the origin and :math:`F_h` the :math:`\chi^2` distribution with h degrees of freedom: under a Gaussian random walk
    all classes between evenly spaced limits are equally likely, whatever the market and the step.

    Parameters
    ----------
    limits
        Quantiles that part the classes, ascending, inside (0, 1).

    Raises
    ------
    ConfigError
        If the limits do not ascend inside (0, 1), or there is none.
    """

    name: str = "volatility_class"
    unit: str = "class"
    lower: float | None = None

    def __init__(self, limits: tuple[float, ...] = (1 / 3, 2 / 3)) -> None:
        self.limits = np.asarray(limits, dtype=np.float64)
        edges = np.concatenate([[0.0], self.limits, [1.0]])
        if self.limits.size == 0 or not (np.diff(edges) > 0).all():
            raise ConfigError(f"limits must ascend inside (0, 1), got {list(limits)}")
        names = {1: ("low", "high"), 2: ("low", "middle", "high")}
        count = len(self.limits)
        self.classes: tuple[str, ...] = names.get(count, tuple(f"q{number}" for number in range(1, count + 2)))

    def compute(self, bars: Bars, horizon: int, scale: FloatArray) -> FloatArray:
        """Class numbers, shape (T, H), float64, NaN where the future is missing or the scale is."""
        realised = Volatility().compute(bars, horizon, scale)
        return self._classes(realised / scale[:, None])

    def spread(self, scale: FloatArray, horizon: int) -> FloatArray:
        """Ones, shape (N, H): a class has no size."""
        return np.ones((len(scale), horizon))

    def random_walk(self, scale: FloatArray, horizon: int, levels: FloatArray) -> FloatArray:  # noqa: ARG002
        """The share between neighbouring limits, shape (N, H, K)."""
        shares = np.diff(self.limits, prepend=0.0, append=1.0)
        return np.broadcast_to(shares, (len(scale), horizon, len(shares))).copy()

    def history(self, horizon: int, period: int) -> int:
        """Bars of past log close that `carried` reads."""
        return max(Volatility().history(horizon, period), EARLIEST)

    def carried(self, past: FloatArray, horizon: int, period: int) -> FloatArray:
        """Class of the carried volatility (`Volatility.carried`) against the root mean square of the last returns.

        Raises
        ------
        ModelError
            If `past` has fewer bars than `history` says.
        """
        past = last(past, self.history(horizon, period), self.name)
        usual = np.sqrt(np.mean(np.diff(past, axis=1) ** 2, axis=1, keepdims=True))
        carried = Volatility().carried(past, horizon, period)
        return self._classes(np.divide(carried, usual, out=np.zeros_like(carried), where=usual > 0))

    def _classes(self, ratio: FloatArray) -> FloatArray:
        """Class of realised volatility over volatility per bar, (…, H)."""
        from scipy.special import gammaincinv

        steps = np.arange(1, ratio.shape[-1] + 1)[:, None]
        limits = np.sqrt(2 * gammaincinv(steps / 2, self.limits))
        return np.where(np.isnan(ratio), np.nan, (ratio[..., None] > limits).sum(axis=-1))
