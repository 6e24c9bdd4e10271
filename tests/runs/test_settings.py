"""Settings of runs, and which of them vary."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from forecastle.errors import RunError
from forecastle.runs.settings import names, settings_of, short, varied
from forecastle.runs.store import Run

WRITTEN = """\
model:
  _target_: x.Model
  estimator:
    alpha: 1.0
    words: 'a long text
      in two lines'
steps:
- 1
- 2
horizon: 5
metric: {}
choices:
  model: ridge
"""


def kept(folder: Path, text: str) -> Run:
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return Run("a", folder)


def test_settings_are_flat_and_choices_stand_for_their_groups(tmp_path: Path) -> None:
    settings = settings_of(kept(tmp_path, WRITTEN))
    assert settings == {
        "model": "ridge",
        "model._target_": "x.Model",
        "model.estimator.alpha": 1.0,
        "model.estimator.words": "a long text in two lines",
        "steps": [1, 2],
        "horizon": 5,
        "metric": {},
    }
    assert next(iter(settings)) == "model"


@pytest.mark.parametrize(
    "text",
    [
        "name: 'one\n\n  two'\nhorizon: 5\n",
        "a: &x [1, 2]\nb: *x\n",
        "text: |\n  one\n  two\n\nhorizon: 5\n",
        "# said by hand\nhorizon: 5 # more\n\nsteps: [1,\n2]\n",
        'quoted: "one\ntwo: three"\nhorizon: 1\n',
    ],
)
def test_a_configuration_read_by_sections_is_that_of_the_whole(tmp_path: Path, text: str) -> None:
    assert settings_of(kept(tmp_path, text)) == yaml.safe_load(text)


@pytest.mark.parametrize("text", ["- a list", "horizon: [1", "", "word", "horizon: 5\nword\n"])
def test_what_is_no_mapping_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(RunError, match=r"config\.yaml"):
        settings_of(kept(tmp_path, text))


def test_what_one_run_holds_does_not_reach_another(tmp_path: Path) -> None:
    first = settings_of(kept(tmp_path, WRITTEN))
    first["horizon"] = 9
    assert settings_of(kept(tmp_path, WRITTEN))["horizon"] == 5


def test_a_setting_that_its_choice_brings_is_not_told() -> None:
    ridge = {"model": "ridge", "model.alpha": 1.0, "model.fast": True}
    lasso = {"model": "lasso", "model.alpha": 0.1, "output": "elsewhere"}
    assert varied({"a": ridge, "b": lasso}) == ["model"]
    assert varied({"a": ridge, "b": lasso, "c": {**lasso, "model.alpha": 0.2}}) == ["model", "model.alpha"]


def test_keys_that_always_agree_are_told_once_by_the_one_nearest_to_the_root() -> None:
    runs = {str(seed): {"model.estimator.random_state": seed, "seed": seed, "horizon": 5} for seed in range(3)}
    assert varied(runs) == ["seed"]
    assert varied({"0": runs["0"]}) == []


def test_choices_that_go_together_are_both_told_but_not_those_of_a_model() -> None:
    runs = {
        "a": {"model": "ridge", "indicator": "core", "trainer": "none"},
        "b": {"model": "mlp", "indicator": "minimal", "trainer": "epochs"},
    }
    assert varied(runs) == ["model", "indicator"]
    assert varied({**runs, "c": {**runs["b"], "trainer": "long"}}) == ["model", "indicator", "trainer"]


def test_a_name_leaves_out_what_is_the_same_in_all_runs_of_its_choice() -> None:
    ridge = {"model": "ridge", "model.estimator.alpha": 1.0}
    mlp = {"model": "mlp", "model.estimator.alpha": 9.0, "seed": 1}
    runs = {"a": ridge, "b": {**ridge, "model.estimator.alpha": 2.0}, "c": mlp, "d": {**mlp, "seed": 2}}
    assert list(names(runs).values()) == [
        "model=ridge alpha=1.0",
        "model=ridge alpha=2.0",
        "model=mlp seed=1",
        "model=mlp seed=2",
    ]


def test_a_key_of_the_root_keeps_its_name_beside_a_longer_one() -> None:
    assert short(["seed", "model.seed", "model.alpha"]) == {
        "seed": "seed",
        "model.seed": "model.seed",
        "model.alpha": "alpha",
    }


WORDS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(".".join)


@given(st.lists(WORDS, unique=True, max_size=8))
def test_short_keys_are_endings_that_tell_all_apart(keys: list[str]) -> None:
    found = short(keys)
    assert list(found) == keys
    assert len(set(found.values())) == len(keys)
    assert all(f".{key}".endswith(f".{last}") for key, last in found.items())
