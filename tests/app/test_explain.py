"""What a run's models lean on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.fixture
def finished(forecastle: Command, workplace: Path, small: Sequence[str]) -> Path:
    outcome = forecastle("run", *small)
    assert outcome.code == 0, outcome.err
    (manifest,) = workplace.glob("runs/*/manifest.json")
    return manifest.parent


def contents(folder: Path) -> dict[str, bytes]:
    skipped = ("report.html", "importance.json")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in skipped
    }


def test_an_explanation_is_laid_into_the_run_and_nothing_else_changes(forecastle: Command, finished: Path) -> None:
    before = contents(finished)
    outcome = forecastle("explain", "last", "repeats=2", "windows=20")
    assert outcome.code == 0, outcome.err
    assert contents(finished) == before
    told = json.loads((finished / "importance.json").read_text())
    assert told["run"] == finished.name
    assert told["created"].endswith("+00:00")
    assert (told["part"], told["objective"], told["repeats"]) == ("validation", "crps", 2)
    assert told["windows"] == json.loads((finished / "metrics.json").read_text())["validation"]["windows"]
    columns = json.loads((finished / "manifest.json").read_text())["features"]["columns"]
    assert {row["feature"] for row in told["features"]} == {row["feature"] for row in told["shap"]["features"]}
    assert {row["feature"] for row in told["features"]} == set(columns)
    assert (told["shap"]["method"], told["shap"]["windows"]) == ("linear", 20)
    values = [row["value"] for row in told["features"]]
    assert values == sorted(values, reverse=True)
    page = (finished / "report.html").read_text()
    assert "Permutation importance" in page
    assert "Shapley values of 20 windows, exact, of linear models." in page


def test_the_first_ten_features_are_logged(forecastle: Command, finished: Path) -> None:
    outcome = forecastle("explain", "last", "repeats=1", "windows=5")
    count = len(json.loads((finished / "importance.json").read_text())["features"])
    assert sum(line.startswith("importance ") for line in outcome.err.splitlines()) == min(count, 10)
    assert sum(line.startswith("Shapley ") for line in outcome.err.splitlines()) == min(count, 10)
    assert str(Path("runs") / finished.name / "importance.json") in outcome.out


def test_the_same_explanation_is_made_twice(forecastle: Command, finished: Path) -> None:
    found = []
    for _ in range(2):
        forecastle("explain", "last", "repeats=2", "windows=5")
        found.append(json.loads((finished / "importance.json").read_text()))
        del found[-1]["created"]
    assert found[0] == found[1]


def test_a_missing_package_is_one_line_and_no_failure(
    forecastle: Command, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shap", None)
    outcome = forecastle("explain", "last", "repeats=1")
    assert outcome.code == 0
    assert outcome.err.count("pip install 'forecastle[explain]'") == 1
    told = json.loads((finished / "importance.json").read_text())
    assert "forecastle[explain]" in told["shap"]["missing"]
    assert told["features"]
    assert "forecastle[explain]" in (finished / "report.html").read_text()


def test_a_run_explains_itself_by_config_under_the_same_id(
    forecastle: Command, workplace: Path, small: Sequence[str], finished: Path
) -> None:
    outcome = forecastle("run", *small, "explain=true")
    assert outcome.code == 0, outcome.err
    assert [path.parent for path in workplace.glob("runs/*/importance.json")] == [finished]


@pytest.mark.parametrize(
    "words",
    [
        ["model=random_forest", "model.estimator.n_estimators=10"],
        ["target=direction", "model=logistic"],
        ["model=xgboost", "model.booster.rounds=5"],
        ["pooling=per_symbol"],
        ["model=nlinear", "trainer=smoke"],
    ],
)
def test_trees_classes_symbols_and_networks_are_explained(
    forecastle: Command, workplace: Path, small: Sequence[str], words: list[str]
) -> None:
    assert forecastle("run", *small, *words).code == 0
    outcome = forecastle("explain", "last", "repeats=1", "windows=5")
    assert outcome.code == 0, outcome.err
    (path,) = workplace.glob("runs/*/importance.json")
    told = json.loads(path.read_text())
    assert told["features"]
    assert told["shap"]["features"]
    method = {"model=random_forest": "trees", "model=xgboost": "trees", "target=direction": "linear"}.get(
        words[0], "kernel"
    )
    assert told["shap"]["method"] == method


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "usage: forecastle explain RUN [repeats=5] [windows=100]"),
        (["last", "repeat=3"], "did you mean 'repeats'?"),
        (["last", "repeats=0"], "repeats must be at least 1, got 0"),
        (["last", "repeats=many"], "got repeats=many"),
        (["f00d"], "no run 'f00d'"),
    ],
)
def test_a_mistake_is_told_in_one_line(forecastle: Command, finished: Path, words: list[str], told: str) -> None:
    outcome = forecastle("explain", *words)
    assert outcome.code == 2
    assert told in outcome.err
    assert len(outcome.err.splitlines()) == 1
