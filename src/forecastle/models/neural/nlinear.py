r"""NLinear: one linear layer along time, on a series whose last value was taken away.

Zeng, Chen, Zhang and Xu, Are Transformers Effective for Time Series Forecasting?, AAAI 2023, section 4:
:math:`\hat x = W (x - x_C) + x_C`, with W shared by all channels. There each channel forecasts itself; here one target
is forecast from all of them, so a second linear layer, one for each step, turns the channels' values into a law.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from forecastle.models.neural.direct import DirectNetwork, StepHead
from forecastle.models.neural.network import ADDED, Batch, channels


class NLinear(DirectNetwork):
    """Linear in time, then linear in the channels.

    Parameters
    ----------
    features, context_length, horizon, symbols
        D, C, H and K, from the data.
    law
        ``gaussian`` or ``student_t``.
    components
        Values that the linear layer along time makes of each channel.
    """

    def __init__(
        self,
        features: int,
        context_length: int,
        horizon: int,
        symbols: int,
        law: str = "student_t",
        components: int = 2,
    ) -> None:
        super().__init__(horizon, law)
        self.time = nn.Linear(context_length, components)
        width = (features + ADDED) * (components + 1)
        self.head = StepHead(width, horizon, self.law.size, symbols)

    def raw(self, batch: Batch) -> Tensor:
        """Raw parameters of the law, shape (B, H, law.size)."""
        series = channels(batch).transpose(1, 2)
        last = series[:, :, -1:]
        values = self.time(series - last)
        raw: Tensor = self.head(torch.cat([values, last], dim=2).flatten(1), batch.symbol)
        return raw
