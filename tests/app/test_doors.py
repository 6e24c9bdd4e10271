"""Three doors: the command line, the DVC stages and Python give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.app.conftest import tool

from forecastle import run, stages
from forecastle.config.compose import conf_folder

REPOSITORY = conf_folder().parent
STAGES = ("bars", "features", "fit", "evaluate", "report")


@pytest.mark.parametrize(
    "words",
    [
        ["data=synthetic", "data.count=1500", "indicator=minimal"],
        ["data=synthetic", "data.count=1500", "data.symbols=[ONE,TWO]", "model=random_walk", "horizon=3"],
        ["data=synthetic", "data.count=1500", "target=direction", "model=logistic", "data.volume=false"],
    ],
)
def test_three_doors_give_the_same_bytes(forecastle: Callable[..., Any], workplace: Path, words: list[str]) -> None:
    made = run(words)
    assert forecastle("run", *words, "output=line").code == 0
    (line,) = workplace.glob("line/*/metrics.json")
    assert line.parent.name == made.id
    assert forecastle("params", *words).code == 0
    for stage in STAGES:
        stages.main([stage])
    by_stages = (workplace / "data" / "metrics.json").read_bytes()
    assert by_stages == line.read_bytes() == (made.folder / "metrics.json").read_bytes()
    for name, place in (("forecast.parquet", "scores/forecast.parquet"), ("quality.json", "quality.json")):
        assert (workplace / "data" / place).read_bytes() == (made.folder / name).read_bytes()
    assert (workplace / "data" / "report.html").stat().st_size > 20_000
    looks = [json.loads(line) for line in (workplace / "runs" / "looks.jsonl").read_text().splitlines()]
    assert [look["reason"] for look in looks] == ["forecastle run", "dvc repro"]
    assert {(look["run"], look["test"]) for look in looks} == {(made.id, looks[0]["test"])}


@pytest.mark.slow
def test_processes_of_each_door_give_the_same_bytes(process: Callable[..., Any], workplace: Path) -> None:
    words = ("data=synthetic", "data.count=1500", "indicator=minimal", "model=lasso")
    assert process("run", *words, PYTHONHASHSEED="1").code == 0
    assert process("params", *words).code == 0
    for stage in STAGES:
        outcome = process(stage, module="forecastle.stages", PYTHONHASHSEED="2")
        assert outcome.code == 0, outcome.err
    (line,) = workplace.glob("runs/*/metrics.json")
    assert (workplace / "data" / "metrics.json").read_bytes() == line.read_bytes()


def test_an_unknown_stage_is_told_in_one_line(process: Callable[..., Any]) -> None:
    outcome = process("feature", module="forecastle.stages")
    assert outcome.code == 2
    assert outcome.err == (
        "forecastle: a stage is wanted, one of bars, features, fit, evaluate, report, got 'feature'; "
        "did you mean 'features'?\n"
    )


def test_each_stage_reads_the_keys_of_params_that_it_declares(
    workplace: Path, forecastle: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that a stage reads and does not declare would leave a stale result in place."""
    declared = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    assert tuple(declared) == STAGES
    assert forecastle("params", "data=synthetic", "data.count=1500", "indicator=minimal").code == 0
    from forecastle.config.schema import PASSIVE, Config

    keys = set(Config.__dataclass_fields__)
    read: set[str] = set()
    real = Config.__getattribute__

    def watched(self: Config, name: str) -> Any:
        if name in keys:
            read.add(name)
        return real(self, name)

    (workplace / "data").mkdir()
    monkeypatch.setattr(Config, "__getattribute__", watched)
    for stage in STAGES[:-1]:
        config = stages.read(stages.paths.PARAMS)
        for name in set(config.__dict__) - keys:  # what the check of the configuration has derived
            del config.__dict__[name]
        read.clear()
        stages.STAGES[stage](config)
        assert read - PASSIVE == set(declared[stage]["params"]), stage


@pytest.mark.slow
def test_dvc_repro_gives_the_same_bytes_and_then_has_nothing_to_do(
    checkout: Path, forecastle: Callable[..., Any]
) -> None:
    tool("dvc", "repro", "-q")
    assert forecastle("run", "output=line").code == 0
    (line,) = checkout.glob("line/*/metrics.json")
    (kept,) = [path.parent for path in checkout.glob("runs/*/manifest.json")]
    assert (kept.name, (kept / "metrics.json").read_bytes()) == (line.parent.name, line.read_bytes())
    assert (checkout / "data" / "metrics.json").read_bytes() == line.read_bytes()
    assert "Data and pipelines are up to date." in tool("dvc", "repro")

    params = checkout / "params.yaml"
    params.write_text(params.read_text().replace("objective: null", "objective: mae"))
    said = tool("dvc", "repro")
    assert "Running stage 'evaluate'" in said
    assert "Running stage 'fit'" not in said
    assert json.loads((checkout / "data" / "metrics.json").read_text())["test"]["objective"] == "mae"


@pytest.mark.slow
def test_dvc_experiments_compose_conf(checkout: Path, forecastle: Callable[..., Any]) -> None:
    tool("dvc", "repro", "-q")
    tool("git", "add", "-A")
    tool("git", "commit", "-q", "-m", "Reproduce")
    tool("dvc", "exp", "run", "-q", "-n", "alone", "-S", "model=lasso")
    assert forecastle("run", "model=lasso", "output=line").code == 0
    (line,) = checkout.glob("line/*/metrics.json")
    assert (checkout / "data" / "metrics.json").read_bytes() == line.read_bytes()
    assert forecastle("params", "--check").code == 2, "params.yaml is the experiment's now"

    diff = json.loads(tool("dvc", "metrics", "diff", "--json"))
    changed = diff["diff"]["data/metrics.json"] if "diff" in diff else diff["data/metrics.json"]
    assert any("crps" in name for name in changed)

    tool("git", "checkout", "-q", ".")
    tool("dvc", "exp", "run", "-q", "--queue", "-S", "model=ridge,lasso", "-S", "horizon=3")
    tool("dvc", "exp", "run", "-q", "--run-all")
    shown = json.loads(tool("dvc", "exp", "show", "--json"))
    experiments = [each for node in shown for each in node.get("experiments") or []]
    found = [revision["data"]["params"]["params.yaml"]["data"] for each in experiments for revision in each["revs"]]
    chosen = {(each["model"]["estimator"]["_target_"].rpartition(".")[2], each["horizon"]) for each in found}
    assert chosen == {("Lasso", 5), ("Ridge", 3), ("Lasso", 3)}
    names = [
        revision["data"]["metrics"]["data/metrics.json"]["data"] for each in experiments for revision in each["revs"]
    ]
    assert all(each["test"]["scores"]["model"]["crps"] > 0 for each in names)
