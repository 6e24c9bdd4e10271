"""Many processes at one sweep, alive and killed: no run is lost, none is there twice, no file is broken."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.app.conftest import alive, begun, otherwise

Command = Callable[..., Any]
Started = Callable[..., subprocess.Popen[str]]


def whole(runs: Path, count: int) -> dict[int, tuple[str, bytes]]:
    """Run and scores of each job of the one sweep, once everything that lies there has been looked at."""
    (ledger,) = runs.glob("sweeps/*/sweep.json")
    jobs = [json.loads(path.read_bytes()) for path in sorted(ledger.parent.glob("[0-9]*.json"))]
    assert [job["number"] for job in jobs] == list(range(count))
    assert [job["error"] for job in jobs] == [None] * count
    folders = {path.parent.name for path in runs.glob("*/manifest.json")}
    assert sorted(job["run"] for job in jobs) == sorted(folders), "each run is there once, and no other"
    assert list(runs.glob(".tmp-*")) == []
    for name in folders:
        assert json.loads((runs / name / "manifest.json").read_bytes())["id"] == name
        assert pq.read_table(runs / name / "forecast.parquet").num_rows > 0
    return {job["number"]: (job["run"], (runs / job["run"] / "metrics.json").read_bytes()) for job in jobs}


def test_ten_runs_at_once_by_the_workers_of_two_processes(
    forecastle: Command, group: Started, workplace: Path, patient: list[str]
) -> None:
    words = ("run", "-m", *patient, "model=waiting", "horizon=range(1,25)", "hydra/launcher=joblib")
    both = [group(*words, f"hydra.launcher.n_jobs={count}") for count in (6, 4)]
    begun(workplace, 10, seconds=120)
    (workplace / "go").touch()
    outcomes = [(each.communicate(timeout=120), each.returncode) for each in both]
    assert [code for _, code in outcomes] == [0, 0], outcomes
    assert len(list(workplace.glob("begun-*"))) == 24, "no job is computed by both"
    assert all("24 runs, " in out and "0 failed" in out for (out, _), _ in outcomes)
    found = whole(workplace / "runs", 24)
    assert not (workplace / "runs" / ".claims").exists()
    assert "24 runs, 24 computed" in forecastle(*words[:-1], "output=alone").out
    assert whole(workplace / "alone", 24) == found


def test_a_worker_that_is_killed_fails_its_job_and_no_other(
    forecastle: Command, group: Started, workplace: Path, patient: list[str]
) -> None:
    words = ("run", "-m", *patient, "model=waiting", "horizon=2,3,4,5", "hydra/launcher=joblib")
    running = group(*words, "hydra.launcher.n_jobs=2")
    begun(workplace, 2)
    victim = next(workplace.glob("begun-*")).name.split("-")[1]
    os.kill(int(victim), signal.SIGKILL)
    begun(workplace, 3)
    (workplace / "go").touch()
    out, err = running.communicate(timeout=60)
    assert running.returncode == 1, err
    assert "4 runs, 3 computed, 0 reused, 1 failed" in out
    assert err.count("failed: the worker of this job ended by signal 9") == 1
    assert "4 runs, 1 computed, 3 reused, 0 failed" in forecastle("sweep", "resume", "last").out
    whole(workplace / "runs", 4)


COUNTING = """\
import os, time
from pathlib import Path
from forecastle.features.returns import LogReturn

class Counting(LogReturn):
    name = "counting"

    def compute(self, bars):
        Path(f"computed-{os.getpid()}-{time.monotonic_ns()}").touch()
        time.sleep(0.5)
        return super().compute(bars)
"""
"""A user's own indicator, which tells that it is computed."""


def test_features_are_computed_by_one_worker_for_all(process: Command, workplace: Path, small: list[str]) -> None:
    (workplace / "of_theirs.py").write_text(COUNTING)
    (workplace / "conf" / "indicator").mkdir(parents=True)
    (workplace / "conf" / "indicator" / "counting.yaml").write_text("counting:\n  _target_: of_theirs.Counting\n")
    words = otherwise(small, "indicator=counting", "allowed_targets=[of_theirs.]", "model=random_walk")
    sweep = ("run", "-m", *words, "season=range(2,8)", "hydra/launcher=joblib", "hydra.launcher.n_jobs=3")
    done = process(*sweep)
    assert "6 runs, 6 computed" in done.out, done.err
    assert len(list(workplace.glob("computed-*"))) == 1


SWEEP = ("data=synthetic", "data.count=1500", "indicator=minimal", "model.estimator.alpha=range(1,41)")
KILLS, AT_A_TIME, SEED = 30, 6, 20261122


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_sweep_that_is_killed_at_thirty_moments_has_the_numbers_of_an_undisturbed_one(
    forecastle: Command, group: Started, workplace: Path
) -> None:
    assert "40 runs, 40 computed" in forecastle("run", "-m", *SWEEP, "output=undisturbed").out
    expected = whole(workplace / "undisturbed", 40)
    chance = random.Random(SEED)
    by_workers = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    told = []
    for series in range(KILLS // AT_A_TIME):
        runs = workplace / f"killed-{series}"
        for _ in range(AT_A_TIME):
            what, more, late = chance.choices(("all", "parent"), (5, 1))[0], chance.randint(0, 7), 0.3 * chance.random()
            running = group("run", "-m", *SWEEP, f"output={runs.name}", *by_workers)
            wanted = len(list(runs.glob("*/manifest.json"))) + more
            while running.poll() is None and len(list(runs.glob("*/manifest.json"))) < wanted:
                time.sleep(0.005)
            time.sleep(late)
            told.append(f"{series}: {what} after {len(list(runs.glob('*/manifest.json')))} runs and {late:.3f} s")
            kill = os.killpg if what == "all" else os.kill
            if alive(running.pid):
                kill(running.pid, signal.SIGKILL)
            running.communicate(timeout=60)
        done = forecastle("run", "-m", *SWEEP, f"output={runs.name}")
        assert "40 runs, " in done.out, (SEED, told)
        assert ", 0 failed" in done.out, (SEED, told, done.out)
        assert whole(runs, 40) == expected, (SEED, told)
    sys.stdout.write("\n".join([f"seed {SEED}", *told]))
