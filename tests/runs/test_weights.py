"""Weights are kept by whoever holds a run, and dropped when nobody does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from itertools import permutations
from pathlib import Path

import pytest

from forecastle.runs.claim import claim
from forecastle.runs.store import Run
from forecastle.runs.tags import tag
from forecastle.runs.weights import ALONE, Standing, held, leave, misses, reason, recount, settle, trim

FINISH = """
import sys
from pathlib import Path
from forecastle.runs.claim import claim
from forecastle.runs.store import RunStore
from forecastle.runs.weights import Standing, held, settle
store, sweep, worker = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(worker, 60, 3):
    run = f"{number:016x}"
    with held(store, run, sweep):
        with claim(store, run, wait=True):
            if not (store / run).exists():
                with RunStore(store).create(run) as folder:
                    (folder / "model").mkdir()
                    (folder / "model" / "weights").write_text("1")
                    (folder / "manifest.json").write_text('{"sweep": "any"}')
    settle(store, sweep, run, Standing("q", float(number * 7 % 60)), 5)
    print(number, flush=True)
"""
"""A worker that finishes every third of 60 runs of a sweep."""


def make(store: Path, run: str, sweep: str | None = "s") -> Run:
    """A finished run with weights."""
    (store / run / "model").mkdir(parents=True)
    (store / run / "model" / "weights").write_text("1")
    (store / run / "manifest.json").write_text(json.dumps({"sweep": sweep}))
    return Run(run, store / run)


def finish(store: Path, run: str, loss: float | None, best: int | None = 1, sweep: str = "s", asked: str = "q") -> Run:
    """Hold a run for a sweep, make it and count it."""
    with held(store, run, sweep):
        found = Run(run, store / run) if (store / run).exists() else make(store, run)
    settle(store, sweep, run, Standing(asked, loss), best)
    return found


def weighty(store: Path) -> set[str]:
    return {path.parent.name for path in store.glob("*/model")}


@pytest.mark.parametrize("order", list(permutations([("a1", 0.2), ("b2", 0.1), ("c3", 0.3), ("d4", None)])))
def test_the_best_keep_their_weights_whatever_the_order_in_which_runs_finish(
    tmp_path: Path, order: tuple[tuple[str, float | None], ...]
) -> None:
    for run, loss in order:
        finish(tmp_path, run, loss, best=2)
    assert weighty(tmp_path) == {"a1", "b2"}
    assert json.loads((tmp_path / "sweeps" / "s" / "best.json").read_text()) == {
        "q": [[0.1, None, "b2"], [0.2, None, "a1"]]
    }
    assert {path.name for path in (tmp_path / ".holders").iterdir()} == {".lock", "a1", "b2"}


def test_each_question_has_its_own_best(tmp_path: Path) -> None:
    for run, loss, asked in (("a", 9.0, "one"), ("b", 8.0, "one"), ("c", 1.0, "two"), ("d", 2.0, "two")):
        finish(tmp_path, run, loss, asked=asked)
    assert weighty(tmp_path) == {"b", "c"}


def test_equal_runs_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    for run in ("b", "a", "c"):
        finish(tmp_path, run, 0.5)
    assert weighty(tmp_path) == {"a"}


def test_equal_forecasts_are_told_apart_by_what_they_earned(tmp_path: Path) -> None:
    for run, ratio in (("a", 0.2), ("b", None), ("c", 1.5), ("d", -0.3)):
        make(tmp_path, run)
        settle(tmp_path, "s", run, Standing("q", 0.5, ratio), 2)
    assert weighty(tmp_path) == {"a", "c"}


def test_a_run_that_is_counted_again_is_counted_once(tmp_path: Path) -> None:
    for run, loss in (("a", 0.1), ("b", 0.2), ("a", 0.1)):
        finish(tmp_path, run, loss, best=2)
    assert weighty(tmp_path) == {"a", "b"}


def test_runs_whose_jobs_have_others_by_now_do_not_stand_in_their_way(tmp_path: Path) -> None:
    for run, loss in (("a", 0.1), ("b", 0.2), ("c", 0.3)):
        finish(tmp_path, run, loss, best=2)
    recount(tmp_path, "s", {"a", "b", "c"})
    assert weighty(tmp_path) == {"a", "b"}, "until it is known what came of their jobs"
    for before, run, loss in (("c", "c2", 0.3), ("b", "b2", 0.2), ("a", "a", 0.1)):
        finish(tmp_path, run, loss, best=2)
        if run != before:
            leave(tmp_path, "s", before, 2)
    assert weighty(tmp_path) == {"a", "b2"}


def test_whoever_holds_a_run_keeps_its_weights(tmp_path: Path) -> None:
    finish(tmp_path, "a", 0.5, sweep="other")
    with held(tmp_path, "b", ALONE):
        make(tmp_path, "b")
    make(tmp_path, "c", sweep=None)
    make(tmp_path, "d")
    tag(tmp_path, "d", "production")
    (tmp_path / "e").mkdir()
    for run, loss in (("a", 0.5), ("b", 0.6), ("c", 0.7), ("d", 0.8), ("f", 0.9), ("g", 0.1)):
        finish(tmp_path, run, loss)
    assert weighty(tmp_path) == {"a", "b", "c", "d", "g"}


def test_a_run_that_somebody_works_with_loses_its_weights_when_the_next_one_has_finished(tmp_path: Path) -> None:
    with claim(tmp_path, "a", wait=False) as mine:
        assert mine
        finish(tmp_path, "a", 0.5)
        finish(tmp_path, "b", 0.1)
        assert weighty(tmp_path) == {"a", "b"}
    finish(tmp_path, "c", 0.2)
    assert weighty(tmp_path) == {"b"}


def test_what_is_dropped_says_why(tmp_path: Path) -> None:
    finish(tmp_path, "a", 0.1)
    assert reason(finish(tmp_path, "b", 0.2)) == "sweep s keeps those of its best 1"
    assert reason(finish(tmp_path, "c", 0.2, best=0, sweep="t")) == "sweep t keeps those of no run"
    (tmp_path / "c" / "dropped.json").write_text("{}")
    assert reason(Run("c", tmp_path / "c")) == f"{tmp_path}/c/model is missing: it was removed by hand"


def test_fewer_than_before_may_be_kept(tmp_path: Path) -> None:
    for run, loss, asked in (("a", 0.1, "one"), ("b", 0.2, "one"), ("c", 0.3, "one"), ("d", 0.1, "two")):
        finish(tmp_path, run, loss, best=None, asked=asked)
    trim(tmp_path, "s", 2)
    assert weighty(tmp_path) == {"a", "b", "d"}
    trim(tmp_path, "s", 0)
    assert not weighty(tmp_path)
    trim(tmp_path, "never", 0)


def test_a_run_behind_the_best_need_not_write_weights(tmp_path: Path) -> None:
    folder = tmp_path / ".tmp-new"
    folder.mkdir()

    def missing(run: str, loss: float | None, best: int | None = 1) -> bool:
        return misses(tmp_path, "s", run, Standing("q", loss), best, folder) is not None

    assert missing("a", 0.5, best=0)
    assert not missing("a", 0.5)
    finish(tmp_path, "a", 0.5)
    assert not missing("b", 0.4)
    assert missing("b", 0.6)
    assert missing("b", None)
    assert not missing("b", 0.6, best=2)
    assert not missing("b", 0.6, best=None)
    with held(tmp_path, "b", "another"):
        assert not missing("b", 0.6)
    assert json.loads((folder / "dropped.json").read_text()) == {"sweep": "s", "best": 1}


def test_a_run_that_failed_is_held_by_nobody(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), held(tmp_path, "a", "s"):
        raise ValueError("no")
    assert {path.name for path in (tmp_path / ".holders").iterdir()} == {".lock"}


@pytest.mark.parametrize("text", ["{", "[]", '{"q": 1}', '{"q": [1]}', '{"q": [["a"]]}'])
def test_a_damaged_list_of_the_best_drops_nothing_by_itself(tmp_path: Path, text: str) -> None:
    finish(tmp_path, "a", 0.1)
    (tmp_path / "sweeps" / "s" / "best.json").write_text(text)
    finish(tmp_path, "b", 0.2)
    assert weighty(tmp_path) == {"a", "b"}


def workers(store: Path, sweep: str) -> list[subprocess.Popen[str]]:
    words = [[sys.executable, "-c", FINISH, str(store), sweep, str(worker)] for worker in range(3)]
    return [subprocess.Popen(each, stdout=subprocess.PIPE, text=True) for each in words]


def test_workers_of_two_sweeps_keep_the_best_of_each_side_by_side_and_after_being_killed(tmp_path: Path) -> None:
    killed = workers(tmp_path, "one")
    assert all(each.stdout is not None and each.stdout.readline() for each in killed)
    time.sleep(0.01)
    for each in killed:
        each.send_signal(signal.SIGKILL)
        each.communicate(timeout=20)
    running = [*workers(tmp_path, "one"), *workers(tmp_path, "two")]
    for each in running:
        each.communicate(timeout=60)
        assert each.returncode == 0
    best = sorted(range(60), key=lambda number: number * 7 % 60)[:5]
    assert weighty(tmp_path) >= {f"{number:016x}" for number in best}
    for worker in (*workers(tmp_path, "one"), *workers(tmp_path, "two")):
        worker.communicate(timeout=60)
    assert weighty(tmp_path) == {f"{number:016x}" for number in best}
