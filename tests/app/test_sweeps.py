"""The ledger of sweeps: listed, gone on with, limited in its failures."""

from __future__ import annotations

import errno
import gc
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig
from tests.app.conftest import begun

from forecastle.sweeps import sweeping

Command = Callable[..., Any]
BAD = "model=ridge,logistic,random_forest_classifier,random_walk"  # two are no models for log returns


@pytest.fixture
def failing(small: list[str]) -> list[str]:
    return ["run", "-m", *small, BAD]


def listed(forecastle: Command) -> list[str]:
    """Numbers of the last sweep: runs, done, failed, missing."""
    words = forecastle("sweeps").out.splitlines()[-1].split()
    return [*words[3:6], words[8]]


def test_sweeps_are_listed_with_what_was_done(forecastle: Command, failing: list[str]) -> None:
    assert "no sweeps in runs yet" in forecastle("sweeps").out
    assert forecastle(*failing).code == 1
    assert listed(forecastle) == ["4", "2", "2", "0"]
    assert BAD in forecastle("sweeps").out


def test_a_sweep_is_gone_on_with_by_its_id_or_as_the_last(forecastle: Command, failing: list[str]) -> None:
    forecastle(*failing)
    for path in Path("runs").glob("sweeps/*/00003.json"):
        path.unlink()  # as if it had been killed before
    assert listed(forecastle) == ["4", "1", "2", "1"]
    done = forecastle("sweep", "resume", "last")
    assert done.code == 1
    assert "4 runs, 0 computed, 2 reused, 2 failed" in done.out
    name = forecastle("sweeps").out.splitlines()[-1].split()[0]
    assert "0 computed, 2 reused, 2 failed" in forecastle("sweep", "resume", name[:3]).out


def test_failed_jobs_are_left_alone_where_that_is_asked(forecastle: Command, failing: list[str]) -> None:
    forecastle(*failing)
    done = forecastle("sweep", "resume", "last", "retry=none")
    assert done.err.count("failed before (retry=none)") == 2
    assert "2 reused, 2 failed" in done.out
    again = forecastle("sweep", "resume", "last")
    assert "failed before" not in again.err, "the wish holds for one time"


@pytest.mark.parametrize("limit", ["max_failures=1", "stop_on_error=true"])
def test_no_job_is_begun_after_as_many_failures(forecastle: Command, failing: list[str], limit: str) -> None:
    done = forecastle(*failing, limit)
    assert done.code == 1
    assert done.err.count("left out after 1 failure (max_failures=1), and so are those that follow") == 1
    assert "1 failed, 2 left" in done.out
    assert listed(forecastle) == ["4", "1", "1", "2"]
    (one,) = Path("runs/sweeps").glob("*/sweep.json")
    assert forecastle(*failing).code == 1
    assert listed(forecastle) == ["4", "2", "2", "0"]
    forecastle("sweep", "resume", "last", limit)
    assert listed(forecastle)[1] == "2", "what is finished stays known"
    assert list(Path("runs/sweeps").glob("*/sweep.json")) == [one], "limits do not make another sweep"


def test_a_sweep_whose_runs_are_not_those_of_today_says_so_and_asks(
    forecastle: Command, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    forecastle("run", "-m", *small, "model=ridge,random_walk")
    for reader in ("forecastle.pipeline", "forecastle.runs.ground"):
        monkeypatch.setattr(f"{reader}.code_hash", lambda modules: "0" * 32)
    refused = forecastle("sweep", "resume", "last")
    assert refused.code == 2
    assert "has changed: the code changed" in refused.err
    assert refused.err.count("\n") == 1
    assert len(list(Path("runs").glob("*/manifest.json"))) == 2
    assert "2 runs, 2 computed, 0 reused" in forecastle("sweep", "resume", "last", "changed=anew").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sweep"], "usage: forecastle sweep resume"),
        (["sweep", "resume", "zz"], "no sweep 'zz': no sweeps in runs yet"),
        (["sweep", "resume", "last", "model=ridge"], "or changed=anew wanted, got 'model=ridge'"),
        (["run", "-m", "model=ridge,lasso", "retry=some"], "retry must be failed or none, got 'some'"),
        (["run", "-m", "model=ridge,lasso", "max_failures=0"], "max_failures must be a number of at least 1"),
        (
            ["run", "-m", "model.estimator.alpha=interval(1,2)"],
            "has no end of values: hydra/sweeper=optuna searches it",
        ),
        (["run", "-m", "model=ridge,lasso", "stop_on_error=1"], "stop_on_error must be true or false, got '1'"),
    ],
)
def test_a_mistake_is_told_in_one_line(forecastle: Command, words: list[str], message: str) -> None:
    refused = forecastle(*words)
    assert refused.code == 2
    assert message in refused.err
    assert refused.err.count("\n") == 1


