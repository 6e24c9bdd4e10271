"""A fit that is watched is the one that nobody watches, and ends at once where it is stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier, SGDRegressor

from forecastle.errors import Pruned
from forecastle.models.baseline import RandomWalk
from forecastle.models.boosting.catboost import CatBoost
from forecastle.models.boosting.forecaster import BoostedForecaster
from forecastle.models.boosting.lightgbm import LightGBM
from forecastle.models.boosting.rounds import EVERY
from forecastle.models.boosting.xgboost import XGBoost
from forecastle.models.epochwise.callback import EarlyStopping, TopCheckpoints
from forecastle.models.epochwise.trainer import EpochTrainer
from forecastle.models.estimator import SklearnForecaster
from forecastle.models.examples import Examples
from forecastle.models.forecast import Watched
from forecastle.runs.watching import Measure
from forecastle.windows.context import Windows
from forecastle.windows.target import Direction

ROUNDS, EPOCHS, HORIZON = 60, 6, 2
STOPS = {"stop": EarlyStopping(patience=2), "best": TopCheckpoints()}


def in_epochs(estimator: Any) -> Callable[[], SklearnForecaster]:
    return lambda: SklearnForecaster(estimator, trainer=EpochTrainer(EPOCHS), callbacks=STOPS)


MODELS: dict[str, Callable[[], Any]] = {
    "lightgbm": lambda: BoostedForecaster(LightGBM(rounds=ROUNDS, learning_rate=0.1), patience=15),
    "xgboost": lambda: BoostedForecaster(XGBoost(rounds=ROUNDS, learning_rate=0.1), patience=15),
    "catboost": lambda: BoostedForecaster(CatBoost(rounds=ROUNDS, learning_rate=0.1), patience=15),
    "sgd": in_epochs(SGDRegressor(random_state=0)),
}
CLASSES = {
    "lightgbm": MODELS["lightgbm"],
    "xgboost": MODELS["xgboost"],
    "catboost": MODELS["catboost"],
    "sgd": in_epochs(SGDClassifier(loss="log_loss", random_state=0)),
}
CASES = [(name, make, False) for name, make in MODELS.items()] + [(name, make, True) for name, make in CLASSES.items()]
TITLES = [f"{name}-{'classes' if classes else 'numbers'}" for name, _, classes in CASES]


class Listener:
    """Writes down what it is told, and stops a fit after a number of values."""

    def __init__(self, most: int | None = None) -> None:
        self.measures: list[Measure] = []
        self.values: dict[int, float] = {}
        self.most = most

    def __call__(self, measure: Measure, step: int, value: float) -> None:
        assert not self.values or step > max(self.values), "steps rise"
        self.measures.append(measure)
        self.values[step] = value
        if len(self.values) == self.most:
            raise Pruned(f"enough after step {step}")


def windows(make: Callable[..., Windows], classes: bool) -> tuple[Windows, Windows]:
    target = Direction() if classes else None
    return make(400, target, HORIZON, seed=1), make(200, target, HORIZON, seed=2)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("name", "build", "classes"), CASES, ids=TITLES)
def test_a_watched_fit_is_byte_for_byte_the_one_that_nobody_watches(
    make: Callable[..., Windows], tmp_path: Path, name: str, build: Callable[[], Any], classes: bool
) -> None:
    train, validation = windows(make, classes)
    listener, found = Listener(), []
    for watch in (None, listener):
        model = build()
        assert isinstance(model, Watched)
        model.watch = watch
        folder = tmp_path / str(watch is None)
        folder.mkdir()
        model.fit(train, validation).save(folder)
        found.append((content(folder), model.curves, model.predict(validation.context).values.tobytes()))
    assert found[0] == found[1]
    assert len(listener.values) > 1


@pytest.mark.parametrize(("name", "build", "classes"), CASES, ids=TITLES)
def test_a_stopped_fit_ends_in_the_step_that_stopped_it(
    make: Callable[..., Windows], tmp_path: Path, name: str, build: Callable[[], Any], classes: bool
) -> None:
    whole, model = Listener(), build()
    model.watch = whole
    train, validation = windows(make, classes)
    model.fit(train, validation)
    listener, model = Listener(2), build()
    model.watch = listener
    if hasattr(model, "checkpoints"):
        model.checkpoints = tmp_path / "kept"
    with pytest.raises(Pruned, match="enough after step"):
        model.fit(train, validation)
    assert listener.values == dict(list(whole.values.items())[:2])
    assert not (tmp_path / "kept").exists(), "to be stopped is no failure: nothing is saved"


def pinball(target: np.ndarray, forecast: float, level: float) -> float:
    error = target - forecast
    return float(np.mean(np.where(error >= 0, level * error, (level - 1) * error)))


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "catboost"])
def test_rounds_tell_their_loss_over_that_of_a_constant_forecast(make: Callable[..., Windows], name: str) -> None:
    train, validation = windows(make, classes=False)
    listener, model = Listener(), MODELS[name]()
    model.watch = listener
    model.fit(train, validation)
    assert set(listener.measures) == {Measure("validation/relative_loss", "min")}
    levels = train.context.task.quantile_levels
    ours, theirs = (Examples.from_windows(each, 1).cut().step(0) for each in (train, validation))
    constant = [pinball(theirs.target, float(np.quantile(ours.target, level)), level) for level in levels]
    if name == "lightgbm":  # a booster for each level, of which the curve is the mean: the first level is told first
        booster = BoostedForecaster(LightGBM(rounds=ROUNDS, learning_rate=0.1), patience=15)
        alone = booster.booster._boost(  # type: ignore[attr-defined]
            {"objective": "quantile", "alpha": levels[0]}, ours, theirs, 15, Silent()
        )[1]["validation/loss"]
        wanted = alone[EVERY - 1] / constant[0]
    else:
        wanted = model.curves["validation/loss_1"][EVERY - 1] / np.mean(constant)
    assert listener.values[EVERY] == pytest.approx(wanted, rel=1e-6)
    assert 0.5 < listener.values[EVERY] < 1.05, "near that of a constant, whatever the library calls a mean"
    starts = {(step - 1) // ROUNDS for step in listener.values}
    assert starts == set(range(HORIZON * (len(levels) if name == "lightgbm" else 1))), "each training has its steps"


class Silent:
    """Hears nothing of rounds."""

    def tell(self, done: int, loss: float) -> None:
        """Do nothing."""


def test_rounds_of_classes_are_measured_against_the_frequencies(make: Callable[..., Windows]) -> None:
    train, validation = windows(make, classes=True)
    listener, model = Listener(), MODELS["xgboost"]()
    model.watch = listener
    model.fit(train, validation)
    share = np.bincount(train.target[:, 0].astype(int)) / len(train)
    entropy = -np.mean(np.log(share[validation.target[:, 0].astype(int)]))
    assert listener.values[EVERY] == pytest.approx(model.curves["validation/loss_1"][EVERY - 1] / entropy, rel=1e-6)


def test_epochs_tell_the_validation_loss_of_each_fit(make: Callable[..., Windows]) -> None:
    train, validation = windows(make, classes=True)
    listener, model = Listener(), CLASSES["sgd"]()
    model.watch = listener
    model.fit(train, validation)
    assert set(listener.measures) == {Measure("validation/loss", "min")}
    first, second = (model.curves[name] for name in ("validation/loss_1", "validation/loss_2"))
    wanted = dict(enumerate(first, start=1))
    wanted |= {EPOCHS + epoch: (min(first) + value) / 2 for epoch, value in enumerate(second, start=1)}
    assert listener.values == pytest.approx(wanted)


def test_only_models_that_learn_in_steps_can_be_watched() -> None:
    assert not isinstance(RandomWalk(), Watched)
