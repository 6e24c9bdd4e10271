r"""Samplers: from standard normal noise to data, by a network that forecasts the velocity.

A sampler goes down a grid of angles :math:`\varphi_0 > \varphi_1 > … > \varphi_n = 0`, evenly spaced in the schedule's
time, and asks the network once at each but the last. For standard normal data (v = 0) and any number of steps, `euler`
gives back the noise bit by bit and `ancestral` a standard normal; `ddim` and `dpm_solver` give it in the limit of many
steps: at ten steps their standard deviation is .88 and .98. That is why `euler` is the default.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from forecastle.errors import ConfigError, nearest
from forecastle.models.neural.diffusion.schedule import Schedule, rotate

Velocity = Callable[[Tensor, float], Tensor]
"""Forecasts v, shape (…, L), from x, shape (…, L), at an angle in radians."""


def euler(velocity: Velocity, noise: Tensor, angles: Sequence[float]) -> Tensor:
    r"""Euler's method on :math:`dx / d\varphi = v`, the probability flow in angles (Salimans and Ho, appendix D)."""
    x = noise
    for angle, following in pairwise(angles):
        x = x + (following - angle) * velocity(x, angle)
    return x


def ddim(velocity: Velocity, noise: Tensor, angles: Sequence[float]) -> Tensor:
    r"""DDIM without noise: :math:`x' = \cos\varphi' \hat x_0 + \sin\varphi' \hat\varepsilon`.

    Song, Meng and Ermon, Denoising Diffusion Implicit Models, ICLR 2021, equation 12 with η = 0.
    """
    x = noise
    for angle, following in pairwise(angles):
        x, _ = rotate(x, velocity(x, angle), following - angle)
    return x


def dpm_solver(velocity: Velocity, noise: Tensor, angles: Sequence[float]) -> Tensor:
    r"""DPM-Solver++(2M): second order in half the logarithm of the signal-to-noise ratio, λ = −log tan φ.

    Lu et al., DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models, 2022, algorithm 2. The
    first step, and the last one where λ ends in infinity, are of first order.
    """
    x, before, width_before = noise, None, math.inf
    for angle, following in pairwise(angles):
        clean, _ = rotate(x, velocity(x, angle), -angle)
        width = _log_ratio(following) - _log_ratio(angle)
        estimate = clean
        if before is not None and math.isfinite(width) and math.isfinite(width_before):
            estimate = torch.lerp(clean, before, -width / (2 * width_before))
        ratio = math.sin(following) / math.sin(angle)
        x = ratio * x - math.cos(following) * math.expm1(-width) * estimate
        before, width_before = clean, width
    return x


def ancestral(velocity: Velocity, noise: Tensor, angles: Sequence[float]) -> Tensor:
    r"""Ancestral sampling with new noise at every step.

    Ho, Jain and Abbeel, Denoising Diffusion Probabilistic Models, NeurIPS 2020, equation 7 for the mean; of their two
    variances that one, :math:`\beta = 1 - \cos^2\varphi / \cos^2\varphi'`, which is exact for standard normal data
    (section 3.2), at the last step too. `noise` has the shape (…, n + 1, L).
    """
    x, *fresh = noise.unbind(-2)
    for angle, following, drawn in zip(angles, angles[1:], fresh, strict=False):
        clean, _ = rotate(x, velocity(x, angle), -angle)
        kept = math.cos(angle) / math.cos(following)
        beta = 1 - kept**2
        variance = math.sin(angle) ** 2
        share_x = kept * math.sin(following) ** 2 / variance
        share_clean = math.cos(following) * beta / variance
        x = share_x * x + share_clean * clean + math.sqrt(beta) * drawn
    return x


def _log_ratio(angle: float) -> float:
    """Half the logarithm of the signal-to-noise ratio."""
    return -math.log(math.tan(angle)) if angle > 0 else math.inf


SAMPLERS: dict[str, Callable[[Velocity, Tensor, Sequence[float]], Tensor]] = {
    "euler": euler,
    "ddim": ddim,
    "dpm_solver": dpm_solver,
    "ancestral": ancestral,
}


class Sampler:
    """A sampler with its grid of angles.

    Parameters
    ----------
    schedule
        Takes times to angles.
    name
        ``euler``, ``ddim``, ``dpm_solver`` or ``ancestral``.
    steps
        How often the network is asked, at least 1.

    Raises
    ------
    ConfigError
        If there is no such sampler, or no step.
    """

    def __init__(self, schedule: Schedule, name: str = "euler", steps: int = 10) -> None:
        if name not in SAMPLERS:
            raise ConfigError(f"sampler must be one of {', '.join(SAMPLERS)}, got {name!r}{nearest(name, SAMPLERS)}")
        if steps < 1:
            raise ConfigError(f"steps must be at least 1, got {steps}")
        self.name, self.steps = name, steps
        self.angles: list[float] = schedule(torch.linspace(1, 0, steps + 1, dtype=torch.float64)).tolist()

    def noise_shape(self, length: int) -> tuple[int, ...]:
        """Shape of the noise that one sample of so many numbers takes."""
        return (self.steps + 1, length) if self.name == "ancestral" else (length,)

    def run(self, velocity: Velocity, noise: Tensor) -> Tensor:
        """Data, shape (…, L), from standard normal noise of the shape (…, *noise_shape(L))."""
        return SAMPLERS[self.name](velocity, noise, self.angles)


def make_sampler(schedule: Schedule, settings: Mapping[str, str | int]) -> Sampler:
    """The sampler of a mapping with ``name`` and ``steps``, either of which may be left out.

    Raises
    ------
    ConfigError
        If a key or a value cannot be.
    """
    for key in settings:
        if key not in ("name", "steps"):
            raise ConfigError(f"sampler takes name and steps, got {key!r}{nearest(key, ('name', 'steps'))}")
    return Sampler(schedule, str(settings.get("name", "euler")), int(settings.get("steps", 10)))
