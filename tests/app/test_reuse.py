"""Reuse: what is finished is not computed again, and a test part is opened on purpose and on record."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecastle import pipeline, run

WAITING = """\
import time
from pathlib import Path
from forecastle.models.baseline import RandomWalk

class Waiting(RandomWalk):
    def fit(self, train, validation=None):
        if Path("wait").exists():
            print("waiting", flush=True)
        for _ in range(600):
            if Path("wait").exists():
                time.sleep(0.1)
        return super().fit(train, validation)
"""
"""A user's own model, which waits to be interrupted while there is a file `wait`."""


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one name of a model with each fit."""
    made: list[str] = []
    real = pipeline.fit

    def counted(config: Any, *rest: Any) -> Any:
        made.append(config.name("model"))
        return real(config, *rest)

    monkeypatch.setattr(pipeline, "fit", counted)
    return made


def runs(workplace: Path) -> dict[str, dict[str, Any]]:
    """Manifest of each finished run, with its scores, by what its model is called."""
    found = {}
    for path in workplace.glob("runs/*/manifest.json"):
        manifest = json.loads(path.read_text())
        manifest["metrics"] = json.loads((path.parent / "metrics.json").read_text())
        found[manifest["name"]] = manifest
    return found


def test_a_second_run_computes_nothing_and_says_so(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], fits: list[str]
) -> None:
    first = forecastle("run", *small)
    (folder,) = (path.parent for path in workplace.glob("runs/*/manifest.json"))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = forecastle("run", *small)
    assert fits == ["ridge"]
    assert "finished before: nothing was computed" in again.out
    assert "finished before" not in first.out
    assert again.out.replace(" (finished before: nothing was computed)", "") == first.out
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_force_computes_again_and_gives_the_same_bytes(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], fits: list[str]
) -> None:
    forecastle("run", *small)
    (path,) = workplace.glob("runs/*/metrics.json")
    before = path.read_bytes()
    forecasts = (path.parent / "forecast.parquet").read_bytes()
    assert "finished before" not in forecastle("run", *small, "force=true").out
    assert fits == ["ridge", "ridge"]
    assert list(workplace.glob("runs/*/metrics.json")) == [path]
    assert path.read_bytes() == before
    assert (path.parent / "forecast.parquet").read_bytes() == forecasts


def test_a_runs_folder_holds_everything(forecastle: Callable[..., Any], workplace: Path, small: list[str]) -> None:
    forecastle("run", *small)
    (folder,) = (path.parent for path in workplace.glob("runs/*/manifest.json"))
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("config.yaml", "manifest.json", "metrics.json", "forecast.parquet", "quality.json", "curves.csv"),
        *("model", "report.html", "run.log"),
    }
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["id"] == folder.name
    assert {"config_hash", "bars", "code", "git", "versions", "seed", "threads", "steps"} <= set(manifest)
    steps = {step["name"] for step in manifest["steps"]}
    assert {"bars", "features", "windows", "fit", "score/validation", "score/test"} <= steps
    assert all(step["seconds"] >= 0 and step["peak_mb"] > 0 for step in manifest["steps"])


def test_a_sweep_is_ranked_on_the_validation_part_and_opens_no_test_part(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], fits: list[str]
) -> None:
    outcome = forecastle("run", "-m", *small, "model=ridge,lasso,last_value")
    assert outcome.code == 0
    assert fits == ["ridge", "lasso", "last_value"]
    found = runs(workplace)
    assert set(found) == {"ridge", "lasso", "last_value"}
    assert all(set(each["metrics"]) == {"validation"} for each in found.values())
    assert not (workplace / "runs" / "looks.jsonl").exists()
    assert not list(workplace.glob("runs/*/report.html")), "the page of a sweep's run waits until it is looked at"

    def crps(name: str) -> float:
        return found[name]["metrics"]["validation"]["scores"]["model"]["crps"]

    ranking = [line.split()[1] for line in outcome.out.splitlines() if line[:1].isdigit() and "model=" in line]
    assert ranking == [f"model={name}" for name in sorted(found, key=crps)]
    assert "3 runs, 3 computed, 0 reused, 0 failed" in outcome.out
    assert "part of the lead of the best is luck" in outcome.out


def test_a_sweep_run_again_computes_nothing(forecastle: Callable[..., Any], small: list[str], fits: list[str]) -> None:
    first = forecastle("run", "-m", *small, "model=ridge,lasso")
    again = forecastle("run", "-m", *small, "model=ridge,lasso")
    assert fits == ["ridge", "lasso"]
    assert "2 runs, 0 computed, 2 reused, 0 failed" in again.out
    assert again.out.splitlines()[:-1] == first.out.splitlines()[:-1]
    wider = forecastle("run", "-m", *small, "model=ridge,lasso,last_value")
    assert fits == ["ridge", "lasso", "last_value"]
    assert "3 runs, 1 computed, 2 reused, 0 failed" in wider.out


def test_a_single_run_of_a_sweeps_choices_opens_its_test_part_and_counts_a_look(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], fits: list[str]
) -> None:
    forecastle("run", "-m", *small, "model=ridge,lasso")
    outcome = forecastle("run", *small, "model=lasso")
    assert outcome.code == 0
    assert fits == ["ridge", "lasso"], "the kept model is scored"
    assert "opened by 1 run, this one" in outcome.out
    found = runs(workplace)
    assert set(found["lasso"]["metrics"]) == {"validation", "test"}
    assert set(found["ridge"]["metrics"]) == {"validation"}
    assert found["lasso"]["looks"]["count"] == 1
    fresh = forecastle("run", *small, "model=lasso", "output=fresh")
    assert fresh.code == 0
    kept, alone = (next(workplace.glob(f"{name}/{found['lasso']['id']}/metrics.json")) for name in ("runs", "fresh"))
    assert kept.read_bytes() == alone.read_bytes(), "opened later or at once, the scores are the same"


def test_evaluate_opens_a_test_part_and_writes_it_down(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], fits: list[str]
) -> None:
    forecastle("run", "-m", *small, "model=ridge,lasso")
    identity = {name: each["id"] for name, each in runs(workplace).items()}
    shown = forecastle("show", identity["ridge"])
    assert f"the test part was not opened: forecastle evaluate {identity['ridge']} part=test" in shown.out
    assert forecastle("runs").out.count("not opened") == 2

    for number, name in enumerate(("ridge", "lasso"), 1):
        outcome = forecastle("evaluate", identity[name], "part=test")
        assert outcome.code == 0
        assert f"opened by {number} run" in outcome.out
    assert "opened by 2 runs, this one included" in forecastle("evaluate", identity["lasso"], "part=test").out
    assert fits == ["ridge", "lasso"]
    lines = [json.loads(line) for line in (workplace / "runs" / "looks.jsonl").read_text().splitlines()]
    assert [(line["run"], line["reason"]) for line in lines] == [
        (identity["ridge"], "forecastle evaluate"),
        (identity["lasso"], "forecastle evaluate"),
    ]
    assert lines[0]["test"] == lines[1]["test"]
    assert "not opened" not in forecastle("runs").out
    assert (workplace / "runs" / identity["ridge"] / "report.html").is_file()


def test_a_run_elsewhere_is_named_by_its_folder(
    forecastle: Callable[..., Any], workplace: Path, small: list[str]
) -> None:
    forecastle("run", "-m", *small, "model=ridge", "output=elsewhere")
    (folder,) = (path.parent for path in workplace.glob("elsewhere/*/manifest.json"))
    place = f"elsewhere/{folder.name}"
    assert f"the test part was not opened: forecastle evaluate {place} part=test" in forecastle("show", place).out
    assert forecastle("evaluate", place, "part=test").code == 0
    assert forecastle("reproduce", place).code == 0
    assert forecastle("show", folder.name).code == 2
    assert (workplace / "elsewhere" / "looks.jsonl").is_file()
    assert not (workplace / "runs").exists()


def test_a_run_that_changed_since_is_not_opened(
    forecastle: Callable[..., Any], candles: Callable[..., Path], workplace: Path
) -> None:
    words = ("data=csv", "data.path=prices.csv", "indicator=minimal", "model=ridge,last_value")
    candles()
    assert forecastle("run", "-m", *words).code == 0
    identity = runs(workplace)["ridge"]["id"]
    candles(change=lambda table: table.assign(volume=table["volume"] + 1))
    outcome = forecastle("evaluate", identity, "part=test")
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1].startswith(f"forecastle: run {identity} cannot be opened: the data changed")
    assert not (workplace / "runs" / "looks.jsonl").exists()
    assert set(runs(workplace)["ridge"]["metrics"]) == {"validation"}


def test_other_test_parts_are_counted_apart(forecastle: Callable[..., Any], workplace: Path, small: list[str]) -> None:
    forecastle("run", *small)
    assert "opened by 2 runs" in forecastle("run", *small, "model=lasso").out
    assert "opened by 1 run," in forecastle("run", *small, "horizon=3").out
    assert "opened by 1 run," in forecastle("run", *small, "target=volatility").out
    assert "opened by 3 runs" in forecastle("run", *small, "model=last_value").out


def test_one_failing_job_does_not_stop_the_others(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], fits: list[str]
) -> None:
    words = ("run", "-m", *small, "model=logistic,ridge,lasso")
    outcome = forecastle(*words)
    assert outcome.code == 1
    assert set(runs(workplace)) == {"ridge", "lasso"}
    assert "3 runs, 2 computed, 0 reused, 1 failed" in outcome.out
    assert "failed: model=logistic: LogisticRegression forecasts classes" in outcome.out
    assert "Traceback" not in outcome.out + outcome.err
    (path,) = workplace.glob("runs/sweeps/*/00000.json")
    record = json.loads(path.read_text())
    assert record["run"] is None
    assert record["traceback"].startswith("Traceback (most recent call last)")
    assert record["error"].startswith("LogisticRegression forecasts classes")
    made = len(fits)
    again = forecastle(*words)
    assert again.code == 1
    assert "3 runs, 0 computed, 2 reused, 1 failed" in again.out
    assert len(fits) == made + 1, "only what failed is tried again"


def test_a_defect_in_one_job_is_recorded_in_one_line(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pipeline.fit

    def broken(config: Any, *rest: Any) -> Any:
        if config.name("model") == "lasso":
            raise ZeroDivisionError("first\nsecond")
        return real(config, *rest)

    monkeypatch.setattr(pipeline, "fit", broken)
    outcome = forecastle("run", "-m", *small, "model=ridge,lasso,last_value")
    assert outcome.code == 1
    assert "failed: model=lasso: ZeroDivisionError: first second" in outcome.out
    assert set(runs(workplace)) == {"ridge", "last_value"}


def _wait_for(running: subprocess.Popen[str], word: str) -> None:
    assert running.stdout is not None
    for line in running.stdout:
        if word in line:
            return
    raise AssertionError(running.stderr.read() if running.stderr else "")


@pytest.fixture
def waiting(workplace: Path, small: list[str], request: pytest.FixtureRequest) -> list[str]:
    """Overrides that choose a model of the user's own, which waits."""
    module = re.sub(r"\W", "_", request.node.name)
    (workplace / f"{module}.py").write_text(WAITING)
    (workplace / "wait").touch()
    folder = workplace / "conf" / "model"
    folder.mkdir(parents=True)
    (folder / "waiting.yaml").write_text(f"_target_: {module}.Waiting\n")
    return [*small, f"allowed_targets=[{module}.]"]


