"""LSTM: a recurrent network reads the window, its last state gives the law of every step.

Hochreiter and Schmidhuber, Long Short-Term Memory, Neural Computation 9 (1997); the forget gate is that of Gers,
Schmidhuber and Cummins (2000), as in torch.
"""

from __future__ import annotations

from torch import Tensor, nn

from forecastle.models.neural.direct import DirectNetwork, StepHead
from forecastle.models.neural.network import ADDED, Batch, channels


class LSTM(DirectNetwork):
    """Reads bar by bar, then answers for all steps at once.

    Parameters
    ----------
    features, context_length, horizon, symbols
        D, C, H and K, from the data.
    law
        ``gaussian`` or ``student_t``.
    width
        Size of the state.
    dropout
        Share of the inputs and of the state that training leaves out.
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
        super().__init__(horizon, law)
        self.reader = nn.LSTM(features + ADDED, width, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(width)
        self.head = StepHead(width, horizon, self.law.size, symbols)

    def raw(self, batch: Batch) -> Tensor:
        """Raw parameters of the law, shape (B, H, law.size)."""
        states, _ = self.reader(self.dropout(channels(batch)))
        raw: Tensor = self.head(self.dropout(self.norm(states[:, -1])), batch.symbol)
        return raw
