"""What every model of conf/model promises, whichever there are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from threadpoolctl import threadpool_limits

from forecastle.arrays import SPAN, TIME
from forecastle.config.compose import compose
from forecastle.config.target import build
from forecastle.data.bars import Bars, Panel
from forecastle.errors import ModelError
from forecastle.features.frame import FeatureFrame
from forecastle.models.forecast import ClassForecast, Forecast, Forecaster, QuantileForecast, SampleForecast
from forecastle.windows.context import Target, Task, Windows
from forecastle.windows.sample import make_windows
from forecastle.windows.target import Direction, LogReturn, Volatility

FOLDER = Path(__file__).parents[2] / "conf" / "model"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
COMPOSED = [name for name in NAMES if "\ndefaults:" in (FOLDER / f"{name}.yaml").read_text()]
"""Models that bring a trainer and callbacks with them."""
NEURAL = [name for name in COMPOSED if "LightningForecaster" in (FOLDER / f"{name}.yaml").read_text()]
ROOT = {"seed": 3, "threads": 1, "season": 5, "horizon": 3, "context_length": 8}
LEVELS = tuple(k / 40 for k in range(1, 40))
CHOSEN = {"volatility": (1, 3)}
"""Targets that are asked for some steps only; the others for each."""
TARGETS: dict[str, Target] = {target.name: target for target in (LogReturn(), Volatility(), Direction())}


def build_model(name: str) -> Forecaster:
    """The model of a YAML file, with the shared quantities of the root; neural ones train briefly."""
    if name in COMPOSED:
        return build(composed(name))
    whole = OmegaConf.create({**ROOT, "model": OmegaConf.load(FOLDER / f"{name}.yaml")})
    return build(OmegaConf.to_container(whole, resolve=True)["model"])


@lru_cache
def composed(name: str) -> dict[str, object]:
    root = [f"{key}={value}" for key, value in ROOT.items()]
    short = ["trainer=smoke", "model.batch_size=32", "model.num_samples=20"] if name in NEURAL else []
    short += ["~callback.top_checkpoints"] if name in NEURAL else []  # or it might be the untrained network
    short += ["model.network.sampler.steps=3"] if "sampler:" in (FOLDER / f"{name}.yaml").read_text() else []
    return compose([f"model={name}", *short, *root]).model


def market(count: int, signal: float = 0.5, seed: int = 0, symbols: int = 2) -> tuple[Panel, FeatureFrame]:
    """Random walks of 1 % a bar whose next move the first feature knows with the weight `signal`."""
    random = np.random.default_rng(seed)
    moves = random.normal(0, 1, (symbols, count))
    features = random.normal(0, 1, (symbols, count, 6)).astype(np.float32)
    features[:, :-1, 0] += signal * moves[:, 1:]
    interval = np.timedelta64(1, "D").astype(SPAN)
    time = np.datetime64("2010-01-01", "us").astype(TIME) + np.arange(count) * interval
    bars = [
        Bars(f"S{number}", interval, time, *[100 * np.exp(np.cumsum(0.01 * row))] * 4)
        for number, row in enumerate(moves)
    ]
    columns = tuple(f"f{number}" for number in range(6))
    return Panel(tuple(bars)), FeatureFrame(features.reshape(-1, 6), columns, np.full(symbols, count), 1, {})


def windows_of(panel: Panel, frame: FeatureFrame, target: str, horizon: int = 3) -> Windows:
    return make_windows(panel, frame, Task(TARGETS[target], horizon, LEVELS, CHOSEN.get(target, ())), 8, 16)


@lru_cache
def parts(target: str) -> tuple[Windows, Windows, Windows]:
    """Training, validation and test windows, in time."""
    windows = windows_of(*market(400), target)
    time = windows.context.origin
    cuts = np.sort(time)[[int(0.6 * len(time)), int(0.8 * len(time))]]
    train = windows[np.flatnonzero(windows.label_end <= cuts[0])]
    validation = windows[np.flatnonzero((time > cuts[0]) & (windows.label_end <= cuts[1]))]
    return train, validation, windows[np.flatnonzero(time > cuts[1])]


@lru_cache
def fitted(name: str) -> dict[str, Forecaster]:
    """The fitted models by target; those of the wrong kind for a target refuse it."""
    models: dict[str, Forecaster] = {}
    refused = []
    for target in TARGETS:
        train, validation, _ = parts(target)
        try:
            models[target] = build_model(name).fit(train, validation)
        except ModelError as error:
            refused.append(str(error))
    assert models, f"{name} forecasts neither numbers nor classes: {refused}"
    assert all("choose a" in message for message in refused)
    return models


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As in a run; threads that wait for each other are slow on a busy machine."""
    with threadpool_limits(1):
        yield


@pytest.mark.parametrize("name", NAMES)
def test_a_model_offers_the_whole_contract(name):
    model = build_model(name)
    assert model.curves == {}
    assert model.history(5) >= 1
    assert (FOLDER / f"{name}.yaml").read_text().startswith("# ")


@pytest.mark.parametrize("name", NAMES)
def test_a_forecast_is_a_distribution_at_every_step(name):
    for target, model in fitted(name).items():
        test = parts(target)[2]
        check_distribution(model.predict(test.context), test)


