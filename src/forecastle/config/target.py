"""``_target_`` nodes: which objects a configuration may name, whether its arguments fit, and building them.

A configuration is code: it names what is imported and called. So a target must lie under a known prefix, the object
that is found must itself be defined under one (``sklearn.datasets._base.os.system`` is not), must be a class, and must
offer what its role wants. All of that is checked for every node before any work starts.
"""

from __future__ import annotations

import inspect
import pickle
import typing
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from forecastle.config.annotation import check_type
from forecastle.config.importing import PREFIXES, imported, locate, open_project
from forecastle.config.schema import MANY, Config, Node
from forecastle.errors import ConfigError, ForecastleError, TargetError, nearest

ROLES: dict[str, tuple[str, ...]] = {
    "data": ("history", "recent", "fingerprint"),
    "indicator": ("compute",),
    "target": ("compute", "spread", "random_walk", "history", "carried"),
    "split": ("split",),
    "transform": ("fit", "apply", "state", "restore", "report"),
    "model": ("history", "fit", "predict", "save", "load"),
    "conformal": ("fit", "correct", "save", "load"),
    "metric": ("applies", "score", "by_step", "pointwise"),
    "policy": ("positions",),
    "tracker": ("start", "log", "finish"),
    "cache": ("frame",),
}
"""Methods that the object of each group must have."""

OPTIONAL = ("conformal", "policy")
"""Groups of which none may be chosen: their node is empty then."""

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "indicator": ("warmup", "columns", "needs", "tolerance"),
    "target": ("name", "unit", "classes", "lower"),
    "metric": ("name", "unit", "direction", "classes"),
    "policy": ("step", "limits", "hysteresis"),
}
"""What the object of a group must have beside its methods, once it is built."""

TIMEFRAMES = "timeframes"
"""What the node of any indicator may hold beside the arguments of its target."""

DIRECTIVES = frozenset({"_target_", "_partial_"})


def check_targets(config: Config) -> None:
    """Check every ``_target_`` node of the configuration.

    Raises
    ------
    TargetError
        If a target is not allowed, cannot be found, or is not what its group wants.
    ConfigError
        If an argument is unknown, missing or of the wrong type.
    """
    for group in ROLES:
        check_group(config, group)
    allowed = (*PREFIXES, *config.allowed_targets)
    _checked("quality", pickle.dumps(config.quality), allowed, ())
    if config.policy:
        _checked("account", pickle.dumps(config.account), allowed, ())


def check_group(config: Config, group: str) -> None:
    """Check the nodes of one group; see `check_targets`."""
    if config.allowed_targets:
        open_project(Path.cwd())
    allowed = (*PREFIXES, *config.allowed_targets)
    node = getattr(config, group)
    if group in OPTIONAL and not node:
        return
    if group == "policy" and "_target_" not in node:
        key = f"policy.{next(iter(node))}"
        raise ConfigError(f"{key}: nothing is traded; choose a policy beside it, say policy=sign")
    members = node.items() if group in MANY else [("", node)]
    for name, member in members:
        key = f"{group}.{name}" if name else group
        if not isinstance(member, Mapping) or "_target_" not in member:
            raise ConfigError(f"{key}: a node with _target_ is wanted, got {member!r}")
        plain = _plain(key, member) if group == "indicator" else member
        _checked(key, pickle.dumps(plain), allowed, ROLES[group])


