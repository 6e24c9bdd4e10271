"""A rehearsal: the ends of a search space are composed and checked, so that what cannot be is told before any work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from forecastle.config.compose import choices, explain, validate
from forecastle.config.schema import PASSIVE, Config
from forecastle.config.target import build
from forecastle.errors import ConfigError
from forecastle.search.range import Choice, Range, Steps
from forecastle.search.space import Space

QUESTION = (
    *("data", "quality", "start", "end", "resample", "split", "target", "horizon", "quantile_levels"),
    *("metric", "objective"),
)
"""Root keys that make another question: scores of runs that differ in them cannot be held against each other."""


def rehearse(space: Space, fixed: Sequence[str], loader: Any, master: Any) -> list[Config]:
    """Compose a trial at the beginning of every range, and for each range one at every other end of it.

    Parameters
    ----------
    space
        What is searched.
    fixed
        The other overrides of the command.
    loader
        Hydra's configuration loader.
    master
        What it composed for the whole sweep.

    Returns
    -------
    list[Config]
        What was composed, checked.

    Raises
    ------
    ForecastleError
        If a key is unknown, a value cannot be, or a key changes the question or no number at all.
    """
    for key, each in space.items():
        root = key.partition(".")[0].partition("@")[0]
        if root in QUESTION:
            raise ConfigError(
                f"{key}={each.text} cannot be searched: trials that differ in {root} answer different questions, "
                "and their scores cannot be compared (a sweep of them can be run: leave hydra/sweeper=optuna out)"
            )
        if root in ("experiment", "search"):
            raise ConfigError(
                f"{key}={each.text} cannot be searched: its files bring what is searched; take one of them"
            )
        if root in PASSIVE:
            raise ConfigError(f"{key}={each.text} cannot be searched: {root} changes no number")
    first = {key: each.ends[0] for key, each in space.items()}
    trials = [first, *(first | {key: end} for key, each in space.items() for end in each.ends[1:])]
    return [_composed(space, trial, fixed, loader, master) for trial in trials]


def _composed(space: Space, trial: dict[str, str], fixed: Sequence[str], loader: Any, master: Any) -> Config:
    """One trial, composed; where real numbers stand for whole ones, that is what is told.

    Raises
    ------
    ForecastleError
        If it cannot be composed or does not fit the schema.
    """

    def made(words: dict[str, str]) -> Config:
        config = compose([*fixed, *(f"{space[key].key}={word}" for key, word in words.items())], loader, master)
        build(config.model, "model")  # an estimator of another library knows by itself what it can be given
        return config

    def fails(words: dict[str, str]) -> bool:
        with suppress(ConfigError):
            made(words)
            return False
        return True

    try:
        return made(trial)
    except ConfigError as error:
        unknown = re.match(r"unknown key '(\w+)\.", str(error))
        if unknown and unknown[1] in trial:
            lacks = f"{unknown[1]}={trial[unknown[1]]} has no such key"
            raise ConfigError(f"{error}: a search varies each key in all its trials, and {lacks}") from error
        real = [key for key, each in space.items() if not isinstance(each, Choice) and isinstance(each.low, float)]
        for end in (0, -1):
            whole = trial | {key: repr(int(float(space[key].ends[end]))) for key in real}
            if not real or fails(whole):
                raise
        wrong = [key for key in real if fails(whole | {key: trial[key]})]
        told = ", ".join(f"{key}={_whole(space[key])}" for key in wrong)
        raise ConfigError(f"{error}; a range of whole numbers is wanted: {told}") from error


def _whole(each: Range) -> str:
    """The range of whole numbers that is meant by one of real numbers."""
    if isinstance(each, Steps):
        return f"range({int(each.values[0])},{int(each.values[-1]) + 1})"
    return re.sub(r"interval\([^()]*\)", lambda found: f"int({found[0]})", each.text)


def compose(words: Sequence[str], loader: Any, master: Any) -> Config:
    """The checked configuration of one trial.

    Raises
    ------
    ForecastleError
        If it cannot be composed or does not fit the schema.
    """
    try:
        composed = loader.load_sweep_config(master, list(words))
        return validate(composed, choices(composed.hydra.runtime.choices))
    except Exception as error:
        raise explain(error) from error
