"""Settings of finished runs, read from their folders, and which of them vary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from forecastle import paths
from forecastle.config.schema import PASSIVE
from forecastle.errors import RunError
from forecastle.runs.store import Run

SECTION = re.compile(r"^(?=[A-Za-z_])", re.MULTILINE)
"""Where a key of the root begins in a configuration as runs keep it."""

Settings = Mapping[str, Any]


def settings_of(run: Run) -> dict[str, Any]:
    """Settings of a run by dotted key, ``{"model.estimator.alpha": 1.0}``, with ``choices`` in front of the rest.

    What stands alike in many runs is parsed once, so that a thousand of them are read in a second.

    Raises
    ------
    RunError
        If its configuration is missing or damaged.
    """
    return flatten(config_of(run))


def config_of(run: Run) -> dict[str, Any]:
    """Configuration of a run, as its file holds it; its values are shared with other runs and not to be changed.

    Raises
    ------
    RunError
        If the file is missing or damaged.
    """
    import yaml

    path = run.folder / paths.CONFIG
    try:
        node = _parsed(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RunError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if node is None:
        raise RunError(f"{path} is damaged: a mapping is wanted")
    return node


def flatten(node: Settings) -> dict[str, Any]:
    """Settings of a configuration by dotted key, with ``choices`` in front of the rest.

    >>> flatten({"model": {"alpha": 1.0}, "horizon": 5, "choices": {"data": "sp500"}})
    {'data': 'sp500', 'model.alpha': 1.0, 'horizon': 5}
    """
    flat: dict[str, Any] = dict(node.get("choices") or {})
    _flatten({key: value for key, value in node.items() if key != "choices"}, "", flat)
    return flat


def _parsed(text: str) -> dict[str, Any] | None:
    """A mapping of YAML, section by section; None where it is none."""
    import yaml

    parts: list[Any]
    try:
        parts = [_section(part) for part in SECTION.split(text)]
    except yaml.YAMLError:  # a text that runs over several lines, say: as a whole it may be right
        parts = [_section(text)]
    parts = [part for part in parts if part is not None]  # a comment
    if not parts or not all(isinstance(part, Mapping) for part in parts):
        return None
    return {key: value for part in parts for key, value in part.items()}


@lru_cache(maxsize=4096)
def _section(text: str) -> Any:
    import yaml

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _flatten(node: Any, prefix: str, into: dict[str, Any]) -> None:
    if isinstance(node, Mapping) and node:
        for key, value in node.items():
            _flatten(value, f"{prefix}{key}.", into)
    else:
        into.setdefault(prefix[:-1], node)


def varied(settings: Mapping[str, Settings]) -> list[str]:
    """Keys of the choices and settings in which runs differ, each once.

    A setting below a group whose choice differs counts only where it differs among runs of one choice, since else the
    choice brings it; of several keys that always hold the same value, such as a seed and those interpolated from it,
    the one nearest to the root stands for all.

    >>> varied({"a": {"model": "ridge", "model.alpha": 1.0, "seed": 1, "model.seed": 1},
    ...         "b": {"model": "ridge", "model.alpha": 3.0, "seed": 2, "model.seed": 2},
    ...         "c": {"model": "lasso", "model.alpha": 1.0, "seed": 1, "model.seed": 1}})
    ['model', 'seed', 'model.alpha']
    """
    runs = list(settings.values())
    keys = [key for key in dict.fromkeys(key for node in runs for key in node) if active(key)]
    texts = {key: tuple(as_text(node.get(key)) for node in runs) for key in keys}
    varying = [key for key in keys if len(set(texts[key])) > 1]
    groups = {key for key in varying if "." not in key}
    told: dict[tuple[str, ...], str] = {}
    for key in sorted(varying, key=lambda key: key.count(".")):
        group = key.partition(".")[0]
        pairs = set(zip(texts[group], texts[key], strict=True)) if group in groups and group != key else None
        if pairs is None or len(pairs) > len(set(texts[group])):
            told.setdefault(texts[key], key)
    return list(told.values())


def active(key: str) -> bool:
    """Whether a setting can change a number."""
    return key.partition(".")[0] not in PASSIVE


def as_text(value: Any) -> str:
    """A value as it stands on a command line."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, (list, tuple)):
        return f"[{','.join(as_text(each) for each in value)}]"
    return str(value)
