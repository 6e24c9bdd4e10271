"""What DVC computes is a run among the others, and a run becomes what the DVC pipeline holds."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.app.conftest import tool

from forecastle import pipeline, stages
from forecastle.config.compose import compose
from forecastle.doors import promoting
from forecastle.errors import DataError
from forecastle.runs.claim import claim

Command = Callable[..., Any]


def named(model: str) -> str:
    """Id of the run whose model is called so."""
    (found,) = [path.parent.name for path in Path("runs").glob("*/manifest.json") if said(path)["name"] == model]
    return found


def said(path: Path) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(path.read_text())
    return whole


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each fit."""
    made: list[int] = []
    real = pipeline.fit
    monkeypatch.setattr(pipeline, "fit", lambda *words: (made.append(1), real(*words))[1])
    return made


@pytest.fixture
def candles(workplace: Path) -> Path:
    """A file of candles in a folder of the workplace."""
    path = workplace / "candles" / "own.csv"
    path.parent.mkdir()
    close = 100 + np.sin(np.arange(600.0))
    day = pd.date_range("2020-01-01", periods=600, freq="D").strftime("%Y-%m-%d")
    pd.DataFrame({"time": day, "open": close, "high": close + 1, "low": close - 1, "close": close}).to_csv(
        path, index=False
    )
    return path


def test_the_stages_write_the_run_that_the_command_line_writes(
    forecastle: Command, workplace: Path, small: list[str], fits: list[int]
) -> None:
    shared = [*small, "horizon=3"]
    words = [*shared, "model=lasso"]
    forecastle("params", *words)
    for stage in stages.STAGES:
        stages.main([stage])
    (folder,) = [path.parent for path in workplace.glob("runs/*/manifest.json")]
    fits.clear()
    again = forecastle("run", *words)
    assert "(finished before: nothing was computed)" in again.out
    assert not fits
    forecastle("run", *words, "output=line")
    line = workplace / "line" / folder.name
    assert {path.name for path in folder.iterdir()} == {path.name for path in line.iterdir()}
    for path in line.rglob("*"):
        if path.is_file() and path.name not in ("manifest.json", "report.html", "run.log", "config.yaml"):
            assert (folder / path.relative_to(line)).read_bytes() == path.read_bytes()
    assert said(folder / "manifest.json")["name"] == "lasso", "it is called what was chosen"
    forecastle("run", *shared, "model=ridge")
    table = forecastle("compare", "--fast").out
    assert "model=lasso" in table
    assert "model=ridge" in table
    assert "indicator=" not in table, "they differ in nothing else"
    assert forecastle("evaluate", folder.name, "part=test").code == 0
    assert forecastle("reproduce", folder.name).code == 0


