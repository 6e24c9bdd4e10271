"""Forecasters of small networks on a made-up market."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from forecastle.models.neural.averaging import WeightAverage
from forecastle.models.neural.checkpoint import LastCheckpoint, TopCheckpoints
from forecastle.models.neural.deepar import DeepAR
from forecastle.models.neural.dlinear import DLinear
from forecastle.models.neural.forecaster import LightningForecaster
from forecastle.models.neural.lstm import LSTM
from forecastle.models.neural.nlinear import NLinear
from forecastle.models.neural.patch_tst import PatchTST
from forecastle.models.neural.schedule import Schedule
from forecastle.models.neural.trainer import Trainer
from forecastle.windows.context import Windows

NETWORKS = {
    "nlinear": partial(NLinear),
    "dlinear": partial(DLinear, kernel=5),
    "patch_tst": partial(PatchTST, patch=4, width=8, layers=1),
    "lstm": partial(LSTM, width=8),
    "deepar": partial(DeepAR, width=8),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def parts(make: Callable[..., Windows]) -> tuple[Windows, Windows, Windows]:
    """Training, validation and test windows, in time, of one market."""
    windows = make(500, signal=1.0)
    return windows[:300], windows[310:390], windows[400:]


def callbacks() -> dict[str, Any]:
    """What the default configuration has, but for early stopping; the last checkpoint after every epoch."""
    return {
        "average": WeightAverage(0.9),
        "schedule": Schedule(),
        "top": TopCheckpoints(),
        "last": LastCheckpoint(seconds=0),
    }


@pytest.fixture
def new() -> Callable[..., LightningForecaster]:
    """A factory of forecasters that train for a few short epochs."""

    def forecaster(network: Any = "lstm", epochs: int = 3, **settings: Any) -> LightningForecaster:
        trainer = {"accelerator": "cpu", "devices": 1, "max_epochs": epochs, "gradient_clip_val": 1.0}
        trainer.update(settings.pop("trainer", {}))
        more = settings.pop("callbacks", {})
        return LightningForecaster(
            network=NETWORKS[network] if isinstance(network, str) else network,
            optimizer=settings.pop("optimizer", partial(torch.optim.AdamW, lr=0.01)),
            trainer=partial(Trainer, **trainer),
            callbacks={**callbacks(), **more},
            batch_size=settings.pop("batch_size", 64),
            num_samples=settings.pop("num_samples", 30),
            **settings,
        )

    return forecaster


@pytest.fixture(params=sorted(NETWORKS))
def network(request: pytest.FixtureRequest) -> str:
    """The name of each network."""
    return str(request.param)