def test_a_damaged_record_does_not_hide_the_others(forecastle: Command, small: list[str]) -> None:
    forecastle("run", "-m", *small, "model=ridge,random_walk")
    (path,) = Path("runs").glob("sweeps/*/sweep.json")
    other = path.parent.parent / "deadbeef"
    other.mkdir()
    (other / "sweep.json").write_text("{")
    out = forecastle("sweeps").out
    assert "deadbeef  damaged: " in out
    assert json.loads(path.read_text())["words"][0] == "-m"
    assert "model=ridge,random_walk" in out


def test_a_disk_that_is_full_in_the_middle_loses_nothing_that_was_finished(
    forecastle: Command, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["run", "-m", *small, "model=last_value,random_walk,seasonal_naive,ridge"]
    real = os.fsync

    def full(descriptor: int) -> None:
        if len(list(Path("runs").glob("[0-9a-f]*/manifest.json"))) >= 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    stopped = forecastle(*words)
    assert stopped.code == 2
    assert stopped.err.splitlines()[-1].startswith("forecastle: the disk is full")
    (told,) = (line for line in stopped.err.splitlines() if "goes on with it" in line)
    assert re.match(
        r"[12] of 4 runs of sweep \w+ are finished and kept \(.*\); `forecastle sweep resume \w+` goes on", told
    )
    assert "Traceback" not in stopped.err
    assert len(list(Path("runs").glob("*/manifest.json"))) == 2
    assert not list(Path("runs").glob(".tmp-*"))
    monkeypatch.setattr(os, "fsync", real)
    again = forecastle("sweep", "resume", "last")
    assert "4 runs, 2 computed, 2 reused, 0 failed" in again.out


LIMITED = """\
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
from forecastle.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("more", [(), ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")], ids=["here", "by workers"])
def test_a_run_that_the_system_refuses_to_write_fails_alone(
    forecastle: Command, small: list[str], workplace: Path, more: tuple[str, ...]
) -> None:
    words = ["run", "-m", *small, "cache=off", "model=last_value,ridge,random_walk"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *words, *more], cwd=workplace, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "3 runs, " in done.stdout
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    kept = len(list(Path("runs").glob("*/manifest.json")))
    assert 0 < kept < 3
    assert f"3 runs, {3 - kept} computed, {kept} reused, 0 failed" in forecastle(*words).out


def test_a_sweep_whose_record_is_damaged_is_made_whole_by_its_command(forecastle: Command, small: list[str]) -> None:
    words = ["run", "-m", *small, "model=last_value,random_walk"]
    forecastle(*words)
    (path,) = Path("runs").glob("sweeps/*/sweep.json")
    path.write_text(path.read_text()[:40])
    refused = forecastle("sweep", "resume", path.parent.name)
    assert refused.code == 2
    assert refused.err.count("\n") == 1
    assert "sweep.json is damaged" in refused.err
    assert "damaged" in forecastle("sweeps").out
    (path.parent / "jobs.json").write_text("{")
    assert "2 runs, 0 computed, 2 reused, 0 failed" in forecastle(*words).out
    assert listed(forecastle) == ["2", "2", "0", "0"]


def test_a_choice_that_does_not_exist_is_refused_before_any_run_and_leaves_no_sweep(
    forecastle: Command, small: list[str]
) -> None:
    refused = forecastle("run", "-m", *small, "model=last_value,nope")
    assert refused.code == 2
    assert "model: no choice 'nope'" in refused.err
    assert refused.err.count("\n") == 1
    assert "no sweeps" in forecastle("sweeps").out
    assert not list(Path("runs").glob("*/manifest.json"))


@pytest.mark.parametrize("more", [(), ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")], ids=["here", "by workers"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data=csv", "data.path=nope.csv"], "no such file: nope.csv (data.path)"),
        (["data=synthetic", "+poolish=1"], "unknown key 'poolish'; did you mean 'pool'?"),
    ],
)
def test_a_mistake_of_all_jobs_is_told_once_before_the_first(
    forecastle: Command, words: list[str], message: str, more: tuple[str, ...]
) -> None:
    refused = forecastle("run", "-m", *words, "model=ridge,lasso,last_value", *more)
    assert refused.code == 2
    assert message in refused.err
    assert refused.err.count("\n") == 1
    assert "no sweeps" in forecastle("sweeps").out


def test_a_mistake_of_some_jobs_stops_no_other(forecastle: Command, small: list[str], candles: Any) -> None:
    candles()
    done = forecastle("run", "-m", "data=csv", "data.path=nope.csv,prices.csv", "indicator=minimal")
    assert done.code == 1
    assert "2 runs, 1 computed, 0 reused, 1 failed" in done.out


def test_jobs_that_fail_alike_are_told_of_once(forecastle: Command, small: list[str]) -> None:
    done = forecastle("run", "-m", *small, "horizon=5000", "model=ridge,lasso,last_value")
    assert done.code == 1
    assert done.err.count("horizon 5000 needs more than 5000 bars") == 1
    assert done.err.splitlines()[-1].startswith("[1/3] ")
    assert done.err.splitlines()[-1].endswith("model=ridge: failed, and the same for 2 others")
    assert " ".join(done.out.split()).count("has 1500 (the same for 2 others)") == 1
    assert "3 runs, 0 computed, 0 reused, 3 failed" in done.out


def test_failures_that_a_limit_leaves_out_stay_on_record_and_the_sum_is_all(
    forecastle: Command, failing: list[str]
) -> None:
    forecastle(*failing)
    stopped = forecastle(*failing, "max_failures=1")
    assert "4 runs, 0 computed, 2 reused, 1 failed, 1 left" in stopped.out
    assert listed(forecastle) == ["4", "2", "2", "0"]


def test_a_sweep_that_is_gone_on_with_keeps_its_place_its_time_and_its_command(
    forecastle: Command, small: list[str]
) -> None:
    forecastle("run", "-m", *small, "model=last_value,random_walk")
    forecastle("run", "-m", *small, "model=last_value")
    before = forecastle("sweeps").out
    forecastle("run", "-m", *small, "model=last_value,random_walk", "hydra/launcher=joblib", "hydra.launcher.n_jobs=1")
    assert forecastle("sweeps").out == before


def test_runs_that_were_removed_by_hand_are_missing_and_computed_again(forecastle: Command, small: list[str]) -> None:
    forecastle("run", "-m", *small, "model=last_value,random_walk")
    shutil.rmtree(next(Path("runs").glob("*/manifest.json")).parent)
    assert listed(forecastle) == ["2", "1", "0", "1"]
    assert "2 runs, 1 computed, 1 reused, 0 failed" in forecastle("sweep", "resume", "last").out
    assert listed(forecastle) == ["2", "2", "0", "0"]


def test_a_sweep_is_gone_on_with_by_another_launcher(forecastle: Command, small: list[str]) -> None:
    workers = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=1")
    forecastle("run", "-m", *small, "model=last_value,random_walk", *workers)
    shutil.rmtree(next(Path("runs").glob("*/manifest.json")).parent)
    done = forecastle("sweep", "resume", "last", "hydra/launcher=basic")
    assert "2 runs, 1 computed, 1 reused, 0 failed" in done.out, done.err


def test_a_sweep_whose_settings_folder_has_changed_says_so_and_asks(forecastle: Command, small: list[str]) -> None:
    words = ("run", "-m", *small, "model=last_value,random_walk")
    forecastle(*words)
    Path("conf/local").mkdir(parents=True)
    Path("conf/local/default.yaml").write_text("# @package _global_\nseason: 7\n")
    refused = forecastle("sweep", "resume", "last")
    assert refused.code == 2
    assert "has changed: conf/, or the environment that it reads, makes another configuration" in refused.err
    assert refused.err.count("\n") == 1
    done = forecastle(*words)
    assert re.match(r"sweep \w+ has changed: conf/, .* 2 of its finished runs, which are computed anew", done.err)
    assert "2 runs, 2 computed, 0 reused, 0 failed" in done.out


def test_a_sweep_whose_first_run_is_damaged_is_gone_on_with(forecastle: Command, small: list[str]) -> None:
    forecastle("run", "-m", *small, "model=last_value,random_walk")
    for path in Path("runs").glob("*/manifest.json"):
        path.write_text("{}")
        (path.parent / "config.yaml").unlink()
        break
    done = forecastle("sweep", "resume", "last")
    assert "2 runs, 1 computed, 1 reused, 0 failed" in done.out, done.err
    assert done.err.count("is damaged (") == 1


def test_jobs_in_progress_are_counted_as_running(
    forecastle: Command, start: Command, workplace: Path, patient: list[str]
) -> None:
    words = ("run", "-m", *patient, "model=random_walk,waiting", "seed=1,2")
    running = start(*words, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    begun(workplace, 2)
    line = forecastle("sweeps").out.splitlines()[-1]
    assert line.split()[3:9] == ["4", "2", "0", "0", "2", "0"]
    assert line.endswith(" (at work)")
    (workplace / "go").touch()
    out, err = running.communicate(timeout=60)
    assert "4 runs, 4 computed, 0 reused, 0 failed" in out, err
    line = forecastle("sweeps").out.splitlines()[-1]
    assert line.split()[3:9] == ["4", "4", "0", "0", "0", "0"]
    assert "(at work)" not in line


def test_limits_that_do_not_hold_are_told_of(start: Command, workplace: Path, patient: list[str]) -> None:
    words = ("run", "-m", *patient, "model=waiting", "seed=1,2")
    first = start(*words)
    begun(workplace, 1)
    second = start(*words, "stop_on_error=true")
    begun(workplace, 2)
    (workplace / "go").touch()
    assert (
        "what that one was told of failures holds: retry=failed max_failures=null" in second.communicate(timeout=60)[1]
    )
    assert "under way" not in first.communicate(timeout=60)[1]


def test_each_of_two_processes_tells_what_it_did_and_the_ledger_who_did_it(
    start: Command, workplace: Path, patient: list[str]
) -> None:
    words = ("run", "-m", *patient, "model=waiting", "seed=1,2")
    both = [start(*words)]
    begun(workplace, 1)
    both.append(start(*words))
    begun(workplace, 2)
    (workplace / "go").touch()
    outs = [each.communicate(timeout=60) for each in both]
    for out, err in outs:
        assert out.splitlines()[-1].endswith(": 2 runs, 1 computed, 1 reused, 0 failed"), err
    jobs = [json.loads(path.read_text()) for path in sorted(Path("runs").glob("sweeps/*/0*.json"))]
    assert [job["by"].partition("@")[0] for job in jobs] == [str(each.pid) for each in both]
    assert not any(job["reused"] for job in jobs)
    assert all(job["seconds"] > 0.01 for job in jobs)


def test_a_value_that_stands_twice_in_a_sweep_is_refused(forecastle: Command, small: list[str]) -> None:
    refused = forecastle("run", "-m", *small, "model=last_value,random_walk,last_value")
    assert refused.code == 2
    assert "a value stands twice in the sweep: " in refused.err
    assert "no sweeps" in forecastle("sweeps").out


def test_the_parent_of_a_sweep_keeps_no_configuration_of_its_jobs(
    forecastle: Command, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    real = sweeping.run_job

    def counted(composed: Any, memory: Any) -> Any:
        gc.collect()
        held.append(sum(type(each) is DictConfig for each in gc.get_objects()))
        return real(composed, memory)

    monkeypatch.setattr(sweeping, "run_job", counted)
    assert forecastle("run", "-m", *small, "model=random_walk", "season=range(2,14)").code == 0
    assert len(held) == 12
    assert held[2] > 10, "those of the job itself are seen"
    assert max(held[3:]) <= held[2] + 5


def test_choices_that_vary_may_share_settings_that_the_default_has_not(forecastle: Command, small: list[str]) -> None:
    trees = ["run", "-m", *small, "model=random_forest,gradient_boosting"]
    done = forecastle(*trees, "model.estimator.min_samples_leaf=60")
    assert done.code == 0, done.err
    assert "2 runs, 2 computed, 0 reused, 0 failed" in done.out
    for run in Path("runs").glob("*/config.yaml"):
        assert "min_samples_leaf: 60\n" in run.read_text()
    assert forecastle("sweep", "resume", "last").out.splitlines()[-1].endswith("0 computed, 2 reused, 0 failed")
    (path,) = Path("runs/sweeps").glob("*/00000.json")
    assert json.loads(path.read_text())["choices"][-2:] == [
        "model=random_forest",
        "model.estimator.min_samples_leaf=60",
    ]
    wrong = forecastle(*trees, "model.estimator.min_samples_laef=60")
    assert wrong.code == 2
    assert "unknown key 'model.estimator.min_samples_laef'; did you mean 'min_samples_leaf'?" in wrong.err
    assert len(list(Path("runs/sweeps").iterdir())) == 1, "a sweep that cannot be composed leaves nothing"


def test_what_one_of_the_choices_has_not_is_told_with_that_choice(forecastle: Command, small: list[str]) -> None:
    done = forecastle("run", "-m", *small, "model=random_forest,ridge", "model.estimator.max_depth=2", "horizon=1,2")
    assert done.code == 2
    assert (
        "unknown key 'model.estimator.max_depth' (there are: alpha, random_state); so it is in model=ridge" in done.err
    )
    done = forecastle("run", "-m", *small, "model=nlinear,ridge", "trainer=smoke")
    assert "trainer: this model has no trainer" in done.err
    assert done.err.rstrip().endswith("; so it is in model=ridge")
    assert not Path("runs/sweeps").exists() or not list(Path("runs/sweeps").iterdir())


def test_a_search_among_models_may_set_what_the_default_has_not(forecastle: Command, small: list[str]) -> None:
    words = ["model=choice(random_forest,gradient_boosting)", "model.estimator.min_samples_leaf=60"]
    done = forecastle("run", "-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", *small, *words)
    assert done.code == 0, done.err
    for run in Path("runs").glob("*/config.yaml"):
        assert "min_samples_leaf: 60\n" in run.read_text()


def test_a_sweep_that_is_stopped_before_it_has_looked_tells_what_is_finished(
    forecastle: Command, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["run", "-m", *small, "model=last_value,random_walk"]
    forecastle(*words)

    def stopped(jobs: list[list[str]]) -> list[list[str]]:
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeping, "planned", stopped)
    done = forecastle(*words)
    assert done.code == 130
    assert re.search(r"2 of 2 runs of sweep \w+ are finished and kept \(none of them computed now\); `", done.err)


def test_on_a_full_disk_a_finished_sweep_and_its_runs_are_shown_all_the_same(
    forecastle: Command, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["run", "-m", *small, "model=last_value,random_walk"]
    forecastle(*words)

    def full(*_: Any, **__: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(Path, "write_text", full)
    monkeypatch.setattr(Path, "write_bytes", full)
    assert "2 runs, 0 computed, 2 reused, 0 failed" in forecastle(*words).out
    shown = forecastle("show", "last")
    assert shown.code == 0, shown.err
    assert "validation\n" in shown.out
    assert shown.out.splitlines()[-1] == "report  not written: No space left on device"
