"""Networks of the family, and batches for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from forecastle.models.neural.diffusion.path import PathDiffusion
from forecastle.models.neural.network import Batch

FEATURES, CONTEXT, HORIZON, SYMBOLS = 2, 13, 7, 3


@pytest.fixture
def batch() -> Callable[..., Batch]:
    """A factory of batches of so many windows, by a seed."""

    def make(count: int = 5, seed: int = 0) -> Batch:
        draw = torch.Generator().manual_seed(seed)
        past = torch.randn(count, CONTEXT, generator=draw).cumsum(1)
        return Batch(
            torch.randn(count, CONTEXT, FEATURES, generator=draw),
            past - past[:, -1:],
            torch.randint(SYMBOLS, (count,), generator=draw),
            torch.randn(count, HORIZON, generator=draw),
        )

    return make


@pytest.fixture
def build() -> Callable[..., PathDiffusion]:
    """A factory of networks in evaluation mode; ``stirred`` moves all weights, so that none is zero any more."""

    def make(kind: Any, stirred: bool = False, horizon: int = HORIZON, **settings: Any) -> PathDiffusion:
        torch.manual_seed(0)
        network: PathDiffusion = kind(FEATURES, CONTEXT, horizon, SYMBOLS, **settings).eval()
        if stirred:
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.add_(0.1 * torch.randn_like(parameter))
        return network

    return make
