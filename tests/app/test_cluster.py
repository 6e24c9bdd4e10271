"""Sweeps whose jobs are run by other processes, as on a cluster: none lost, none double, the same numbers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]

DYING = """\
import os, signal
from forecastle.models.baseline import RandomWalk

class Dying(RandomWalk):
    def fit(self, train, validation=None):
        os.kill(os.getpid(), signal.SIGKILL)
"""
"""A user's own model, whose process is killed when it is fitted."""

SUBMITIT = ("hydra/launcher=submitit_local", "hydra.launcher.runs_per_job=7", "hydra.launcher.n_jobs=2")
RAY = ("hydra/launcher=ray", "hydra.launcher.init.num_cpus=2")


@pytest.fixture
def sweep(workplace: Path, small: list[str]) -> list[str]:
    """A sweep of fourteen jobs, of which the last one dies."""
    (workplace / "dying.py").write_text(DYING)
    (workplace / "conf" / "model").mkdir(parents=True)
    (workplace / "conf" / "model" / "dying.yaml").write_text("_target_: dying.Dying\n")
    horizons = "horizon=1,2,3,4,5,6,7"
    (workplace / "conf" / "local").mkdir()
    (workplace / "conf" / "local" / "default.yaml").write_text("# @package _global_\nallowed_targets: [dying.]\n")
    return ["run", "-m", *small, horizons, "model=ridge,random_walk"]


def numbers(output: str) -> dict[str, str]:
    """Metrics of each run by id, as they were written."""
    return {path.parent.name: path.read_text() for path in Path(output).glob("*/metrics.json")}


@pytest.mark.parametrize(
    "launcher",
    [pytest.param(SUBMITIT, id="submitit"), pytest.param(RAY, id="ray", marks=pytest.mark.slow)],
)
def test_a_cluster_gives_the_runs_that_one_process_gives(
    process: Command, forecastle: Command, sweep: list[str], launcher: tuple[str, ...]
) -> None:
    pytest.importorskip(launcher[0].partition("=")[2].partition("_")[0])
    spread = process(*sweep, *launcher, "output=spread")
    assert spread.code == 0, spread.err
    assert "14 runs, 14 computed, 0 reused, 0 failed" in spread.out
    alone = forecastle(*sweep, "output=alone")
    assert numbers("spread") == numbers("alone")
    assert len(numbers("alone")) == 14
    assert [path.name for path in Path("spread").glob(".tmp-*")] == []
    assert not Path("spread/.claims").exists()
    (record,) = Path("spread/sweeps").glob("*/sweep.json")
    ended = [json.loads(path.read_text()) for path in sorted(record.parent.glob("[0-9]*.json"))]
    assert [job["number"] for job in ended] == list(range(14))
    assert all(f"horizon={number // 2 + 1}" in job["choices"] for number, job in enumerate(ended))
    again = process(*sweep, *launcher, "output=spread")
    assert "0 computed, 14 reused, 0 failed" in again.out
    assert spread.out.split("\nsweep ")[0] == alone.out.split("\nsweep ")[0], "the same table"


@pytest.mark.parametrize(
    ("launcher", "told"),
    [
        pytest.param((*SUBMITIT[::2], "hydra.launcher.runs_per_job=2"), "it left no result (see ", id="submitit"),
        pytest.param(RAY, "Ray lost the task: ", id="ray", marks=pytest.mark.slow),
    ],
)
def test_a_job_whose_process_dies_is_written_down_and_stops_no_other(
    process: Command, small: list[str], sweep: list[str], launcher: tuple[str, ...], told: str
) -> None:
    pytest.importorskip(launcher[0].partition("=")[2].partition("_")[0])
    done = process("run", "-m", *small, "model=ridge,lasso,random_walk,dying", *launcher)
    assert done.code == 1
    assert "4 runs, 3 computed, 0 reused, 1 failed" in done.out
    (failed,) = [job for job in map(_read, Path("runs/sweeps").glob("*/[0-9]*.json")) if job["run"] is None]
    assert "model=dying" in failed["choices"]
    assert told in failed["error"]


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def test_slurm_that_is_not_there_is_told(process: Command, sweep: list[str]) -> None:
    pytest.importorskip("submitit")
    done = process(*sweep, "hydra/launcher=submitit_slurm")
    assert done.code == 2
    assert "hydra/launcher=submitit_slurm: " in done.err
    assert "slurm" in done.err.partition("submitit_slurm: ")[2].lower()
    assert done.err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [("hydra/launcher=submitit_local",), RAY], ids=["submitit", "ray"])
def test_a_search_proposes_the_same_trials_whoever_runs_them(
    process: Command, forecastle: Command, small: list[str], launcher: tuple[str, ...]
) -> None:
    pytest.importorskip("optuna")
    search = ["run", "-m", *small, "hydra/sweeper=optuna", "hydra.sweeper.n_trials=4", "hydra.sweeper.batch=2"]
    search.append("model.estimator.alpha=tag(log, interval(0.1, 100))")
    spread = process(*search, *launcher, "output=spread")
    assert spread.code == 0, spread.err
    assert forecastle(*search, "output=alone").code == 0
    assert len(numbers("alone")) == 4
    assert numbers("spread") == numbers("alone")


