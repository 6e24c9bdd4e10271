r"""Schedules as angles, and the rotation between what is clean, noisy, noise and velocity.

Noise of unit variance is mixed into data so that the variance of their sum stays one,

.. math:: x_\varphi = \cos\varphi \; x_0 + \sin\varphi \; \varepsilon, \qquad
          v_\varphi = \frac{d x_\varphi}{d \varphi} = \cos\varphi \; \varepsilon - \sin\varphi \; x_0

with the angle φ from 0 (data) to π/2 (noise), and v what the networks forecast (Salimans and Ho, Progressive
Distillation for Fast Sampling of Diffusion Models, ICLR 2022, appendix D). So :math:`(x_\varphi, v_\varphi)` is
:math:`(x_0, \varepsilon)` turned by φ, and back by −φ.

Where the data are standard normal themselves, the best forecast of v given x is :math:`\operatorname{E}[v | x] = 0` at
every angle: a network that answers 0 *is* the random walk, whose increments over σ are the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from forecastle.errors import ConfigError, nearest

Schedule = Callable[[Tensor], Tensor]
"""Takes the time from 0 (data) to 1 (noise) to an angle, which grows with it."""

BETA = (0.1, 20.0)
"""Rate of the linear schedule's noise at time 0 and 1."""


def rotate(first: Tensor, second: Tensor, angle: Tensor | float) -> tuple[Tensor, Tensor]:
    """The pair turned by an angle in radians, which broadcasts against it.

    ``rotate(clean, noise, φ)`` is (noisy, velocity); ``rotate(noisy, velocity, -φ)`` is (clean, noise).
    """
    if isinstance(angle, Tensor):
        return angle.cos() * first + angle.sin() * second, angle.cos() * second - angle.sin() * first
    cos, sin = math.cos(angle), math.sin(angle)
    return cos * first + sin * second, cos * second - sin * first


def cosine(time: Tensor) -> Tensor:
    """Angle πt/2: the cosine schedule (Nichol and Dhariwal 2021) as in Salimans and Ho, without offset."""
    return time * (math.pi / 2)


def linear(time: Tensor) -> Tensor:
    r"""The noise of Ho et al. (DDPM, 2020), whose rate grows linearly, in continuous time.

    :math:`\log\cos\varphi = -t^2 (\beta_1 - \beta_0) / 4 - t \beta_0 / 2` (Song et al., Score-Based Generative Modeling
    through Stochastic Differential Equations, ICLR 2021, equation 33).
    """
    return torch.acos(torch.exp(-(time**2) * (BETA[1] - BETA[0]) / 4 - time * BETA[0] / 2).clamp(max=1.0))


def straight(time: Tensor) -> Tensor:
    r"""Straight lines from noise to data, :math:`(1 - t) x_0 + t \varepsilon`, divided by their length.

    The conditional optimal transport path of Lipman et al. (Flow Matching for Generative Modeling, ICLR 2023, section
    4.1, :math:`\sigma_{min} = 0`); for standard normal data the variance of that is :math:`(1 - t)^2 + t^2`.
    """
    return torch.atan2(time, 1 - time)


SCHEDULES: dict[str, Schedule] = {"cosine": cosine, "linear": linear, "straight": straight}


def make_schedule(name: str) -> Schedule:
    """The schedule of a name.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if name not in SCHEDULES:
        raise ConfigError(f"schedule must be one of {', '.join(SCHEDULES)}, got {name!r}{nearest(name, SCHEDULES)}")
    return SCHEDULES[name]
