"""Windows of a series of log returns."""

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

LEVELS = tuple(k / 20 for k in range(1, 20))


@pytest.fixture
def windows_of() -> Callable[..., Windows]:
    """A factory of windows, with one feature that says nothing."""

    def make(returns: np.ndarray, target: Target | None = None, horizon: int = 3, past: int = 100) -> Windows:
        interval = np.timedelta64(1, "D").astype(SPAN)
        time = np.datetime64("2000-01-01", "us").astype(TIME) + np.arange(len(returns)) * interval
        close = 100 * np.exp(np.cumsum(returns))
        frame = FeatureFrame(np.zeros((len(returns), 1), np.float32), ("f",), np.array([len(returns)]), 1, {})
        panel = Panel((Bars("A", interval, time, close, close, close, close),))
        task = Task(target or LogReturn(), horizon, LEVELS)
        return make_windows(panel, frame, task, context_length=2, past_length=past)

    return make


@pytest.fixture
def crps() -> Callable[[np.ndarray, np.ndarray], float]:
    """Mean over levels of twice the pinball loss."""

    def score(values: np.ndarray, target: np.ndarray) -> float:
        levels, error = np.array(LEVELS), target[..., None] - values
        return float(np.mean(2 * np.maximum(levels * error, (levels - 1) * error)))

    return score
