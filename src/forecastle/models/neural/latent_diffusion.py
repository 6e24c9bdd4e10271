r"""LatentDiffusion: a variational autoencoder of paths, and diffusion in its latent space.

Rombach, Blattmann, Lorenz, Esser and Ommer, High-Resolution Image Synthesis with Latent Diffusion Models, CVPR 2022;
the autoencoder is that of Kingma and Welling, Auto-Encoding Variational Bayes, ICLR 2014, with a Gaussian decoder

.. math:: x | z \sim N(\mu(z, w), \operatorname{diag} s^2(z, w)), \qquad
          z | x \sim N(m(x, w), \operatorname{diag} d^2(x, w))

given the window w. A latent can so stand for what a whole path has in common: its drift and, through s, its volatility,
which makes heavy tails of normal steps.

Different here: both are trained at once, and not one after the other. The diffusion sees the latents as they are and
does not act on the autoencoder, so that at the end it has learnt what it would have learnt after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor, nn

from forecastle.errors import ConfigError
from forecastle.models.neural.diffusion.condition import Condition, Encoder
from forecastle.models.neural.diffusion.denoiser import Perceptron
from forecastle.models.neural.diffusion.path import PathDiffusion
from forecastle.models.neural.diffusion.sampler import make_sampler
from forecastle.models.neural.diffusion.schedule import make_schedule
from forecastle.models.neural.diffusion.volatility import spread
from forecastle.models.neural.law import zeroed
from forecastle.models.neural.network import Batch


class LatentDiffusion(PathDiffusion):
    """Diffusion of latents of paths.

    Parameters
    ----------
    features, context_length, horizon, symbols
        D, C, H and K, from the data.
    latent
        Numbers that a path is made of.
    schedule
        ``cosine``, ``linear`` or ``straight``.
    sampler
        ``name`` and ``steps``; Euler of 10 steps if left out.
    width
        Of encoder, decoder and denoiser, a multiple of 16.

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
        latent: int = 4,
        schedule: str = "cosine",
        sampler: Mapping[str, str | int] | None = None,
        width: int = 32,
    ) -> None:
        if latent < 1:
            raise ConfigError(f"latent must be at least 1, got {latent}")
        angles = make_schedule(schedule)
        super().__init__(
            horizon,
            Encoder(features, context_length, symbols, width),
            Perceptron(latent, width),
            width,
            angles,
            make_sampler(angles, sampler or {}),
        )
        self.latent = latent
        self.compressed = _perceptron(horizon + width, width, nn.Linear(width, 2 * latent))
        self.restored = _perceptron(latent + width, width, zeroed(nn.Linear(width, 2 * horizon)))

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """The noise of the latent, all its draws in one row, and that of the path, together."""
        return (prod(self.sampler.noise_shape(self.latent)) + self.horizon,)

    def loss(self, batch: Batch) -> Tensor:
        """Likelihood of the volatility, evidence bound of the autoencoder and error of the velocity, mean."""
        target = batch.answers()
        condition = self.encoder(batch)
        raw = self.volatility(condition.summary, batch)
        clean = self.standard(target, raw)
        compressed = self.compressed(torch.cat([clean, condition.summary], dim=1)).float()
        mean, width = compressed.chunk(2, dim=1)
        deviation = spread(width)
        latent = mean + deviation * torch.randn_like(mean)
        location, wide = self._restore(latent.unsqueeze(1), condition)
        error = (clean - location.squeeze(1)) / wide.squeeze(1)
        volatility = self.volatility.loss(raw, target)
        surprise = (0.5 * error**2 + wide.squeeze(1).log()).mean()
        divergence = (0.5 * (mean**2 + deviation**2 - 1) - deviation.log()).sum(1).mean() / self.horizon
        loss: Tensor = volatility + surprise + divergence + self.velocity_loss(latent.detach(), condition)
        return loss

    def diffuse(self, condition: Condition, noise: Tensor) -> Tensor:
        """Paths of unit variance, shape (B, S, H), by latents that are sampled first."""
        first = noise[..., : -self.horizon].reshape(*noise.shape[:2], *self.sampler.noise_shape(self.latent))
        location, wide = self._restore(super().diffuse(condition, first), condition)
        return location + wide * noise[..., -self.horizon :]

    def _restore(self, latent: Tensor, condition: Condition) -> tuple[Tensor, Tensor]:
        """Location and standard deviation of the path, (B, S, H) each, from latents (B, S, latent)."""
        summary = condition.summary.unsqueeze(1).expand(-1, latent.shape[1], -1)
        location, raw = self.restored(torch.cat([latent, summary], dim=2)).float().chunk(2, dim=2)
        return location, spread(raw)


def _perceptron(size: int, width: int, last: nn.Linear) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), last)
