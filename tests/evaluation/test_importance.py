"""Permutation importance against scikit-learn, planted features and noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression
from tests.models.conftest import LEVELS, market

from forecastle.errors import ModelError
from forecastle.evaluation import importance
from forecastle.evaluation.importance import importances, permutation_increase, permuted_blocks
from forecastle.evaluation.metric import Direction
from forecastle.evaluation.point import MAE
from forecastle.evaluation.rank import InformationCoefficient
from forecastle.evaluation.substitution import PAST, inputs_of, substituted
from forecastle.models.forecast import QuantileForecast
from forecastle.windows.context import Context, Task, Windows
from forecastle.windows.sample import make_windows
from forecastle.windows.target import LogReturn

EACH = {f"f{number}": [f"f{number}"] for number in range(4)}


def windows_of(count: int, signal: float = 0.5, seed: int = 0) -> Windows:
    task = Task(LogReturn(), 1, LEVELS)
    return make_windows(*market(count, signal, 4, seed), task, context_length=3, past_length=6)


def linear(windows: Windows) -> LinearRegression:
    return LinearRegression().fit(windows.context.features[:, -1], windows.target[:, 0])


class Ask:
    """A point forecast from the features at the origin."""

    def __init__(self, model: LinearRegression) -> None:
        self.model = model

    def __call__(self, context: Context) -> QuantileForecast:
        point = self.model.predict(context.features[:, -1])
        return QuantileForecast(LEVELS, np.repeat(point[:, None, None], 5, axis=2))


def test_taken_inputs_are_those_of_the_other_windows_and_the_rest_stays() -> None:
    context = windows_of(60).context
    other = context[np.arange(len(context))[::-1]]
    mixed = substituted(context, other, np.array([False, True, False, True, False]))
    assert inputs_of(context) == ("f0", "f1", "f2", "f3", PAST)
    assert np.array_equal(mixed.features[..., [1, 3]], other.features[..., [1, 3]])
    assert np.array_equal(mixed.features[..., [0, 2]], context.features[..., [0, 2]])
    for name in ("past", "scale", "origin", "symbol"):
        assert np.array_equal(getattr(mixed, name), getattr(context, name))
    assert mixed.features.shape == context.features.shape


def test_a_path_that_is_taken_ends_in_the_own_price_with_the_others_standardised_returns() -> None:
    context = windows_of(60).context
    other = context[np.arange(len(context))[::-1]]
    mixed = substituted(context, other, np.array([False] * 4 + [True]))
    assert np.array_equal(mixed.past[:, -1], context.past[:, -1])
    theirs = np.diff(other.past, axis=1) / other.scale[:, None]
    np.testing.assert_allclose(np.diff(mixed.past, axis=1) / context.scale[:, None], theirs, atol=1e-9)
    assert np.array_equal(mixed.features, context.features)


def test_blocks_change_places_and_their_windows_stay_in_order() -> None:
    origin = np.datetime64("2020-01-01", "us") + np.tile(np.arange(500), 2) * np.timedelta64(1, "h")
    symbol = np.repeat([0, 1], 500)
    donor = permuted_blocks(origin, symbol, 5, np.random.default_rng(0))
    assert sorted(donor) == list(range(1000))
    assert np.array_equal(symbol[donor], symbol)
    assert np.mean(np.diff(donor) == 1) > 0.9  # blocks of 16
    assert np.mean(donor == np.arange(1000)) < 0.2
    mixed = np.random.default_rng(1).permutation(1000)
    shuffled = permuted_blocks(origin[mixed], symbol[mixed], 5, np.random.default_rng(0))
    assert np.array_equal(origin[mixed][shuffled], origin[donor][mixed])


def test_too_few_windows_are_refused() -> None:
    origin = np.datetime64("2020-01-01", "us") + np.arange(30) * np.timedelta64(1, "h")
    with pytest.raises(ModelError, match="at least 35 validation windows of each symbol, got 30"):
        permuted_blocks(origin, np.zeros(30, dtype=int), 1, np.random.default_rng(0))


def test_on_independent_windows_it_is_the_importance_of_scikit_learn() -> None:
    train, validation = windows_of(3000, seed=1), windows_of(3000, seed=2)
    model = linear(train)
    found = permutation_increase(Ask(model), validation, MAE(), EACH, repeats=20, seed=0)
    inputs, target = validation.context.features[:, -1], validation.target[:, 0]
    wanted = permutation_importance(
        model, inputs, target, scoring="neg_mean_absolute_error", n_repeats=20, random_state=0
    )
    np.testing.assert_allclose(
        found.repeats.mean(axis=1), wanted.importances_mean, atol=4 * wanted.importances_std.max() / np.sqrt(20)
    )
    assert found.repeats[0].mean() > 20 * np.abs(found.repeats[1:].mean(axis=1)).max()


def test_a_planted_feature_comes_first_and_the_interval_of_noise_holds_zero() -> None:
    folds = []
    for seed in range(3):
        train, validation = windows_of(1000, seed=seed), windows_of(600, seed=50 + seed)
        apart = np.timedelta64(1000 * seed, "D")  # the folds follow each other
        timeline = replace(validation.context.timeline, known=validation.context.timeline.known + apart)
        validation = replace(validation, context=replace(validation.context, timeline=timeline))
        folds.append(permutation_increase(Ask(linear(train)), validation, MAE(), EACH, repeats=5, seed=0))
    first, *noise = importances(list(EACH), folds, horizon=1, seed=0)
    assert (first.name, len(first.folds)) == ("f0", 3)
    assert first.low is not None
    assert first.low > 0
    assert all(each.low <= 0 <= each.high for each in noise if each.low is not None and each.high is not None)
    assert len(noise) == 3
    assert first.value == pytest.approx(np.mean(first.folds), rel=0.01)


def test_the_interval_of_noise_holds_zero_nineteen_times_in_twenty() -> None:
    missed = 0
    for seed in range(60):
        model = linear(windows_of(300, seed=seed))
        found = permutation_increase(Ask(model), windows_of(300, seed=1000 + seed), MAE(), EACH, repeats=3, seed=seed)
        ranking = importances(list(EACH), [found], horizon=1, seed=0)
        missed += sum(each.low > 0 or each.high < 0 for each in ranking if each.name != "f0")
    assert missed <= 18  # 5 % of 180, and three standard errors


def test_a_group_is_permuted_together() -> None:
    train, validation = windows_of(1500, seed=1), windows_of(1500, seed=2)
    groups = {"f0": ["f0"], "all": list(EACH["f0"] + EACH["f1"]), "none": [PAST]}
    found = permutation_increase(Ask(linear(train)), validation, MAE(), groups, repeats=5, seed=0)
    one, both, nothing = found.repeats.mean(axis=1)
    assert both == pytest.approx(one, rel=0.1)
    assert nothing == 0


def test_an_objective_that_is_no_mean_has_a_value_and_no_interval() -> None:
    train, validation = windows_of(1500, seed=1), windows_of(1500, seed=2)
    metric = InformationCoefficient()
    assert metric.direction is Direction.MAX
    found = permutation_increase(Ask(linear(train)), validation, metric, EACH, repeats=3, seed=0)
    first = importances(list(EACH), [found], horizon=1, seed=0)[0]
    assert (first.name, first.low, first.high) == ("f0", None, None)
    assert first.value > 0.3


def test_how_many_windows_are_laid_out_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    train, validation = windows_of(500, seed=1), windows_of(500, seed=2)
    whole = permutation_increase(Ask(linear(train)), validation, MAE(), EACH, repeats=2, seed=0)
    monkeypatch.setattr(importance, "CELLS", 1000)
    parts = permutation_increase(Ask(linear(train)), validation, MAE(), EACH, repeats=2, seed=0)
    np.testing.assert_allclose(parts.repeats, whole.repeats, rtol=1e-9, atol=1e-15)
