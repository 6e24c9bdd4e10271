"""Which settings a sweep varies, and the sweeps that a run belongs to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from forecastle.errors import RunError
from forecastle.runs.settings import as_text
from forecastle.runs.store import read_json
from forecastle.runs.sweep import FILE, SweepRecord, sweeps


def varied_keys(record: SweepRecord, searched: Collection[str] = ()) -> tuple[str, ...]:
    """Keys that a sweep gives several values, in the order of its command.

    They are those of the command whose value is a sweep (``model=ridge,lasso``, ``season=range(3,9)``), and `searched`,
    those of a search space in a file; where there are neither, those in which its jobs that have ended differ.

    Raises
    ------
    RunError
        If the record is missing or damaged.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    words = [word for word in read_json(record.folder / FILE).get("words", ()) if "=" in word and word[0] not in "-~"]
    try:
        read = OverridesParser.create().parse_overrides([word for word in words if not word.startswith("hydra")])
    except HydraException as error:
        raise RunError(
            f"sweep {record.id} has a command that cannot be read: {' '.join(str(error).split())}"
        ) from error
    swept = [each.key_or_group.removeprefix("search.") for each in read if each.is_sweep_override()]
    if told := tuple(dict.fromkeys([*swept, *searched])):
        return told
    values: dict[str, set[str]] = {}
    for job in record.jobs():
        for key, _, value in (choice.partition("=") for choice in job.choices):
            values.setdefault(key.lstrip("+"), set()).add(value)
    return tuple(key for key, seen in values.items() if len(seen) > 1)


def told_apart(settings: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    """What a run has for each of some keys, as on a command line.

    >>> told_apart({"model": "ridge", "horizon": 5}, ("model",))
    ('model=ridge',)
    """
    return tuple(f"{key}={as_text(settings[key])}" for key in keys if key in settings)


def sweeps_by_run(store: Path) -> dict[str, list[SweepRecord]]:
    """The sweeps that each run belongs to, the one begun last at the end; damaged records are left out."""
    found: dict[str, list[SweepRecord]] = {}
    for record in sweeps(store):
        try:
            jobs = record.jobs()
        except (RunError, KeyError, TypeError):
            continue
        for run in dict.fromkeys(job.run for job in jobs if job.run):
            found.setdefault(run, []).append(record)
    return found
