"""A planted process whose law is known: every network of conf/model comes near its oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecastle.arrays import SPAN, TIME, FloatArray
from forecastle.config.compose import compose
from forecastle.config.target import build
from forecastle.data.bars import Bars, Panel
from forecastle.features.frame import FeatureFrame
from forecastle.models.baseline import RandomWalk
from forecastle.models.forecast import Forecast, SampleForecast
from forecastle.windows.context import Task, Windows
from forecastle.windows.sample import make_windows
from forecastle.windows.target import LogReturn

MODELS = Path(__file__).parents[3] / "conf" / "model"
NEURAL = sorted(path.stem for path in MODELS.glob("*.yaml") if "LightningForecaster" in path.read_text())
LEVELS = tuple(k / 40 for k in range(1, 40))
HORIZON, CONTEXT = 3, 16
PULL, BASE, SHOCK, MEMORY = 0.5, 5e-6, 0.15, 0.80
"""r_t = PULL r_{t-1} + u_t, u_t = √v_t ε_t, v_t = BASE + SHOCK u²_{t-1} + MEMORY v_{t-1}: an AR(1) with GARCH(1, 1)."""


def process(count: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Returns and the variance of each next innovation, shape (count,) each."""
    normal = np.random.default_rng(seed).normal(size=count)
    returns, following = np.zeros(count), np.zeros(count)
    variance, before = BASE / (1 - SHOCK - MEMORY), 0.0
    for row in range(count):
        shock = np.sqrt(variance) * normal[row]
        before = returns[row] = PULL * before + shock
        variance = following[row] = BASE + SHOCK * shock**2 + MEMORY * variance
    return returns, following


@pytest.fixture(scope="module")
def planted() -> tuple[Windows, FloatArray]:
    """Windows of the process, and the oracle's quantiles of each, shape (N, H, Q)."""
    returns, following = process(9000)
    close = 100 * np.exp(np.cumsum(returns))
    interval = np.timedelta64(1, "h").astype(SPAN)
    time = np.datetime64("2010-01-01", "us").astype(TIME) + np.arange(len(close)) * interval
    frame = FeatureFrame((returns[:, None] / 0.01).astype(np.float32), ("log_return",), np.array([len(close)]), 1, {})
    panel = Panel((Bars("A", interval, time, close, close, close, close),))
    windows = make_windows(panel, frame, Task(LogReturn(), HORIZON, LEVELS), CONTEXT, 32)
    return windows, oracle(returns, following, windows.context.row)


def oracle(returns: FloatArray, following: FloatArray, rows: FloatArray) -> FloatArray:
    """Quantiles of the cumulative return, by 2,000 paths of the true process from each origin."""
    random = np.random.default_rng(1)
    normal = random.normal(size=(HORIZON, 1, 1000))
    normal = np.concatenate([normal, -normal], axis=2)
    found = []
    for some in np.array_split(rows, 10):
        before, variance = returns[some, None], following[some, None]
        total, steps = 0.0, []
        for step in range(HORIZON):
            shock = np.sqrt(variance) * normal[step]
            before = PULL * before + shock
            variance = BASE + SHOCK * shock**2 + MEMORY * variance
            total = total + before
            steps.append(np.quantile(total, LEVELS, axis=1).T)
        found.append(np.stack(steps, axis=1))
    return np.concatenate(found)


def crps(values: FloatArray, target: FloatArray) -> float:
    levels = np.array(LEVELS)
    error = target[:, :, None] - values
    return float(np.mean(2 * np.maximum(levels * error, (levels - 1) * error)))


def quantiles(forecast: Forecast) -> FloatArray:
    return (forecast.quantiles(LEVELS) if isinstance(forecast, SampleForecast) else forecast).values


def test_the_oracle_beats_the_random_walk_by_far(planted: Any) -> None:
    windows, law = planted
    walk = quantiles(RandomWalk().predict(windows.context))
    assert crps(walk, windows.target) > 1.1 * crps(law, windows.target)


@pytest.mark.slow
@pytest.mark.parametrize("name", NEURAL)
def test_every_network_comes_within_five_percent_of_the_oracle(planted: Any, name: str) -> None:
    windows, law = planted
    train, validation, test = windows[:6000], windows[6010:7400], windows[7410:]
    root = [f"horizon={HORIZON}", f"context_length={CONTEXT}"]
    model = build(compose([f"model={name}", *root]).model).fit(train, validation)
    found = crps(quantiles(model.predict(test.context)), test.target)
    assert found < 1.05 * crps(law[7410:], test.target)
