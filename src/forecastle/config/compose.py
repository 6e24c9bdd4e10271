"""Composing: where conf/ lies, Hydra's composition, and its errors in one line of our own."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from forecastle.config.override import misread, no_choice, refused
from forecastle.config.schema import KEYS, Config, Node, parse
from forecastle.config.target import check_targets
from forecastle.errors import ConfigError, nearest

ROOT = "config"
"""Name of the root file in conf/."""

PARTS = ("trainer", "callback")
"""Groups that a model brings in and holds inside its own node, by interpolation; the root does without them."""


def conf_folder() -> Path:
    """Folder of our own conf/: beside src/ in a checkout, inside the package after an installation."""
    package = Path(str(files("forecastle")))
    checkout = package.parent.parent / "conf"
    return checkout if (checkout / f"{ROOT}.yaml").is_file() else package / "conf"


def compose(overrides: Sequence[str] = ()) -> Config:
    """Compose conf/ with Hydra overrides, from Python; the command line composes the same way.

    Parameters
    ----------
    overrides
        As on the command line: ``["model=ridge", "model.estimator.alpha=10"]``.

    Raises
    ------
    ConfigError
        For anything that cannot be composed or does not fit the schema.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    if isinstance(overrides, str):
        raise ConfigError(f"a list of overrides is wanted, such as {[overrides]}, got a text")
    overrides = opened(overrides)
    try:
        with initialize_config_dir(str(conf_folder()), version_base="1.3"):
            composed = hydra_compose(ROOT, list(overrides), return_hydra_config=True)
            return validate(composed, choices(composed.hydra.runtime.choices))
    except Exception as error:
        raise explain(error) from error


def opened(overrides: Sequence[str]) -> list[str]:
    """Overrides that need no plus although the default configuration does not hold their key.

    These are ``indicator.NAME.timeframes=…``, which no file in conf/ holds, and ``policy.KEY=…``, whose node is null
    until a policy is chosen, in a sweep by each job.

    Raises
    ------
    ConfigError
        If one key is set twice: Hydra would take the last one without a word; or one has no value that it can have.
    """
    first: dict[str, str] = {}
    for word in overrides:
        key = word.partition("=")[0].lstrip("+")
        if "=" not in word or word.startswith(("-", "~")) or word.endswith("=???"):  # asks to be set
            continue
        value = word.partition("=")[2]
        if not value:
            raise ConfigError(f"{word} has no value: one is wanted behind it, and null where there is to be none")
        if "null" in value.split(",") and key in all_choices():
            raise ConfigError(f"{word} names no file of conf/{key}: ~{key} leaves the group out")
        if key in first:
            raise ConfigError(f"{key} is set twice: {first[key]} and {word}")
        first[key] = word
    keys = r"(indicator\.\w+\.timeframes|policy\.\w+)="
    return [f"++{word}" if re.match(keys, word) else word for word in overrides]


def choices(runtime: Mapping[str, str | None]) -> dict[str, str]:
    """The chosen file of each of our groups, from Hydra's ``runtime.choices``; ``local`` is nobody's choice."""
    return {group: name for group, name in runtime.items() if name and not group.startswith(("hydra", "local"))}


def validate(composed: Any, chosen: Mapping[str, str] | None = None) -> Config:
    """Resolve what Hydra composed and check every key and ``_target_`` of it.

    Parameters
    ----------
    composed
        A composed configuration, or a resolved one as plain Python.
    chosen
        The chosen file of each group, for people.

    Raises
    ------
    ConfigError
        With the key, what it got, what is allowed and the nearest valid name.
    """
    from omegaconf import OmegaConf

    if OmegaConf.is_config(composed):
        composed = {key: _plain(composed[key]) for key in composed if key != "hydra"}
    node = {key: value for key, value in composed.items() if key not in PARTS}
    if chosen:
        node["choices"] = dict(chosen)
        if node.get("experiment") and "experiment" not in chosen:  # without a file Hydra takes it for a mere value
            raise no_choice("experiment", str(node["experiment"]), all_choices().get("experiment", []))
    check_search(node.get("search"), chosen or {})
    if isinstance(node.get("experiment"), Mapping):
        raise _no_package(f"experiment file {node.get('choices', {}).get('experiment', '')}".rstrip())
    config = parse(node)
    check_targets(config)
    return config


def check_search(section: Any, chosen: Mapping[str, str]) -> None:
    """Raise ConfigError where ``search=NAME`` named no file, which Hydra takes for a value where there is none at all.

    So where the file holds nothing.
    """
    if isinstance(section, str):
        raise no_choice("search", section, all_choices().get("search", []))
    if not section and "search" in chosen:
        raise ConfigError(
            f"search={chosen['search']}: conf/search/{chosen['search']}.yaml is empty; lines KEY: RANGE are wanted, "
            "such as 'model.estimator.alpha: interval(0.01, 100)'"
        )


