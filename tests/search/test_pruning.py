"""The rules by which trials are stopped, against Optuna's own pruners and by hand."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecastle.errors import ConfigError
from forecastle.search.pruning import Earlier, Hyperband, Median, Rule, as_json, rule_of

optuna.logging.set_verbosity(optuna.logging.ERROR)


def stopped_by_optuna(curves: np.ndarray, pruner: optuna.pruners.BasePruner) -> list[int]:
    """Steps that each trial takes, one trial after the other."""
    study, taken = optuna.create_study(pruner=pruner), []
    for curve in curves:
        trial, steps = study.ask(), 0
        for step, value in enumerate(curve, start=1):
            trial.report(float(value), step)
            steps = step
            if trial.should_prune():
                break
        pruned = steps < len(curve) or trial.should_prune()
        study.tell(trial, None if pruned else float(curve[-1]), state=_STATES[pruned])
        taken.append(steps)
    return taken


_STATES = {True: optuna.trial.TrialState.PRUNED, False: optuna.trial.TrialState.COMPLETE}


def stopped_by_us(curves: np.ndarray, rule: Rule) -> list[int]:
    earlier: list[Earlier] = []
    for number, curve in enumerate(curves):
        values: dict[int, float] = {}
        stopped = False
        for step, value in enumerate(curve, start=1):
            values[step] = float(value)
            stopped = rule.stops(number, values, earlier)
            if stopped:
                break
        earlier.append(Earlier(number, values, not stopped))
    return [len(each.values) for each in earlier]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), startup=st.integers(1, 4), warmup=st.integers(0, 5), every=st.integers(1, 4))
def test_the_median_rule_stops_as_optuna_does(seed: int, startup: int, warmup: int, every: int) -> None:
    curves = np.random.default_rng(seed).normal(size=(10, 9)).cumsum(axis=1)
    reference = optuna.pruners.MedianPruner(startup, warmup, every)
    assert stopped_by_us(curves, Median(startup, warmup, every)) == stopped_by_optuna(curves, reference)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), first=st.integers(1, 3), factor=st.integers(2, 4))
def test_a_bracket_halves_as_optuna_does(seed: int, first: int, factor: int) -> None:
    curves = np.random.default_rng(seed).normal(size=(14, 12)).cumsum(axis=1)
    reference = optuna.pruners.SuccessiveHalvingPruner(first, factor, 0)
    assert stopped_by_us(curves, Hyperband(first, first, factor)) == stopped_by_optuna(curves, reference)


def test_brackets_are_as_many_and_as_large_as_optunas() -> None:
    pruner: Any = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=27, reduction_factor=3)
    study = optuna.create_study(pruner=pruner)
    pruner._try_initialization(study)
    shares = np.array(pruner._trial_allocation_budgets) / sum(pruner._trial_allocation_budgets)
    count = Counter(Hyperband(1, 27, 3)._bracket(number, 27) for number in range(20_000))
    assert sorted(count) == list(range(4))
    np.testing.assert_allclose([count[each] / 20_000 for each in range(4)], shares, atol=0.01)


def test_trials_of_another_bracket_are_no_rivals() -> None:
    rule = Hyperband(1, 9, 3)
    brackets = [rule._bracket(number, 9) for number in range(40)]
    number = brackets.index(0, 10)
    good = [Earlier(each, {1: 0.0}, complete=True) for each in range(number)]
    mine = {1: 1.0}
    assert rule.stops(number, mine, good)
    assert not rule.stops(number, mine, [each for each in good if brackets[each.number] != 0])


def test_a_later_bracket_lets_a_trial_take_more_steps_first() -> None:
    rule = Hyperband(1, 9, 3)
    number = next(each for each in range(10, 99) if rule._bracket(each, 9) == 2)
    rivals = [Earlier(each, dict.fromkeys(range(1, 10), 0.0), complete=True) for each in range(number)]
    told: dict[int, float] = {}
    for step in range(1, 10):
        told[step] = 1.0
        assert rule.stops(number, told, rivals) == (step == 9)


def test_without_the_steps_of_a_trial_those_of_the_first_complete_one_are_taken() -> None:
    unknown, known = Hyperband(), Hyperband(most=9)
    first = Earlier(1, dict.fromkeys(range(1, 10), 0.0), complete=True)
    later = Earlier(2, dict.fromkeys(range(1, 100), 0.0), complete=True)
    stopped = Earlier(0, {1: 0.0}, complete=False)
    assert not unknown.stops(5, {1: 9.0}, [stopped])
    for number in range(3, 40):
        for step in (1, 3, 9):
            mine = {step: 9.0}
            assert unknown.stops(number, mine, [stopped, later, first]) == known.stops(
                number, mine, [stopped, later, first]
            )


def test_steps_that_are_left_out_count_at_the_next_one() -> None:
    rule = Hyperband(5, 5, 2)
    rivals = [Earlier(0, {4: 9.0, 7: 1.0}, complete=True), Earlier(1, {4: 0.0}, complete=False)]
    assert rule.stops(2, {6: 2.0}, rivals), "at the rung of 5 steps the first rival had 1.0, the other one never came"
    assert not rule.stops(2, {6: 0.5}, rivals)
    assert not rule.stops(2, {6: 2.0, 7: 3.0}, rivals), "each rung judges once"
    median = Median(1, 0, 10)
    complete = [Earlier(0, {10: 1.0, 20: 1.0}, complete=True)]
    assert median.stops(1, {10: 2.0}, complete)
    assert not median.stops(1, {7: 2.0}, complete), "nobody was there"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("medain", "hydra.sweeper.pruner must be one of none, median, hyperband, got 'medain'; did you mean 'median'?"),
        ({"median": {"startp": 3}}, "pruner median has no setting 'startp'; did you mean 'startup'?"),
        ({"median": {"startup": 0}}, "median.startup must be at least 1, got 0"),
        ({"median": {"warmup": 0.5}}, "median.warmup must be a whole number, got 0.5"),
        ({"hyperband": {"factor": 1}}, "hyperband.factor must be at least 2, got 1"),
        ({"hyperband": {"first": 5, "most": 4}}, "hyperband.most must be at least 5, got 4"),
        ({"median": {}, "hyperband": {}}, "must be one of none, median, hyperband, got {"),
    ],
)
def test_a_rule_that_cannot_be_is_told_in_one_line(given: Any, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        rule_of(given, 1)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_search_with_several_objectives_prunes_nothing() -> None:
    assert rule_of("none", 2) is None
    with pytest.raises(ConfigError, match="median needs one objective, got 2"):
        rule_of("median", 2)


@pytest.mark.parametrize("given", [None, "none", "median", {"median": {"startup": 2}}, {"hyperband": {"most": 60}}])
def test_a_rule_is_read_back_from_what_is_kept_of_it(given: Any) -> None:
    rule = rule_of(given, 1)
    assert rule_of(as_json(rule), 1) == rule
