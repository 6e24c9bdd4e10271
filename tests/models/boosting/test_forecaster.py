"""Boosted trees, held against their libraries' own interfaces for scikit-learn."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from catboost import CatBoostRegressor
from lightgbm import LGBMRegressor, early_stopping
from xgboost import XGBRegressor

from forecastle.errors import ConfigError, MissingExtraError, ModelError
from forecastle.evaluation.metric import Outcome
from forecastle.evaluation.quantile import CRPS
from forecastle.evaluation.score import evaluate
from forecastle.models.baseline import RandomWalk
from forecastle.models.boosting.booster import averaged
from forecastle.models.boosting.catboost import CatBoost
from forecastle.models.boosting.forecaster import SETTINGS, BoostedForecaster
from forecastle.models.boosting.lightgbm import LightGBM
from forecastle.models.boosting.xgboost import XGBoost
from forecastle.windows.context import Windows
from forecastle.windows.target import Direction

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
KINDS = {"lightgbm": LightGBM, "xgboost": XGBoost, "catboost": CatBoost}


def table(windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Features of the last bar, and targets in units of a random walk."""
    root = np.sqrt(np.arange(1, windows.target.shape[1] + 1))
    x = np.asarray(windows.context.features[:, -1], dtype=float)
    return x, np.clip(windows.target / (windows.context.scale[:, None] * root), -10, 10)


def by_lightgbm(x: np.ndarray, z: np.ndarray, xv: np.ndarray, zv: np.ndarray, new: np.ndarray) -> np.ndarray:
    columns = []
    for level in LEVELS:
        model = LGBMRegressor(
            objective="quantile", alpha=level, n_estimators=80, learning_rate=0.1, num_leaves=8, min_child_samples=50,
            reg_lambda=10.0, colsample_bytree=1.0, feature_fraction_bynode=0.5, random_state=3, n_jobs=1,
            deterministic=True, force_row_wise=True, verbosity=-1,
        )  # fmt: skip
        model.fit(x, z, eval_X=(xv,), eval_y=(zv,), callbacks=[early_stopping(5, verbose=False)])
        columns.append(model.booster_.predict(new))
    return np.stack(columns, axis=1)


def by_xgboost(x: np.ndarray, z: np.ndarray, xv: np.ndarray, zv: np.ndarray, new: np.ndarray) -> np.ndarray:
    model = XGBRegressor(
        objective="reg:quantileerror", quantile_alpha=np.array(LEVELS), n_estimators=80, learning_rate=0.1,
        max_depth=3, min_child_weight=50, reg_lambda=10.0, colsample_bynode=0.5, random_state=3, n_jobs=1,
        early_stopping_rounds=5, tree_method="hist",
    )  # fmt: skip
    return np.asarray(model.fit(x, z, eval_set=[(xv, zv)], verbose=False).predict(new))


def by_catboost(x: np.ndarray, z: np.ndarray, xv: np.ndarray, zv: np.ndarray, new: np.ndarray) -> np.ndarray:
    model = CatBoostRegressor(
        loss_function="MultiQuantile:alpha=0.1,0.25,0.5,0.75,0.9", iterations=80, learning_rate=0.1, depth=3,
        l2_leaf_reg=10, rsm=0.5, random_seed=3, thread_count=1, early_stopping_rounds=5, allow_writing_files=False,
        logging_level="Silent",
    )  # fmt: skip
    return np.asarray(model.fit(x, z, eval_set=(xv, zv)).predict(new))


BY_HAND = {"lightgbm": by_lightgbm, "xgboost": by_xgboost, "catboost": by_catboost}


