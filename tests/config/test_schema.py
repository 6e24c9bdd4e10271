"""The root of the configuration: keys, types and identity."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Literal

import pytest

from forecastle.config.annotation import check_type
from forecastle.config.compose import compose
from forecastle.config.schema import PASSIVE, Config, parse
from forecastle.errors import ConfigError
from forecastle.runs.identity import digest


@pytest.fixture(scope="module")
def config() -> Config:
    return compose()


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (3, int),
        (3, float),
        (None, int | None),
        ("skip", Literal["skip", "refuse"]),
        ([0.1, 1], list[float]),
        ([], list[str]),
        ({"a": 1}, dict[str, int]),
        (True, bool),
    ],
)
def test_values_of_the_annotated_type_are_taken(value: object, annotation: object) -> None:
    check_type("key", value, annotation)


@pytest.mark.parametrize(
    ("value", "annotation", "wanted"),
    [
        ("five", int, "int"),
        (True, int, "int"),
        (2.5, int, "int"),
        ("x", float, "float"),
        (None, int, "int"),
        ("both", Literal["skip", "refuse"], "'skip' or 'refuse'"),
        ([1, "a"], list[float], r"list\[float\]"),
        ("abc", list[str], r"list\[str\]"),
        (1, bool, "bool"),
        (1, str | None, "str or null"),
    ],
)
def test_other_types_are_refused_with_key_value_and_what_is_wanted(
    value: object, annotation: object, wanted: str
) -> None:
    with pytest.raises(ConfigError, match=rf"key must be {wanted}, got"):
        check_type("key", value, annotation)


def test_an_unknown_root_key_is_told_with_the_nearest_name(config: Config) -> None:
    with pytest.raises(ConfigError, match="unknown key 'horizn'; did you mean 'horizon'"):
        parse({**asdict(config), "horizn": 3})


def test_a_missing_root_key_is_named(config: Config) -> None:
    node = asdict(config)
    del node["horizon"]
    with pytest.raises(ConfigError, match="'horizon' is missing"):
        parse(node)


@pytest.mark.parametrize("key", ["horizon", "context_length", "season", "threads"])
def test_counts_below_one_are_refused(config: Config, key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key} must be at least 1, got 0"):
        replace(config, **{key: 0})


def test_a_number_of_quantile_levels_stands_for_equal_steps(config: Config) -> None:
    assert replace(config, quantile_levels=3).levels == (0.25, 0.5, 0.75)
    levels = replace(config, quantile_levels=39).levels
    assert {0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975} <= set(levels)


@pytest.mark.parametrize("levels", [0, -3, [], [0.5, 0.5], [0.9, 0.1], [0.0, 0.5], [0.5, 1.0]])
def test_quantile_levels_must_ascend_inside_zero_and_one(config: Config, levels: list[float]) -> None:
    with pytest.raises(ConfigError, match="quantile_levels must ascend"):
        replace(config, quantile_levels=levels)


def test_what_cannot_change_a_number_is_not_in_the_identity(config: Config) -> None:
    other = replace(
        config, tracker={"_target_": "x"}, output="elsewhere", force=True, log_level="DEBUG", sweep="s", choices={}
    )
    assert other.identity == config.identity
    assert not PASSIVE & set(config.identity)


def test_a_path_is_not_in_the_identity_but_the_rest_of_the_data_node_is(config: Config) -> None:
    moved = replace(config, data={**config.data, "path": "elsewhere"})
    other = replace(config, data={**config.data, "name": "nasdaq"})
    assert moved.identity == config.identity
    assert other.identity != config.identity


@pytest.mark.parametrize("group", ["indicator", "transform", "metric"])
def test_the_order_of_members_is_in_the_identity_and_that_of_arguments_is_not(config: Config, group: str) -> None:
    one, two = {"_target_": "a", "x": 1, "y": 2}, {"_target_": "b"}
    first = replace(config, **{group: {"one": one, "two": two}})
    turned = replace(config, **{group: {"two": two, "one": one}})
    same = replace(config, **{group: {"one": dict(reversed(one.items())), "two": two}})
    assert digest(first.identity) != digest(turned.identity)
    assert digest(first.identity) == digest(same.identity)


@pytest.mark.parametrize("key", sorted(set(Config.__dataclass_fields__) - PASSIVE - {"data"}))
def test_every_other_key_is_in_the_identity(config: Config, key: str) -> None:
    assert key in config.identity