def check_unsearched(section: Mapping[str, Any] | None, words: Sequence[str], wanted: str) -> None:
    """Raise ConfigError where nothing tries the ranges of a section ``search``; `wanted` says what would.

    A key to which one of the overrides gives a value is none of them.
    """
    given = {word.partition("=")[0].lstrip("+") for word in words}
    if left := [str(key) for key in section or () if str(key).lstrip("+") not in given]:
        source = next((word for word in words if word.startswith(("search=", "experiment="))), "search")
        raise ConfigError(
            f"{source} holds a search space ({', '.join(left)}), which nothing searches here: {wanted}, "
            "or give each of these keys a value"
        )


def _plain(value: Any) -> Any:
    """A value of a composed configuration as plain Python, interpolations resolved."""
    from omegaconf import OmegaConf

    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def read(path: Path) -> Config:
    """Read and check a resolved configuration: ``params.yaml`` or a run's ``config.yaml``."""
    try:
        node = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing; `make params` writes it") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    return validate(node)


def dump(config: Node) -> str:
    """YAML text of a resolved configuration, keys in the schema's order."""
    return "".join(_entry(key, pickle.dumps(value)) for key, value in config.items())


@lru_cache(maxsize=256)
def _entry(key: str, value: bytes) -> str:
    """A key and its pickled value as YAML; most are the same for all runs of a sweep."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump({key: pickle.loads(value)}, Dumper=dumper, sort_keys=False, allow_unicode=True)
    return text


def all_choices() -> dict[str, list[str]]:
    """Names in each group, ours and those of the user's conf/."""
    found: dict[str, set[str]] = {}
    for path in (*Path("conf").glob("*/*.yaml"), *conf_folder().glob("*/*.yaml")):
        found.setdefault(path.parent.name, set()).add(path.stem)
    return {group: sorted(names) for group, names in sorted(found.items())}


def explain(error: BaseException) -> ConfigError:
    """Turn an error of Hydra or OmegaConf into one line of ours; errors of ours and foreign ones pass unchanged."""
    from hydra.errors import HydraException, OverrideParseException
    from omegaconf.errors import OmegaConfBaseException

    if isinstance(error, yaml.YAMLError):
        return ConfigError(f"a file of conf/ is no YAML: {' '.join(str(error).split())}")
    if isinstance(error, OverrideParseException):
        reason = " ".join(str(error).partition("\nSee ")[0].split())
        return misread(str(error.override), reason)
    if not isinstance(error, (HydraException, OmegaConfBaseException)):
        raise error
    text = " ".join(str(error).split())
    if found := re.search(r"Could not (?:find|load) '([\w/]+)/([^'/]+)'", text):
        group, name = found.groups()
        names = (
            list(getattr(error, "options", None) or []) if group.startswith("hydra") else all_choices().get(group, [])
        )
        if not names and group not in KEYS:
            return _unknown_key(group, all_choices())
        return no_choice(group, name, names)
    if "@experiment." in text:
        return _no_package("experiment file")
    if told := refused(text, error.__cause__, all_choices()):
        return told
    if found := re.search(r"Could not override '([^']+)'", text):
        return _not_there(found[1], _names(getattr(error.__cause__, "parent_node", None)))
    if found := re.search(r"Key '([^']+)' is not in struct full_key: ([\w.]+)", text):
        return ConfigError(f"unknown key {found[2]!r}: add a new key with +{found[2]}=… where it is meant")
    return ConfigError(re.sub(r" (Available options|Config search path).*", "", text))


def _not_there(key: str, there: Sequence[str]) -> ConfigError:
    """A key that cannot be overridden; `there` are the keys of the node in which it was looked for."""
    group = key.partition(".")[0]
    known = {**all_choices(), **dict.fromkeys(KEYS, ())}
    if "." in key and there and group in (*known, "hydra"):
        return ConfigError(
            f"unknown key {key!r}{nearest(key.rpartition('.')[2], there)} (there are: {', '.join(there)})"
        )
    if group in PARTS:
        return ConfigError(f"{key}: this model has no {group}; one that trains in epochs has, say model=lstm")
    return _unknown_key(key, known)


def _no_package(what: str) -> ConfigError:
    return ConfigError(f"{what}: begin it with '# @package _global_', so that its keys are those of the root")


def _names(node: Any) -> list[str]:
    """Keys of the node in which a key was not found; none where it is no mapping."""
    from omegaconf import DictConfig

    return [str(key) for key in node if key != "_target_"] if isinstance(node, DictConfig) else []


def _unknown_key(key: str, known: Any) -> ConfigError:
    root, _, rest = key.partition(".")
    if rest and root in known:
        return ConfigError(f"unknown key {key!r}: there is no {rest!r} in {root} (see `forecastle run --cfg job`)")
    return ConfigError(f"unknown key {key!r}{nearest(root, known)} (there are: {', '.join(sorted(known))})")
