"""A study proposes the same again: with the same seed, after a kill at any moment, and when it is made longer."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from tests.search.conftest import Search

from forecastle.errors import RunError
from forecastle.search.sampler import SAMPLERS

Make = Callable[..., Search]
ALL = pytest.mark.parametrize("sampler", SAMPLERS)


@ALL
@pytest.mark.parametrize("batch", [1, 4])
def test_the_same_seed_gives_the_same_trials_again(search: Make, sampler: str, batch: int) -> None:
    first = search(sampler, batch=batch).run()
    assert search(sampler, batch=batch, name="b").run() == first
    other = search(sampler, batch=batch, seed=1, name="c").run()
    assert (other == first) == (sampler == "grid")
    assert len({str(params) for params, _ in first}) >= len(first) // 2


class Killed(BaseException):
    """Ends a process at once."""


def kill_at(monkeypatch: pytest.MonkeyPatch, moment: int) -> list[int]:
    """Let writing to a journal fail for ever from some write on; the writes that were made."""
    made = [0]
    real = JournalStorage._write_log

    def write(self: JournalStorage, *rest: Any) -> Any:
        if made[0] >= moment:
            raise Killed
        made[0] += 1
        return real(self, *rest)

    monkeypatch.setattr(JournalStorage, "_write_log", write)
    return made


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    ("sampler", "objectives"),
    [*((sampler, 1) for sampler in SAMPLERS), *((sampler, 2) for sampler in SAMPLERS if sampler != "cmaes")],
)
def test_a_study_that_was_killed_ends_as_one_that_was_not(
    search: Make, monkeypatch: pytest.MonkeyPatch, sampler: str, batch: int, objectives: int
) -> None:
    with monkeypatch.context() as patch:
        writes = kill_at(patch, 10**9)
        undisturbed = search(sampler, batch=batch, objectives=objectives).run()
    for moment in range(2, writes[0], 7):
        killed = search(sampler, batch=batch, objectives=objectives, name=f"at{moment}")
        with monkeypatch.context() as patch:
            kill_at(patch, moment)
            with pytest.raises(Killed):
                killed.run()
        assert killed.run(new=False) == undisturbed, f"killed after {moment} writes"


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "qmc", "random"])
@pytest.mark.parametrize("batch", [1, 4])
def test_a_study_that_is_made_longer_ends_as_one_that_was_long(search: Make, sampler: str, batch: int) -> None:
    whole = search(sampler, trials=14, batch=batch).run()
    short = search(sampler, trials=9, batch=batch, name="b").run()
    assert short == whole[:9]
    longer = search(sampler, trials=14, batch=batch, name="b")
    assert longer.run(new=False) == whole
    assert len(longer.seen) == 5, "what is known is not tried again"


def test_a_batch_is_proposed_before_any_of_it_is_known(search: Make) -> None:
    study = search("tpe", trials=8, batch=4).open(new=True)
    sizes = []
    for batch in study.batches():
        sizes.append([study.finished(trial.number) for trial in batch.trials])
        assert all(not each for each in sizes[-1])
        for trial in batch.trials:
            study.tell(trial.number, search("tpe").outcome(trial.params))
    assert [len(each) for each in sizes] == [4, 4]


def test_a_study_whose_trials_are_left_out_proposes_no_more(search: Make) -> None:
    study = search("tpe", trials=8, batch=4).open(new=True)
    (only,) = study.batches()
    assert len(only.trials) == 4


def test_trials_that_were_left_running_are_found_by_host_and_process(search: Make) -> None:
    next(search("tpe", batch=2).open(new=True).batches())
    study = search("tpe", batch=2).open(new=False)
    (((host, pid), numbers),) = study.stale().items()
    assert (host, pid, numbers) == (platform.node(), os.getpid(), [0, 1])


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_a_sampler_that_learns_beats_chance(search: Make, sampler: str) -> None:
    def best(name: str, seed: int) -> float:
        found = search(name, trials=40, seed=seed, name=f"{name}{seed}").run()
        return min(values[0] for _, values in found if values)

    assert sum(best(sampler, seed) < best("random", seed) for seed in range(5)) >= 4


def test_a_grid_goes_through_every_point_in_the_order_of_a_sweep(search: Make) -> None:
    found = [params for params, _ in search("grid", trials=24, batch=5).run()]
    assert found == [{"kind": kind, "depth": depth} for kind in "abc" for depth in range(1, 9)]


def test_a_quasi_random_sequence_fills_the_range_more_evenly_than_chance(search: Make) -> None:
    def gap(sampler: str) -> float:
        shares = sorted(params["share"] for params, _ in search(sampler, trials=64, name=sampler).run())
        return max(b - a for a, b in zip([0.0, *shares], [*shares, 1.0], strict=True))

    assert gap("qmc") < 0.05 < gap("random")


def test_a_study_whose_storage_was_changed_says_so(search: Make) -> None:
    search("random", trials=3).run()
    with pytest.raises(RunError, match=r"trial 1 of study s was \{.*\} and is \{.*\} now: its storage was changed"):
        search("random", trials=3, seed=5).run(new=False)


def test_what_optuna_thinks_of_a_study_is_what_was_told(search: Make) -> None:
    found = search("random", trials=14)
    found.run()
    study = found.open(new=False)._kept
    assert study.best_trial.constraints["share <= 0.8"] <= 0
    feasible = [
        t.value for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE and t.params["share"] <= 0.8
    ]
    assert study.best_value == min(feasible)
