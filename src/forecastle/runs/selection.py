"""Which runs are meant, and what tells them apart: ids, sweeps and settings."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from forecastle.errors import ConfigError, RunError, nearest
from forecastle.runs.settings import active, as_text, settings_of
from forecastle.runs.store import Run, RunStore
from forecastle.runs.sweep import sweeps

logger = logging.getLogger(__name__)

UNTOLD = frozenset({"_target_", "seed"})
"""Last words of keys that a name leaves out where it can tell runs apart without them."""


def choose(store: RunStore, words: Sequence[str]) -> tuple[list[Run], dict[str, dict[str, Any]]]:
    """The finished runs that are meant, oldest first, and the settings of each by its id.

    Parameters
    ----------
    store
        Where they lie.
    words
        Ids of runs or of sweeps or their beginnings, ``last`` for the newest sweep, and filters ``KEY=VALUE`` that
        every run has to meet: a choice (``model=ridge``) or a setting (``horizon=10``, ``model.estimator.alpha=3``).
        Nothing: all runs.

    Raises
    ------
    RunError
        If a word names no run and no sweep, or nothing meets the filters.
    ConfigError
        If no run has the key of a filter.
    """
    named = [word for word in words if "=" not in word]
    filters = dict(word.split("=", 1) for word in words if "=" in word)
    everything = store.all()
    found = {run.id: run for word in named for run in _named(store, word)} if named else {r.id: r for r in everything}
    order = {run.id: place for place, run in enumerate(everything)}
    settings: dict[str, dict[str, Any]] = {}
    for name, run in found.items():
        try:
            settings[name] = settings_of(run)
        except RunError as error:  # one damaged run is no reason to tell nothing of the others
            if named:
                raise
            logger.warning("run %s is left out: %s", name, error)
    for key in filters:
        keys = {each for node in settings.values() for each in node}
        if settings and key not in keys:
            raise ConfigError(f"no run has a setting {key!r}{nearest(key, keys)}")
    kept = {
        name: run
        for name, run in found.items()
        if name in settings and all(as_text(settings[name].get(key)) == value for key, value in filters.items())
    }
    if not kept:
        meant = " ".join(words) or "any"
        raise RunError(f"no finished run in {store.folder} is meant by {meant!r} ({len(everything)} runs there)")
    runs = sorted(kept.values(), key=lambda run: order.get(run.id, -1))
    return runs, {run.id: settings[run.id] for run in runs}


def _named(store: RunStore, word: str) -> list[Run]:
    """Runs of a sweep, or the run of that id."""
    known = sweeps(store.folder)
    matching = known[-1:] if word == "last" else [each for each in known if each.id.startswith(word)]
    if len(matching) == 1:
        runs = [store.find(job.run) for job in matching[0].jobs() if job.run]
        return [run for run in runs if run is not None]
    return [store.get(word)]


def names(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """A short name for each run: the choices and settings in which these runs differ.

    A setting below a group whose choice differs is not told, since the choice brings it.

    >>> names({"a": {"model": "ridge", "seed": 1, "horizon": 5}, "b": {"model": "lasso", "seed": 1, "horizon": 5}})
    {'a': 'model=ridge', 'b': 'model=lasso'}
    """
    keys = [key for key in dict.fromkeys(key for node in settings.values() for key in node) if active(key)]
    varying = [key for key in keys if len({as_text(node.get(key)) for node in settings.values()}) > 1]
    groups = {key for key in varying if "." not in key}
    told = [key for key in varying if key.partition(".")[0] not in groups or key in groups]
    plain = [key for key in told if key.rpartition(".")[2] not in UNTOLD] or told
    made = {run: _named_by(node, plain) for run, node in settings.items()}
    for name in {name for name in made.values() if list(made.values()).count(name) > 1}:
        alike = {run: node for run, node in settings.items() if made[run] == name}
        if len(alike) < len(settings):  # what differs among these was hidden by what they share
            made |= {run: f"{name} {own}" if own != name else name for run, own in names(alike).items()}
    return made


def _named_by(node: Mapping[str, Any], keys: Sequence[str]) -> str:
    told = [f"{key}={as_text(node.get(key))}" for key in keys if node.get(key) is not None]
    return " ".join(told) or str(node.get("model", "default"))
