"""A mistake that all jobs of a sweep have in common: found before the first of them, and told once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from forecastle.config.compose import choices, validate
from forecastle.config.target import build
from forecastle.errors import ForecastleError


def check_common(jobs: Sequence[Sequence[str]], loader: Any, master: Any, *, here: bool) -> None:
    """Refuse a sweep of which every job has the same mistake in its settings, or wants data that are not there.

    The first job is looked at; the others only where it has one, so that nothing is spent on a sweep that has none.

    Parameters
    ----------
    jobs
        The overrides of each.
    loader
        Hydra's configuration loader.
    master
        What it composed for the whole sweep.
    here
        Whether the jobs are run on this machine; others may have data that it does not.

    Raises
    ------
    ForecastleError
        What every one of them would fail by.
    """
    first: ForecastleError | None = None
    for words in jobs:
        found = _mistake(words, loader, master, here=here)
        if found is None or (first is not None and str(found) != str(first)):
            return  # the jobs tell of their own
        first = first or found
    if first is not None:
        raise first


def _mistake(words: Sequence[str], loader: Any, master: Any, *, here: bool) -> ForecastleError | None:
    try:
        composed = loader.load_sweep_config(master, list(words))
        config = validate(composed, choices(composed.hydra.runtime.choices))
        if here:
            build(config.data, "data").fingerprint()
    except ForecastleError as error:
        return error
    return None
