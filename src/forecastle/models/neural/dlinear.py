r"""DLinear: trend and remainder of each channel, each through a linear layer along time.

Zeng, Chen, Zhang and Xu, Are Transformers Effective for Time Series Forecasting?, AAAI 2023, section 4: the trend is a
moving average whose ends repeat the outermost values (as in Autoformer), the remainder is what is left, and
:math:`\hat x = W_t x_t + W_r x_r`, shared by all channels. As in `NLinear`, a linear layer for each step turns the
channels' values into the law of one target.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from forecastle.errors import ConfigError
from forecastle.models.neural.direct import DirectNetwork, StepHead
from forecastle.models.neural.network import ADDED, Batch, channels


class DLinear(DirectNetwork):
    """Linear in the time of trend and remainder, then linear in the channels.

    Parameters
    ----------
    features, context_length, horizon, symbols
        D, C, H and K, from the data.
    law
        ``gaussian`` or ``student_t``.
    components
        Values that each of the two layers along time makes of each channel.
    kernel
        Bars of the moving average, odd.

    Raises
    ------
    ConfigError
        If `kernel` is even or below 1.
    """

    def __init__(
        self,
        features: int,
        context_length: int,
        horizon: int,
        symbols: int,
        law: str = "student_t",
        components: int = 2,
        kernel: int = 25,
    ) -> None:
        super().__init__(horizon, law)
        if kernel < 1 or kernel % 2 == 0:
            raise ConfigError(f"kernel must be odd and at least 1, got {kernel}")
        self.kernel = kernel
        self.trend = nn.Linear(context_length, components)
        self.remainder = nn.Linear(context_length, components)
        width = (features + ADDED) * 2 * components
        self.head = StepHead(width, horizon, self.law.size, symbols)

    def raw(self, batch: Batch) -> Tensor:
        """Raw parameters of the law, shape (B, H, law.size)."""
        series = channels(batch).transpose(1, 2)
        half = self.kernel // 2
        trend = functional.avg_pool1d(functional.pad(series, (half, half), mode="replicate"), self.kernel, stride=1)
        values = torch.cat([self.trend(trend), self.remainder(series - trend)], dim=2)
        raw: Tensor = self.head(values.flatten(1), batch.symbol)
        return raw
