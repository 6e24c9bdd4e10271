"""Condition: what a denoiser is told of a window; the encoder that finds it, and how it acts on the denoiser."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from forecastle.errors import ConfigError
from forecastle.models.neural.attention import Block
from forecastle.models.neural.direct import SymbolEmbedding
from forecastle.models.neural.network import ADDED, Batch, channels

HEAD = 16
"""Width of an attention head."""

STRETCHES = 8
"""Tokens into which a window is cut."""

DROPOUT = 0.2
"""Share of what a window shows that training leaves out: windows overlap, and are soon known by heart."""


@dataclass(frozen=True, eq=False)
class Condition:
    """What a denoiser is told of B windows; it is found once for all samples and all steps.

    Parameters
    ----------
    summary
        Shape (B, width).
    tokens
        Of stretches of the window, oldest first, shape (B, L, width).
    """

    summary: Tensor
    tokens: Tensor


class Encoder(nn.Module):
    """A transformer over stretches of the window, all channels together; each window gets about eight tokens.

    Parameters
    ----------
    features, context_length, symbols
        D, C and K, from the data.
    width
        Size of a token, a multiple of 16.
    layers
        Transformer blocks.

    Raises
    ------
    ConfigError
        If `width` is no multiple of 16.
    """

    def __init__(self, features: int, context_length: int, symbols: int, width: int, layers: int = 1) -> None:
        super().__init__()
        if width < HEAD or width % HEAD:
            raise ConfigError(f"width must be a multiple of {HEAD}, got {width}")
        self.patch = -(-context_length // STRETCHES)
        count = -(-context_length // self.patch)
        self.missing = count * self.patch - context_length
        self.dropout = nn.Dropout(DROPOUT)
        self.embedding = nn.Linear(self.patch * (features + ADDED), width)
        self.position = nn.Parameter(0.02 * torch.randn(count, width))
        self.symbol = SymbolEmbedding(symbols, width)
        self.blocks = nn.ModuleList(Block(width, width // HEAD) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, batch: Batch) -> Condition:
        """Condition of B windows."""
        series = self.dropout(channels(batch)).transpose(1, 2)
        series = functional.pad(series, (self.missing, 0), mode="replicate").transpose(1, 2)
        tokens = self.embedding(series.reshape(len(series), len(self.position), -1)) + self.position
        tokens = self.symbol(tokens, batch.symbol)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.norm(tokens)
        return Condition(tokens.mean(1), tokens)


class AngleEmbedding(nn.Module):
    """Features of an angle, by sines and cosines of its multiples up to 8.

    Parameters
    ----------
    width
        Size of the result.
    """

    multiple: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("multiple", torch.arange(1.0, 9.0), persistent=False)
        self.layers = nn.Sequential(nn.Linear(16, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, angle: Tensor) -> Tensor:
        """From (…, 1) to (…, width)."""
        turned = angle * self.multiple
        embedded: Tensor = self.layers(torch.cat([turned.sin(), turned.cos()], dim=-1))
        return embedded


class Modulation(nn.Module):
    """Scales and shifts normalised values by the condition.

    Perez et al., FiLM: Visual Reasoning with a General Conditioning Layer, AAAI 2018; after the normalisation as in
    Peebles and Xie, Scalable Diffusion Models with Transformers, ICCV 2023.

    Parameters
    ----------
    width
        Of the values and of the condition.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.linear = nn.Linear(width, 2 * width)

    def forward(self, values: Tensor, told: Tensor) -> Tensor:
        """Values (B, S, …, width), told (B or 1, S or 1, width)."""
        scale, shift = self.linear(functional.silu(told)).chunk(2, dim=-1)
        between = (1,) * (values.ndim - told.ndim)
        scale = scale.reshape(*scale.shape[:2], *between, -1)
        shift = shift.reshape(*shift.shape[:2], *between, -1)
        return torch.addcmul(shift, self.norm(values), 1 + scale)
