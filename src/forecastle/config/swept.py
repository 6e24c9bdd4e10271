"""Overrides of a sweep that set what a varying choice brings: Hydra composes the whole sweep without its ranges."""

from __future__ import annotations

from collections.abc import Container, Sequence

from forecastle.config.compose import PARTS, all_choices, explain
from forecastle.errors import ConfigError


def held_back(overrides: Sequence[str]) -> list[str]:
    """Overrides that only the jobs of a sweep can be composed with, since what they set is one of several choices.

    Before there are jobs, Hydra composes the overrides that are the same in all of them, on the default choices:
    ``model=lightgbm,xgboost model.lags=5`` would set a key of the default model. Nothing is held back where no choice
    varies.

    Parameters
    ----------
    overrides
        The sweep's, without flags.

    Returns
    -------
    list of str
        Those of `overrides` that set keys of groups, or what a model brings in; they may be right in every job.
    """
    groups = all_choices()
    if not any(_varies(word) for word in overrides if _key(word) in groups):
        return []
    return [word for word in overrides if _of_choice(_key(word), groups) and not _varies(word)]


def check_output(overrides: Sequence[str]) -> None:
    """Raise ConfigError where a sweep would have several folders: its ledger lies beside its runs."""
    for word in overrides:
        if _key(word) == "output" and _varies(word):
            raise ConfigError(f"{word} is several folders, and output is one for the whole sweep")


def of_job(error: Exception, words: Sequence[str], jobs: Sequence[Sequence[str]]) -> Exception:
    """What Hydra says of one of the jobs of a sweep, in our words, with what tells that one from others."""
    told = explain(error)
    own = [word for word in words if any(word not in others for others in jobs)]
    if not own or not str(told).startswith(("unknown key", *PARTS)):
        return told
    return ConfigError(f"{told}; so it is in {' '.join(own)}")


def is_hydras(word: str) -> bool:
    """Whether an override is one of Hydra's own settings."""
    return _key(word).startswith(("hydra.", "hydra/"))


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")


def _of_choice(key: str, groups: Container[str]) -> bool:
    root, dot, _ = key.partition(".")
    return key in PARTS or (bool(dot) and root in groups)


def _varies(word: str) -> bool:
    """Whether an override has several values; false for one that cannot be read, which Hydra tells of."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(word).is_sweep_override()
    except HydraException:
        return False
