"""Windows of made-up markets for the tests of models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from forecastle.arrays import SPAN, TIME
from forecastle.data.bars import Bars, Panel
from forecastle.features.frame import FeatureFrame
from forecastle.windows.context import Target, Task, Windows
from forecastle.windows.sample import make_windows
from forecastle.windows.target import LogReturn

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


def market(count: int, signal: float, columns: int, seed: int) -> tuple[Panel, FeatureFrame]:
    """A random walk of 1 % a bar whose next move the first feature knows with the weight `signal`."""
    random = np.random.default_rng(seed)
    moves = random.normal(0, 1, count)
    close = 100 * np.exp(np.cumsum(0.01 * moves))
    interval = np.timedelta64(1, "D").astype(SPAN)
    time = np.datetime64("2010-01-01", "us").astype(TIME) + np.arange(count) * interval
    features = random.normal(0, 1, (count, columns)).astype(np.float32)
    features[:-1, 0] += signal * moves[1:]
    frame = FeatureFrame(features, tuple(f"f{c}" for c in range(columns)), np.array([count]), 1, {})
    return Panel((Bars("A", interval, time, close, close, close, close),)), frame


@pytest.fixture
def make() -> Callable[..., Windows]:
    """A factory of windows."""

    def windows(
        count: int = 400,
        target: Target | None = None,
        horizon: int = 3,
        signal: float = 0.5,
        seed: int = 0,
        chosen: tuple[int, ...] = (),
    ) -> Windows:
        task = Task(target or LogReturn(), horizon, LEVELS, chosen)
        return make_windows(*market(count, signal, columns=4, seed=seed), task, context_length=8, past_length=20)

    return windows
