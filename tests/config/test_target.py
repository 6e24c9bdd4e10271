"""What a ``_target_`` may name."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forecastle.config.compose import compose
from forecastle.config.importing import imported
from forecastle.config.schema import Config
from forecastle.config.target import build, check_targets, target_modules, target_names
from forecastle.errors import ConfigError, MissingExtraError, TargetError


@pytest.fixture(scope="module")
def config() -> Config:
    return compose()


def with_estimator(config: Config, node: dict[str, Any]) -> Config:
    return replace(config, model={**config.model, "estimator": node})


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "sklearn",
        "forecastle",
        "sklearnx.linear_model.Ridge",
    ],
)
def test_targets_outside_the_allowed_prefixes_are_refused(config: Config, name: str) -> None:
    with pytest.raises(TargetError, match="is not allowed"):
        check_targets(with_estimator(config, {"_target_": name}))


@pytest.mark.parametrize(
    "name",
    ["sklearn.datasets._base.os.system", "sklearn.utils.fixes.np.load", "forecastle.pipeline.np.save"],
)
def test_a_path_that_walks_out_of_an_allowed_prefix_is_refused(config: Config, name: str) -> None:
    with pytest.raises(TargetError, match=r"it leads to|must be a class"):
        check_targets(with_estimator(config, {"_target_": name}))


def test_a_function_is_no_target(config: Config) -> None:
    with pytest.raises(TargetError, match="must be a class, got function"):
        check_targets(with_estimator(config, {"_target_": "sklearn.datasets.fetch_openml"}))


def test_a_class_of_scikit_learn_that_is_no_estimator_is_refused(config: Config) -> None:
    with pytest.raises(TargetError, match="is no scikit-learn estimator"):
        check_targets(with_estimator(config, {"_target_": "sklearn.utils.Bunch"}))


def test_a_class_in_the_wrong_group_is_refused(config: Config) -> None:
    with pytest.raises(TargetError, match="is no model: it has no fit"):
        check_targets(replace(config, model=config.target))


def test_a_mistyped_class_is_told_with_the_nearest_name(config: Config) -> None:
    with pytest.raises(TargetError, match="no 'Rigde' there; did you mean 'Ridge'"):
        check_targets(with_estimator(config, {"_target_": "sklearn.linear_model.Rigde"}))


def test_a_mistyped_argument_is_told_with_its_key_and_the_nearest_name(config: Config) -> None:
    with pytest.raises(ConfigError, match=r"model.estimator: unknown argument 'alhpa'; did you mean 'alpha'"):
        check_targets(with_estimator(config, {"_target_": "sklearn.linear_model.Ridge", "alhpa": 1.0}))


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("catboost", "catboost.CatBoostRegressor"),
        ("catboost", "forecastle.models.boosting.catboost.CatBoost"),
    ],
)
def test_a_package_that_is_not_installed_is_named_with_its_extra(
    config: Config, monkeypatch: pytest.MonkeyPatch, module: str, target: str
) -> None:
    monkeypatch.delitem(sys.modules, "forecastle.models.boosting.catboost", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    imported.cache_clear()
    with pytest.raises(
        MissingExtraError, match=rf"'{module}', which is not installed: pip install 'forecastle\[boost\]'"
    ):
        check_targets(with_estimator(config, {"_target_": target}))


def test_an_argument_of_the_wrong_type_is_refused_before_anything_is_built(config: Config) -> None:
    with pytest.raises(ConfigError, match=r"model.lags must be int, got 'many'"):
        check_targets(replace(config, model={**config.model, "lags": "many"}))


def test_a_mandatory_value_that_was_not_given_is_asked_for(config: Config) -> None:
    with pytest.raises(ConfigError, match=r"model.estimator must be given"):
        check_targets(replace(config, model={**config.model, "estimator": "???"}))


def test_a_users_own_module_may_be_named_when_its_prefix_is_listed(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_models.py").write_text(
        "from sklearn.linear_model import Ridge\n\n\nclass Mine(Ridge):\n    pass\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    node = {"_target_": "my_models.Mine", "alpha": 2.0}
    with pytest.raises(TargetError, match="not allowed"):
        check_targets(with_estimator(config, node))
    mine = replace(with_estimator(config, node), allowed_targets=["my_models."])
    check_targets(mine)
    assert target_modules(mine) == ("my_models",)
    assert "my_models.Mine" in target_names(mine)
    assert build(node).alpha == 2.0


def test_a_constructor_that_refuses_a_value_is_told_in_our_words(config: Config) -> None:
    with pytest.raises(ConfigError, match=r"quality\.types must be one of"):
        build({**config.quality, "types": "repiar"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\n\nclass Mine(:\n", r"SyntaxError: invalid syntax \(broken_model\.py, line 3\)$"),
        ("x = 1\ny = z\n", r"NameError: name 'z' is not defined \(broken_model\.py, line 2\)$"),
        ("\nfrom math import no_such\n", r"ImportError: cannot import name 'no_such' .*\(broken_model\.py, line 2\)$"),
    ],
)
def test_a_users_own_module_that_cannot_be_imported_is_told_with_file_and_line(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    (tmp_path / "broken_model.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    mine = replace(with_estimator(config, {"_target_": "broken_model.Mine"}), allowed_targets=["broken_model."])
    with pytest.raises(TargetError, match=rf"^model\.estimator: .*broken_model cannot be imported: {told}") as caught:
        check_targets(mine)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("package", "how"), [("torch", ": pip install 'forecastle[neural]'"), ("no_such_package", "")])
def test_the_extra_that_brings_a_missing_package_is_named(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, how: str
) -> None:
    (tmp_path / "needy_model.py").write_text(f"import {package}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, package, None)
    mine = replace(with_estimator(config, {"_target_": "needy_model.Mine"}), allowed_targets=["needy_model."])
    with pytest.raises(MissingExtraError) as caught:
        check_targets(mine)
    assert str(caught.value).endswith(f"needs the package {package!r}, which is not installed{how}")


@pytest.mark.parametrize(
    ("key", "lacking"),
    [
        ("indicator.mine", "indicator: it has no warmup, columns, needs, tolerance"),
        ("target", "target: it has no name, unit, classes, lower"),
        ("metric.mine", "metric: it has no name, unit, direction, classes"),
    ],
)
def test_an_object_that_lacks_an_attribute_of_its_group_is_refused(key: str, lacking: str) -> None:
    with pytest.raises(TargetError, match=f"{key}: _target_ 'sklearn.linear_model.Ridge' is no {lacking}$"):
        build({"_target_": "sklearn.linear_model.Ridge"}, key)
