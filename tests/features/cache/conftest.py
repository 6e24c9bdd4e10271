"""Frames and folders of a cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forecastle.features.cache.disk import DiskCache
from forecastle.features.frame import FeatureFrame


def make_frame(rows: int = 50, columns: int = 3, seed: int = 0) -> FeatureFrame:
    values = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    values[:4, 1] = np.nan
    names = tuple(f"column_{number}" for number in range(columns))
    return FeatureFrame(values, names, np.array([rows - 20, 20]), 5, {"obv": "needs volume, which is missing for é"})


def same(one: FeatureFrame, other: FeatureFrame) -> bool:
    """Equal to the last bit."""
    return (
        one.values.tobytes() == other.values.tobytes()
        and one.values.shape == other.values.shape
        and one.values.dtype == other.values.dtype
        and one.columns == other.columns
        and one.lengths.tolist() == other.lengths.tolist()
        and one.warmup == other.warmup
        and one.left_out == other.left_out
    )


class Counted:
    """Computes a frame, and counts how often."""

    def __init__(self, frame: FeatureFrame) -> None:
        self.frame = frame
        self.times = 0

    def __call__(self) -> FeatureFrame:
        self.times += 1
        return self.frame


@pytest.fixture
def counted() -> Counted:
    return Counted(make_frame())


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[..., DiskCache]:
    """A cache as a new process would have it: nothing in memory, the same folder."""

    def make(**options: object) -> DiskCache:
        return DiskCache(str(tmp_path / "cache"), **options)  # type: ignore[arg-type]

    return make
