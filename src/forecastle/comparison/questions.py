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
    failed, pruned
        Jobs of their sweeps that failed, and that a search stopped on the way.
    gone
        Runs of their sweeps whose folders were removed or cannot be read any more; the ledger knows them.
    """

    runs: tuple[Run, ...]
    failed: int
    pruned: int
    gone: int = 0

    @property
    def count(self) -> int:
        """Number of trials: who looks at what was tried chooses among it, failures included."""
        return len(self.runs) + self.failed + self.pruned + self.gone

    def __str__(self) -> str:
        """A line for people."""
        told = f"trials of this question on record: {self.count}"
        if self.count == len(self.runs):
            return told
        kinds = (
            ("finished", len(self.runs)),
            ("failed", self.failed),
            ("pruned", self.pruned),
            ("no longer there", self.gone),
        )
        return f"{told} ({', '.join(f'{count} {kind}' for kind, count in kinds if count)})"


def sort_out(runs: Sequence[Run], settings: Mapping[str, Mapping[str, Any]]) -> dict[Question, list[Run]]:
    """Runs by their question, in order; damaged ones are left out and named on the log.

    Raises
    ------
    RunError
        If there is one run, and it is damaged.
    """
    found: dict[Question, list[Run]] = {}
    for run in runs:
        try:
            found.setdefault(question(run, settings[run.id]), []).append(run)
        except (RunError, KeyError) as error:  # one damaged run is no reason to tell nothing of the others
            if len(runs) == 1:
                raise RunError(str(error) if isinstance(error, RunError) else f"{run.folder} lacks {error}") from error
            logger.warning("run %s is left out: %s", run.id, error)
    return found


def tried(store: RunStore, sorted_out: Mapping[Question, Sequence[Run]]) -> dict[Question, Tried]:
    """What else the store holds on questions of which some runs are known."""
    known = {run.id: asked for asked, runs in sorted_out.items() for run in runs}
    found: dict[Question, list[Run]] = {asked: [] for asked in sorted_out}
    there = set()
    for run in store.all():
        try:
            asked = known[run.id] if run.id in known else question(run, settings_of(run))
        except (RunError, KeyError):  # what cannot be read counts where a sweep's ledger tells what was asked
            continue
        there.add(run.id)
        if asked in found:
            found[asked].append(run)
    records = [record.jobs() for record in sweeps(store.folder)]
    counted = {}
    for asked, runs in found.items():
        mine = {run.id for run in runs}
        beside = [job for jobs in records if any(job.run in mine for job in jobs) for job in jobs]
        lost = [job for job in beside if job.run is None]
        gone = {job.run for job in beside if job.run is not None} - there
        counted[asked] = Tried(
            tuple(runs), sum(job.failed for job in lost), sum(not job.failed for job in lost), len(gone)
        )
    return counted


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
