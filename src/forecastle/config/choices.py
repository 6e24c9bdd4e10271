"""Which files of conf/ a resolved configuration was chosen from: recognised by what they hold, for people to read.

DVC composes without telling the names of what was chosen. Nothing that is computed depends on the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from forecastle.config.compose import conf_folder
from forecastle.config.schema import MANY, Config, Node

GROUPS = ("data", "indicator", "target", "split", "transform", "model", "conformal", "metric", "policy")
"""Groups whose choice can change a number."""


def recognise(config: Config) -> dict[str, str]:
    """The file of each group that the configuration was most likely chosen from; groups that none fits are left out.

    A file fits where it names the same targets at the same places; of several, the one from which fewest values differ.
    In the groups of many it has to hold the same members.
    """
    found = {group: _closest(group, getattr(config, group)) for group in GROUPS if getattr(config, group)}
    return {group: name for group, name in found.items() if name is not None}


def _closest(group: str, node: Node) -> str | None:
    distances = {name: _distance(_body(group, name, path), node, group) for name, path in files(group).items()}
    fitting = {name: distance for name, distance in distances.items() if distance is not None}
    return min(fitting, key=lambda name: (fitting[name], name)) if fitting else None


def files(group: str) -> dict[str, Path]:
    """The files of a group by name, the user's own before ours."""
    places = (conf_folder(), Path("conf"))
    return {path.stem: path for place in places for path in sorted((place / group).glob("*.yaml"))}


def _body(group: str, name: str, path: Path) -> Node:
    """What a file holds of its group, with the files of the same group that it takes in."""
    text = path.read_text(encoding="utf-8")
    raw = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
    taken = [each for each in raw.pop("defaults", []) if isinstance(each, str) and each not in ("_self_", name)]
    own = raw.get(group, {}) if "@package _global_" in text else raw
    there = files(group)
    members = [_body(group, each, there[each]) for each in taken if each in there]
    return {key: value for body in (*members, own) for key, value in body.items()}


def _distance(body: Node, node: Node, group: str) -> int | None:
    """How many values differ; None where the file does not fit."""
    if group in MANY and set(body) != set(node):
        return None
    ours, theirs = dict(_leaves(body)), dict(_leaves(node))
    targets = {key: value for key, value in ours.items() if key.rpartition(".")[2] == "_target_"}
    if not targets or any(theirs.get(key) != value for key, value in targets.items()):
        return None
    told = {key: value for key, value in ours.items() if not (isinstance(value, str) and "${" in value)}
    return sum(1 for key, value in told.items() if theirs.get(key) != value)


def _leaves(node: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            found += _leaves(value, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", value))
    return found
