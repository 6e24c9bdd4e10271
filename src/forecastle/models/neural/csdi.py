"""CSDI: score-based diffusion with attention along time and across features.

Tashiro, Song, Song and Ermon, CSDI: Conditional Score-based Diffusion Models for Probabilistic Time Series Imputation,
NeurIPS 2021, section 4.3 and figure 6: gated residual layers with skips (DiffWave's), in each of them attention along
time and across features, side information of time and feature, and a linear schedule in place of their quadratic one.

Different here: in the paper the context runs through the layers together with the noisy target, so that it is read
again for every sample and step. Here two-dimensional attention reads the features once, in stretches of the window, and
the noisy target attends along time to itself and to them. The network's output is a velocity; its error is weighted as
that of the noise, which is the score that the paper trains on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import scaled_dot_product_attention

from forecastle.errors import ConfigError
from forecastle.models.neural.attention import Block
from forecastle.models.neural.diffusion.condition import DROPOUT, HEAD, STRETCHES, Condition
from forecastle.models.neural.diffusion.denoiser import Denoiser
from forecastle.models.neural.diffusion.path import PathDiffusion
from forecastle.models.neural.diffusion.sampler import make_sampler
from forecastle.models.neural.diffusion.schedule import make_schedule
from forecastle.models.neural.direct import SymbolEmbedding
from forecastle.models.neural.law import zeroed
from forecastle.models.neural.network import ADDED, Batch, channels

LAYERS = 2
"""Residual layers of the denoiser."""


class CSDI(PathDiffusion):
    """Conditional score-based diffusion.

    Parameters
    ----------
    features, context_length, horizon, symbols
        D, C, H and K, from the data.
    schedule
        ``cosine``, ``linear`` or ``straight``.
    sampler
        ``name`` and ``steps``; Euler of 10 steps if left out.
    width
        Channels, a multiple of 16.

    Raises
    ------
    ConfigError
        If one of them cannot be.
    """

    def __init__(
        self,
        features: int,
        context_length: int,
        horizon: int,
        symbols: int,
        schedule: str = "linear",
        sampler: Mapping[str, str | int] | None = None,
        width: int = 16,
    ) -> None:
        if width < HEAD or width % HEAD:
            raise ConfigError(f"width must be a multiple of {HEAD}, got {width}")
        angles = make_schedule(schedule)
        super().__init__(
            horizon,
            _Reader(features, context_length, symbols, width),
            _Denoiser(horizon, width),
            width,
            angles,
            make_sampler(angles, sampler or {}),
        )

    def weight(self, angle: Tensor) -> Tensor:
        """The squared error of the noise is that of the velocity times cos² φ."""
        return angle.cos() ** 2


class _Reader(nn.Module):
    """Attention along time, then across features, over about eight stretches of each channel of the window."""

    def __init__(self, features: int, context_length: int, symbols: int, width: int) -> None:
        super().__init__()
        self.patch = -(-context_length // STRETCHES)
        count = -(-context_length // self.patch)
        self.missing = count * self.patch - context_length
        self.dropout = nn.Dropout(DROPOUT)
        self.embedding = nn.Linear(self.patch, width)
        self.time = nn.Parameter(0.02 * torch.randn(count, width))
        self.feature = nn.Parameter(0.02 * torch.randn(features + ADDED, 1, width))
        self.symbol = SymbolEmbedding(symbols, width)
        self.along = Block(width, width // HEAD)
        self.across = Block(width, width // HEAD)
        self.summary = nn.Linear((features + ADDED) * width, width)

    def forward(self, batch: Batch) -> Condition:
        """Condition of B windows."""
        series = functional.pad(self.dropout(channels(batch)).transpose(1, 2), (self.missing, 0), mode="replicate")
        tokens = self.embedding(series.reshape(*series.shape[:2], -1, self.patch)) + self.time + self.feature
        tokens = self.symbol(tokens, batch.symbol)
        count = len(tokens)
        tokens = self.along(tokens.flatten(0, 1)).unflatten(0, (count, -1)).transpose(1, 2)
        tokens = self.across(tokens.flatten(0, 1)).unflatten(0, (count, -1))
        found = self.summary(tokens.flatten(2))
        return Condition(found.mean(1), found)


class _Denoiser(Denoiser):
    """Gated residual layers over the path, one token a step."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__(length, width)
        self.floats = 14 * length * width
        self.embedding = nn.Linear(1, width)
        self.side = nn.Parameter(0.02 * torch.randn(length, width))
        self.layers = nn.ModuleList(_Layer(width) for _ in range(LAYERS))
        self.last = nn.Linear(width, width)
        self.output = zeroed(nn.Linear(width, 1))

    def forward(self, noisy: Tensor, angle: Tensor, condition: Condition) -> Tensor:
        """The velocity, shape (B, S, L)."""
        told = self.told(angle, condition).unsqueeze(2)
        values = functional.relu(self.embedding(noisy.unsqueeze(3))) + self.side
        skips = torch.zeros_like(values)
        for layer in self.layers:
            values, skip = layer(values, told, condition.tokens)
            skips = skips + skip
        velocity: Tensor = self.output(functional.relu(self.last(skips / math.sqrt(LAYERS))))
        return velocity.squeeze(3)


class _Layer(nn.Module):
    """Attention along time, then a gate that the side information opens, then residual and skip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // HEAD
        self.told = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.path = nn.Linear(width, 2 * width)
        self.window = nn.Linear(width, 2 * width)
        self.attended = nn.Linear(width, width)
        self.gate = nn.Linear(width, 2 * width)
        self.side = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, 2 * width)

    def forward(self, values: Tensor, told: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
        """Values (B, S, L, width), told (B, S or 1, 1, width), window (B, M, width) to values and skip."""
        hidden = self.norm(values + self.told(told))
        samples = values.shape[1]
        shared = self.window(window).unsqueeze(1).expand(-1, samples, -1, -1)
        both = torch.cat([shared, self.path(hidden)], dim=2).flatten(0, 1)
        key, value = both.reshape(*both.shape[:2], 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        query = self.query(hidden).flatten(0, 1).unflatten(2, (self.heads, -1)).transpose(1, 2)
        attention = scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        hidden = hidden + self.attended(attention).unflatten(0, (-1, samples))
        content, gate = (self.gate(hidden) + self.side(told)).chunk(2, dim=-1)
        residual, skip = self.out(torch.tanh(content) * torch.sigmoid(gate)).chunk(2, dim=-1)
        return (values + residual) / math.sqrt(2), skip
