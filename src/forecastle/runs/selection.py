"""Which runs are meant: ids, sweeps and settings."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from forecastle.errors import ConfigError, RunError, nearest
from forecastle.runs.settings import as_text, settings_of
from forecastle.runs.store import Run, RunStore
from forecastle.runs.sweep import SweepRecord, sweeps

logger = logging.getLogger(__name__)


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
            if any(name.startswith(Path(word).name) for word in named):  # it was asked for by its own id
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
    if not found and named:
        raise RunError(f"no finished run in {' '.join(named)} yet; see `forecastle sweeps`")
    if not everything:
        raise RunError(f"no finished run in {store.folder}; `forecastle run` makes one")
    if not settings:
        raise RunError(f"none of the {len(found)} runs that are meant can be read; see `forecastle runs`")
    if not kept:
        what = " ".join(f"{key}={value}" for key, value in filters.items())
        there = {key: sorted({as_text(node.get(key)) for node in settings.values()}) for key in filters}
        told = "; ".join(f"{key} is {', '.join(values[:6])}{' …' * (len(values) > 6)}" for key, values in there.items())
        raise RunError(f"none of {len(settings)} runs has {what} (there {told})")
    runs = sorted(kept.values(), key=lambda run: order.get(run.id, -1))
    return runs, {run.id: settings[run.id] for run in runs}


def sweep_of(store: Path, word: str) -> SweepRecord | None:
    """The sweep whose id begins so, or the newest for ``last``; None where a word means none, or more than one."""
    known = sweeps(store)
    matching = known[-1:] if word == "last" else [each for each in known if each.id.startswith(word)]
    return matching[0] if len(matching) == 1 else None


def _named(store: RunStore, word: str) -> list[Run]:
    """Runs of a sweep, or the run of that id."""
    record = sweep_of(store.folder, word)
    if record is not None:
        alike = [run.id for run in store.all() if run.id.startswith(word)] if word != record.id else []
        if alike:
            told = f"{len(alike)} run{'s' * (len(alike) != 1)}: {', '.join(alike[:5])}"
            raise RunError(f"{word!r} begins sweep {record.id} and {told}")
        runs = [store.find(job.run) for job in record.jobs() if job.run]
        return [run for run in runs if run is not None]
    return [store.get(word)]
