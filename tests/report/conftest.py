"""Synthetic run folders, with the files that the pipeline writes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from tests.report.browsing import QUIET

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LEVELS = (0.025, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.975)
BASELINES = ("last_value", "seasonal_naive", "random_walk")
METRICS = ("mae", "crps", "rmse", "pinball", "coverage_80", "coverage_95", "hit_rate", "information_coefficient")
DIRECTIONS = ("min", "min", "min", "min", "none", "none", "max", "max")


def make_run(
    folder: Path,
    *,
    windows: int = 250,
    horizon: int = 5,
    symbols: tuple[str, ...] = ("SP500",),
    target: str = "log_return",
    parts: tuple[str, ...] = ("validation", "test"),
    seed: int = 0,
) -> Path:
    """Write the folder of a run; `windows` for each part and symbol."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    classes = target == "direction"
    frames, metrics = [], {}
    for number, part in enumerate(parts):
        days = pd.bdate_range("2014-01-02", periods=windows * (number + 1) + horizon)[windows * number :]
        for symbol in symbols:
            frames.append(_forecasts(random, part, symbol, days[:windows], horizon, target))
        metrics[part] = _scores(random, windows * len(symbols), horizon, days, symbols, classes)
    table = pd.concat(frames).sample(frac=1, random_state=seed)  # the order of rows must not matter
    table.to_parquet(folder / "forecast.parquet", index=False)
    _write(folder / "metrics.json", metrics)
    _write(folder / "manifest.json", _manifest(windows, horizon, symbols, target, parts))
    _write(folder / "quality.json", _quality(symbols))
    (folder / "config.yaml").write_text(
        f"horizon: {horizon}\nseed: 7\nmodel:\n  _target_: forecastle.models.sklearn.SklearnForecaster\n"
        "  estimator:\n    _target_: sklearn.linear_model.Ridge\n    alpha: 1.0\n"
    )
    epochs = range(1, 31)
    (folder / "curves.csv").write_text(
        "name,step,value\n"
        + "".join(f"train/loss,{epoch},{1 / epoch + 0.1}\n" for epoch in epochs)
        + "".join(f"validation/loss,{epoch},{0.9 / epoch + 0.25 + epoch / 200}\n" for epoch in epochs)
    )
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is absent (apt install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


@pytest.fixture
def edit() -> Callable[[Path, Callable[[Any], None]], None]:
    """Change a JSON file by a function that mutates its content."""

    def change(path: Path, how: Callable[[Any], None]) -> None:
        content = json.loads(path.read_text())
        how(content)
        _write(path, content)

    return change


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1))


def _forecasts(
    random: np.random.Generator, part: str, symbol: str, days: pd.DatetimeIndex, horizon: int, target: str
) -> pd.DataFrame:
    count = len(days)
    path = np.log(1500) + np.cumsum(random.normal(0.0003, 0.01, count + horizon))
    steps = np.arange(1, horizon + 1)
    log_close = path[:count]
    if target == "log_return":
        happened = path[np.arange(count)[:, None] + steps] - log_close[:, None]
        scale = 0.01 * np.sqrt(steps)
        values = (0.0003 * steps)[None, :, None] + scale[None, :, None] * norm.ppf(LEVELS)[None, None, :]
        values = np.broadcast_to(values, (count, horizon, len(LEVELS)))
        names = [f"q{level:g}" for level in LEVELS]
    elif target == "volatility":
        happened = np.exp(random.normal(-4.6, 0.4, (count, horizon)))
        values = np.broadcast_to(np.exp(-4.6 + 0.4 * norm.ppf(LEVELS)), (count, horizon, len(LEVELS)))
        names = [f"q{level:g}" for level in LEVELS]
    else:
        chance = np.clip(0.52 + 0.04 * random.standard_normal((count, horizon)), 0.05, 0.95)
        happened = (random.random((count, horizon)) < chance).astype(float)
        values = np.stack([1 - chance, chance], axis=-1)
        names = ["p_down", "p_up"]
    rows = {
        "part": part,
        "fold": np.int16(0),
        "path": np.int16(0),
        "symbol": symbol,
        "origin": np.repeat(days.tz_localize("UTC").as_unit("us"), horizon),
        "step": np.tile(steps, count).astype(np.int16),
        "log_close": np.repeat(log_close, horizon),
        "target": happened.ravel(),
    }
    frame = pd.DataFrame(rows)
    for position, name in enumerate(names):
        frame[name] = values[..., position].ravel().astype(np.float32)
    loss = np.abs(happened).ravel()
    frame["loss"] = loss
    for shift, baseline in enumerate(BASELINES):
        frame[f"loss_{baseline}"] = loss + random.normal(0.0002 * (shift - 0.6), 0.004, len(loss))
    return frame


