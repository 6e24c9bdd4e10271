"""Workers: one job at a time each, imported once, and a death that costs one job."""

from __future__ import annotations

import os
import pickle
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from forecastle.errors import ConfigError
from forecastle.runs.stopping import Stop
from forecastle.runs.workers import THREADS, Crew, WorkerError, cores

MODULE = """\
import os, signal, time
from pathlib import Path
from forecastle.errors import ConfigError

def act(shared, job):
    word, *rest = job
    if word == "pid":
        time.sleep(0.2)
        return os.getpid(), shared, os.environ["OMP_NUM_THREADS"]
    if word == "wrong":
        raise ConfigError("horizon must be at least 1")
    if word == "odd":
        raise ZeroDivisionError("by nothing")
    if word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "wait":
        Path(rest[0]).touch()
        time.sleep(60)
    if word == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Path(rest[0]).touch()
        time.sleep(60)
"""


def never() -> Stop:
    return Stop(lambda: None)


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "of_workers.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)
    import importlib

    task = importlib.import_module("of_workers").act
    made = Crew(task, pickle.dumps("shared"), 2)
    yield made
    made.dismiss()


def test_each_job_is_done_once_by_workers_that_live_on(crew: Crew) -> None:
    first = dict(crew.run([("pid",)] * 7, never()))
    again = dict(crew.run([("pid",)] * 3, never()))
    assert sorted(first) == list(range(7))
    assert sorted(again) == list(range(3))
    pids = {pid for pid, _, _ in first.values()}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert {pid for pid, _, _ in again.values()} <= pids, "a second call begins nobody"
    assert {shared for _, shared, _ in first.values()} == {"shared"}
    assert {threads for _, _, threads in first.values()} == {str(max(1, cores() // 2))}


def test_what_a_job_raises_comes_back_and_the_others_go_on(crew: Crew) -> None:
    found = dict(crew.run([("wrong",), ("odd",), ("pid",)], never()))
    assert isinstance(found[0], ConfigError)
    assert str(found[0]) == "horizon must be at least 1"
    assert isinstance(found[1], WorkerError)
    assert str(found[1]) == "ZeroDivisionError: by nothing"
    assert found[2][1] == "shared"


def test_a_worker_that_dies_takes_no_other_job_with_it(crew: Crew) -> None:
    found = dict(crew.run([("pid",), ("die",), ("die",), ("die",), *[("pid",)] * 4], never()))
    assert sorted(found) == list(range(8))
    for index in (1, 2, 3):
        assert isinstance(found[index], WorkerError)
        assert str(found[index]).startswith("the worker of this job ended by signal 9")
    assert all(found[index][1] == "shared" for index in (0, 4, 5, 6, 7))


def test_nothing_is_begun_once_a_stop_is_asked(crew: Crew) -> None:
    stop = never()
    done = []
    for index, (_, shared, _) in crew.run([("pid",)] * 9, stop):
        assert shared == "shared"
        done.append(index)
        stop.asked = True
    assert sorted(done) == [0, 1], "the two that were in progress"


@pytest.mark.parametrize("word", ["wait", "stubborn"])
def test_a_crew_that_is_given_up_leaves_no_process(crew: Crew, tmp_path: Path, word: str) -> None:
    before = signal.getsignal(signal.SIGINT)
    marks = [tmp_path / "a", tmp_path / "b"]
    work = crew.run([("pid",), *((word, str(mark)) for mark in marks)], never())
    next(work)
    for _ in range(200):
        if marks[0].exists():
            break
        time.sleep(0.05)
    children = {int(each) for each in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}
    assert len(children) >= 2
    work.close()  # type: ignore[attr-defined]
    crew.dismiss()
    left = {int(each) for each in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}
    assert len(left) <= len(children) - 2
    assert signal.getsignal(signal.SIGINT) is before
