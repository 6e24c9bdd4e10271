"""DenoisingDiffusion: paths by denoising, the network forecasts the velocity.

Ho, Jain and Abbeel, Denoising Diffusion Probabilistic Models, NeurIPS 2020, with the parametrisation (v) and the cosine
schedule of Salimans and Ho, Progressive Distillation for Fast Sampling of Diffusion Models, ICLR 2022.
"""

from __future__ import annotations

from collections.abc import Mapping

from forecastle.models.neural.diffusion.condition import Encoder
from forecastle.models.neural.diffusion.denoiser import make_denoiser
from forecastle.models.neural.diffusion.path import PathDiffusion
from forecastle.models.neural.diffusion.sampler import make_sampler
from forecastle.models.neural.diffusion.schedule import make_schedule


class DenoisingDiffusion(PathDiffusion):
    """Diffusion of paths given the window.

    Parameters
    ----------
    features, context_length, horizon, symbols
        D, C, H and K, from the data.
    denoiser
        ``transformer``, ``convolutional`` or ``perceptron``.
    schedule
        ``cosine``, ``linear`` or ``straight``.
    sampler
        ``name`` (``euler``, ``ddim``, ``dpm_solver``, ``ancestral``) and ``steps``; Euler of 10 steps if left out.
    width
        Of the encoder and the denoiser, a multiple of 16.

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
        denoiser: str = "transformer",
        schedule: str = "cosine",
        sampler: Mapping[str, str | int] | None = None,
        width: int = 32,
    ) -> None:
        angles = make_schedule(schedule)
        super().__init__(
            horizon,
            Encoder(features, context_length, symbols, width),
            make_denoiser(denoiser, horizon, width),
            width,
            angles,
            make_sampler(angles, sampler or {}),
        )