def test_a_sweep_that_was_killed_computes_only_what_was_missing(
    forecastle: Callable[..., Any],
    start: Callable[..., subprocess.Popen[str]],
    workplace: Path,
    waiting: list[str],
    fits: list[str],
) -> None:
    words = ("run", "-m", *waiting, "model=ridge,waiting,lasso")
    running = start(*words)
    _wait_for(running, "waiting")
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=20)
    assert set(runs(workplace)) == {"ridge"}
    assert len(list(workplace.glob("runs/.tmp-*"))) == 1, "what the killed job had begun"

    (workplace / "wait").unlink()
    outcome = forecastle(*words)
    assert outcome.code == 0
    assert fits == ["waiting", "lasso"]
    assert "3 runs, 2 computed, 1 reused, 0 failed" in outcome.out
    assert list(workplace.glob("runs/.tmp-*")) == []
    assert set(runs(workplace)) == {"ridge", "waiting", "lasso"}


def test_two_processes_share_a_sweep_and_no_run_is_computed_twice(
    forecastle: Callable[..., Any],
    start: Callable[..., subprocess.Popen[str]],
    workplace: Path,
    waiting: list[str],
    fits: list[str],
) -> None:
    words = ("run", "-m", *waiting, "model=waiting,ridge,lasso")
    other = start(*words)
    _wait_for(other, "waiting")
    later = threading.Timer(2.0, (workplace / "wait").unlink)
    later.start()
    outcome = forecastle(*words)
    later.join()
    _, err = other.communicate(timeout=60)
    assert outcome.code == other.returncode == 0, err
    assert "3 runs, " in outcome.out
    assert "0 failed" in outcome.out
    assert "waiting" not in fits, "it is the other's"
    assert set(runs(workplace)) == {"ridge", "waiting", "lasso"}
    computed = [line for line in err.splitlines() if line.startswith("[") and "(reused)" not in line]
    assert len(computed) + len(fits) == 3