def test_a_promoted_run_is_what_dvc_holds_without_computing_again(
    forecastle: Command, checkout: Path, small: list[str], fits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    forecastle("run", "-m", *small, "model=ridge,lasso", "model.estimator.alpha=0.5")
    name = named("lasso")
    fits.clear()
    free: list[bool] = []
    real = promoting.write_experiment

    def seen(*words: Any) -> Path:
        with claim(checkout / "runs", promoting.NAME, wait=False) as mine:
            free.append(mine)
        return real(*words)

    monkeypatch.setattr(promoting, "write_experiment", seen)
    done = forecastle("promote", name)
    assert done.code == 0, done.err
    assert not fits
    assert free == [False], "one process at a time promotes"
    assert not list((checkout / "runs").glob(".claims/*"))
    assert f"run {name} is promoted" in done.out
    assert "test part opened: this test part has been opened by 1 run, this one" in done.out

    experiment = compose(["experiment=promoted"])
    assert (experiment.name("model"), experiment.model["estimator"]["alpha"]) == ("lasso", 0.5)
    again = forecastle("run", "experiment=promoted")
    assert f"run     {name} (finished before: nothing was computed)" in again.out
    assert (checkout / "params.yaml").read_text().startswith("# forecastle params experiment=promoted\n")
    assert forecastle("params", "--check").code == 0

    run, data = checkout / "runs" / name, checkout / "data"
    for kept, placed in (("metrics.json", "metrics.json"), ("forecast.parquet", "scores/forecast.parquet")):
        assert (run / kept).read_bytes() == (data / placed).read_bytes()
    assert "Data and pipelines are up to date." in tool("dvc", "repro")
    assert tool("dvc", "status") == "Data and pipelines are up to date.\n"
    left = tool("git", "status", "--short", "-uall").split()[1::2]
    assert "data/bars.parquet" not in left, "git ignores what DVC keeps"
    assert "dvc.lock" in left

    before = {path.relative_to(data): path.read_bytes() for path in data.rglob("*") if path.is_file()}
    for stage in ("bars", "features", "fit", "evaluate"):
        stages.main([stage])
    after = {path.relative_to(data): path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert before == after, "the stages compute the same bytes"
    forecastle("run", *small, "model=ridge", "horizon=2")
    assert forecastle("promote", "last").code == 0, "another one may be promoted over it"
    assert "horizon: 2" in (checkout / "params.yaml").read_text()


def test_what_cannot_be_promoted_is_told_in_one_line(
    forecastle: Command, checkout: Path, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    forecastle("run", "-m", *small, "model=ridge,lasso", "keep_models=1")
    best, other = sorted(
        (named("ridge"), named("lasso")), key=lambda each: not (Path("runs") / each / "model").exists()
    )
    params = checkout / "params.yaml"
    before = params.read_bytes()

    def refused(word: str, message: str) -> None:
        outcome = forecastle("promote", word)
        assert outcome.code == 2
        assert message in outcome.err
        assert outcome.err.count("\n") == 1
        assert not Path("conf/experiment/promoted.yaml").exists()
        assert not Path("data").exists()

    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "dvc.repo", None)
        refused(best, "promote needs DVC: pip install 'forecastle[dvc]'")
    refused(other, f"run {other} has no weights, so it cannot be promoted: sweep ")
    refused("zz", "no run 'zz' in runs")
    params.write_text(params.read_text().replace("horizon: 5\n", "horizon: 6\n"))
    refused(best, f"run {best} is not promoted, which would overwrite what was changed: params.yaml is not what")
    params.write_bytes(before)
    with monkeypatch.context() as patched:
        patched.setattr("forecastle.pipeline.code_hash", lambda modules: "0" * 32)
        refused(best, f"run {best} cannot be promoted: the code changed (source ")
    (checkout / "dvc.yaml").rename(checkout / "other.yaml")
    refused(best, f"promote works in a checkout with DVC's stages, but {checkout} has no dvc.yaml")
    (checkout / "other.yaml").rename(checkout / "dvc.yaml")
    locks = checkout / ".dvc" / "tmp" / "rwlock"
    locks.parent.mkdir(exist_ok=True)
    running = {"pid": os.getppid(), "cmd": "dvc repro"}
    locks.write_text(json.dumps({"write": {str(checkout / "data" / "scores"): running}, "read": {}}))
    refused(best, "is busy, it is being blocked by:")
    locks.unlink()
    shutil.move(checkout / ".git", checkout / "git")
    refused(best, "is not a git repository")
    shutil.move(checkout / "git", checkout / ".git")
    shutil.move(checkout / ".dvc", checkout / "dvc")
    refused(best, "DVC: you are not inside of a DVC repository")
    assert forecastle("promote").err == "forecastle: usage: forecastle promote RUN; got no argument\n"
    assert params.read_bytes() == before


def test_candles_that_git_does_not_carry_are_read_in_the_main_checkout(
    forecastle: Command, workplace: Path, candles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["indicator=returns", "data=csv", "data.path=candles/own.csv", "data.timezone=UTC"]
    queued = workplace / ".dvc" / "tmp" / "exps" / "tmp1"
    queued.mkdir(parents=True)
    monkeypatch.chdir(queued)
    assert forecastle("params", *words).code == 0
    stages.main(["bars"])
    assert (queued / "data" / "bars.parquet").is_file()
    assert not (workplace / "data").exists()
    here = queued / "candles" / "own.csv"
    here.parent.mkdir()
    here.write_text("no candles")
    with pytest.raises(DataError, match=r"own\.csv"):
        stages.main(["bars"])  # what git carries goes before, right or wrong
    here.unlink()
    candles.unlink()
    with pytest.raises(DataError, match=r"no such file: candles/own\.csv"):
        stages.main(["bars"])


@pytest.mark.slow
def test_experiments_that_dvc_queues_are_runs_of_the_main_checkout(
    forecastle: Command, checkout: Path, small: list[str], fits: list[int]
) -> None:
    shared = [*small, "horizon=3"]
    choices = [each for word in shared for each in ("-S", word)]
    tool("dvc", "exp", "run", "-q", "--queue", *choices, "-S", "model=ridge,lasso")
    tool("dvc", "exp", "run", "-q", "--run-all")
    assert not list(checkout.glob(".dvc/tmp/exps/*/runs/*/manifest.json"))
    by_dvc = {said(path)["name"]: path.parent.name for path in checkout.glob("runs/*/manifest.json")}
    assert set(by_dvc) == {"ridge", "lasso"}
    assert len((checkout / "runs" / "looks.jsonl").read_text().splitlines()) == 2
    assert forecastle("run", "-m", *shared, "model=ridge,lasso,last_value").code == 0
    assert len(fits) == 1, "the ids are the same, so two are reused"
    table = forecastle("compare", "--json").out
    (group,) = json.loads(table)
    assert {place["run"] for place in group["places"]} == {*by_dvc.values(), named("last_value")}
    assert {place["name"] for place in group["places"]} == {"model=ridge", "model=lasso", "model=last_value"}
