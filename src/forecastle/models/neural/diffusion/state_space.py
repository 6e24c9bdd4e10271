r"""S4D: diagonal state-space layers, convolutions whose kernels are sums of damped oscillations.

Gu, Gupta, Goel and Ré, On the Parameterization and Initialization of Diagonal State Space Models, NeurIPS 2022. Each
channel has N complex states,

.. math:: x' = A x + u, \qquad y = 2 \operatorname{Re}(C x) + D u

with diagonal A, made discrete for steps of Δ by zero-order hold (their equation 4): :math:`x_k = e^{\Delta A} x_{k-1} +
A^{-1} (e^{\Delta A} - 1) u_k`. From a state of zero that is a convolution with the kernel :math:`K_l = 2
\operatorname{Re} \sum_n C_n A_n^{-1} (e^{\Delta A_n} - 1) e^{l \Delta A_n}`, which the fast Fourier transform computes
in L log L. A begins as S4D-Lin, −1/2 + iπn; Δ begins between .01 and .5, since windows are tens of bars long.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

STATES = 8
"""Complex states of a channel, N."""

STEP = (0.01, 0.5)
"""Range in which Δ begins."""


class StateSpace(nn.Module):
    """One diagonal state-space model for each channel, along the second axis from the end.

    Parameters
    ----------
    width
        Channels.
    both
        Read the series backwards too, with states of their own.
    """

    def __init__(self, width: int, both: bool = False) -> None:
        super().__init__()
        ways = 2 if both else 1
        low, high = (math.log(value) for value in STEP)
        self.log_step = nn.Parameter(low + (high - low) * torch.rand(ways, width))
        self.log_damping = nn.Parameter(torch.full((ways, width, STATES), math.log(0.5)))
        self.frequency = nn.Parameter((math.pi * torch.arange(STATES)).expand(ways, width, STATES).clone())
        self.read = nn.Parameter(math.sqrt(0.5) * torch.randn(ways, width, STATES, 2))
        self.direct = nn.Parameter(torch.randn(width))

    def discrete(self) -> tuple[Tensor, Tensor, Tensor]:
        """Transition, input and read-out of each state, complex, shape (ways, width, N)."""
        diagonal = torch.complex(-self.log_damping.exp(), self.frequency)
        transition = torch.exp(self.log_step.exp().unsqueeze(2) * diagonal)
        return transition, (transition - 1) / diagonal, torch.view_as_complex(self.read)

    def kernel(self, length: int) -> Tensor:
        """Kernels, shape (ways, length, width)."""
        transition, entering, read = self.discrete()
        power = torch.arange(length, device=transition.device)
        powers = torch.exp(torch.log(transition).unsqueeze(1) * power[:, None, None])
        return 2 * (powers * (entering * read).unsqueeze(1)).sum(3).real

    def forward(self, values: Tensor) -> Tensor:
        """From (…, L, width) to the same shape, in float32 whatever the precision around it."""
        with torch.autocast(values.device.type, enabled=False):
            values = values.float()
            length = values.shape[-2]
            found = torch.fft.rfft(self.kernel(length), n=2 * length, dim=1)
            response = found[0] if len(found) == 1 else found[0] + found[1].conj()
            spectrum = torch.fft.rfft(values, n=2 * length, dim=-2)
            series = torch.fft.irfft(spectrum * response, n=2 * length, dim=-2)[..., :length, :]
            return torch.addcmul(series, values, self.direct)


class Mixed(nn.Module):
    """A state-space layer, and a gate that mixes its channels.

    Parameters
    ----------
    width
        Channels.
    both
        Read the series backwards too.
    """

    def __init__(self, width: int, both: bool = False) -> None:
        super().__init__()
        self.series = StateSpace(width, both)
        self.mix = nn.Linear(width, 2 * width)

    def forward(self, values: Tensor) -> Tensor:
        """From (…, L, width) to the same shape."""
        return functional.glu(self.mix(functional.gelu(self.series(values))), dim=-1)
