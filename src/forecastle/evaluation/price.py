"""The field's benchmark score, on price level."""

from __future__ import annotations

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.evaluation.kind import MeanMetric, NumberMetric
from forecastle.evaluation.metric import Outcome
from forecastle.evaluation.quantile import pinball_loss
from forecastle.windows.context import Target


class MeanWeightedQuantileLoss(NumberMetric, MeanMetric):
    r"""Mean weighted quantile loss of the price: what forecasting benchmarks report as "CRPS".

    .. math:: \frac{1}{9} \sum_{\tau = .1}^{.9}
              \frac{\sum_{n,h} 2\,\rho_\tau\bigl(y_{nh} - q_{nh}(\tau)\bigr)}{\sum_{n,h} |y_{nh}|}

    (Salinas et al. 2019, whose data sets carry the suffix ``_nips``; so TimeGrad, CSDI, Chronos and MOIRAI are
    compared), pooled over all windows, symbols and steps. Quantiles q and targets y are prices: ``exp(log close at
    the origin + log return)``, so it suits the target ``log_return`` only. Symbols with larger prices weigh more.

    A value of `pointwise` is the loss over the mean price of all windows, so that the steps average to the score.
    """

    name = "mean_weighted_quantile_loss"
    unit = "fraction of price"
    needs = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

    def suits(self, target: Target) -> bool:
        """True for cumulative log returns, from which a price follows."""
        return target.name == "log_return"

    def pointwise(self, outcome: Outcome) -> FloatArray:
        """Loss of each window and step over the mean price, shape (N, H)."""
        start = outcome.log_close[:, None]
        price = np.exp(start + outcome.target)
        total = np.zeros(price.shape)
        for level, quantile in zip(self.needs, self.quantiles(outcome), strict=True):
            total += pinball_loss(price, np.exp(start + quantile), level)
        return np.asarray(total * (2.0 / len(self.needs)) / price.mean())