def _scores(
    random: np.random.Generator,
    windows: int,
    horizon: int,
    days: pd.DatetimeIndex,
    symbols: tuple[str, ...],
    classes: bool,
) -> dict[str, Any]:
    names = ("model", *BASELINES)
    size = dict(zip(METRICS, (0.0125, 0.0089, 0.0171, 0.0044, 0.81, 0.948, 0.52, 0.03), strict=True))
    scores = {name: {metric: size[metric] * random.uniform(0.95, 1.1) for metric in METRICS} for name in names}
    scores["last_value"]["information_coefficient"] = None  # a constant forecast has none
    skill = {
        "last_value": {"value": 0.291, "low": 0.262, "high": 0.318, "significant": True},
        "seasonal_naive": {"value": 0.112, "low": 0.071, "high": 0.149, "significant": True},
        "random_walk": {"value": 0.0062, "low": -0.0041, "high": 0.0163, "significant": False},
    }
    for baseline in BASELINES:
        centre = skill[baseline]["value"]
        skill[baseline]["by_step"] = [centre * random.uniform(-0.5, 2.0) for _ in range(horizon)]
    objective = "log_loss" if classes else "crps"
    if classes:
        for values in scores.values():
            values["log_loss"] = values.pop("crps") * 75
    return {
        "objective": objective,
        "direction": "min",
        "unit": "nats" if classes else "log return",
        "windows": windows,
        "origins": windows // len(symbols),
        "horizon": horizon,
        "steps": list(range(1, horizon + 1)),
        "start": days[0].tz_localize("UTC").isoformat(),
        "end": days[-1].tz_localize("UTC").isoformat(),
        "metrics": {
            name: {"unit": "log return", "direction": direction}
            for name, direction in zip(METRICS, DIRECTIONS, strict=True)
        },
        "scores": scores,
        "by_step": {name: {objective: [0.0042 * step**0.5 for step in range(1, horizon + 1)]} for name in names},
        "interval": {name: {"low": 0.0084, "high": 0.0093} for name in names},
        "skill": skill,
        "by_symbol": {symbol: {name: random.uniform(0.006, 0.01) for name in names} for symbol in symbols},
    }


def _manifest(
    windows: int, horizon: int, symbols: tuple[str, ...], target: str, parts: tuple[str, ...]
) -> dict[str, Any]:
    spans = {
        "train": {"windows": 3 * windows, "start": "2004-01-02T00:00:00+00:00", "end": "2013-12-31T00:00:00+00:00"},
        "validation": {"windows": windows, "start": "2014-01-02T00:00:00+00:00", "end": "2014-12-17T00:00:00+00:00"},
        "test": {"windows": windows, "start": "2014-12-18T00:00:00+00:00", "end": "2015-12-02T00:00:00+00:00"},
    }
    units = {"log_return": "log return", "volatility": "log return per bar", "direction": "class"}
    return {
        "id": "3f9c1d7ab2e04516",
        "name": "ridge",
        "created": "2026-11-03T09:12:44+00:00",
        "command": ["model=ridge", "indicator=core"],
        "config_hash": "a3b1c2d4e5f60718",
        "bars": "9be2f0c411d7a6e3",
        "code": "17c9e2aa00b1f4d2",
        "git": {"commit": "8672955c0ffee00d8672955c0ffee00d86729550", "dirty": True},
        "versions": {"numpy": "2.4.6", "pandas": "3.1.1", "scikit-learn": "1.8.0", "TA-Lib": "0.8.2"},
        "seed": 7,
        "threads": 1,
        "platform": "Linux-6.1-x86_64, Python 3.11.2",
        "steps": [
            {"name": "bars", "seconds": 0.0213, "peak_mb": 96.2},
            {"name": "features", "seconds": 0.0184, "peak_mb": 101.7},
            {"name": "fit", "seconds": 0.3127, "peak_mb": 188.04},
            {"name": "evaluate", "seconds": 0.0932, "peak_mb": 190.5},
        ],
        "features": {
            "columns": [
                f"{name}_{period}" for name in ("log_return", "rsi", "atr", "ema", "adx") for period in (7, 14, 21)
            ],
            "left_out": {
                "obv": "needs volume, which these data do not have",
                "mfi": "needs volume, which these data do not have",
            },
            "warmup": 114,
        },
        "folds": [
            {
                **spans,
                "purged": 2 * horizon,
                "embargoed": 0,
                "transform": {"standard": {"fitted_on": "train", "constant": ["cdl_doji"], "rows": 3 * windows}},
            }
        ],
        "target": {"name": target, "unit": units[target], "classes": ["down", "up"] if target == "direction" else []},
        "symbols": list(symbols),
        "interval": "1440 minutes",
        "data": "sp500",
        "looks": {"count": 3, "text": "This test part was opened 3 times, by 2 different models."}
        if "test" in parts
        else {},
    }


def _quality(symbols: tuple[str, ...]) -> dict[str, Any]:
    first = [
        {"row": row, "time": f"2009-03-{row:02d}T00:00:00Z", "open": 696.33, "high": 701.8, "low": 682.5, "close": 0.0}
        for row in (2, 9)
    ]
    account = {
        "rows_in": 5031,
        "rows_out": 5029,
        "dropped": 2,
        "repaired": 0,
        "inserted": 0,
        "start": "1999-01-04T00:00:00Z",
    }
    finding = {"count": 2, "policy": "drop", "first": first}
    return {
        "source": "sp500",
        "interval": "1D",
        "policy": {"types": "fail", "order": "fail", "duplicates": "fail", "values": "drop", "gaps": "report"},
        "symbols": {symbol: {"symbol": symbol, **account, "findings": {"values": finding}} for symbol in symbols},
    }
