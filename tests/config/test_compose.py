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
        ("horizon=five", r"horizon must be int, got 'five'"),
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
