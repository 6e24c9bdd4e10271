"""What runs were asked: those of one question are ranked among each other, and all of them are its trials."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forecastle.errors import RunError
from forecastle.runs.settings import settings_of
from forecastle.runs.store import Run, RunStore
from forecastle.runs.sweep import sweeps

logger = logging.getLogger(__name__)

PART = "validation"
"""What choices are made on."""

Question = tuple[tuple[str, str], ...]
"""What is asked, in words, by what it concerns."""


@dataclass(frozen=True)
class Tried:
    """All that was tried to answer a question, whether it is looked at or not.

    Parameters
    ----------
    runs
        Finished runs of the store.
    lost
        Jobs of their sweeps that failed, or were stopped before they were finished.
    """

    runs: tuple[Run, ...]
    lost: int

    @property
    def count(self) -> int:
        """Number of trials: who looks at what was tried chooses among it, failures included."""
        return len(self.runs) + self.lost

    def __str__(self) -> str:
        """A line for people."""
        lost = f" and {self.lost} job{'s' * (self.lost != 1)} of their sweeps that failed or stopped" * bool(self.lost)
        runs = f"{len(self.runs)} finished run{'s' * (len(self.runs) != 1)}"
        return f"trials of this question on record: {self.count}" + (f" ({runs}{lost})" if self.lost else "")


def sort_out(runs: Sequence[Run], settings: Mapping[str, Mapping[str, Any]]) -> dict[Question, list[Run]]:
    """Runs by their question, in order; damaged ones are left out and named on the log."""
    found: dict[Question, list[Run]] = {}
    for run in runs:
        try:
            found.setdefault(question(run, settings[run.id]), []).append(run)
        except (RunError, KeyError) as error:  # one damaged run is no reason to tell nothing of the others
            logger.warning("run %s is left out: %s", run.id, error)
    return found


def tried(store: RunStore, sorted_out: Mapping[Question, Sequence[Run]]) -> dict[Question, Tried]:
    """What else the store holds on questions of which some runs are known."""
    known = {run.id: asked for asked, runs in sorted_out.items() for run in runs}
    found: dict[Question, list[Run]] = {asked: [] for asked in sorted_out}
    for run in store.all():
        try:
            asked = known[run.id] if run.id in known else question(run, settings_of(run))
        except (RunError, KeyError):  # what cannot be read is no trial that anybody could have looked at
            continue
        if asked in found:
            found[asked].append(run)
    records = [record.jobs() for record in sweeps(store.folder)]
    jobs = [({job.run for job in each}, sum(job.run is None for job in each)) for each in records]
    return {
        asked: Tried(tuple(runs), sum(lost for made, lost in jobs if not made.isdisjoint({run.id for run in runs})))
        for asked, runs in found.items()
    }


def question(run: Run, settings: Mapping[str, Any]) -> Question:
    """What runs must share to be ranked among each other.

    Raises
    ------
    RunError
        If the run is damaged.
    """
    part, manifest = run.metrics[PART], run.manifest
    return (
        ("data", f"{manifest['data']} {', '.join(manifest['symbols'])} (bars {manifest['bars'][:8]})"),
        ("target", f"{part['target']}{_arguments(settings, 'target')}"),
        ("steps", ", ".join(map(str, part["steps"]))),
        ("split", f"{settings.get('split')}{_arguments(settings, 'split')}"),
        ("objective", f"{part['objective']} in {part['unit']}"),
        ("quantile levels", str(settings.get("quantile_levels"))),
        ("windows", f"{part['windows']} from {part['start']} to {part['end']}"),
    )


def _arguments(settings: Mapping[str, Any], group: str) -> str:
    """Arguments of a group, ``(up=1.0, down=1.0)``, or nothing."""
    told = [
        f"{key.removeprefix(f'{group}.')}={value}"
        for key, value in settings.items()
        if key.startswith(f"{group}.") and key != f"{group}._target_" and value is not None
    ]
    return f" ({', '.join(told)})" if told else ""
