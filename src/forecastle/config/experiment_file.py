"""An experiment file that composes a given configuration: what was chosen, and what was set beside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from forecastle.config.choices import GROUPS, files
from forecastle.config.compose import compose, dump
from forecastle.config.schema import PASSIVE, Config, Node
from forecastle.errors import ConfigError
from forecastle.paths import EXPERIMENTS

SECTIONS = ("quality", "account")
"""Nodes of the root that are no groups."""


def write_experiment(name: str, config: Config, comment: str) -> Path:
    """Write ``conf/experiment/NAME.yaml`` in the current folder, so that ``experiment=NAME`` composes a configuration.

    It names the choices that the configuration remembers and holds what was set beside them. Where a choice is not
    known, or what it brings cannot be turned into what is wanted by setting values, the file holds the whole node, and
    always that of the data, of which some choices are nothing without a path. What cannot change a number (tracker,
    cache, output …) is left to whoever runs it.

    Parameters
    ----------
    name
        Of the experiment.
    config
        What is to be composed.
    comment
        Of the file, one line.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If what the file composes is not the configuration; what lay in its place is there again.
    """
    place = EXPERIMENTS / f"{name}.yaml"
    before = place.read_bytes() if place.is_file() else None
    place.parent.mkdir(parents=True, exist_ok=True)
    known = {group: choice for group, choice in config.choices.items() if group in GROUPS and choice in files(group)}
    try:
        if not (_fits(_write(place, config, _beside(place, config, known, comment), comment), config)):
            whole = {group: getattr(config, group) for group in (*GROUPS, *_sections(config))}
            if not _fits(_write(place, config, ({}, whole), comment), config):
                raise ConfigError(f"conf/ cannot compose this configuration by an experiment file ({place})")
    except BaseException:
        if before is None:
            place.unlink(missing_ok=True)
        else:
            place.write_bytes(before)
        raise
    return place


def _beside(place: Path, config: Config, known: Mapping[str, str], comment: str) -> tuple[dict[str, str], Node]:
    """The choices that are named, and what has to be set beside them."""
    whole = {group: getattr(config, group) for group in GROUPS if group not in known or group == "data"}
    composed = _write(place, config, (known, whole), comment)
    if composed is None:
        return {}, {group: getattr(config, group) for group in (*GROUPS, *_sections(config))}
    named, nodes = dict(known), dict(whole)
    for key in (*known, *_sections(config)):
        wanted = getattr(config, key)
        changes = _changes(getattr(composed, key) or {}, wanted)
        if changes is None:
            named.pop(key, None)
            nodes[key] = wanted
        elif changes:
            nodes[key] = changes
    return named, nodes


def _write(place: Path, config: Config, parts: tuple[Mapping[str, str], Node], comment: str) -> Config | None:
    """Write the file and compose it; None where that is no configuration."""
    choices, nodes = parts
    defaults: Sequence[Node] = [{f"override /{group}": choices.get(group)} for group in GROUPS]
    left_out = {*PASSIVE, *GROUPS, *SECTIONS}
    values = {key: getattr(config, key) for key in Config.__dataclass_fields__ if key not in left_out}
    if config.allowed_targets:
        values["allowed_targets"] = config.allowed_targets
    body = {"defaults": list(defaults), "experiment": place.stem, **values, **nodes}
    place.write_text(f"# @package _global_\n# {comment}\n{dump(body)}", encoding="utf-8")
    try:
        return compose([f"experiment={place.stem}"])
    except ConfigError:
        return None


def _sections(config: Config) -> tuple[str, ...]:
    return SECTIONS if config.policy else SECTIONS[:1]


def _fits(composed: Config | None, config: Config) -> bool:
    """Whether a configuration is the one that is wanted, in all that can change a number and in where the bars lie."""
    return composed is not None and all(
        _text(one) == _text(other)
        for one, other in ((composed.identity, config.identity), (composed.data, config.data))
    )


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Node | None:
    """What has to be merged into a node to make another of it; None where merging cannot."""
    if set(old) - set(new):
        return None
    found: Node = {}
    for key, value in new.items():
        if isinstance(value, Mapping) and isinstance(old.get(key), Mapping):
            inner = _changes(old[key], value)
            if inner is None:
                return None
            if inner:
                found[key] = inner
        elif key not in old or _text(old[key]) != _text(value):
            found[key] = value
    return found


def _text(value: Any) -> str:
    """A value so that 1, 1.0 and true differ, as they do in an identity."""
    return json.dumps(value, sort_keys=True)
