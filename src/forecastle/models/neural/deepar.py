"""DeepAR: a recurrent network forecasts one step, is told what came of it, and forecasts the next.

Salinas, Flunkert, Gasthaus and Januschowski, DeepAR: Probabilistic forecasting with autoregressive recurrent networks,
International Journal of Forecasting 36 (2020), section 3: the likelihood of each step given those before it, trained
with what really came (teacher forcing), sampled with what was drawn. Features of the future are not known on markets,
so the decoder sees the last step alone; the state that the encoder leaves it knows the rest.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from forecastle.models.neural.direct import SymbolEmbedding
from forecastle.models.neural.law import make_law, zeroed
from forecastle.models.neural.network import ADDED, LIMIT, Batch, PathNetwork, channels


class DeepAR(PathNetwork):
    """Autoregressive LSTM with a Gaussian or Student-t likelihood.

    Parameters
    ----------
    features, context_length, horizon, symbols
        D, C, H and K, from the data.
    law
        ``gaussian`` or ``student_t``.
    width
        Size of the state.
    dropout
        Share of the encoder's inputs and of the states that training leaves out.
    """

    def __init__(
        self,
        features: int,
        context_length: int,  # noqa: ARG002  every network is told
        horizon: int,
        symbols: int,
        law: str = "student_t",
        width: int = 32,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.horizon = horizon
        self.width = width
        self.law = make_law(law)
        self.encoder = nn.LSTM(features + ADDED, width, batch_first=True)
        self.decoder = nn.LSTM(2, width, batch_first=True)
        self.symbol = SymbolEmbedding(symbols, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.step = nn.Parameter(torch.zeros(horizon, self.law.size))
        self.head = zeroed(nn.Linear(width, self.law.size))

    @property
    def floats_per_sample(self) -> int:
        """The gates of one step, their inputs and results."""
        return 16 * self.width + 4 * self.horizon

    def loss(self, batch: Batch) -> Tensor:
        """Mean negative log likelihood over windows and steps, each given those before it, in nats."""
        target = batch.answers()
        state, first = self._encode(batch)
        told = torch.cat([first, target[:, :-1]], dim=1)
        hidden, _ = self.decoder(_seen(told), state)
        raw = self.head(self.dropout(self.norm(hidden))) + self.step
        return self.law.loss(raw, target).mean()

    def sample(self, batch: Batch, noise: Tensor) -> Tensor:
        """Steps drawn one after the other, shape (B, S, H)."""
        count, samples = noise.shape[:2]
        (hidden, cell), first = self._encode(batch)
        state = (hidden.repeat_interleave(samples, dim=1), cell.repeat_interleave(samples, dim=1))
        told = first.repeat_interleave(samples, dim=0)
        drawn = []
        for step, normal in enumerate(noise.flatten(0, 1).unbind(1)):
            output, state = self.decoder(_seen(told), state)
            told = self.law.quantile(self.head(self.norm(output)) + self.step[step], normal.unsqueeze(1))
            drawn.append(told)
        return torch.cat(drawn, dim=1).view(count, samples, -1)

    def _encode(self, batch: Batch) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """State after the window, and the last increment (B, 1) that the decoder is told first."""
        _, (hidden, cell) = self.encoder(self.dropout(channels(batch)))
        hidden = self.symbol(hidden.transpose(0, 1), batch.symbol).transpose(0, 1).contiguous()
        return (hidden, cell), batch.past[:, -1:] - batch.past[:, -2:-1]


def _seen(told: Tensor) -> Tensor:
    """What the decoder is told of a value (B, L): itself and its magnitude, drawn into ± 6, shape (B, L, 2)."""
    value = LIMIT * torch.tanh(told / LIMIT)
    return torch.stack([value, value.abs() - 0.7979], dim=2)
