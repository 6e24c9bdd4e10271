"""PathDiffusion: a network that makes paths out of noise, by an encoder, a denoiser, a schedule and a sampler."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from forecastle.models.neural.diffusion.condition import Condition
from forecastle.models.neural.diffusion.denoiser import Denoiser
from forecastle.models.neural.diffusion.sampler import Sampler
from forecastle.models.neural.diffusion.schedule import Schedule, rotate
from forecastle.models.neural.diffusion.volatility import Volatility, spread
from forecastle.models.neural.network import Batch, PathNetwork

DRAWS = 4
"""Angles and noises that training draws for each window, which it reads once."""

LARGEST = 8.0
"""Where increments over their forecast volatility are cut off in training, so that one jump does not rule a batch."""


class PathDiffusion(PathNetwork):
    r"""Diffusion of increments over their forecast volatility, :math:`x_0 = y / s(\text{window})`.

    Trained on the likelihood of s and, with s held fixed, on the squared error of the velocity. At the beginning s is
    1 and the velocity 0: with the Euler sampler a sample is its noise, which is the random walk.

    Parameters
    ----------
    horizon
        H.
    encoder
        Takes a batch to a condition.
    denoiser
        Forecasts the velocity.
    width
        Of the condition.
    schedule
        Angles of the noise in training.
    sampler
        From noise to data.
    """

    def __init__(
        self, horizon: int, encoder: nn.Module, denoiser: Denoiser, width: int, schedule: Schedule, sampler: Sampler
    ) -> None:
        super().__init__()
        self.horizon = horizon
        self.encoder = encoder
        self.denoiser = denoiser
        self.volatility = Volatility(width, horizon)
        self.schedule = schedule
        self.sampler = sampler

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one sample: (H,), or (steps + 1, H) for ancestral sampling."""
        return self.sampler.noise_shape(self.horizon)

    @property
    def floats_per_sample(self) -> int:
        """What the denoiser keeps in memory, and a few paths."""
        return self.denoiser.floats + 8 * self.horizon

    def loss(self, batch: Batch) -> Tensor:
        """Negative log likelihood of the volatility plus squared error of the velocity, mean over windows."""
        target = batch.answers()
        condition = self.encoder(batch)
        raw = self.volatility(condition.summary, batch)
        loss: Tensor = self.volatility.loss(raw, target) + self.velocity_loss(self.standard(target, raw), condition)
        return loss

    def standard(self, target: Tensor, raw: Tensor) -> Tensor:
        """The target over its forecast volatility, which is held fixed, cut off at ± 8, shape (B, H)."""
        return (target / spread(raw.detach())).clamp(-LARGEST, LARGEST)

    def velocity_loss(self, clean: Tensor, condition: Condition) -> Tensor:
        """Weighted squared error of the velocity, from data (B, L), at angles that are spread evenly over the batch."""
        angle = self.schedule(times(len(clean), clean.device)).unsqueeze(2)
        clean = clean.unsqueeze(1).expand(-1, DRAWS, -1)
        noisy, velocity = rotate(clean, torch.randn_like(clean), angle)
        found = self.denoiser(noisy, angle, condition)
        error: Tensor = (self.weight(angle) * (found.float() - velocity) ** 2).mean()
        return error

    def weight(self, angle: Tensor) -> Tensor:
        """Weight of the squared error at an angle; 1 unless a network says otherwise."""
        return torch.ones_like(angle)

    def sample(self, batch: Batch, noise: Tensor) -> Tensor:
        """Increments over σ, shape (B, S, H), from noise (B, S, *noise_shape)."""
        condition = self.encoder(batch)
        scale = spread(self.volatility(condition.summary, batch))
        return self.diffuse(condition, noise) * scale.unsqueeze(1)

    def diffuse(self, condition: Condition, noise: Tensor) -> Tensor:
        """Data of unit variance, shape (B, S, L), float32, from noise."""

        def velocity(noisy: Tensor, angle: float) -> Tensor:
            found: Tensor = self.denoiser(noisy, noisy.new_full((1, 1, 1), angle), condition)
            return found.float()

        return self.sampler.run(velocity, noise)


def times(count: int, device: torch.device) -> Tensor:
    """Random times inside [0, 1) that together lie evenly spaced, shape (count, DRAWS).

    Kingma et al., Variational Diffusion Models, NeurIPS 2021, appendix I.1: each time is uniform, and their mean loss
    varies less than that of independent ones.
    """
    total = count * DRAWS
    even = torch.randperm(total, device=device) + torch.rand((), device=device)
    return (even / total).reshape(count, DRAWS)
