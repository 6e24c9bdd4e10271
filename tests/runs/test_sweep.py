"""The record of a sweep: one file for each job, kept by the command that made it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from forecastle.errors import RunError
from forecastle.runs.process import born
from forecastle.runs.sweep import Job, Limits, SweepRecord, named, sweep_id, sweeps

COMMAND = ["model=ridge,lasso", "indicator=minimal"]


def test_the_same_command_is_the_same_sweep_whatever_is_displayed() -> None:
    passive = ["force=true", "log_level=DEBUG", "tracker=wandb", "tracker.mode=online", "hydra/launcher=joblib"]
    passive += ["cache=off", "++cache.folder=elsewhere", "workers=2", "pool=process", "output=kept"]
    assert sweep_id([*COMMAND, *passive, "hydra.launcher.n_jobs=2"]) == sweep_id(COMMAND)
    assert len(sweep_id(COMMAND)) == 8


def test_another_choice_is_another_sweep() -> None:
    for word in ("seed=1", "experiment=night", "+poolish=1", "hydra.sweeper.params=x"):
        assert sweep_id([*COMMAND, word]) != sweep_id(COMMAND)
    assert sweep_id(["model=ridge"]) != sweep_id(["model=lasso"])


def test_jobs_are_read_back_in_their_order(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 12, Limits())
    failed = Job(11, ("model=lasso",), None, error="no", traceback="Traceback …\n  line\n")
    done = Job(2, ("model=ridge", "indicator=minimal"), "0123", reused=True)
    record.write(failed)
    record.write(done)
    assert record.total() == 12
    assert record.jobs() == [done, failed]


def test_a_sweep_begun_again_forgets_how_jobs_ended(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 1, Limits())
    record.write(Job(0, (), None, error="no"))
    record.begin(COMMAND, 1, Limits())
    assert record.jobs() == []
    assert record.folder == tmp_path / "sweeps" / "abc"


@pytest.mark.parametrize("content", ["{", "", "[]", "{}", '{"number": 0, "choices": null}'])
def test_a_job_whose_record_is_damaged_is_as_good_as_missing(tmp_path: Path, content: str) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 2, Limits())
    record.write(Job(1, (), "0123"))
    (record.folder / "00000.json").write_text(content)
    assert [job.number for job in record.jobs()] == [1]
    assert record.state().missing == 1
    record.begin(COMMAND, 2, Limits())
    assert not (record.folder / "00000.json").exists()


@pytest.mark.parametrize("content", ["{", "{}"])
def test_a_damaged_record_of_a_sweep_is_told_in_one_line_and_written_anew(tmp_path: Path, content: str) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 1, Limits())
    record.write(Job(0, (), "0123"))
    (record.folder / "sweep.json").write_text(content)
    with pytest.raises(RunError, match=r"sweep\.json is damaged"):
        record.state()
    record.begin(COMMAND, 1, Limits())
    assert record.state().done == 1


def test_a_job_has_the_number_of_its_place_in_the_plan(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    assert record.number(["a=1"], 7) == 7, "without a plan, what the launcher counted"
    record.plan([["a=1"], ["a=2", "b=1"]])
    assert record.number(("a=2", "b=1"), 0) == 1
    assert record.number(["a=3"], 7) == 7


def test_a_record_of_which_nothing_was_done_can_be_forgotten(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 2, Limits())
    record.write(Job(1, (), "0123"))
    record.forget()
    assert record.state().done == 1
    (record.folder / "00001.json").unlink()
    record.forget()
    assert sweeps(tmp_path) == []


def test_a_sweep_knows_how_far_it_has_come(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(["-m", *COMMAND], 4, Limits())
    record.write(Job(0, (), "0123"))
    record.write(Job(2, (), None, error="no"))
    node = json.loads((record.folder / "sweep.json").read_text())
    (record.folder / "sweep.json").write_text(json.dumps({**node, "pid": os.getppid(), "born": born(os.getppid())}))
    state = record.state()
    assert state.words == ("-m", *COMMAND)
    assert (state.total, state.done, state.failed, state.missing) == (4, 1, 1, 2)
    assert state.running
    (record.folder / "sweep.json").write_text(json.dumps({**node, "pid": 2**22 + 1}))
    assert not record.state().running
    (record.folder / "sweep.json").write_text(json.dumps({**node, "pid": os.getppid()}))
    assert not record.state().running, "a process that has the number of a dead one"


def test_jobs_that_failed_are_kept_where_they_are_not_to_be_tried_again(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 3, Limits())
    record.write(Job(0, (), "0123"))
    record.write(Job(1, (), None, error="no"))
    record.begin(COMMAND, 3, Limits(retry="none"))
    assert [job.number for job in record.jobs()] == [0, 1]
    assert record.spent(1) == "failed before (retry=none)"
    assert record.spent(0) is None


@pytest.mark.parametrize(("retry", "remembered"), [("failed", [0, 2]), ("none", [0, 1, 2])])
def test_jobs_that_were_pruned_are_never_tried_again(tmp_path: Path, retry: Any, remembered: list[int]) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 4, Limits())
    jobs = [Job(0, (), "0123"), Job(1, (), None, error="no"), Job(2, (), None, pruned="pruned after fold 1")]
    for job in jobs:
        record.write(job)
    state = record.state()
    assert (state.total, state.done, state.failed, state.pruned, state.missing) == (4, 1, 1, 1, 1)
    record.begin(COMMAND, 4, Limits(retry=retry))
    assert record.jobs() == [jobs[number] for number in remembered]
    assert record.spent(2) == "pruned before"


def test_a_pruned_job_is_no_failure(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 5, Limits(max_failures=1))
    record.write(Job(0, (), None, pruned="pruned after fold 1"))
    assert record.spent(1) is None


def test_no_job_is_begun_after_too_many_failures(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 5, Limits(max_failures=2))
    record.write(Job(0, (), None, error="no"))
    assert record.spent(1) is None
    record.write(Job(1, (), None, error="no"))
    assert record.spent(2) == "left out after 2 failures (max_failures=2)"


def test_sweeps_are_found_by_the_beginning_of_their_id(tmp_path: Path) -> None:
    for name in ("abc", "abd", "f00"):
        SweepRecord(tmp_path, name).begin(COMMAND, 1, Limits())
        os.utime(tmp_path / "sweeps" / name / "sweep.json", (0, len(sweeps(tmp_path))))
    assert [record.id for record in sweeps(tmp_path)] == ["abc", "abd", "f00"]
    assert named(tmp_path, "f").id == named(tmp_path, "last").id == "f00"
    with pytest.raises(RunError, match="2 sweeps begin with 'ab'"):
        named(tmp_path, "ab")
    with pytest.raises(RunError, match="no sweep 'x'"):
        named(tmp_path, "x")


def test_a_sweep_that_another_process_is_at_work_on_is_joined(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 3, Limits())
    record.write(Job(0, (), "0123"))
    node = json.loads((record.folder / "sweep.json").read_text())
    (record.folder / "sweep.json").write_text(json.dumps({**node, "pid": os.getppid(), "born": born(os.getppid())}))
    record.begin(COMMAND, 3, Limits())
    assert [job.number for job in record.jobs()] == [0]
