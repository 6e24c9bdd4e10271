"""Settings of finished runs, read from their folders, and what of them tells runs apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from forecastle import paths
from forecastle.config.schema import MANY, PASSIVE
from forecastle.errors import RunError
from forecastle.runs.store import Run

SECTION = re.compile(r"^(?=[A-Za-z_])", re.MULTILINE)
"""Where a key of the root begins in a configuration as runs keep it."""

UNTOLD = frozenset({"_target_", "seed"})
"""Last words of keys that a name leaves out where it can tell runs apart without them."""

BROUGHT = {"trainer": "model", "callback": "model"}
"""Groups in which the file of a model chooses for itself."""

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

    Of several files of one group, which Hydra names none of, the list of their members is the choice.

    >>> flatten({"model": {"alpha": 1.0}, "horizon": 5, "choices": {"data": "sp500"}})
    {'data': 'sp500', 'model.alpha': 1.0, 'horizon': 5}
    >>> flatten({"transform": {"standard": {}, "pca": {"keep": 2}}, "choices": {"data": "sp500"}})["transform"]
    '[standard,pca]'
    """
    flat: dict[str, Any] = dict(node.get("choices") or {})
    if flat:
        flat |= {group: as_text(list(node[group])) for group in MANY if node.get(group) and group not in flat}
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
    """Keys of the choices and settings in which runs differ, each once, those nearest to the root first.

    What a choice brings is not told: a setting below a group whose choice differs counts only where it differs among
    runs of one choice. Of keys that hold the same value wherever they have one, such as a seed and those interpolated
    from it, the first stands for all.

    >>> varied({"a": {"model": "ridge", "model.alpha": 1.0, "seed": 1, "model.seed": 1},
    ...         "b": {"model": "ridge", "model.alpha": 3.0, "seed": 2, "model.seed": 2},
    ...         "c": {"model": "lasso", "model.alpha": 1.0, "seed": 1, "model.seed": 1}})
    ['model', 'seed', 'model.alpha']
    """
    runs = list(settings.values())
    keys = [key for key in dict.fromkeys(key for node in runs for key in node) if active(key)]
    texts = {key: tuple(as_text(node.get(key)) for node in runs) for key in keys}
    varying = [key for key in keys if len(set(texts[key])) > 1]
    told: list[str] = []
    for key in sorted(varying, key=lambda key: key.count(".")):
        group = BROUGHT.get(key, key.partition(".")[0])
        brought = group != key and group in varying and _determines(texts[group], texts[key])
        if not brought and not any(_repeats(texts[other], texts[key]) for other in told):
            told.append(key)
    return told


def short(keys: Sequence[str]) -> dict[str, str]:
    """Last words of each key, as many as tell it from the others.

    >>> short(["seed", "model.estimator.alpha", "indicator.rsi.timeperiod", "indicator.adx.timeperiod"])
    {'seed': 'seed', 'model.estimator.alpha': 'alpha', 'indicator.rsi.timeperiod': 'rsi.timeperiod', \
'indicator.adx.timeperiod': 'adx.timeperiod'}
    """
    found = {}
    for key in keys:
        words = key.split(".")
        tails = (".".join(words[-count:]) for count in range(1, len(words) + 1))
        alone = (tail for tail in tails if sum(f".{other}".endswith(f".{tail}") for other in keys) == 1)
        found[key] = next(alone, key)
    return found


def names(settings: Mapping[str, Settings]) -> dict[str, str]:
    """A short name for each run: the choices and settings in which these runs differ (`varied`), by their last words.

    >>> names({"a": {"model": "ridge", "seed": 1, "horizon": 5}, "b": {"model": "lasso", "seed": 1, "horizon": 5}})
    {'a': 'model=ridge', 'b': 'model=lasso'}
    """
    keys = varied(settings)
    plain = [key for key in keys if key.rpartition(".")[2] not in UNTOLD] or keys
    meant = chosen(settings, keys)
    made = {run: _name(meant[run], plain) or str(node.get("model", "default")) for run, node in settings.items()}
    often = Counter(made.values())
    return {run: name if often[name] == 1 else _name(meant[run], keys) or name for run, name in made.items()}


def chosen(settings: Mapping[str, Settings], keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Values of keys for each run; None for a setting that is the same in all runs of its choice, and tells nothing.

    >>> chosen({"a": {"model": "ridge", "model.alpha": 1.0}, "b": {"model": "ridge", "model.alpha": 3.0},
    ...         "c": {"model": "mlp", "model.alpha": 9.0}}, ["model", "model.alpha"])["c"]
    {'model': 'mlp', 'model.alpha': None}
    """
    found: dict[str, dict[str, Any]] = {run: {} for run in settings}
    for key in keys:
        group = key.partition(".")[0]
        alike: dict[str, set[str]] = {}
        for node in settings.values():
            alike.setdefault(as_text(node.get(group)), set()).add(as_text(node.get(key)))
        brought = group in keys and group != key
        for run, node in settings.items():
            found[run][key] = None if brought and len(alike[as_text(node.get(group))]) == 1 else node.get(key)
    return found


def _name(meant: Mapping[str, Any], keys: Sequence[str]) -> str:
    return " ".join(f"{last}={as_text(meant[key])}" for key, last in short(keys).items() if meant[key] is not None)


def _repeats(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether the second key says what the first one does wherever it says something."""
    return all(other in (one, "null") for one, other in zip(first, second, strict=True))


def _determines(cause: Sequence[str], effect: Sequence[str]) -> bool:
    """Whether one key's value tells that of another in all runs."""
    return len(set(zip(cause, effect, strict=True))) == len(set(cause))


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
