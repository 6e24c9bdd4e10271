"""Which runs are meant by words, and how they are told apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forecastle.errors import ConfigError, RunError
from forecastle.runs.entry import Job
from forecastle.runs.selection import choose
from forecastle.runs.settings import names
from forecastle.runs.store import RunStore
from forecastle.runs.sweep import Limits, SweepRecord

CONFIG = """\
model:
  _target_: x.Model
  estimator: {{alpha: {alpha}}}
horizon: {horizon}
steps: [1, 2]
output: {output}
choices: {{model: {model}, data: sp500}}
"""


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """Three runs, two of them of a sweep."""
    kept = RunStore(tmp_path / "runs")
    for number, (model, alpha, horizon) in enumerate([("ridge", 1.0, 5), ("ridge", 3.0, 5), ("lasso", 1.0, 10)]):
        folder = kept.folder / f"{'abc'[number]}{number:015x}"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps({"created": f"2026-01-0{number + 1}"}))
        (folder / "config.yaml").write_text(CONFIG.format(model=model, alpha=alpha, horizon=horizon, output=number))
    record = SweepRecord(kept.folder, "5eed0001")
    record.begin(["model=ridge,lasso"], 2, Limits())
    record.write(Job(0, ("model=ridge",), f"b{1:015x}"))
    record.write(Job(1, ("model=lasso",), f"c{2:015x}"))
    record.write(Job(2, ("model=bad",), None, error="no"))
    return kept


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], "abc"),
        (["a"], "a"),
        (["c0", "a"], "ac"),
        (["last"], "bc"),
        (["5eed"], "bc"),
        (["model=ridge"], "ab"),
        (["model.estimator.alpha=1.0"], "ac"),
        (["model=ridge", "model.estimator.alpha=3.0"], "b"),
        (["last", "horizon=10"], "c"),
        (["steps=[1,2]", "b"], "b"),
    ],
)
def test_words_name_runs_sweeps_and_settings(store: RunStore, words: list[str], found: str) -> None:
    runs, settings = choose(store, words)
    assert "".join(run.id[0] for run in runs) == found
    assert [run.id for run in runs] == list(settings)


def test_what_names_nothing_is_told(store: RunStore) -> None:
    with pytest.raises(ConfigError, match=r"no run has a setting 'modle'; did you mean 'model'"):
        choose(store, ["modle=ridge"])
    with pytest.raises(RunError, match=r"none of 3 runs has model=mlp \(there model is lasso, ridge\)"):
        choose(store, ["model=mlp"])
    with pytest.raises(RunError, match="no run 'zzz'"):
        choose(store, ["zzz"])
    (store.folder / f"a{0:015x}").rename(store.folder / f"5ee{0:013x}")
    with pytest.raises(RunError, match="'5' begins sweep 5eed0001 and 1 run: 5ee0000000000000"):
        choose(store, ["5"])
    assert len(choose(store, ["5eed0001"])[0]) == 2
    (store.folder / f"5ee{0:013x}").rename(store.folder / f"a{0:015x}")
    (store.folder / f"a{0:015x}" / "config.yaml").write_text("- a list")
    with pytest.raises(RunError, match="a mapping is wanted"):
        choose(store, ["a"])


def test_names_tell_what_differs_and_no_more(store: RunStore) -> None:
    _, settings = choose(store, [])
    assert list(names(settings).values()) == [
        "model=ridge horizon=5 alpha=1.0",
        "model=ridge horizon=5 alpha=3.0",
        "model=lasso horizon=10",
    ]
    _, settings = choose(store, ["model=ridge"])
    assert list(names(settings).values()) == ["alpha=1.0", "alpha=3.0"]
    _, settings = choose(store, ["c"])
    assert list(names(settings).values()) == ["lasso"]


def test_seeds_are_told_where_nothing_else_differs() -> None:
    same = {"model": "ridge", "horizon": 5}
    assert names({"a": {**same, "seed": 1}, "b": {**same, "seed": 2}}) == {"a": "seed=1", "b": "seed=2"}
    both = names({"a": {**same, "seed": 1}, "b": {**same, "seed": 2}, "c": {**same, "horizon": 7, "seed": 1}})
    assert both == {"a": "horizon=5 seed=1", "b": "horizon=5 seed=2", "c": "horizon=7"}
