r"""The laws that a network can answer with at each step: Gaussian and Student's t.

Both have a location μ and a standard deviation s, so that a Student-t is wider in its tails and not as a whole:

.. math:: z = \mu + s \, \varepsilon, \qquad \varepsilon \sim N(0, 1) \quad\text{or}\quad
          \varepsilon \sim t_\nu \sqrt{(\nu - 2) / \nu}

with s = exp(raw), and ν = 2 + 28 exp(raw) drawn softly into [2.2, 500]. All raw parameters begin at 0: the Gaussian at
the standard normal, which is the random walk, and the Student-t at 30 degrees of freedom and variance 1, next to it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor, nn

from forecastle.errors import ConfigError, nearest

STEEPEST = 3.0
"""Largest logarithm of s: at most e³ ≈ 20 times the random walk, at least 1/20 of it."""


class Law(ABC):
    """A distribution given by raw parameters (…, `size`), of which all zeros stand for the beginning."""

    size: int

    @abstractmethod
    def loss(self, raw: Tensor, value: Tensor) -> Tensor:
        """Negative log likelihood of the values (…), in nats, without mean."""
        ...

    @abstractmethod
    def quantile(self, raw: Tensor, normal: Tensor) -> Tensor:
        """Values at the levels Φ(normal), broadcast against (…); `normal` is a standard normal's own quantile."""
        ...


def _whole(raw: Tensor) -> Tensor:
    """At least single precision: in mixed precision a layer's results have 8 bits, and a likelihood needs more."""
    return raw.float() if raw.dtype in (torch.bfloat16, torch.float16) else raw


def _place(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Location and logarithm of the standard deviation, each (…)."""
    return raw[..., 0], STEEPEST * torch.tanh(raw[..., 1] / STEEPEST)


class Gaussian(Law):
    """The normal distribution."""

    size = 2

    def loss(self, raw: Tensor, value: Tensor) -> Tensor:
        """Negative log likelihood of the values (…), in nats."""
        location, width = _place(_whole(raw))
        return 0.5 * ((value - location) * torch.exp(-width)) ** 2 + width + 0.5 * math.log(2 * math.pi)

    def quantile(self, raw: Tensor, normal: Tensor) -> Tensor:
        """Values at the levels Φ(normal)."""
        location, width = _place(_whole(raw))
        return location + torch.exp(width) * normal


class StudentT(Law):
    """Student's t, parametrised by its standard deviation."""

    size = 3

    def loss(self, raw: Tensor, value: Tensor) -> Tensor:
        """Negative log likelihood of the values (…), in nats."""
        raw = _whole(raw)
        location, width = _place(raw)
        freedom = _freedom(raw)
        squared = ((value - location) * torch.exp(-width)) ** 2 / (freedom - 2)
        half = freedom / 2
        constant = torch.lgamma(half) - torch.lgamma(half + 0.5) + 0.5 * torch.log(math.pi * (freedom - 2))
        return constant + width + (half + 0.5) * torch.log1p(squared)

    def quantile(self, raw: Tensor, normal: Tensor) -> Tensor:
        """Values at the levels Φ(normal), by scipy's inverse of the incomplete beta function, in float64."""
        from scipy.special import ndtr, stdtrit

        raw = _whole(raw)
        location, width = _place(raw)
        freedom = _freedom(raw)
        below = ndtr(-np.abs(normal.double().cpu().numpy()))  # the lower tail keeps its digits where the upper does not
        tail = -stdtrit(freedom.double().cpu().numpy(), below)
        standard = torch.as_tensor(tail).to(raw) * torch.sign(normal).to(raw)
        return location + torch.exp(width) * torch.sqrt((freedom - 2) / freedom) * standard


def _freedom(raw: Tensor) -> Tensor:
    """Degrees of freedom, (…)."""
    return (2 + 28 * torch.exp(raw[..., 2].clamp(-10, 10))).clamp(2.2, 500.0)


LAWS: dict[str, type[Law]] = {"gaussian": Gaussian, "student_t": StudentT}


def make_law(name: str) -> Law:
    """The law of a name.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if name not in LAWS:
        raise ConfigError(f"law must be one of {', '.join(LAWS)}, got {name!r}{nearest(name, LAWS)}")
    return LAWS[name]()


def zeroed(layer: nn.Linear) -> nn.Linear:
    """The layer with weights and biases of zero: what follows begins at the random walk."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
