"""The record of a sweep: one file for each job, kept by the command that made it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from forecastle.errors import RunError
from forecastle.runs.claim import claim
from forecastle.runs.command import sweep_id
from forecastle.runs.entry import Job
from forecastle.runs.sweep import Limits, SweepRecord, named, sweeps

COMMAND = ["model=ridge,lasso", "indicator=minimal"]


@pytest.fixture(autouse=True)
def finished(tmp_path: Path) -> Path:
    """The folder of run 0123, which is finished."""
    folder = tmp_path / "0123"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    return folder


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


def test_a_sweep_gone_on_with_keeps_how_and_when_it_was_begun_and_what_failed(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 1, Limits())
    failed = Job(0, (), None, error="no")
    record.write(failed)
    first = record.state()
    assert first.resumed is None
    record.begin([*COMMAND, "hydra/launcher=joblib"], 1, Limits(max_failures=1))
    state = record.state()
    assert (state.started, state.words) == (first.started, tuple(COMMAND))
    assert state.resumed is not None
    assert state.resumed > first.started
    assert record.asked() == [*COMMAND, "hydra/launcher=joblib"]
    assert record.jobs() == [failed], "it counts among the trials, whether it is tried again or not"
    assert record.spent(0) is None, "failures of before are none of this time"
    assert record.folder == tmp_path / "sweeps" / "abc"


def test_who_computed_a_run_stays_known_when_others_find_it(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 1, Limits())
    made = Job(0, ("a=1",), "0123", ground="f", ended="2026-01-02T03:04:05.000006+00:00", seconds=1.5, by="7@there")
    record.write(made)
    record.write(Job(0, ("a=1",), "0123", reused=True, ground="e", seconds=0.1))
    (found,) = record.jobs()
    assert (found.reused, found.ended, found.seconds, found.by) == (False, made.ended, 1.5, "7@there")
    assert found.ground == "e", "what it stands on is that of today"
    record.write(Job(0, ("a=1",), "4567", reused=True))
    (other,) = record.jobs()
    assert (other.run, other.reused, other.by) == ("4567", True, f"{os.getpid()}@{platform.node()}")


def test_a_failure_does_not_hide_a_run_that_another_process_finished_meanwhile(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 1, Limits())
    record.write(Job(0, (), "0123"))
    record.write(Job(0, (), None, error="no"))
    assert record.jobs() == [Job(0, (), "0123")]
    record.begin(COMMAND, 1, Limits())
    record.write(Job(0, (), None, error="no"))
    assert record.jobs() == [Job(0, (), None, error="no")], "tried again, with force say, it failed"


def test_failures_of_one_kind_are_counted(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 4, Limits())
    told = [record.write(Job(n, (), None, error=error)) for n, error in enumerate(["no", "never", "no", "no"])]
    assert told == [0, 0, 1, 2]
    record.begin(COMMAND, 4, Limits())
    assert record.write(Job(0, (), None, error="no")) == 0, "those of before are not told of this time"


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
    state = record.state()
    assert state.words == ("-m", *COMMAND)
    assert (state.total, state.done, state.failed, state.running, state.missing) == (4, 1, 1, 0, 2)
    assert not state.attended


def test_jobs_that_a_living_process_computes_are_running(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    with record.attended(COMMAND, 4, Limits()):
        record.write(Job(0, (), "0123"))
        record.write(Job(1, (), None, error="no"))
        with claim(tmp_path, "r1", wait=True, job=("abc", 1)), claim(tmp_path, "r2", wait=True, job=("abc", 2)):
            with claim(tmp_path, "r3", wait=True, job=("other", 3)), claim(tmp_path, "r4", wait=True):
                state = record.state()
            assert (state.done, state.failed, state.running, state.missing) == (1, 0, 2, 1)
            assert state.attended
        state = record.state()
        assert (state.done, state.failed, state.running, state.missing) == (1, 1, 0, 2)
    assert not record.state().attended


def test_a_job_whose_run_was_removed_is_missing(tmp_path: Path, finished: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 1, Limits())
    record.write(Job(0, (), "0123"))
    assert (record.state().done, record.state().missing) == (1, 0)
    shutil.rmtree(finished)
    assert (record.state().done, record.state().missing) == (0, 1)


def test_a_job_of_a_process_that_was_killed_does_not_run(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 1, Limits())
    code = (
        "import sys, time; from pathlib import Path; from forecastle.runs.claim import claim\n"
        "with claim(Path(sys.argv[1]), 'r', wait=True, job=('abc', 0)): print('has it', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "has it\n"
    assert record.state().running == 1
    holder.kill()
    holder.communicate()
    assert (record.state().running, record.state().missing) == (0, 1)
    with claim(tmp_path, "r", wait=True):
        assert record.state().running == 0, "what it has left says nothing of who holds it now"


def test_jobs_that_failed_are_kept_where_they_are_not_to_be_tried_again(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 3, Limits())
    record.write(Job(0, (), "0123"))
    record.write(Job(1, (), None, error="no"))
    record.begin(COMMAND, 3, Limits(retry="none"))
    assert [job.number for job in record.jobs()] == [0, 1]
    assert record.spent(1) == ("failed", "failed before (retry=none)")
    assert record.spent(0) is None


@pytest.mark.parametrize("retry", ["failed", "none"])
def test_jobs_that_were_pruned_are_never_tried_again(tmp_path: Path, retry: Any) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 4, Limits())
    jobs = [Job(0, (), "0123"), Job(1, (), None, error="no"), Job(2, (), None, pruned="pruned after fold 1")]
    for job in jobs:
        record.write(job)
    state = record.state()
    assert (state.total, state.done, state.failed, state.pruned, state.missing) == (4, 1, 1, 1, 1)
    record.begin(COMMAND, 4, Limits(retry=retry))
    assert record.jobs() == jobs
    assert (record.spent(1) is None) == (retry == "failed")
    assert record.spent(2) == ("pruned", "pruned before")


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
    assert record.spent(2) == ("left", "left out after 2 failures (max_failures=2)")


def test_sweeps_are_found_by_the_beginning_of_their_id(tmp_path: Path) -> None:
    for name in ("abc", "abd", "f00"):
        SweepRecord(tmp_path, name).begin(COMMAND, 1, Limits())
    assert [record.id for record in sweeps(tmp_path)] == ["abc", "abd", "f00"]
    assert named(tmp_path, "f").id == named(tmp_path, "last").id == "f00"
    with pytest.raises(RunError, match="2 sweeps begin with 'ab'"):
        named(tmp_path, "ab")
    with pytest.raises(RunError, match="no sweep 'x'"):
        named(tmp_path, "x")


def test_a_sweep_that_another_process_is_at_work_on_is_joined(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    with record.attended(COMMAND, 3, Limits(max_failures=2)):
        record.write(Job(0, (), "0123"))
        before = (record.folder / "sweep.json").read_bytes()
        with record.attended([*COMMAND, "hydra/launcher=joblib"], 3, Limits()):
            assert (record.folder / "sweep.json").read_bytes() == before
            assert [job.number for job in record.jobs()] == [0]
        assert record.state().attended
    with record.attended(COMMAND, 3, Limits()):
        assert record.state().resumed is not None


def test_sweeps_stay_in_the_order_in_which_they_were_begun(tmp_path: Path) -> None:
    for name in ("bbb", "aaa", "ccc", "bbb"):
        SweepRecord(tmp_path, name).begin(COMMAND, 1, Limits())
    assert [record.id for record in sweeps(tmp_path)] == ["bbb", "aaa", "ccc"]
    assert named(tmp_path, "last").id == "ccc"


def test_a_sweep_that_is_not_there_is_told_with_how_many_are(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no sweep 'x': no sweeps in .* yet; `forecastle run -m` makes one"):
        named(tmp_path, "x")
    SweepRecord(tmp_path, "abc").begin(COMMAND, 1, Limits())
    with pytest.raises(RunError, match=r"\(1 sweep there;"):
        named(tmp_path, "x")
