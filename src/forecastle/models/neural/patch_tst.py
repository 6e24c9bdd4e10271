"""PatchTST: a transformer whose tokens are stretches of one channel.

Nie, Nguyen, Sinthong and Kalagnanam, A Time Series is Worth 64 Words: Long-term Forecasting with Transformers, ICLR
2023: each channel is cut into patches, its end repeated once by a stride (section 3.1), and goes through the same
encoder alone (channel independence). Different here: layer instead of batch normalisation, before attention instead of
after it, so that a window's forecast does not depend on its batch; no instance normalisation, since the inputs are
scaled already and their level (volatility) is what is to be known; and one target is forecast from all channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from forecastle.errors import ConfigError
from forecastle.models.neural.attention import Block
from forecastle.models.neural.direct import DirectNetwork, StepHead, SymbolEmbedding
from forecastle.models.neural.network import ADDED, Batch, channels


class PatchTST(DirectNetwork):
    """Patches of each channel through a shared transformer encoder, then a linear layer over all of them.

    Parameters
    ----------
    features, context_length, horizon, symbols
        D, C, H and K, from the data.
    law
        ``gaussian`` or ``student_t``.
    patch
        Bars of a patch; half of it is the stride. At most the context length.
    width
        Size of a token, divided by 8 the number of heads.
    layers
        Transformer blocks.

    Raises
    ------
    ConfigError
        If a patch is longer than the context, or below 2 bars; or `width` is no multiple of 8.
    """

    def __init__(
        self,
        features: int,
        context_length: int,
        horizon: int,
        symbols: int,
        law: str = "student_t",
        patch: int = 8,
        width: int = 16,
        layers: int = 2,
    ) -> None:
        super().__init__(horizon, law)
        if not 2 <= patch <= context_length:
            raise ConfigError(f"patch must be at least 2 and at most context_length {context_length}, got {patch}")
        if width < 8 or width % 8:
            raise ConfigError(f"width must be a multiple of 8, got {width}")
        self.patch, self.stride = patch, patch // 2
        count = (context_length - patch) // self.stride + 2
        self.embedding = nn.Linear(patch, width)
        self.position = nn.Parameter(0.02 * torch.randn(count, width))
        self.symbol = SymbolEmbedding(symbols, width)
        self.blocks = nn.ModuleList(Block(width, heads=width // 8) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.summary = nn.Linear(count * width, 4)
        self.head = StepHead((features + ADDED) * 4, horizon, self.law.size, symbols)

    def raw(self, batch: Batch) -> Tensor:
        """Raw parameters of the law, shape (B, H, law.size)."""
        series = functional.pad(channels(batch).transpose(1, 2), (0, self.stride), mode="replicate")
        tokens = self.embedding(series.unfold(2, self.patch, self.stride)) + self.position
        tokens = self.symbol(tokens, batch.symbol).flatten(0, 1)
        for block in self.blocks:
            tokens = block(tokens)
        found = self.summary(self.norm(tokens).flatten(1)).unflatten(0, series.shape[:2])
        raw: Tensor = self.head(found.flatten(1), batch.symbol)
        return raw
