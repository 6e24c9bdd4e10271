"""Block: self-attention and a feed-forward layer, each behind a layer normalisation and beside a shortcut.

Vaswani et al., Attention Is All You Need, NeurIPS 2017; normalisation first as in Xiong et al., On Layer Normalization
in the Transformer Architecture, ICML 2020.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class Block(nn.Module):
    """One transformer encoder block.

    Parameters
    ----------
    width
        Size of a token.
    heads
        Attention heads; they divide `width`.
    dropout
        Share of the values that each branch loses in training.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.projection = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.forward_layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """From (B, L, width) to the same shape."""
        projected = self.projection(self.before_attention(tokens)).unflatten(2, (3, self.heads, -1))
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        attention = scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        tokens = tokens + self.dropout(self.attended(attention))
        result: Tensor = tokens + self.dropout(self.forward_layers(tokens))
        return result