def test_an_interrupt_is_told_in_one_line_and_leaves_nothing(
    start: Callable[..., subprocess.Popen[str]], workplace: Path, waiting: list[str]
) -> None:
    running = start("run", *waiting, "model=waiting")
    _wait_for(running, "waiting")
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert running.returncode == 130, err
    assert [line for line in err.splitlines() if line.startswith("forecastle: ")] == [err.splitlines()[-1]]
    assert err.splitlines()[-1].startswith("forecastle: interrupted")
    assert "Traceback" not in out + err
    assert runs(workplace) == {}
    assert list(workplace.glob("runs/.tmp-*")) == []
    assert not (workplace / "runs" / "looks.jsonl").exists()


def test_workers_of_joblib_give_the_runs_that_one_process_gives(
    forecastle: Callable[..., Any], process: Callable[..., Any], workplace: Path, small: list[str]
) -> None:
    sweep = ("run", "-m", *small, "model=ridge,lasso,logistic", "horizon=3,5")
    one = forecastle(*sweep, "output=one")
    two = process(*sweep, "output=two", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    assert (one.code, two.code) == (1, 1), two.err
    assert two.out.splitlines()[:-1] == one.out.splitlines()[:-1]
    assert "6 runs, 4 computed, 0 reused, 2 failed" in two.out
    scores = [
        {path.parent.name: path.read_bytes() for path in workplace.glob(f"{output}/*/metrics.json")}
        for output in ("one", "two")
    ]
    assert len(scores[0]) == 4
    assert scores[0] == scores[1]


def test_the_output_of_a_users_own_settings_holds_the_sweep_too(
    forecastle: Callable[..., Any], workplace: Path, small: list[str]
) -> None:
    folder = workplace / "conf" / "local"
    folder.mkdir(parents=True)
    (folder / "default.yaml").write_text("# @package _global_\noutput: elsewhere\n")
    outcome = forecastle("run", "-m", *small, "model=ridge,lasso")
    assert outcome.code == 0
    assert len(list(workplace.glob("elsewhere/*/manifest.json"))) == 2
    assert len(list(workplace.glob("elsewhere/sweeps/*/sweep.json"))) == 1
    assert not (workplace / "runs").exists()


@pytest.mark.parametrize("identity", ["12345678", "0e861037", "1_000", "null"])
def test_an_id_of_a_sweep_that_looks_like_a_number_is_a_text(
    forecastle: Callable[..., Any], small: list[str], workplace: Path, monkeypatch: pytest.MonkeyPatch, identity: str
) -> None:
    monkeypatch.setattr("forecastle.launch.sweep_id", lambda _: identity)
    assert forecastle("run", "-m", *small, "model=ridge,last_value").code == 0
    assert (workplace / "runs" / "sweeps" / identity / "sweep.json").is_file()
    assert {each["sweep"] for each in runs(workplace).values()} == {identity}
    assert forecastle("evaluate", "last", "part=test").code == 0


def test_flags_may_stand_anywhere_and_showing_runs_nothing(
    forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    shown = forecastle("run", "--cfg", "job", *small)
    assert shown.code == 0
    assert "context_length: 32" in shown.out
    listed = forecastle("run", "--help")
    (models,) = (line for line in listed.out.splitlines() if line.startswith("model: "))
    assert {"gradient_boosting,", "lasso,", "ridge,"} <= set(models.split())
    assert not (workplace / "runs").exists()
    assert forecastle("run", *small, "model=ridge,last_value", "-m").code == 0
    assert len(runs(workplace)) == 2


def test_two_processes_that_run_the_same_at_once_leave_one_run(
    start: Callable[..., subprocess.Popen[str]], workplace: Path, small: list[str]
) -> None:
    both = [start("run", *small) for _ in range(2)]
    outcomes = [running.communicate(timeout=60) for running in both]
    assert [running.returncode for running in both] == [0, 0], outcomes
    assert len(list(workplace.glob("runs/*/manifest.json"))) == 1
    assert list(workplace.glob("runs/.tmp-*")) == []


def test_a_run_that_python_makes_is_the_run_of_the_command_line(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], fits: list[str]
) -> None:
    from forecastle import run

    made = run(small)
    assert (made.folder, made.reused) == (Path("runs") / made.id, False)
    assert made.metrics["test"]["scores"]["model"]["crps"] > 0
    assert "finished before" in forecastle("run", *small).out
    assert run(small).reused
    assert fits == ["ridge"]
    assert os.getcwd() == str(workplace)  # noqa: PTH109
    assert made.manifest["created"] <= time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())


def test_the_default_objective_has_the_id_of_the_one_that_is_named(small: list[str], workplace: Path) -> None:
    ids = {run([*small, "model=last_value", *more]).id for more in ([], ["objective=crps"])}
    assert len(ids) == 1
    assert run([*small, "model=last_value", "objective=mae"]).id not in ids
    assert len(list(workplace.glob("runs/*/manifest.json"))) == 2
