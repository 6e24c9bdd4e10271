"""DirectNetwork: networks that answer with the law of every step at once."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from forecastle.models.neural.law import make_law, zeroed
from forecastle.models.neural.network import Batch, MarginalNetwork


class DirectNetwork(MarginalNetwork):
    """A network whose last layer gives the parameters of a law at each step 1 … H.

    Parameters
    ----------
    horizon
        H, steps ahead in bars.
    law
        ``gaussian`` or ``student_t``.
    """

    def __init__(self, horizon: int, law: str) -> None:
        super().__init__()
        self.horizon = horizon
        self.law = make_law(law)

    @abstractmethod
    def raw(self, batch: Batch) -> Tensor:
        """Raw parameters of the law, shape (B, H, law.size); zeros at the beginning."""
        ...

    def loss(self, batch: Batch) -> Tensor:
        """Mean negative log likelihood over windows and steps, in nats."""
        return self.law.loss(self.raw(batch), batch.answers()).mean()

    def quantiles(self, batch: Batch, levels: Tensor) -> Tensor:
        """Quantiles of z at the levels (Q,), shape (B, H, Q)."""
        return self.law.quantile(self.raw(batch).unsqueeze(2), torch.special.ndtri(levels.to(batch.past)))


class StepHead(nn.Module):
    """Raw parameters of each step from one representation of the window and the symbol; begins at zero.

    Parameters
    ----------
    width
        Size of the representation.
    horizon, size
        H steps of `size` parameters.
    symbols
        K symbols; each adds an embedding of its own where there are several.
    """

    def __init__(self, width: int, horizon: int, size: int, symbols: int) -> None:
        super().__init__()
        self.shape = (horizon, size)
        self.linear = zeroed(nn.Linear(width, horizon * size))
        self.symbol = SymbolEmbedding(symbols, width)

    def forward(self, hidden: Tensor, symbol: Tensor) -> Tensor:
        """From (B, width) and (B,) to (B, H, size)."""
        raw: Tensor = self.linear(self.symbol(hidden, symbol))
        return raw.view(-1, *self.shape)


class SymbolEmbedding(nn.Module):
    """Adds a learnt vector for each symbol of a pooled panel; nothing where there is one symbol.

    Parameters
    ----------
    symbols
        K.
    width
        Size of the vectors, which begin small: all symbols begin alike.
    """

    def __init__(self, symbols: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(symbols, width) if symbols > 1 else None
        if self.table is not None:
            nn.init.normal_(self.table.weight, std=0.02)

    def forward(self, hidden: Tensor, symbol: Tensor) -> Tensor:
        """(B, …, width) with the vectors of the symbols (B,) added."""
        if self.table is None:
            return hidden
        vector: Tensor = self.table(symbol)
        return hidden + vector.reshape(len(vector), *[1] * (hidden.ndim - 2), -1)
