r"""Volatility: how much wider or narrower than the random walk each step will be, learnt apart from the diffusion.

Volatility is what can be forecast on markets. A likelihood finds it in a few epochs, where a diffusion would have to
find it in noise; so the diffusion sees its data over this forecast and has the rest to learn: tails, dependence, drift.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from forecastle.models.neural.law import STEEPEST, StudentT, zeroed
from forecastle.models.neural.network import Batch

SPANS = (1, 5, 22)
"""Bars over which past magnitudes are averaged, and the whole window."""

DROPOUT = 0.3
"""Share of the window's summary that training leaves out."""


class Volatility(nn.Module):
    r"""Standard deviation of each step in units of the random walk's, at the beginning 1.

    :math:`\log s_h` is linear in the window's summary, and in the logarithms of the mean magnitude of the last returns
    over 1, 5, 22 and C bars, as in Corsi, A Simple Approximate Long-Memory Model of Realized Volatility, Journal of
    Financial Econometrics 7 (2009). It is learnt by the likelihood of a Student-t without location, whose degrees of
    freedom are learnt by step.

    Parameters
    ----------
    width
        Of the window's summary.
    horizon
        H.
    """

    def __init__(self, width: int, horizon: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(DROPOUT)
        self.head = zeroed(nn.Linear(width + len(SPANS) + 1, horizon))
        self.freedom = nn.Parameter(torch.zeros(horizon))
        self.law = StudentT()

    def forward(self, summary: Tensor, batch: Batch) -> Tensor:
        """Raw logarithm of s, shape (B, H); `spread` makes s of it."""
        raw: Tensor = self.head(torch.cat([self.dropout(summary), magnitudes(batch.past).to(summary)], dim=1))
        return raw.float()

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """Negative log likelihood of the target (B, H), in nats, the mean."""
        freedom = self.freedom.expand_as(raw)
        return self.law.loss(torch.stack([torch.zeros_like(raw), raw, freedom], dim=2), target).mean()


def spread(raw: Tensor) -> Tensor:
    """The standard deviation s of a raw value, inside e^±3, as `forecastle.models.neural.law` has it."""
    return torch.exp(STEEPEST * torch.tanh(raw / STEEPEST))


def magnitudes(past: Tensor) -> Tensor:
    """Logarithm of the mean magnitude of the last returns over σ, over spans of bars; (B, C) to (B, 4).

    A magnitude counts as at least .1, so that bars without a trade do not lead to minus infinity; that of a standard
    normal gives about 0.
    """
    moves = torch.diff(past, dim=1).abs()
    means = [moves[:, -span:].mean(1) for span in (*SPANS, moves.shape[1])]
    return torch.log((torch.stack(means, dim=1).clamp(max=20.0) + 0.1) / 0.8979)