def check_distribution(forecast: Forecast, windows: Windows) -> None:
    task = windows.context.task
    assert forecast.values.dtype == np.float32
    assert np.isfinite(forecast.values).all()
    if task.target.classes:
        assert isinstance(forecast, ClassForecast)
        assert forecast.values.shape == (len(windows), len(task.steps), len(task.target.classes))
        assert forecast.values.min() > 0
        np.testing.assert_allclose(forecast.values.sum(axis=2), 1, atol=1e-6)
        return
    if isinstance(forecast, SampleForecast):
        assert forecast.values.shape == (len(windows), 20, len(task.steps))
        assert task.target.lower is None or forecast.values.min() >= task.target.lower
        forecast = forecast.quantiles(LEVELS)
    assert isinstance(forecast, QuantileForecast)
    assert forecast.levels == LEVELS
    assert forecast.values.shape == (len(windows), len(task.steps), len(LEVELS))
    assert np.all(np.diff(forecast.values, axis=2) >= 0)
    if task.target.lower is not None:
        assert forecast.values.min() >= task.target.lower


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_model_forecasts_the_same_bits(name, tmp_path):
    for target, model in fitted(name).items():
        context = parts(target)[2].context
        (tmp_path / target).mkdir()
        model.save(tmp_path / target)
        loaded = type(model).load(tmp_path / target)
        np.testing.assert_array_equal(loaded.predict(context).values, model.predict(context).values)
        assert loaded.history(5) == model.history(5)
        assert loaded.curves in ({}, model.curves)


@pytest.mark.parametrize("name", NAMES)
def test_a_second_fit_gives_the_same_bits_and_the_same_files(name, tmp_path):
    target, first = next(iter(fitted(name).items()))
    train, validation, test = parts(target)
    second = build_model(name).fit(train, validation)
    np.testing.assert_array_equal(first.predict(test.context).values, second.predict(test.context).values)
    assert first.curves == second.curves
    contents = []
    for number, model in enumerate((first, second)):
        folder = tmp_path / str(number)
        folder.mkdir()
        model.save(folder)
        contents.append({path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()})
    assert contents[0] == contents[1]
    assert contents[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_forecast_does_not_depend_on_the_windows_beside_it(name):
    for target, model in fitted(name).items():
        context = parts(target)[2].context
        whole = model.predict(context).values
        for rows in (np.array([7]), np.array([30, 2, 11]), np.arange(5, 25)):
            # within float32's resolution: a matrix product may add in another order when it has other rows
            some = model.predict(context[rows])
            rtol, atol = (1e-5, 1e-7) if isinstance(some, SampleForecast) else (1e-6, 1e-9)
            np.testing.assert_allclose(some.values, whole[rows], rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", NAMES)
def test_a_forecast_does_not_see_what_comes_after_its_origin(name):
    now = 190
    panel, frame = market(240, seed=5, symbols=1)
    (bars,) = panel
    close = bars.close.copy()
    close[now + 1 :] *= 1.5 + np.sin(np.arange(len(close) - now - 1))
    values = frame.values.copy()
    values[now + 1 :] = -3 * values[now + 1 :] + 1
    other = Panel((Bars(bars.symbol, bars.interval, bars.time, close, close, close, close),))
    other_frame = FeatureFrame(values, frame.columns, frame.lengths, frame.warmup, {})
    moved = []
    for target, model in fitted(name).items():
        before, after = windows_of(panel, frame, target), windows_of(other, other_frame, target)
        past = before.context.row <= now
        assert past.sum() > 20
        assert not np.array_equal(before.target[past], after.target[past])
        forecasts = [model.predict(windows.context).values for windows in (before, after)]
        np.testing.assert_array_equal(forecasts[0][past], forecasts[1][past])
        moved.append(not np.array_equal(forecasts[0][~past], forecasts[1][~past]))
    assert any(moved)


def pinball(forecast: QuantileForecast, target: np.ndarray) -> float:
    """Mean over levels of twice the pinball loss: the CRPS on this grid."""
    levels = np.array(forecast.levels)
    error = target[:, :, None] - forecast.values
    return float(np.mean(2 * np.maximum(levels * error, (levels - 1) * error)))


@pytest.mark.parametrize(
    "name",
    [
        "ridge",
        "lasso",
        "random_forest",
        "gradient_boosting",
        "mlp",
        "quantile_regression",
        "ensemble",
        "lightgbm",
        "xgboost",
        "catboost",
    ],
)
def test_a_planted_signal_is_found(name):
    windows = windows_of(*market(1500, signal=1.5, symbols=1), "log_return", horizon=2)
    train, validation, test = windows[:900], windows[910:1150], windows[1160:]
    forecast = build_model(name).fit(train, validation).predict(test.context)
    walk = build_model("random_walk").fit(train).predict(test.context)
    assert pinball(forecast, test.target) < 0.9 * pinball(walk, test.target)
    median = LEVELS.index(0.5)
    errors = [np.abs(test.target - each.values[:, :, median]).mean() for each in (forecast, walk)]
    assert errors[0] < 0.9 * errors[1]


@pytest.mark.parametrize("name", ["logistic", "random_forest_classifier", "lightgbm", "xgboost", "catboost"])
def test_a_planted_direction_is_found(name):
    windows = windows_of(*market(1500, signal=1.5, symbols=1), "direction", horizon=2)
    train, test = windows[:900], windows[1160:]
    values = build_model(name).fit(train).predict(test.context).values
    assert np.mean((values[:, 0, 1] > 0.5) == test.target[:, 0]) > 0.7


@pytest.mark.parametrize("name", ["random_walk", "ridge"])
def test_eighty_percent_intervals_cover_eighty_percent_of_a_random_walk(name):
    windows = windows_of(*market(12_000, signal=0, symbols=1), "log_return")
    train, test = windows[:3000], windows[3010:]
    values = build_model(name).fit(train).predict(test.context).values
    low, high = LEVELS.index(0.1), LEVELS.index(0.9)
    inside = (test.target >= values[:, :, low]) & (test.target <= values[:, :, high])
    assert np.all((inside.mean(axis=0) > 0.77) & (inside.mean(axis=0) < 0.83))
