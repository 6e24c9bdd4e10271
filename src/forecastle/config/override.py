"""Overrides that Hydra refuses, told in words of ours: what cannot be read, ranges out of place, Hydra's own keys."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Any

from forecastle.config.schema import MANY
from forecastle.errors import ConfigError, nearest

HYDRAS = ("hydra/launcher", "hydra/sweeper")
"""Groups of Hydra's in which people choose."""

MEANT = {
    **{each: f"hydra/{each}" for each in ("launcher", "sweeper")},
    **{each: f"hydra.launcher.{each}" for each in ("n_jobs", "runs_per_job")},
    **{
        each: f"hydra.sweeper.{each}"
        for each in ("sampler", "n_trials", "batch", "objectives", "constraints", "pruner", "storage", "password_env")
    },
}
"""Keys of Hydra's by the short names that people try first."""

RANGES = "choice(A,B,…), range(START,STOP,STEP) or interval(LOW,HIGH)"
"""How ranges are written."""

LISTS = ("hydra.sweeper.constraints", "hydra.sweeper.objectives")
"""Settings of Hydra's that are lists of words."""


def misread(word: str, reason: str) -> ConfigError:
    """An override that the grammar does not allow, with the quoting that it wants."""
    key, sign, value = word.partition("=")
    if key in LISTS and sign:
        inner = re.sub(r"[\[\]\"']", "", value).strip()
        quoted = ", ".join(f'"{each.strip()}"' for each in inner.split(",")) if inner else '"turnover <= 10"'
        return ConfigError(
            f"{word} cannot be read: each of {key} is quoted, and the whole once more: '{key}=[{quoted}]'"
        )
    if found := re.search(r"while evaluating '(.+?)': (.+)", reason):
        return ConfigError(f"{word} is no range: {found[2]}; {RANGES} is wanted")
    if value.count("(") != value.count(")") or value.count("[") != value.count("]"):
        reason = "a bracket is not closed, or none was opened"
    return ConfigError(f"{word!r} cannot be read, KEY=VALUE is wanted: {reason}")


def refused(text: str, cause: BaseException | None, groups: Container[str]) -> ConfigError | None:
    """What Hydra's composer says of an override that is no mistake of ours alone; None where it is something else.

    Parameters
    ----------
    text
        Of Hydra's error, in one line.
    cause
        What Hydra's error was raised from.
    groups
        Names of the groups of conf/.
    """
    if found := re.search(r"Ambiguous value for argument '(.+?)' 1\. To use", text):
        key, _, value = found[1].partition("=")
        plain = key.lstrip("+")
        more = "" if plain in groups and plain not in MANY else f", and {key}=[{value}] is a list"
        return ConfigError(f"{found[1]} is several values, one is wanted: `forecastle run -m` runs each of them{more}")
    if found := re.search(r"Sweep parameters '(.+)' requires --multirun", text):
        return ConfigError(f"{found[1]} is a range, one value is wanted: {_how(found[1])}")
    if found := re.search(r"Sweeping over Hydra's configuration is not supported : '(.+)'", text):
        key, _, value = found[1].partition("=")
        told = f": a list is written {key}=[{value}]" if key in LISTS else ""
        return ConfigError(f"{found[1]} is several values, and {key} is one for the whole sweep{told}")
    if (found := re.search(r"Could not override '([^']+)'", text)) and found[1] in MEANT:
        return ConfigError(f"unknown key {found[1]!r}; did you mean {MEANT[found[1]]!r}?")
    if found := re.search(r"In '([^']+)': ConfigTypeError .* Cannot merge DictConfig with ListConfig", text):
        return ConfigError(f"{found[1]}.yaml of conf/ holds a list, and lines KEY: VALUE are wanted")
    if found := re.search(r"Could not override '(hydra[./][^']+)'", text):
        return _no_key(found[1], cause)
    return None


def no_choice(group: str, name: str, names: Sequence[str]) -> ConfigError:
    """A choice that is not there, in a group with these."""
    there = f"there are: {', '.join(names)}" if names else f"there are none; conf/{group}/{name}.yaml would be one"
    return ConfigError(f"{group}: no choice {name!r}{nearest(name, names)} ({there})")


def _how(word: str) -> str:
    """What runs a range."""
    if "interval(" in word:
        return "`forecastle run -m hydra/sweeper=optuna` searches it"
    return "`forecastle run -m` runs each of its values"


def _no_key(key: str, cause: BaseException | None) -> ConfigError:
    """A key of Hydra's that is not there."""
    if "/" in key:
        return ConfigError(f"unknown key {key!r}{nearest(key, HYDRAS)} (there are: {', '.join(HYDRAS)})")
    node: Any = getattr(cause, "parent_node", None)
    there = [str(each) for each in node or () if each != "_target_"]
    lost = str(getattr(cause, "key", None) or key.rpartition(".")[2])
    if key.startswith("hydra.sweeper.") and "max_batch_size" in there and lost not in there:
        return ConfigError(f"unknown key {key!r}: it is one of a search, so add hydra/sweeper=optuna")
    if not there:
        more = "; hydra/launcher=joblib has n_jobs" if key.startswith("hydra.launcher.") else ""
        return ConfigError(f"unknown key {key!r}: what is chosen there has no settings{more}")
    return ConfigError(f"unknown key {key!r}{nearest(lost, there)} (there are: {', '.join(there)})")