@pytest.mark.parametrize("library", sorted(KINDS))
def test_quantiles_are_those_of_the_librarys_own_estimator_in_spreads(make: Callable[..., Windows], library: str):
    train, watched, later = make(seed=1), make(seed=2), make(seed=3)
    booster = KINDS[library](rounds=80, learning_rate=0.1, seed=3)
    model = BoostedForecaster(booster, patience=5).fit(train, watched)
    forecast = model.predict(later.context)
    (x, z), (xv, zv), (new, _) = table(train), table(watched), table(later)
    for step in range(3):
        reference = np.sort(BY_HAND[library](x, z[:, step], xv, zv[:, step], new), axis=1)
        reference *= later.context.scale[:, None] * np.sqrt(step + 1)
        np.testing.assert_allclose(forecast.values[:, step], reference, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("library", sorted(KINDS))
def test_curves_fall_and_end_within_the_patience(make: Callable[..., Windows], library: str):
    model = BoostedForecaster(KINDS[library](learning_rate=0.2), patience=5).fit(make(seed=1), make(seed=2))
    assert sorted(model.curves) == [f"{part}/loss_{step}" for part in ("train", "validation") for step in (1, 2, 3)]
    for name, values in model.curves.items():
        assert all(isinstance(value, float) for value in values)
        if name == "train/loss_1":
            assert values[-1] < values[0]
    if library != "lightgbm":  # its curve is the mean over levels that stopped at different rounds
        watched = model.curves["validation/loss_1"]
        assert len(watched) - 1 - int(np.argmin(watched)) == 5


@pytest.mark.parametrize("library", sorted(KINDS))
def test_weights_reach_the_trees(make: Callable[..., Windows], library: str):
    train, watched = make(seed=1), make(seed=2)
    weight = np.where(train.target[:, 0] > 0, 1.0, 1e-3)
    settings = {"lightgbm": {"min_data_in_leaf": 5}, "xgboost": {"min_child_weight": 1.0}}.get(library, {})
    fits = [
        BoostedForecaster(KINDS[library](**settings)).fit(each, watched).predict(watched.context).values
        for each in (train, replace(train, weight=weight))
    ]
    assert fits[1][:, 0].mean() > fits[0][:, 0].mean()


@pytest.mark.parametrize("library", sorted(KINDS))
def test_a_class_that_training_never_saw_is_unlikely_but_not_impossible(make: Callable[..., Windows], library: str):
    train, watched = make(target=Direction(), seed=1), make(target=Direction(), seed=2)
    target = train.target.copy()
    target[:, 1] = 1
    model = BoostedForecaster(KINDS[library]()).fit(replace(train, target=target), watched)
    values = model.predict(watched.context).values
    np.testing.assert_allclose(values[:, 1, 0], 1 / (len(train) + 2), rtol=1e-6)
    assert 0.3 < values[:, 0, 1].mean() < 0.7
    assert np.corrcoef(values[:, 0, 1], watched.target[:, 0])[0, 1] > 0.2


def test_without_validation_the_latest_fifth_of_training_stops_the_growth(make: Callable[..., Windows]):
    windows = make(count=500, seed=1)
    model = BoostedForecaster(LightGBM(rounds=30), patience=5)
    alone = model.fit(windows).predict(windows.context).values
    first = windows.context.origin[int(0.8 * len(windows))]
    parts = windows.label_end <= first, windows.context.origin >= first
    train, watched = (windows[np.flatnonzero(part)] for part in parts)
    split = BoostedForecaster(LightGBM(rounds=30), patience=5).fit(train, watched)
    np.testing.assert_array_equal(split.predict(windows.context).values, alone)


def test_another_task_than_at_fit_is_refused(make: Callable[..., Windows]):
    model = BoostedForecaster(LightGBM(rounds=5)).fit(make(), make())
    with pytest.raises(ModelError, match=r"LightGBM was fitted for 3 steps .* of 5 quantile levels .* got 2 steps"):
        model.predict(make(horizon=2).context)
    with pytest.raises(ModelError, match="must be fitted before"):
        BoostedForecaster(LightGBM()).predict(make().context)


@pytest.mark.parametrize(
    ("make_booster", "message"),
    [
        (lambda: LightGBM(rounds=0), "rounds must be at least 1, got 0"),
        (lambda: LightGBM(num_leaves=1), "num_leaves must be at least 2"),
        (lambda: XGBoost(learning_rate=0.0), r"learning_rate must lie in \(0, 1\], got 0"),
        (lambda: CatBoost(rsm=2.0), r"share of columns must lie in \(0, 1\], got 2"),
        (lambda: BoostedForecaster(object()), "booster must be one of LightGBM, XGBoost, CatBoost, got object"),
        (lambda: BoostedForecaster(LightGBM(), patience=0), "patience must be at least 1, got 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(make_booster: Callable[[], Any], message: str):
    with pytest.raises(ConfigError, match=message):
        make_booster()


@pytest.mark.parametrize("library", sorted(KINDS))
def test_a_damaged_file_is_refused_in_one_line(make: Callable[..., Windows], library: str, tmp_path):
    BoostedForecaster(KINDS[library](rounds=5)).fit(make(), make()).save(tmp_path)
    (broken,) = tmp_path.glob("step_2_1.*")
    broken.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"^no model of .*|holds no boosted trees") as caught:
        BoostedForecaster.load(tmp_path)
    assert "\n" not in str(caught.value)
    broken.unlink()
    with pytest.raises(ModelError, match=r"boosting\.json holds no boosted trees"):
        BoostedForecaster.load(tmp_path)


def test_a_missing_library_is_told_with_its_extra(make: Callable[..., Windows], tmp_path, monkeypatch):
    BoostedForecaster(LightGBM(rounds=5)).fit(make(), make()).save(tmp_path)
    assert json.loads((tmp_path / SETTINGS).read_text())["library"] == "lightgbm"
    monkeypatch.delitem(sys.modules, "forecastle.models.boosting.lightgbm")
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'forecastle\[boost\]'"):
        BoostedForecaster.load(tmp_path)


def test_curves_of_several_lengths_are_averaged_with_their_last_values():
    assert averaged([[3.0], [1.0, 0.0, -1.0]]) == [2.0, 1.5, 1.0]


@pytest.mark.parametrize("library", sorted(KINDS))
def test_a_planted_signal_beats_the_random_walk_and_the_interval_says_so(make: Callable[..., Windows], library: str):
    windows = make(count=1600, signal=1.0, horizon=1)
    train, watched, asked = windows[:900], windows[905:1150], windows[1155:]
    model = BoostedForecaster(KINDS[library]()).fit(train, watched)
    context = asked.context
    close = context.timeline.log_close[context.row]
    outcomes = {
        name: Outcome(each.predict(context), asked.target, close, context.origin, context.symbol)
        for name, each in {"model": model, "walk": RandomWalk()}.items()
    }
    skill = evaluate(outcomes, {"crps": CRPS()}, "crps", 0, context.timeline.symbols, context.task)["skill"]["walk"]
    # the feature is the next move plus noise of the same size: half its variance is known, so at best 1 - 1/√2 = 29 %
    assert 0.15 < skill["low"] < skill["high"] < 0.35