SLURM = {
    "sbatch": """\
text = open(sys.argv[1]).read()
number = 100 + len(list(home.glob("*.sh")))
(home / f"{number}.sh").write_text(text)
last = re.search(r"--array=0-([0-9]+)%", text)
for index in range(int(last[1]) + 1):
    told = {"ARRAY_JOB_ID": number, "ARRAY_TASK_ID": index, "JOB_ID": 1000 * number + index, "NTASKS": 1}
    told |= {"JOB_NUM_NODES": 1, "NODEID": 0, "PROCID": 0, "LOCALID": 0}
    environment = os.environ | {f"SLURM_{key}": str(value) for key, value in told.items()}
    task = subprocess.Popen(["bash", sys.argv[1]], env=environment, start_new_session=True, stdout=log, stderr=log)
    (home / f"{number}_{index}").write_text(str(task.pid))
print(f"Submitted batch job {number}")
""",
    "srun": """\
words = sys.argv[1:]
while words[0].startswith("--"):
    words = words[1:] if words[0] == "--unbuffered" else words[2:]
os.execvp(words[0], words)
""",
    "sacct": """\
print("JobID|State|NodeList")
for path in home.glob("[0-9]*_*"):
    print(f"{path.name}|{'RUNNING' if os.path.exists('/proc/' + path.read_text()) else 'COMPLETED'}|here")
""",
    "scancel": "",
}
"""What of SLURM submitit calls, on one machine and without a queue."""


@pytest.fixture
def slurm(tmp_path: Path) -> Path:
    """A folder with these commands, which keep what they were given in ``home`` beside them."""
    folder = tmp_path / "slurm"
    (folder / "home").mkdir(parents=True)
    for name, body in SLURM.items():
        head = f"#!{sys.executable}\nimport os, pathlib, re, subprocess, sys\n"
        place = f"home = pathlib.Path({str(folder)!r}, 'home')\nlog = (home / 'log').open('a')\n"
        (folder / name).write_text(head + place + body)
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.slow
def test_slurm_is_given_arrays_with_what_was_asked_for(process: Command, sweep: list[str], slurm: Path) -> None:
    pytest.importorskip("submitit")
    asked = ("slurm_partition=night", "mem_gb=3", "timeout_min=7", "runs_per_job=7", "slurm_setup=[module load tools]")
    launcher = ["hydra/launcher=submitit_slurm", *(f"hydra.launcher.{each}" for each in asked)]
    done = process(*sweep, *launcher, PATH=f"{slurm}:{os.environ['PATH']}")
    assert done.code == 0, done.err
    assert "14 runs, 14 computed, 0 reused, 0 failed" in done.out
    (script,) = (path.read_text() for path in (slurm / "home").glob("*.sh"))
    lines = set(script.splitlines())
    assert lines >= {
        "#SBATCH --partition=night", "#SBATCH --mem=3GB", "#SBATCH --time=7", "#SBATCH --array=0-1%2",
        "#SBATCH --cpus-per-task=1", "#SBATCH --job-name=forecastle", "module load tools",
    }  # fmt: skip
    assert len(numbers("runs")) == 14


def test_what_slurm_refuses_is_told(process: Command, sweep: list[str], slurm: Path) -> None:
    pytest.importorskip("submitit")
    (slurm / "sbatch").write_text(f"#!{sys.executable}\nraise SystemExit('sbatch: error: invalid partition')\n")
    done = process(*sweep, "hydra/launcher=submitit_slurm", PATH=f"{slurm}:{os.environ['PATH']}")
    assert done.code == 2
    assert done.err.endswith("forecastle: SLURM refuses the jobs: sbatch: error: invalid partition\n")


def test_a_setting_of_the_wrong_kind_is_told(process: Command, sweep: list[str]) -> None:
    pytest.importorskip("submitit")
    done = process(*sweep, "hydra/launcher=submitit_local", "hydra.launcher.timeout_min=soon")
    assert done.code == 2
    assert done.err.startswith("forecastle: hydra/launcher=submitit_local: ")
    assert '"timeout_min"' in done.err


def test_a_ray_that_cannot_be_reached_is_told(process: Command, sweep: list[str]) -> None:
    pytest.importorskip("ray")
    done = process(*sweep, "hydra/launcher=ray", "hydra.launcher.init.address=127.0.0.1:1")
    assert done.code == 2
    assert done.err == (
        "forecastle: hydra/launcher=ray: nothing answers at 127.0.0.1:1: Connection refused (hydra.launcher.init)\n"
    )


@pytest.mark.parametrize(("launcher", "package"), [("submitit_local", "submitit"), ("ray", "ray")])
def test_a_missing_package_is_told_with_its_extra(
    forecastle: Command, sweep: list[str], launcher: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == package else find(name, *more))
    done = forecastle(*sweep, f"hydra/launcher={launcher}")
    assert done.code == 2
    assert done.err.endswith(f"which is not installed: pip install 'forecastle[{package}]'\n")
