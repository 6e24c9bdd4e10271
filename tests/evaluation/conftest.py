"""Tasks and outcomes that the evaluation tests share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from forecastle.arrays import TIME, FloatArray
from forecastle.evaluation.metric import Outcome
from forecastle.models.forecast import ClassForecast, QuantileForecast
from forecastle.windows.context import Task

LEVELS = tuple(k / 40 for k in range(1, 40))


@dataclass
class FakeTarget:
    """What metrics read of a target."""

    name: str = "log_return"
    unit: str = "log return"
    classes: tuple[str, ...] = ()
    lower: float | None = None


def _origins(count: int, symbols: int) -> FloatArray:
    each = np.datetime64("2020-01-01", "us").astype(TIME) + np.arange(count) * np.timedelta64(3600, "s")
    return np.tile(each, symbols)


@pytest.fixture
def make_task() -> Callable[..., Task]:
    def make(horizon: int = 3, levels: Sequence[float] = LEVELS, **target: object) -> Task:
        return Task(FakeTarget(**target), horizon, tuple(levels))

    return make


@pytest.fixture
def make_numbers() -> Callable[..., Outcome]:
    """Gaussian quantiles around noisy medians, on coarse values so that ties occur where `step` is given."""

    def make(
        count: int = 60,
        horizon: int = 3,
        seed: int = 0,
        signal: float = 0.5,
        symbols: int = 1,
        levels: Sequence[float] = LEVELS,
        step: float | None = None,
        truth: int = 0,
    ) -> Outcome:
        from statistics import NormalDist

        target = np.random.default_rng(1000 + truth).normal(0, 0.01, (count * symbols, horizon))
        median = signal * target + np.random.default_rng(seed).normal(0, 0.004, target.shape)
        if step is not None:
            target, median = np.round(target / step) * step, np.round(median / step) * step
        z = np.array([NormalDist().inv_cdf(level) for level in levels])
        values = (median[..., None] + 0.01 * z).astype(np.float32)
        return Outcome(
            QuantileForecast(tuple(levels), values),
            target,
            np.linspace(0, 1, count * symbols),
            _origins(count, symbols),
            np.repeat(np.arange(symbols), count),
        )

    return make


@pytest.fixture
def make_classes() -> Callable[..., Outcome]:
    """Dirichlet probabilities that lean to the class that came."""

    def make(
        count: int = 60, horizon: int = 3, classes: int = 2, seed: int = 0, lean: float = 1.0, digits: int | None = None
    ) -> Outcome:
        random = np.random.default_rng(seed)
        target = random.integers(0, classes, (count, horizon)).astype(np.float64)
        weight = random.gamma(1.0, 1.0, (count, horizon, classes)) + 0.02
        weight += lean * (target[..., None] == np.arange(classes)) * random.random((count, horizon, 1))
        values = weight / weight.sum(axis=-1, keepdims=True)
        if digits is not None:
            values = np.round(values, digits)
        return Outcome(
            ClassForecast(values.astype(np.float32)),
            target,
            np.zeros(count),
            _origins(count, 1),
            np.zeros(count, dtype=np.int64),
        )

    return make
