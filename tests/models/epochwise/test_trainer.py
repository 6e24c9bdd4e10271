"""Training of estimators in epochs, against loops by hand."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score
from sklearn.neural_network import MLPRegressor

from forecastle.errors import ConfigError, ModelError
from forecastle.models.epochwise.callback import EarlyStopping, TopCheckpoints
from forecastle.models.epochwise.trainer import EpochTrainer
from forecastle.models.estimator import SklearnForecaster
from forecastle.models.examples import Examples
from forecastle.models.ranking import RANKING
from forecastle.runs import archive
from forecastle.windows.target import Direction

DRAW = np.random.default_rng(0)
INPUTS = DRAW.normal(size=(300, 6))
TARGET = INPUTS[:, 0] + DRAW.normal(size=300)
TRAIN, WATCHED = Examples(INPUTS[:60], TARGET[:60], None), Examples(INPUTS[60:], TARGET[60:], None)


def restless(seed: int = 0, **settings: Any) -> SGDRegressor:
    """An estimator that learns by heart after a few epochs, and jumps about."""
    return SGDRegressor(alpha=0.0, learning_rate="constant", eta0=0.02, random_state=seed, **settings)


def train(estimator: Any, folder: Path | None = None, epochs: int = 30, **callbacks: Any) -> Any:
    return EpochTrainer(epochs).fit(estimator, TRAIN, WATCHED, callbacks, folder)


def by_hand(epochs: int, patience: int, min_delta: float) -> tuple[list[float], np.ndarray]:
    """Losses of the epochs until patience ends, and forecasts of the best one."""
    model, losses, forecasts = restless(), [], []
    best, waited = np.inf, 0
    for _ in range(epochs):
        model.partial_fit(TRAIN.inputs, TRAIN.target)
        forecasts.append(model.predict(WATCHED.inputs))
        losses.append(float(np.mean((WATCHED.target - forecasts[-1]) ** 2)))
        if losses[-1] < best - min_delta:
            best, waited = losses[-1], 0
        else:
            waited += 1
        if waited == patience:
            break
    return losses, forecasts[int(np.argmin(losses))]


@pytest.mark.parametrize(("patience", "min_delta"), [(1, 0.0), (3, 0.0), (3, 0.01), (30, 0.0)])
def test_training_stops_and_chooses_as_a_loop_by_hand(patience: int, min_delta: float) -> None:
    losses, forecasts = by_hand(30, patience, min_delta)
    found = train(restless(), stop=EarlyStopping(patience=patience, min_delta=min_delta), top=TopCheckpoints())
    np.testing.assert_allclose(found.epochs_["validation/loss"], losses, rtol=1e-12)
    np.testing.assert_array_equal(found.predict(WATCHED.inputs), forecasts)
    assert patience == 30 or len(losses) < 30


def test_without_callbacks_the_last_of_all_epochs_is_used() -> None:
    model = restless()
    for _ in range(30):
        model.partial_fit(TRAIN.inputs, TRAIN.target)
    found = train(restless())
    np.testing.assert_array_equal(found.coef_, model.coef_)
    np.testing.assert_allclose(
        found.epochs_["train/loss"][-1], mean_squared_error(TRAIN.target, model.predict(TRAIN.inputs))
    )
    np.testing.assert_allclose(
        found.epochs_["validation/score"][-1], r2_score(WATCHED.target, model.predict(WATCHED.inputs))
    )


def test_a_score_is_better_where_it_is_higher() -> None:
    found = train(restless(), top=TopCheckpoints("validation/score"), stop=EarlyStopping("validation/score", 4, 0.0))
    scores = found.epochs_["validation/score"]
    assert found.score(WATCHED.inputs, WATCHED.target) == max(scores)
    assert int(np.argmax(scores)) == len(scores) - 5


def test_an_ensemble_with_a_warm_start_grows_by_its_members_each_epoch() -> None:
    found = train(GradientBoostingRegressor(n_estimators=5, random_state=0), epochs=4)
    whole = GradientBoostingRegressor(n_estimators=20, random_state=0).fit(TRAIN.inputs, TRAIN.target)
    np.testing.assert_allclose(found.predict(WATCHED.inputs), whole.predict(WATCHED.inputs), rtol=1e-12)
    staged = [mean_squared_error(WATCHED.target, each) for each in whole.staged_predict(WATCHED.inputs)]
    np.testing.assert_allclose(found.epochs_["validation/loss"], staged[4::5], rtol=1e-12)


def test_any_other_estimator_with_a_warm_start_goes_on_by_its_iterations() -> None:
    labels = [replace_target(each) for each in (TRAIN, WATCHED)]
    found = EpochTrainer(60).fit(LogisticRegression(max_iter=1), *labels, {}, None)
    whole = LogisticRegression(max_iter=1000, tol=1e-10).fit(labels[0].inputs, labels[0].target)
    np.testing.assert_allclose(found.coef_, whole.coef_, rtol=0.02, atol=0.01)
    assert found.epochs_["train/loss"][0] > found.epochs_["train/loss"][-1]


def replace_target(examples: Examples) -> Examples:
    return examples._replace(target=(examples.target > 0).astype(int))


@pytest.mark.parametrize(
    "estimator", [SGDClassifier(loss="log_loss", random_state=0), RandomForestClassifier(3, random_state=0)]
)
def test_classifiers_are_watched_by_log_loss_and_right_answers(estimator: Any) -> None:
    labels = [replace_target(each) for each in (TRAIN, WATCHED)]
    found = EpochTrainer(3).fit(estimator, *labels, {}, None)
    inputs, target = labels[1].inputs, labels[1].target
    assert found.epochs_["validation/loss"][-1] == pytest.approx(log_loss(target, found.predict_proba(inputs)))
    assert found.epochs_["validation/score"][-1] == pytest.approx(accuracy_score(target, found.predict(inputs)))


def test_weights_reach_each_epoch_and_what_is_watched() -> None:
    weight = DRAW.uniform(0, 2, 60)
    model = restless()
    for _ in range(3):
        model.partial_fit(TRAIN.inputs, TRAIN.target, sample_weight=weight)
    heavy = WATCHED._replace(weight=DRAW.uniform(0, 2, 240))
    found = EpochTrainer(3).fit(restless(), TRAIN._replace(weight=weight), heavy, {}, None)
    np.testing.assert_array_equal(found.coef_, model.coef_)
    error = (heavy.target - model.predict(heavy.inputs)) ** 2
    assert found.epochs_["validation/loss"][-1] == pytest.approx(np.average(error, weights=heavy.weight))


@pytest.mark.parametrize(("monitor", "order"), [("validation/loss", 1), ("validation/score", -1)])
def test_the_best_epochs_are_kept_while_it_trains(monitor: str, order: int) -> None:
    seen: list[list[int]] = []

    class Watch:
        def epoch_ended(self, progress: Any) -> bool:
            values = np.array(progress.curves[monitor])
            wanted = np.argsort(order * values, kind="stable")[:2] + 1
            assert [epoch for _, epoch, _ in progress.kept] == wanted.tolist()
            assert [each.score(WATCHED.inputs, WATCHED.target) for _, _, each in progress.kept] == [
                progress.curves["validation/score"][epoch - 1] for epoch in wanted
            ]
            seen.append(wanted.tolist())
            return False

        def failed(self, progress: Any, folder: Path) -> None:
            raise AssertionError

    train(restless(), a_top=TopCheckpoints(monitor, keep=2), watch=Watch())
    assert len(seen) == 30
    assert len(set(map(tuple, seen))) == 3, "others are the best two as it goes on"


def test_an_estimator_that_diverges_is_told_and_its_best_epochs_kept(
    make: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    once = SGDRegressor.partial_fit

    def partial_fit(self: Any, *examples: Any) -> Any:
        if getattr(self, "t_", 0) > 1000:
            raise ValueError("Floating-point under-/overflow occurred at epoch #1.")
        return once(self, *examples)

    monkeypatch.setattr(SGDRegressor, "partial_fit", partial_fit)
    model = SklearnForecaster(restless(), trainer=EpochTrainer(20), callbacks={"top": TopCheckpoints()})
    model.checkpoints = tmp_path
    with pytest.raises(
        ModelError, match=r"^SGDRegressor cannot be fitted on \d+ windows of 4 inputs: Floating-point.*$"
    ):
        model.fit(make(300), make(200, seed=1))
    place = tmp_path / "earlier" / "step_1"
    ranking = json.loads((place / RANKING).read_text())
    assert {path.name for path in place.iterdir()} == {RANKING, *(name for _, _, name in ranking)}
    assert len(ranking) == 3
    assert [score for score, _, _ in ranking] == sorted(score for score, _, _ in ranking)
    assert archive.read(place / ranking[0][2])["estimator"].coef_.shape == (4,)


def test_a_forecaster_trains_both_of_its_fits_in_epochs(make: Any, tmp_path: Path, caplog: Any) -> None:
    caplog.set_level(logging.INFO, "forecastle")
    windows, later = make(300, signal=1.0), make(200, signal=1.0, seed=1)
    callbacks = {"stop": EarlyStopping(patience=2), "top": TopCheckpoints()}
    model = SklearnForecaster(restless(), trainer=EpochTrainer(40), callbacks=callbacks)
    model.checkpoints = tmp_path
    model.fit(windows, later)
    assert list(tmp_path.iterdir()) == []
    examples = [Examples.from_windows(each, 1) for each in (windows, later)]
    alone = EpochTrainer(40).fit(restless(), *(each.cut().step(0) for each in examples), callbacks, None)
    assert model.curves["validation/loss_1"] == alone.epochs_["validation/loss"]
    np.testing.assert_array_equal(model.estimators[0].coef_, alone.coef_)
    lengths = sorted(len(model.curves[f"validation/loss_{step}"]) for step in (1, 2, 3))
    assert f"SGDRegressor: trained for {lengths[0]}" in caplog.text
    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")
    loaded = SklearnForecaster.load(tmp_path / "saved")
    assert loaded.curves == model.curves
    np.testing.assert_array_equal(loaded.predict(later.context).values, model.predict(later.context).values)


def test_without_a_validation_part_the_latest_training_windows_are_watched(make: Any) -> None:
    windows = make(300)
    model = SklearnForecaster(restless(), trainer=EpochTrainer(2)).fit(windows)
    first = np.sort(windows.context.origin)[int(0.8 * len(windows))]
    early, late = windows.label_end <= first, windows.context.origin >= first
    parts = [Examples.from_windows(windows[np.flatnonzero(each)], 1).cut().step(0) for each in (early, late)]
    assert (
        model.curves["validation/loss_1"]
        == EpochTrainer(2).fit(restless(), *parts, {}, None).epochs_["validation/loss"]
    )


def test_classes_are_trained_in_epochs(make: Any) -> None:
    windows, later = (make(300, target=Direction(), signal=1.0, seed=seed) for seed in (0, 1))
    estimator = SGDClassifier(loss="log_loss", random_state=0)
    model = SklearnForecaster(estimator, trainer=EpochTrainer(20), callbacks={"top": TopCheckpoints()})
    assert model.fit(windows, later).predict(later.context).values.shape == (len(later), 3, 2)
    only = replace(later, target=np.full_like(later.target, 2.0))
    with pytest.raises(ModelError, match="training in epochs needs validation windows, got none"):
        model.fit(windows, only)


class Guess(ClassifierMixin, BaseEstimator):
    """Learns nothing, and cannot go on with it."""

    def fit(self, X: Any, y: Any) -> Any:
        return self

    def predict(self, X: Any) -> Any:
        return X

    def predict_proba(self, X: Any) -> Any:
        return X


@pytest.mark.parametrize(
    ("make_it", "words"),
    [
        (lambda: EpochTrainer(0), "max_epochs must be at least 1, got 0"),
        (lambda: EarlyStopping(patience=0), "patience must be at least 1, got 0"),
        (lambda: EarlyStopping(min_delta=-1.0), "min_delta must be at least 0, got -1"),
        (lambda: TopCheckpoints(keep=0), "keep must be at least 1, got 0"),
        (lambda: TopCheckpoints("validation/los"), "got 'validation/los'; did you mean 'validation/loss'"),
        (lambda: EarlyStopping("validation/crps"), "monitor must be one of validation/loss, validation/score, got"),
        (lambda: SklearnForecaster(Ridge(), trainer=EpochTrainer()), "Ridge cannot be trained in epochs: it"),
        (lambda: SklearnForecaster(Guess(), trainer=EpochTrainer()), "Guess cannot be trained in epochs"),
        (lambda: SklearnForecaster(restless(), trainer=dict), r"trainer must be one for .* \(trainer=epochs\), got"),
        (lambda: SklearnForecaster(restless(), callbacks={"a": TopCheckpoints()}), "callbacks need a trainer"),
        (
            lambda: SklearnForecaster(restless(), trainer=EpochTrainer(), callbacks={"a": 3}),
            r"callback a must be one for scikit-learn's estimators \(callback=epochs\), got int",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_any_work(make_it: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make_it()


def test_a_perceptron_with_a_split_of_its_own_is_told_in_one_line(make: Any) -> None:
    estimator = MLPRegressor(hidden_layer_sizes=[4], early_stopping=True, random_state=0)
    with pytest.raises(ModelError, match=r"^MLPRegressor cannot be fitted .*early_stopping[^\n]*$"):
        SklearnForecaster(estimator, trainer=EpochTrainer(2)).fit(make(300), make(200))
