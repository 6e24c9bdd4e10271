"""Denoisers: they forecast the velocity of a noisy path from the angle and the window; all begin at zero."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import scaled_dot_product_attention

from forecastle.errors import ConfigError, nearest
from forecastle.models.neural.diffusion.condition import HEAD, AngleEmbedding, Condition, Modulation
from forecastle.models.neural.law import zeroed

STRETCHES = 6
"""Tokens into which a path is cut, at most."""


class Denoiser(nn.Module, ABC):
    """What every denoiser offers.

    Parameters
    ----------
    length
        L, numbers of a noisy path (H) or latent.
    width
        Of the values inside and of the condition.
    """

    floats: int
    """About how many numbers it keeps in memory for one path."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.length = length
        self.angle = AngleEmbedding(width)
        self.output: nn.Linear

    @abstractmethod
    def forward(self, noisy: Tensor, angle: Tensor, condition: Condition) -> Tensor:
        """The velocity, shape (B, S, L), from noisy paths of that shape and angles (B or 1, S or 1, 1)."""
        ...

    def told(self, angle: Tensor, condition: Condition) -> Tensor:
        """Angle and window in one vector, shape (B, S or 1, width)."""
        told: Tensor = self.angle(angle) + condition.summary.unsqueeze(1)
        return told


class Transformer(Denoiser):
    """Attention among stretches of the path, then to stretches of the window, modulated by the angle.

    Parameters
    ----------
    length
        L, numbers of a path; at most six tokens are made of it.
    width
        Size of a token, a multiple of 16.
    layers
        Blocks.
    """

    def __init__(self, length: int, width: int, layers: int = 2) -> None:
        super().__init__(length, width)
        self.patch = -(-length // STRETCHES)
        count = -(-length // self.patch)
        self.missing = count * self.patch - length
        self.floats = 10 * count * width
        self.embedding = nn.Linear(self.patch, width)
        self.position = nn.Parameter(0.02 * torch.randn(count, width))
        self.blocks = nn.ModuleList(_Block(width) for _ in range(layers))
        self.norm = Modulation(width)
        self.output = zeroed(nn.Linear(width, self.patch))

    def forward(self, noisy: Tensor, angle: Tensor, condition: Condition) -> Tensor:
        """The velocity, shape (B, S, L)."""
        told = self.told(angle, condition)
        patches = functional.pad(noisy, (0, self.missing)).reshape(*noisy.shape[:2], -1, self.patch)
        tokens = self.embedding(patches) + self.position
        for block in self.blocks:
            tokens = block(tokens, told, condition.tokens)
        velocity: Tensor = self.output(self.norm(tokens, told))
        return velocity.flatten(2)[..., : self.length]


class _Block(nn.Module):
    """One block of the transformer; the samples of a window share its keys and values."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // HEAD
        self.before = nn.ModuleList(Modulation(width) for _ in range(3))
        self.projection = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.query = nn.Linear(width, width)
        self.window = nn.Linear(width, 2 * width)
        self.found = nn.Linear(width, width)
        self.layers = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))

    def forward(self, tokens: Tensor, told: Tensor, window: Tensor) -> Tensor:
        """From tokens (B, S, n, width), told (B, S or 1, width) and tokens of the window (B, L, width)."""
        among, to_window, last = self.before
        count = tokens.shape[2]
        projected = self.projection(among(tokens, told)).flatten(0, 1).unflatten(2, (3, self.heads, -1))
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        attention = scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        tokens = tokens + self.attended(attention).unflatten(0, tokens.shape[:2])
        query = self.query(to_window(tokens, told)).flatten(1, 2).unflatten(2, (self.heads, -1)).transpose(1, 2)
        key, value = self.window(window).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attention = scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        tokens = tokens + self.found(attention).unflatten(1, (-1, count))
        result: Tensor = tokens + self.layers(last(tokens, told))
        return result


class Convolutional(Denoiser):
    """Dilated convolutions along the path with gates, as in DiffWave.

    Kong et al., DiffWave: A Versatile Diffusion Model for Audio Synthesis, ICLR 2021, section 3 and figure 2; the
    condition enters by modulation.

    Parameters
    ----------
    length
        L, numbers of a path.
    width
        Channels.
    layers
        Residual layers; the dilation doubles with each.
    """

    def __init__(self, length: int, width: int, layers: int = 3) -> None:
        super().__init__(length, width)
        self.floats = 8 * length * width
        self.embedding = nn.Linear(1, width)
        self.norms = nn.ModuleList(Modulation(width) for _ in range(layers))
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, 2 * width, 3, padding=2**layer, dilation=2**layer) for layer in range(layers)
        )
        self.mixes = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.norm = Modulation(width)
        self.output = zeroed(nn.Linear(width, 1))

    def forward(self, noisy: Tensor, angle: Tensor, condition: Condition) -> Tensor:
        """The velocity, shape (B, S, L)."""
        told = self.told(angle, condition)
        values = self.embedding(noisy.unsqueeze(3))
        for norm, convolution, mix in zip(self.norms, self.convolutions, self.mixes, strict=True):
            series = convolution(norm(values, told).flatten(0, 1).transpose(1, 2))
            gated = functional.glu(series, dim=1).transpose(1, 2).reshape(values.shape)
            values = values + mix(gated)
        velocity: Tensor = self.output(self.norm(values, told))
        return velocity.squeeze(3)


class Perceptron(Denoiser):
    """A residual perceptron on the whole path as one vector: the fastest, for short paths and for latents.

    Parameters
    ----------
    length
        L, numbers of a path.
    width
        Of the condition and of the values inside.
    layers
        Residual layers.
    """

    def __init__(self, length: int, width: int, layers: int = 3) -> None:
        super().__init__(length, width)
        self.floats = 8 * width
        self.embedding = nn.Linear(length, width)
        self.norms = nn.ModuleList(Modulation(width) for _ in range(layers))
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width)) for _ in range(layers)
        )
        self.norm = Modulation(width)
        self.output = zeroed(nn.Linear(width, length))

    def forward(self, noisy: Tensor, angle: Tensor, condition: Condition) -> Tensor:
        """The velocity, shape (B, S, L)."""
        told = self.told(angle, condition)
        values = self.embedding(noisy)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            values = values + layer(norm(values, told))
        velocity: Tensor = self.output(self.norm(values, told))
        return velocity


DENOISERS: dict[str, type[Transformer | Convolutional | Perceptron]] = {
    "transformer": Transformer,
    "convolutional": Convolutional,
    "perceptron": Perceptron,
}


def make_denoiser(name: str, length: int, width: int) -> Denoiser:
    """The denoiser of a name.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if name not in DENOISERS:
        raise ConfigError(f"denoiser must be one of {', '.join(DENOISERS)}, got {name!r}{nearest(name, DENOISERS)}")
    return DENOISERS[name](length, width)
