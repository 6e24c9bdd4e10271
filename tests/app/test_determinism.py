"""Determinism: nothing hangs on the order of a set, on the process, or on what ran before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.app.conftest import otherwise

from forecastle.config.compose import conf_folder
from forecastle.runs.execution import Memory

MODELS = sorted(path.stem for path in (conf_folder() / "model").glob("*.yaml"))

FAST = {
    "random_forest": ["model.estimator.n_estimators=10"],
    "random_forest_classifier": ["model.estimator.n_estimators=10"],
    "gradient_boosting": ["model.estimator.max_iter=20"],
    "mlp": ["trainer.max_epochs=10"],
}
"""What makes slow models fast; their draws are the same ones."""

CLASSIFIERS = ("logistic", "random_forest_classifier")


def test_the_bytes_are_the_same_whatever_the_hash_seed_and_the_process(
    process: Callable[..., Any], workplace: Path
) -> None:
    words = ("data=synthetic", "data.count=1500", "data.symbols=[ONE,TWO]", "indicator=core", "model=random_forest")
    found = []
    for seed in ("0", "1", "random"):
        output = f"seed_{seed}"
        outcome = process("run", *words, *FAST["random_forest"], f"output={output}", PYTHONHASHSEED=seed)
        assert outcome.code == 0, outcome.err
        (path,) = workplace.glob(f"{output}/*/metrics.json")
        forecasts = (path.parent / "forecast.parquet").read_bytes()
        config = (path.parent / "config.yaml").read_text().replace(f"output: {output}", "")
        found.append((path.parent.name, path.read_bytes(), forecasts, config))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_gives_the_same_metrics_again(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    words = [*small, f"model={model}", *FAST.get(model, [])]
    if model in CLASSIFIERS:
        words.append("target=direction")
    assert forecastle("run", *words).code == 0
    (path,) = workplace.glob("runs/*/metrics.json")
    before = path.read_bytes(), (path.parent / "forecast.parquet").read_bytes()
    monkeypatch.setattr("forecastle.launch._memory", Memory())
    assert forecastle("run", *small, "model=last_value", "seed=99").code == 0, "something else in between"
    outcome = forecastle("run", *words, "force=true")
    assert outcome.code == 0
    assert "nothing was computed" not in outcome.out
    assert (path.read_bytes(), (path.parent / "forecast.parquet").read_bytes()) == before


def test_the_seed_of_the_environment_is_the_seed_of_the_configuration(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["run", *small, "model=random_forest", *FAST["random_forest"], "data.seed=0"]
    assert forecastle(*words).code == 0
    monkeypatch.setenv("FORECASTLE_SEED", "7")
    assert forecastle(*words).code == 0
    seeds = {
        json.loads(path.read_text())["seed"]: (path.parent / "metrics.json").read_bytes()
        for path in workplace.glob("runs/*/manifest.json")
    }
    assert set(seeds) == {0, 7}
    assert seeds[0] != seeds[7], "the forest draws from the seed"
    assert "nothing was computed" in forecastle(*words).out
    assert "nothing was computed" in forecastle(*words, "seed=0").out


def test_runs_that_share_a_memory_are_those_of_their_own(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    variants = (
        ["horizon=3"], ["model=lasso"], ["indicator=core"], ["target=volatility"], ["season=7"],
        ["seed=3", "data.seed=0"],
    )  # fmt: skip
    for words in variants:
        assert forecastle("run", *otherwise(small, *words), "output=shared").code == 0
    for words in variants:
        monkeypatch.setattr("forecastle.launch._memory", Memory())
        assert forecastle("run", *otherwise(small, *words), "output=alone").code == 0
    scores = [
        {path.parent.name: path.read_bytes() for path in workplace.glob(f"{output}/*/metrics.json")}
        for output in ("shared", "alone")
    ]
    assert len(scores[0]) == len(variants)
    assert scores[0] == scores[1]
