r"""Batch and the Network contract: what a network sees, and what it answers, in the scale of the random walk.

Letters: B windows of a batch, C context_length, D features, H horizon, S samples, Q quantile levels, K symbols.

**The scale.** A network never sees a price or a return in its own unit. With the EWMA volatility σ at the origin, the
driftless random walk is the standard normal: a network that answers "standard normal" *is* that baseline and has only
to improve on it, so the last layer of every network begins at zero.

- A `MarginalNetwork` sees the target as :math:`z_h = y_h / s_h` with the spread :math:`s_h = \sigma \sqrt{h}` of the
  target, and answers with exact quantiles of each step.
- A `PathNetwork` sees increments, :math:`(y_h - y_{h-1}) / \sigma`, where the target adds up bar by bar (log return),
  else the same z; it answers with samples of whole paths, which the forecaster adds up.

Targets that are not centred under the random walk (volatility) are standardised by their training windows besides.

A network is one file; its YAML names it as a ``_partial_`` factory, which the forecaster calls with ``features=D,
context_length=C, horizon=H, symbols=K`` once the data are known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

ADDED = 3
"""Channels that `channels` adds to the features."""

LIMIT = 6.0
"""Standard deviations at which an input is all but cut off."""


@dataclass(frozen=True, eq=False)
class Batch:
    """What a network sees of B windows.

    Parameters
    ----------
    features
        Shape (B, C, D), oldest bar first, as the transforms left them.
    past
        Log close minus log close at the origin, over σ, shape (B, C), oldest bar first; the last one is 0.
    symbol
        Number of the symbol, 0 … K-1 in the order of training, shape (B,), int64.
    target
        In the scale of the network's kind, shape (B, H); None when it is to be forecast.
    """

    features: Tensor
    past: Tensor
    symbol: Tensor
    target: Tensor | None = None

    def __len__(self) -> int:
        return len(self.past)

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Batch:
        """The batch on a device, its real numbers in another type where one is given."""
        target = None if self.target is None else self.target.to(device, dtype)
        return Batch(self.features.to(device, dtype), self.past.to(device, dtype), self.symbol.to(device), target)

    def every(self, stride: int) -> Batch:
        """Each `stride`-th window."""
        target = None if self.target is None else self.target[::stride]
        return Batch(self.features[::stride], self.past[::stride], self.symbol[::stride], target)

    def answers(self) -> Tensor:
        """The target, shape (B, H), of a batch that has one."""
        assert self.target is not None, "a batch to learn from has a target"
        return self.target


def channels(batch: Batch) -> Tensor:
    r"""All that a window shows, as channels of one series, shape (B, C, D + 3).

    The features; the past path over :math:`\sqrt C`; its increments, which are returns over σ (0 at the oldest bar);
    and the magnitude of those, less the mean of a standard normal's, :math:`\sqrt{2/\pi}`, which is what volatility
    is forecast from. Each value is drawn softly into ± 6 by :math:`6 \tanh(x / 6)`, so that one wild bar does not
    leave the region that a network was trained in.
    """
    path = batch.past
    moves = torch.diff(path, dim=1, prepend=path[:, :1])
    added = torch.stack([path / path.shape[1] ** 0.5, moves, moves.abs() - 0.7979], dim=2)
    return LIMIT * torch.tanh(torch.cat([batch.features, added], dim=2) / LIMIT)


class Network(nn.Module, ABC):
    """What every network offers; constructed with ``features, context_length, horizon, symbols`` and its own settings.

    All randomness in `loss` comes from torch's global generator, which the forecaster seeds for each epoch.
    """

    horizon: int

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """What training makes small: a scalar, the mean over the windows of the batch."""
        ...


class MarginalNetwork(Network):
    """A network that answers with the exact law of each step."""

    @abstractmethod
    def quantiles(self, batch: Batch, levels: Tensor) -> Tensor:
        """Quantiles of z at the levels (Q,), shape (B, H, Q), ascending along Q, without sampling noise."""
        ...


class PathNetwork(Network):
    """A network that answers with samples of whole paths."""

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the standard normal noise that one sample takes; (H,) unless a network says otherwise."""
        return (self.horizon,)

    @property
    def floats_per_sample(self) -> int:
        """About how many numbers one sample keeps in memory while it is made; the size of a chunk follows from it."""
        return 64 * self.horizon

    @abstractmethod
    def sample(self, batch: Batch, noise: Tensor) -> Tensor:
        """Increments over σ (or z: see the module), shape (B, S, H), a function of the batch and the noise alone.

        Parameters
        ----------
        batch
            B windows without target.
        noise
            Standard normal, shape (B, S, *noise_shape), float32. It is the only source of randomness, so that a
            sample is the same whatever else is in the batch.
        """
        ...
