"""The published benchmark, through timeline, windows, split and targets."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from forecastle.arrays import SPAN, TIME
from forecastle.data.bars import Bars, Panel
from forecastle.features.frame import FeatureFrame
from forecastle.windows.context import Task, Windows
from forecastle.windows.sample import make_windows
from forecastle.windows.split import RollingOrigin
from forecastle.windows.target import LogReturn


@pytest.fixture(scope="module")
def protocol(shared_data: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "exchange_rate_protocol", shared_data / "exchange_rate" / "exchange_rate_protocol.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tested(protocol: ModuleType) -> tuple[np.ndarray, Windows]:
    """The rates, and the windows of the test part."""
    rates = protocol.load()
    day = np.timedelta64(1, "D").astype(SPAN)
    time = np.datetime64("1990-01-01", "us").astype(TIME) + np.arange(len(rates)) * day
    panel = Panel(
        tuple(Bars(name, day, time, *[rate] * 4) for name, rate in zip(protocol.SERIES, rates.T, strict=True))
    )
    lengths = np.full(8, len(rates))
    frame = FeatureFrame(np.zeros((rates.size, 1), np.float32), ("zero",), lengths, 1, {})
    windows = make_windows(panel, frame, Task(LogReturn(), protocol.HORIZON, tuple(protocol.LEVELS)), 1, 5)
    origin = windows.context.origin
    (fold,) = RollingOrigin(6070).split(origin, windows.label_end, time + day, protocol.HORIZON, origin)
    return rates, windows[fold.test]


def published(
    protocol: ModuleType,
    tested: tuple[np.ndarray, Windows],
    quantiles: Callable[[Windows], np.ndarray],
) -> float:
    """Score log-return quantiles (N, H, Q) by the protocol's own code."""
    rates, windows = tested
    series = [sorted(protocol.SERIES).index(name) for name in protocol.SERIES]
    price = np.exp(quantiles(windows) + windows.context.past[:, -1, None, None])
    by_window = price.reshape(5, 8, protocol.HORIZON, len(protocol.LEVELS))[:, series]

    def forecast(past: np.ndarray) -> np.ndarray:
        number = (len(past) - protocol.TRAIN_ROWS) // protocol.HORIZON
        return by_window[number].transpose(2, 1, 0)

    return float(protocol.score(forecast, rates))


def test_test_windows_are_the_published_ones(protocol: ModuleType, tested: tuple[np.ndarray, Windows]) -> None:
    rates, windows = tested
    assert len(windows) == 40
    expected = list(protocol.windows(rates))
    for index in range(40):
        past, future = expected[index // 8]
        column = protocol.SERIES.index(windows.context.timeline.symbols[windows.context.symbol[index]])
        np.testing.assert_allclose(windows.context.past[index], np.log(past[-5:, column]))
        np.testing.assert_allclose(windows.target[index], np.log(future[:, column] / past[-1, column]), atol=1e-12)


def test_seasonal_naive_has_the_published_score(protocol: ModuleType, tested: tuple[np.ndarray, Windows]) -> None:
    def carried(windows: Windows) -> np.ndarray:
        values = LogReturn().carried(windows.context.past, protocol.HORIZON, 5)
        return np.repeat(values[:, :, None], len(protocol.LEVELS), axis=2)

    assert published(protocol, tested, carried) == pytest.approx(0.01074975, abs=5e-9)


def test_random_walk_has_the_score_of_the_protocol(protocol: ModuleType, tested: tuple[np.ndarray, Windows]) -> None:
    def walk(windows: Windows) -> np.ndarray:
        return LogReturn().random_walk(windows.context.scale, protocol.HORIZON, protocol.LEVELS)

    score = published(protocol, tested, walk)
    assert score == pytest.approx(0.00699, abs=5e-6)
    assert score == pytest.approx(protocol.score(protocol.random_walk(), tested[0]), rel=1e-9)
