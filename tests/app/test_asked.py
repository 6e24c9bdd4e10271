"""What is asked for by one run, by a sweep and by a search: what would be passed over is refused, with what to add."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
RIDGE = ["model.estimator.alpha=3", "model.lags=2", "model.calibration=0.25"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["experiment=search_ridge"], "add -m hydra/sweeper=optuna, right after `forecastle run`, or give each of"),
        (["experiment=search_ridge", *RIDGE[:2]], "holds a search space (model.calibration), which nothing searches"),
        (["search=mine"], "search=mine holds a search space (model.lags), which nothing searches here: add -m hydra"),
        (["search=empty"], "search=empty: conf/search/empty.yaml is empty; lines KEY: RANGE are wanted"),
        (["hydra/sweeper=optuna"], "hydra/sweeper=optuna is for many runs, and one alone is asked for: add -m"),
        (["hydra/sweeper=optuna", "experiment=search_ridge"], "add -m, right after `forecastle run`"),
        (["hydra.sweeper.n_trials=3"], "add -m, right after `forecastle run`"),
        (["hydra/launcher=joblib"], "hydra/launcher=joblib is for many runs, and one alone is asked for: add -m"),
        (["-m", "experiment=search_ridge"], "which nothing searches here: add hydra/sweeper=optuna, or give each"),
        (["-m", "experiment=search_ridge,search_lasso"], "experiment=search_ridge holds a search space (model.esti"),
        (["-m", "experiment=search_ridge", *RIDGE[:1], "horizon=1,2"], "(model.lags, model.calibration)"),
        (["-m", "search=mine", "model=ridge,lasso"], "search=mine holds a search space (model.lags)"),
        (["-m", "search=empty"], "search=empty: conf/search/empty.yaml is empty"),
        (["-m", "hydra/sweeper=optuna", "search=empty"], "search=empty: conf/search/empty.yaml is empty"),
        (["-m", "hydra.sweeper.n_trials=3"], "it is one of a search, so add hydra/sweeper=optuna"),
        (["-m", "hydra/sweeper=optina"], "hydra/sweeper: no choice 'optina'; did you mean 'optuna'? (there are: bas"),
        (["-m", "season=interval(0,1)"], "has no end of values: hydra/sweeper=optuna searches it"),
        (["model=ridge,lasso"], "model=ridge,lasso is several values, one is wanted: `forecastle run -m` runs each of"),
        (["season=2,3"], "`forecastle run -m` runs each of them, and season=[2,3] is a list"),
        (["season=interval(0,1)"], "one value is wanted: `forecastle run -m hydra/sweeper=optuna` searches it"),
        (["season=range(1,3)"], "one value is wanted: `forecastle run -m` runs each of its values"),
        (["season="], "season= has no value: one is wanted behind it, and null where there is to be none"),
        (["-m", "model=", "season=1,2"], "model= has no value"),
        (["n_trials=3"], "unknown key 'n_trials'; did you mean 'hydra.sweeper.n_trials'?"),
        (["-m", "sampler=tpe", "season=1,2"], "unknown key 'sampler'; did you mean 'hydra.sweeper.sampler'?"),
        (["-m", "launcher=joblib", "season=1,2"], "unknown key 'launcher'; did you mean 'hydra/launcher'?"),
        (["conformal=null"], "conformal=null names no file of conf/conformal: ~conformal leaves the group out"),
        (["-m", "model=null,ridge"], "model=null,ridge names no file of conf/model: ~model leaves the group out"),
        (["-m", "hydra/sweeper=basic", "experiment=search_ridge"], "which nothing searches here: add hydra/sweeper"),
        (["-m", "hydra/sweeper=optuna", "search=nested"], "each is written whole, as in 'model.lags: choice(1, 2)'"),
        (
            ["-m", "hydra/sweeper=optuna", "search=listed"],
            "search/listed.yaml of conf/ holds a list, and lines KEY: VAL",
        ),
        (["-m", "hydra/sweeper=optuna", "experiment=nothing"], "nothing to search: a range is wanted"),
    ],
)
def test_what_would_be_passed_over_is_refused_with_what_to_add(
    forecastle: Command, small: list[str], workplace: Path, words: list[str], message: str
) -> None:
    folder = workplace / "conf" / "search"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("model.lags: choice(1, 2, 5)\n")
    (folder / "empty.yaml").touch()
    (folder / "nested.yaml").write_text("model:\n  lags: choice(1, 2)\n")
    (folder / "listed.yaml").write_text("- model.lags: choice(1, 2)\n")
    (workplace / "conf" / "experiment").mkdir()
    (workplace / "conf" / "experiment" / "nothing.yaml").write_text("# @package _global_\nsearch: null\n")
    refused = forecastle("run", *words[: words[0] == "-m"], *small, *words[words[0] == "-m" :])
    assert refused.code == 2, refused.out + refused.err
    assert message in refused.err
    assert refused.err.count("\n") == 1
    assert not list(Path().glob("runs/*/manifest.json")), "nothing was run"
    assert not Path("runs/looks.jsonl").exists()
    assert not list(Path().glob("runs/sweeps/*/sweep.json")), "no sweep was begun"


def test_a_trial_is_run_by_itself_where_each_key_of_its_space_has_a_value(
    forecastle: Command, small: list[str]
) -> None:
    assert forecastle("run", *small, "experiment=search_ridge", *RIDGE).code == 0
    swept = forecastle("run", "-m", *small, "experiment=search_ridge", *RIDGE[1:], "model.estimator.alpha=3,4")
    assert swept.code == 0, swept.err
    assert "2 runs, 1 computed, 1 reused" in swept.out


def test_a_flag_that_shows_something_runs_nothing_and_is_let_be(forecastle: Command, small: list[str]) -> None:
    assert forecastle("run", *small, "hydra/sweeper=optuna", "experiment=search_ridge", "--cfg", "job").code == 0
