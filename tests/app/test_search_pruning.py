"""A search that stops trials on the way: the same again, by any number of workers, after a kill, and cheaper."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecastle.models.boosting import lightgbm
from forecastle.search.opening import kept
from forecastle.search.watching import TrialWatch

Command = Callable[..., Any]
RANGES = ("model.booster.learning_rate=tag(log,interval(0.001,0.9))", "model.booster.num_leaves=range(2,40)")
BOOSTED = ("model=lightgbm", "horizon=1", "metric=crps", "quantile_levels=3", "model.booster.rounds=60", *RANGES)
TRADED = ("policy=sign", "account.costs.spread_bps=1")
MEDIAN = ("hydra.sweeper.n_trials=12", "hydra.sweeper.pruner={median:{startup:3}}")


@pytest.fixture
def boosted(small: list[str]) -> list[str]:
    return ["run", "-m", "hydra/sweeper=optuna", *small, *BOOSTED]


def record(output: str) -> Path:
    (path,) = Path(output).glob("sweeps/*/sweep.json")
    return path.parent


def trials(output: str) -> list[tuple[Any, ...]]:
    """What became of each trial, and what it told on the way."""
    jobs = [json.loads(path.read_text()) for path in sorted(record(output).glob("[0-9]*.json"))]
    with kept(record(output)) as study:
        told = study.get_trials()
    assert [job["number"] for job in jobs] == [trial.number for trial in told]
    return [
        (job["choices"][-2:], job["run"], job["pruned"], trial.state.name, trial.values, trial.intermediate_values)
        for job, trial in zip(jobs, told, strict=True)
    ]


@pytest.mark.parametrize("pruner", ["median", "{hyperband:{first:10}}"])
def test_the_same_command_prunes_the_same_trials_at_the_same_steps(
    forecastle: Command, boosted: list[str], pruner: str
) -> None:
    words = [*boosted, "hydra.sweeper.n_trials=14", f"hydra.sweeper.pruner={pruner}"]
    done = forecastle(*words, "output=a")
    assert done.code == 0, done.err
    pruned = [each for each in trials("a") if each[3] == "PRUNED"]
    assert pruned
    assert f" 0 failed, {len(pruned)} pruned" in done.out
    assert done.err.count(": pruned after step ") == len(pruned)
    assert all(run is None and "validation/relative_loss" in reason for _, run, reason, *_ in pruned)
    forecastle(*words, "output=b")
    assert trials("b") == trials("a")
    again = forecastle(*words, "output=a")
    assert f" 0 computed, {14 - len(pruned)} reused, 0 failed, {len(pruned)} pruned" in again.out


def test_runs_that_were_finished_before_are_pruned_as_if_they_were_not(forecastle: Command, boosted: list[str]) -> None:
    random = ["hydra.sweeper.sampler=random", "hydra.sweeper.n_trials=12"]
    pruner = "hydra.sweeper.pruner={median:{startup:3}}"
    forecastle(*boosted, *random, pruner, "output=fresh")
    forecastle(*boosted, *random, "output=known")
    (whole,) = Path("known").glob("sweeps/*/sweep.json")
    before = {path.name for path in Path("known").glob("*/manifest.json")}
    done = forecastle(*boosted, *random, pruner, "output=known")
    assert " 0 computed, " in done.out
    assert {path.name for path in Path("known").glob("*/manifest.json")} == before, "what was finished stays"
    (again,) = (path for path in Path("known").glob("sweeps/*/sweep.json") if path != whole)
    again.parent.parent.joinpath(whole.parent.name).rename("aside")
    assert any(each[3] == "PRUNED" for each in trials("fresh"))
    assert trials("known") == trials("fresh")


@pytest.mark.slow
def test_workers_prune_what_one_process_prunes_in_batches_of_the_same_size(
    forecastle: Command, boosted: list[str]
) -> None:
    words = [
        *boosted,
        "hydra.sweeper.n_trials=12",
        "hydra.sweeper.pruner={median:{startup:1}}",
        "hydra.sweeper.batch=4",
    ]
    forecastle(*words, "output=one")
    done = forecastle(*words, "output=two", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    assert done.code == 0, done.err
    assert any(each[3] == "PRUNED" for each in trials("one"))
    assert trials("two") == trials("one")


def test_a_search_that_was_killed_within_trials_prunes_as_one_that_was_not(
    forecastle: Command, boosted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    forecastle(*boosted, *MEDIAN, "output=whole")
    made = [0]
    real = TrialWatch.__call__

    def told(self: TrialWatch, *what: Any) -> None:
        made[0] += 1
        real(self, *what)
        if made[0] % 23 == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(TrialWatch, "__call__", told)
    ends = [forecastle(*boosted, *MEDIAN, "output=killed").code]
    while ends[-1] == 130 and len(ends) < 12:
        ends.append(forecastle(*boosted, *MEDIAN, "output=killed").code)
    assert ends[-1] == 0
    assert len(ends) > 2
    assert trials("killed") == trials("whole")


def test_a_pruned_trial_of_a_booster_saves_rounds(
    forecastle: Command, boosted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    grown: dict[str, list[int]] = {"plain": [], "pruned": []}
    real = lightgbm._tell

    for name, words in (("plain", ()), ("pruned", ("hydra.sweeper.pruner={median:{startup:3}}",))):

        def counted(rounds: Any, state: Any, name: str = name) -> None:
            grown[name].append(state.iteration)
            real(rounds, state)

        monkeypatch.setattr(lightgbm, "_tell", counted)
        random = ["hydra.sweeper.sampler=random", "hydra.sweeper.n_trials=12"]  # the same trials, pruned or not
        forecastle(*boosted, *random, *words, f"output={name}")
    plain, pruned = trials("plain"), trials("pruned")
    assert [each[0] for each in plain] == [each[0] for each in pruned]
    saved = [number for number, each in enumerate(pruned) if each[3] == "PRUNED"]
    assert saved
    assert [each for number, each in enumerate(plain) if number not in saved] == [
        (*each[:5], {}) for number, each in enumerate(pruned) if number not in saved
    ], "trials that are not stopped are those of a search that prunes nothing"
    assert len(grown["pruned"]) < 0.9 * len(grown["plain"])


def test_folds_prune_a_model_that_learns_in_one_step(forecastle: Command, small: list[str]) -> None:
    walk = ["model=ridge", "split=walk_forward", "split.refit=200", "split.validation=100"]
    space = ["model.estimator.alpha=tag(log,interval(0.000001,1000000))", "model.lags=1,5,20"]
    words = ["run", "-m", "hydra/sweeper=optuna", *small, *walk, *space, *MEDIAN, "hydra.sweeper.sampler=random"]
    done = forecastle(*words)
    assert done.code == 0, done.err
    pruned = [each for each in trials("runs") if each[3] == "PRUNED"]
    assert pruned
    assert all(": crps " in str(each[2]) for each in pruned), "folds tell the objective"
    assert all(max(each[5]) <= 3 for each in trials("runs")), "after the last fold there is nothing to save"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hydra.sweeper.pruner=medain"], "hydra.sweeper.pruner must be one of none, median, hyperband, got 'medain'"),
        (
            ["hydra.sweeper.pruner={median:{startpu:2}}"],
            "pruner median has no setting 'startpu'; did you mean 'startup'",
        ),
        (
            [*TRADED, "hydra.sweeper.pruner=median", "hydra.sweeper.objectives=[crps,sharpe]"],
            "hydra.sweeper.pruner: median needs one objective, got 2",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(forecastle: Command, boosted: list[str], words: list[str], message: str) -> None:
    refused = forecastle(*boosted, *words)
    assert refused.code == 2
    assert message in refused.err
    assert refused.err.count("\n") == 1
    assert not list(Path("runs").glob("*/manifest.json"))


def test_a_pruner_that_can_stop_nothing_says_so_in_one_line(forecastle: Command, small: list[str]) -> None:
    words = ["run", "-m", "hydra/sweeper=optuna", *small, "context_length=16,32", "hydra.sweeper.n_trials=1"]
    told = forecastle(*words, "hydra.sweeper.pruner=median")
    assert told.code == 0, told.err
    line = "hydra.sweeper.pruner=median stops none of these trials: the model learns in one step"
    assert sum(each.startswith(line) for each in told.err.splitlines()) == 1
    assert line not in forecastle(*words, "hydra.sweeper.pruner=none").err


def test_a_search_does_not_go_on_under_another_rule(forecastle: Command, boosted: list[str]) -> None:
    forecastle(*boosted, "hydra.sweeper.n_trials=2")
    path = record("runs") / "study.json"
    path.write_text(path.read_text().replace('"pruner": null', '"pruner": {"median": {}}'))
    changed = forecastle(*boosted, "hydra.sweeper.n_trials=2")
    assert changed.code == 2
    assert 'was begun with pruner {"median": {}}, and null is asked now' in changed.err
