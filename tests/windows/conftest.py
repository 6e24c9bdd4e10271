"""Small panels with features, for the tests of windows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from forecastle.arrays import SPAN, TIME
from forecastle.data.bars import Bars, Panel
from forecastle.features.frame import FeatureFrame
from forecastle.windows.context import Task
from forecastle.windows.target import LogReturn

DAY = np.timedelta64(1, "D").astype(SPAN)


def make_daily(symbol: str, count: int, seed: int = 0, start: str = "2020-01-01", weekends: bool = True) -> Bars:
    """Random-walk daily bars; without weekends the bars of Saturday and Sunday are absent."""
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.01, count)))
    time = np.datetime64(start, "us").astype(TIME) + np.arange(2 * count + 7) * DAY
    if not weekends:
        time = time[np.is_busday(time.astype("datetime64[D]"))]
    return Bars(symbol, DAY, time[:count], close, close * 1.001, close * 0.999, close)


def make_frame(panel: Panel, columns: int = 2, warmup: int = 4, seed: int = 0) -> FeatureFrame:
    """Random features, NaN on the first ``warmup - 1`` bars of each symbol."""
    lengths = np.array([len(bars) for bars in panel])
    values = np.random.default_rng(seed).normal(size=(lengths.sum(), columns)).astype(np.float32)
    for start in np.cumsum(lengths) - lengths:
        values[start : start + warmup - 1] = np.nan
    return FeatureFrame(values, tuple(f"feature_{number}" for number in range(columns)), lengths, warmup, {})


@pytest.fixture
def daily() -> Callable[..., Bars]:
    return make_daily


@pytest.fixture
def frame_of() -> Callable[..., FeatureFrame]:
    return make_frame


@pytest.fixture
def panel() -> Panel:
    """Three symbols of unequal length and start."""
    return Panel(
        (
            make_daily("AAA", 70, seed=1),
            make_daily("BBB", 50, seed=2, start="2020-01-11", weekends=False),
            make_daily("CCC", 60, seed=3, start="2019-12-20"),
        )
    )


@pytest.fixture
def task() -> Task:
    return Task(LogReturn(), 3, (0.1, 0.5, 0.9))