def _plain(key: str, node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node of an indicator without its timeframes, which are checked here."""
    if TIMEFRAMES in node:
        check_type(f"{key}.{TIMEFRAMES}", node[TIMEFRAMES], list[str])
    return {argument: value for argument, value in node.items() if argument != TIMEFRAMES}


def build(node: Node, key: str = "") -> Any:
    """Build the object that a checked node names; nested nodes first, ``_partial_: true`` gives a factory.

    (Hydra's own `instantiate` does the same in .7 ms a node, which a run pays fifty times.)

    Parameters
    ----------
    node
        A ``_target_`` node that `check_targets` has passed.
    key
        Where it stands in the configuration, for messages.

    Raises
    ------
    ConfigError
        If a constructor refuses a value, or the object lacks what its group wants; the message says which and why.
    """
    built: Any = _built(node, key)
    group = key.partition(".")[0]
    lacking = [name for name in ATTRIBUTES.get(group, ()) if not hasattr(built, name)]
    if lacking:
        raise TargetError(f"{key}: _target_ {node['_target_']!r} is no {group}: it has no {', '.join(lacking)}")
    return built


def _built(value: Any, key: str) -> Any:
    if isinstance(value, (list, tuple)):
        return [_built(each, key) for each in value]
    if not isinstance(value, Mapping):
        return value
    arguments = {name: _built(each, key) for name, each in value.items() if name not in DIRECTIVES}
    if "_target_" not in value:
        return arguments
    name = value["_target_"]
    found = imported(name)
    if value.get("_partial_") is True:
        return partial(found, **arguments)
    where = f"{key}: " if key else ""
    try:
        return found(**arguments)
    except ForecastleError as error:
        raise type(error)(f"{where}{error}") from error
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}{name} cannot be built: {error}") from error


def target_modules(config: Config) -> tuple[str, ...]:
    """Modules outside the built-in prefixes that the configuration names, sorted: the user's own code."""
    found = {name for name in target_names(config) if not name.startswith(PREFIXES)}
    return tuple(sorted({locate(name, tuple(config.allowed_targets)).__module__ for name in found}))


def defining_modules(node: Any) -> tuple[str, ...]:
    """Modules that define what a checked node and the nodes in it build, sorted, each once."""
    return tuple(sorted({imported(name).__module__ for name in _names(node)}))


def target_names(config: Config) -> tuple[str, ...]:
    """Every ``_target_`` that can change a number, sorted, each once."""
    return tuple(sorted(set(_names(config.settings))))


def _names(node: Any) -> Iterable[str]:
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield node["_target_"]
        for value in node.values():
            yield from _names(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _names(value)


@lru_cache(maxsize=512)
def _signature(found: Any) -> tuple[Mapping[str, inspect.Parameter], Mapping[str, Any]]:
    parameters = inspect.signature(found).parameters
    try:
        hints = typing.get_type_hints(found.__init__ if inspect.isclass(found) else found)
    except (NameError, TypeError):
        hints = {}
    return parameters, hints


@lru_cache(maxsize=1024)
def _checked(key: str, node: bytes, allowed: tuple[str, ...], methods: tuple[str, ...]) -> None:
    """Check a pickled node once in a process: most are the same for all runs of a sweep."""
    _check(key, pickle.loads(node), allowed, methods)


def _check(key: str, node: Mapping[str, Any], allowed: tuple[str, ...], methods: tuple[str, ...]) -> None:
    name = node["_target_"]
    try:
        found = locate(name, allowed)
    except TargetError as error:
        raise TargetError(f"{key}: {error}") from error
    factory = node.get("_partial_") is True
    if not inspect.isclass(found) and not factory:
        raise TargetError(f"{key}: _target_ {name!r} must be a class, got {type(found).__name__}")
    group = key.partition(".")[0]
    lacking = [method for method in methods if not callable(getattr(found, method, None))]
    if lacking:
        raise TargetError(f"{key}: _target_ {name!r} is no {group}: it has no {', '.join(lacking)}()")
    if name.startswith("sklearn.") and not hasattr(found, "get_params"):
        raise TargetError(f"{key}: _target_ {name!r} is no scikit-learn estimator")
    _check_arguments(key, node, found, factory=factory)
    for argument, value in node.items():
        for path, nested in _nested(f"{key}.{argument}", value):
            _check(path, nested, allowed, ())


def _check_arguments(key: str, node: Mapping[str, Any], found: Any, *, factory: bool) -> None:
    parameters, hints = _signature(found)
    names = [name for name, item in parameters.items() if item.kind not in (item.VAR_KEYWORD, item.VAR_POSITIONAL)]
    if hasattr(found, "accepts"):
        names = [*names, *found.accepts(node)]
    elif any(item.kind is item.VAR_KEYWORD for item in parameters.values()):
        names = [*names, *node]
    given = [argument for argument in node if argument not in DIRECTIVES]
    for argument in given:
        if argument not in names:
            known = ", ".join(names) or "none"
            raise ConfigError(f"{key}: unknown argument {argument!r}{nearest(argument, names)} (allowed: {known})")
        if node[argument] == "???":
            raise ConfigError(f"{key}.{argument} must be given: write {key}.{argument}=…")
        if argument in hints and not (isinstance(node[argument], Mapping) and "_target_" in node[argument]):
            check_type(f"{key}.{argument}", node[argument], hints[argument])
    for argument, item in parameters.items():
        required = item.default is item.empty and item.kind in (item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY)
        if required and argument not in node and not factory:
            raise ConfigError(f"{key}.{argument} must be given: write {key}.{argument}=…")


def _nested(key: str, value: Any) -> Iterable[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield key, value
        else:
            for name, each in value.items():
                yield from _nested(f"{key}.{name}", each)
    elif isinstance(value, (list, tuple)):
        for number, each in enumerate(value):
            yield from _nested(f"{key}.{number}", each)
