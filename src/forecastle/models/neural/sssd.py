"""SSSD: diffusion whose layers along time are state-space models.

Alcaraz and Strodthoff, Diffusion-based Time Series Imputation and Forecasting with Structured State Space Models, TMLR
2023 (arXiv 2208.09399), with the diagonal layers of S4D (`forecastle.models.neural.diffusion.state_space`) in the place
of S4.

Different here: in the paper one network runs over context and target together, so that the context is read again for
every sample and step. Here causal layers read the window once, and layers in both directions denoise the target, told
of the window's last state. The network's output is a velocity; its error is weighted as that of the noise, which is
what the paper trains on.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from forecastle.models.neural.diffusion.condition import DROPOUT, Condition, Modulation
from forecastle.models.neural.diffusion.denoiser import Denoiser
from forecastle.models.neural.diffusion.path import PathDiffusion
from forecastle.models.neural.diffusion.sampler import make_sampler
from forecastle.models.neural.diffusion.schedule import make_schedule
from forecastle.models.neural.diffusion.state_space import Mixed
from forecastle.models.neural.direct import SymbolEmbedding
from forecastle.models.neural.law import zeroed
from forecastle.models.neural.network import ADDED, Batch, channels

LAYERS = 2
"""State-space layers of the reader and of the denoiser."""


class SSSD(PathDiffusion):
    """Structured state-space diffusion.

    Parameters
    ----------
    features, context_length, horizon, symbols
        D, C, H and K, from the data.
    schedule
        ``cosine``, ``linear`` or ``straight``.
    sampler
        ``name`` and ``steps``; Euler of 10 steps if left out.
    width
        Channels of the reader and the denoiser.

    Raises
    ------
    ConfigError
        If one of them cannot be.
    """

    def __init__(
        self,
        features: int,
        context_length: int,  # noqa: ARG002  every network is told
        horizon: int,
        symbols: int,
        schedule: str = "linear",
        sampler: Mapping[str, str | int] | None = None,
        width: int = 32,
    ) -> None:
        angles = make_schedule(schedule)
        super().__init__(
            horizon,
            _Reader(features, symbols, width),
            _Denoiser(horizon, width),
            width,
            angles,
            make_sampler(angles, sampler or {}),
        )

    def weight(self, angle: Tensor) -> Tensor:
        """The squared error of the noise is that of the velocity times cos² φ."""
        return angle.cos() ** 2


class _Reader(nn.Module):
    """Causal layers over the window."""

    def __init__(self, features: int, symbols: int, width: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(DROPOUT)
        self.embedding = nn.Linear(features + ADDED, width)
        self.symbol = SymbolEmbedding(symbols, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(LAYERS))
        self.layers = nn.ModuleList(Mixed(width) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(width)

    def forward(self, batch: Batch) -> Condition:
        """The state after the window's last bar, and those before it."""
        values = self.symbol(self.embedding(self.dropout(channels(batch))), batch.symbol)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            values = values + layer(norm(values))
        states = self.norm(values)
        return Condition(states[:, -1], states)


class _Denoiser(Denoiser):
    """Layers in both directions over the path."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__(length, width)
        self.floats = 16 * length * width
        self.embedding = nn.Linear(1, width)
        self.norms = nn.ModuleList(Modulation(width) for _ in range(LAYERS))
        self.layers = nn.ModuleList(Mixed(width, both=True) for _ in range(LAYERS))
        self.norm = Modulation(width)
        self.output = zeroed(nn.Linear(width, 1))

    def forward(self, noisy: Tensor, angle: Tensor, condition: Condition) -> Tensor:
        """The velocity, shape (B, S, L)."""
        told = self.told(angle, condition)
        values = self.embedding(noisy.unsqueeze(3))
        for norm, layer in zip(self.norms, self.layers, strict=True):
            values = values + layer(norm(values, told))
        velocity: Tensor = self.output(self.norm(values, told))
        return velocity.squeeze(3)
