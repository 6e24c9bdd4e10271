"""Fixtures that several test folders share."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from forecastle.arrays import SPAN, TIME
from forecastle.data.bars import Bars

REPOSITORY = Path(__file__).resolve().parent.parent


def make_bars(count: int = 800, seed: int = 0, symbol: str = "TEST", minutes: int = 60, volume: bool = True) -> Bars:
    """Random-walk candles without gaps, open equal to the previous close."""
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.01, count)))
    open_ = np.concatenate([[100.0], close[:-1]])
    wick = np.abs(random.normal(0, 0.004, (2, count)))
    high = np.maximum(open_, close) * (1 + wick[0])
    low = np.minimum(open_, close) * (1 - wick[1])
    interval = np.timedelta64(minutes, "m").astype(SPAN)
    time = np.datetime64("2020-01-01", "us").astype(TIME) + np.arange(count) * interval
    traded = random.integers(100, 1000, count).astype(float) if volume else None
    return Bars(symbol, interval, time, open_, high, low, close, traded)


@pytest.fixture(autouse=True)
def logger_as_it_was() -> Iterator[None]:
    """Take away the console that a command gave our logger."""
    logger = logging.getLogger("forecastle")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


@pytest.fixture
def bars() -> Bars:
    return make_bars()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real candles beside the checkout; tests that want it are skipped where it is absent."""
    folder = Path(os.environ.get("FORECASTLE_SHARED", REPOSITORY.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(
            f"shared candles are absent (looked in FORECASTLE_SHARED and {folder.parent.name}/ beside the checkout)"
        )
    return folder
