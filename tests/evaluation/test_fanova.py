"""Importance of settings: exact against brute force, and against functions whose variance is known by heart."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from forecastle.evaluation.fanova import FEWEST_RUNS, importance, split_variance

ISHIGAMI = {"a": 0.3139, "b": 0.4424, "c": 0.0}
"""First-order Sobol indices for 7 and 0.1 (Saltelli et al., Global Sensitivity Analysis, 2008); a with c has 0.2437."""


def brute_force(tree: DecisionTreeRegressor, grids: list[np.ndarray], weights: list[np.ndarray]) -> list[float]:
    """Variance of the conditional mean of the tree's own predictions over the whole grid."""
    shape = tuple(len(grid) for grid in grids)
    value = tree.predict(np.array(list(itertools.product(*grids)))).reshape(shape)
    weight = np.ones(shape)
    for place, each in enumerate(weights):
        weight = weight * each.reshape([-1 if at == place else 1 for at in range(len(shape))])
    mean = (weight * value).sum()
    variance = (weight * (value - mean) ** 2).sum()
    shares = []
    for place, each in enumerate(weights):
        others = tuple(at for at in range(len(shape)) if at != place)
        conditional = (weight * value).sum(axis=others) / each
        shares.append(float((each * (conditional - mean) ** 2).sum() / variance))
    return shares


@pytest.mark.parametrize("seed", range(5))
def test_the_split_of_a_tree_is_that_of_all_its_predictions(seed: int) -> None:
    random = np.random.default_rng(seed)
    grids = [np.sort(random.normal(size=count)).astype(np.float32).astype(float) for count in (4, 6, 3)]
    weights = [each / each.sum() for each in (random.random(len(grid)) for grid in grids)]
    table = np.column_stack([random.choice(grid, 60) for grid in grids])
    tree = DecisionTreeRegressor(max_depth=5, random_state=0).fit(table, random.normal(size=60))
    found = split_variance(tree, list(zip(grids, weights, strict=True)))
    assert found == pytest.approx(brute_force(tree, grids, weights), abs=1e-12)


def test_an_additive_function_is_split_as_its_variances_are() -> None:
    random = np.random.default_rng(0)
    settings = {name: random.random(800).tolist() for name in ("strong", "weak", "none")}
    scores = 3 * np.array(settings["strong"]) + 2 * np.array(settings["weak"])
    found = importance(settings, scores)
    assert found is not None
    assert list(found.shares) == ["strong", "weak", "none"]
    assert found.shares["strong"].value == pytest.approx(9 / 13, abs=0.05)
    assert found.shares["weak"].value == pytest.approx(4 / 13, abs=0.05)
    assert found.shares["none"].value < 0.01
    assert found.together.value < 0.05
    assert found.foretold > 0.9
    for share in found.shares.values():
        assert share.low <= share.value <= share.high


def test_the_ishigami_function_has_its_sobol_indices() -> None:
    random = np.random.default_rng(1)
    a, b, c = random.uniform(-math.pi, math.pi, (3, 1000))
    scores = np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)
    found = importance({"a": a.tolist(), "b": b.tolist(), "c": c.tolist()}, scores)
    assert found is not None
    for name, index in ISHIGAMI.items():
        assert found.shares[name].value == pytest.approx(index, abs=0.08)  # what a forest of 1,000 runs can see
    assert found.together.value == pytest.approx(0.2437, abs=0.08)


def test_numbers_and_choices_are_split_as_their_variances_are() -> None:
    random = np.random.default_rng(2)
    power, model = random.uniform(-3, 3, 300), random.choice(["ridge", "lasso", "mlp"], 300)
    scores = power**2 + np.select([model == "ridge", model == "lasso"], [0.0, 2.0], 6.0)
    found = importance({"alpha": (10**power).tolist(), "model": model.tolist()}, scores)
    assert found is not None
    squares, levels = 81 / 5 - 9, 40 / 3 - (8 / 3) ** 2  # variances of u² for u in [-3, 3], and of 0, 2, 6
    assert found.shares["alpha"].value == pytest.approx(squares / (squares + levels), abs=0.05)
    assert found.shares["model"].value == pytest.approx(levels / (squares + levels), abs=0.05)


def test_what_two_settings_do_only_together_is_neither_ones_share() -> None:
    settings = {"left": [0, 0, 1, 1] * 10, "right": [0, 1, 0, 1] * 10}
    scores = np.array([0.0, 1.0, 1.0, 0.0] * 10)
    found = importance(settings, scores)
    assert found is not None
    assert found.together.value > 0.7


def test_noise_is_not_foretold() -> None:
    random = np.random.default_rng(3)
    settings = {name: random.choice([1, 2, 3], 60).tolist() for name in ("a", "b")}
    found = importance(settings, random.normal(size=60))
    assert found is not None
    assert found.foretold < 0.1


def test_a_setting_that_some_runs_lack_is_a_choice_of_its_own() -> None:
    settings = {"alpha": [None, 0.1, 10.0] * 10, "flag": [True, False] * 15}
    scores = np.array([5.0, 0.0, 0.0] * 10)
    found = importance(settings, scores)
    assert found is not None
    assert found.shares["alpha"].value > 0.95


def test_nothing_is_said_of_too_few_runs_or_of_what_does_not_vary() -> None:
    enough = list(range(FEWEST_RUNS))
    assert importance({"a": enough[1:]}, np.array(enough[1:], dtype=float)) is None
    assert importance({"a": [1] * FEWEST_RUNS}, np.array(enough, dtype=float)) is None
    assert importance({"a": enough}, np.ones(FEWEST_RUNS)) is None
    assert importance({"a": enough}, np.array(enough, dtype=float)) is not None


def test_the_same_runs_give_the_same_numbers() -> None:
    settings = {"a": list(range(30)), "b": [0, 1, 2] * 10}
    scores = np.sin(np.arange(30.0))
    assert importance(settings, scores) == importance(settings, scores)
