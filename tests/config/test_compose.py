"""Composition: every shipped choice composes and is checked; Hydra's errors are told in one line of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from forecastle.config.compose import compose, conf_folder
from forecastle.config.target import ROLES
from forecastle.errors import ConfigError

CHOICES = sorted(path for group in ROLES for path in (conf_folder() / group).glob("*.yaml"))
CLASSES = {"logistic", "random_forest_classifier"}


MANDATORY = {"path": "prices.file", "bid": "bid.file", "timezone": "UTC", "point": "0.01"}


def asked(node: dict[str, Any], key: str) -> Iterator[str]:
    """Keys of the values that a choice leaves to its user (``???``)."""
    for name, value in node.items():
        if value == "???":
            yield f"{key}.{name}"
        elif isinstance(value, dict):
            yield from asked(value, f"{key}.{name}")


@pytest.mark.parametrize("path", CHOICES, ids=lambda path: f"{path.parent.name}={path.stem}")
def test_every_shipped_choice_composes_and_passes_every_check(path: Path) -> None:
    overrides = [f"{path.parent.name}={path.stem}"]
    for key in asked(yaml.safe_load(path.read_text(encoding="utf-8")), path.parent.name):
        overrides.append(f"{key}={MANDATORY[key.rpartition('.')[2]]}")
    config = compose(overrides)
    assert config.choices[path.parent.name] == path.stem


def test_several_choices_of_one_group_compose_into_one_node() -> None:
    config = compose(["indicator=[rsi,log_return]", "indicator.rsi.timeperiod=21"])
    assert set(config.indicator) == {"rsi", "log_return"}
    assert config.indicator["rsi"]["timeperiod"] == 21


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model=rigde", r"model: no choice 'rigde'; did you mean 'ridge'\? \(there are: .*ridge"),
        ("modle=ridge", r"unknown key 'modle'; did you mean 'model'"),
        ("horizn=3", r"unknown key 'horizn'; did you mean 'horizon'"),
        ("+typo=1", r"unknown key 'typo'"),
        ("model.estimator.alhpa=3", r"'model.estimator.alhpa'; did you mean 'alpha'\? \(there are: alpha, "),
        ("indicator.rsi.timeperoid=3", r"'indicator.rsi.timeperoid'; did you mean 'timeperiod'"),
        ("model.estimator.alpha.x=3", r"unknown key 'model.estimator.alpha.x'"),
        ("+model.estimator.alhpa=3", r"unknown argument 'alhpa'; did you mean 'alpha'"),
        ("horizon=five", r"horizon must be int or list\[int\], got 'five'"),
        ("horizon=0", r"horizon must be at least 1, got 0"),
        ("missing_inputs=maybe", r"missing_inputs must be 'skip' or 'refuse', got 'maybe'"),
        ("horizon=[1", r"."),
    ],
)
def test_a_mistake_is_told_in_one_line_with_the_nearest_name(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        compose([override])
    assert "\n" not in str(caught.value)


def test_each_choice_is_named_once_where_ones_own_conf_is_the_shipped_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(conf_folder().parent)
    with pytest.raises(ConfigError) as caught:
        compose(["model=rigde"])
    assert str(caught.value).count("lasso") == 1


def test_the_seed_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECASTLE_SEED", "7")
    assert compose().seed == 7


def test_a_users_conf_is_searched_before_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "model" / "svr.yaml").write_text(
        "_target_: forecastle.models.estimator.SklearnForecaster\nestimator:\n  _target_: sklearn.svm.SVR\n  C: 2.0\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    config = compose(["model=svr"])
    assert config.model["estimator"]["C"] == 2.0
    assert config.name("model") == "svr"


def test_a_typo_inside_an_experiment_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "conf" / "experiment"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("# @package _global_\nhorizn: 3\n", encoding="utf-8")
    (folder / "other.yaml").write_text("# @package _global_\ndefaults:\n  - override /model: rigde\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="unknown key 'horizn'; did you mean 'horizon'"):
        compose(["experiment=mine"])
    with pytest.raises(ConfigError, match="model: no choice 'rigde'; did you mean 'ridge'"):
        compose(["experiment=other"])


@pytest.mark.parametrize("text", ["horizon: 3\n", "", "defaults:\n  - override /model: lasso\nhorizon: 3\n"])
def test_an_experiment_file_without_its_first_line_is_told_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    folder = tmp_path / "conf" / "experiment"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^experiment file( mine)?: begin it with '# @package _global_'"):
        compose(["experiment=mine"])
    (folder / "mine.yaml").write_text(f"# @package _global_\n{text}")
    assert compose(["experiment=mine"]).horizon == (3 if text else compose().horizon)


def test_a_text_in_place_of_a_list_of_overrides_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"a list of overrides is wanted, such as \['model=ridge'\], got a text"):
        compose("model=ridge")


@pytest.mark.parametrize("group", ["indicator", "metric"])
def test_choosing_none_of_a_group_that_cannot_be_empty_is_told(group: str) -> None:
    with pytest.raises(ConfigError, match=f"^{group}: at least one is wanted, got none"):
        compose([f"{group}=[]"])


@pytest.mark.parametrize("override", ["horizn=3", "+horizn=3"])
def test_the_keys_that_are_offered_are_those_that_a_user_may_set(override: str) -> None:
    with pytest.raises(ConfigError, match=r"horizon.*quantile_levels") as caught:
        compose([override])
    assert "choices" not in str(caught.value)
