"""A job of a sweep: run, brought to its end whatever it meets, and written down."""

from __future__ import annotations

import errno
import time
import traceback
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from forecastle import logs, paths
from forecastle.config.schema import Config
from forecastle.errors import ForecastleError, Pruned
from forecastle.runs.entry import Ended, Job
from forecastle.runs.ground import Sources, Stamp, ground_of
from forecastle.runs.sweep import SweepRecord
from forecastle.runs.weights import leave
from forecastle.sweeps.progress import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from forecastle.runs.execution import Memory
    from forecastle.runs.watching import Watch

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of a full disk, which every further job would meet."""


@dataclass(frozen=True)
class Place:
    """Where a job stands: its sweep's record, its number from 0, and the overrides that make it."""

    record: SweepRecord
    number: int
    chosen: tuple[str, ...]

    def tell(self, text: str) -> None:
        """Print what became of it."""
        say(f"[{self.number + 1}/{self.record.total()}] {' '.join(self.chosen)}: {text}")

    def end(self, job: Job) -> Ended:
        """Write down how it ended, and print it; of those that fail alike the first."""
        alike = self.record.write(job)
        took = "" if job.seconds is None else f", {job.seconds:.2f} s"
        if job.failed:
            if not alike:
                self.tell(f"failed: {job.error}{took}")
        else:
            self.tell(f"{job.pruned or job.run}{' (reused)' if job.reused else ''}{took}")
        return job.what


def bring_to_end(
    place: Place, make: Callable[[], Config], memory: Memory, origin: tuple[Sources, Stamp] | None, *, wait: bool
) -> Ended | Config:
    """Run a job and write down how it ended; whatever it meets, but for a full disk, the others go on.

    Parameters
    ----------
    place
        Where it stands.
    make
        Makes its configuration.
    memory
        What the jobs of this process share.
    origin
        Where this process composes jobs from, and its stamp from before the first of them; None where that is not
        known, and the ledger cannot answer for the job later.
    wait
        Until another process that computes the same run is done.

    Returns
    -------
    str or Config
        How it ended; its configuration where another process computes it and is not to be waited for.
    """
    from forecastle.keeping import attempt

    start = time.perf_counter()
    try:
        config = make()
        ground = ground_of(config, place.chosen, *origin) if origin else None
        logs.configure("WARNING" if config.log_level == "INFO" else config.log_level)
        with _watched(place) as watch, logs.line_of("sweep"):
            finished = attempt(config, memory, wait=wait, watch=watch, job=place.number)
        if finished is None:
            return config
        before = place.record.job(place.number)
        if before is not None and before.run not in (None, finished.id):
            leave(place.record.store, place.record.id, before.run, config.keep_models)
        job = Job(place.number, place.chosen, finished.id, reused=finished.reused, ground=ground)
    except Pruned as error:
        job = Job(place.number, place.chosen, None, pruned=str(error))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        known = isinstance(error, ForecastleError)
        line = " ".join((str(error) if known else f"{type(error).__name__}: {error}").split())
        job = Job(place.number, place.chosen, None, error=line, traceback=traceback.format_exc())
    seconds = time.perf_counter() - start
    return place.end(replace(job, seconds=round(seconds, 3)))


def _watched(place: Place) -> AbstractContextManager[Watch | None]:
    """What watches a job on its way, where a study proposed it."""
    if not (place.record.folder / paths.STUDY).is_file():
        return nullcontext()
    from forecastle.search.watching import watched

    return watched(place.record.folder, place.number)


def tell_alike(record: SweepRecord) -> None:
    """Print how many jobs failed in a way that was told of another one, for each such way."""
    since = record.since()
    ways: dict[str, list[Job]] = {}
    for job in record.jobs():
        if job.error is not None and (job.ended or "") >= since:
            ways.setdefault(job.error, []).append(job)
    for alike in ways.values():
        first, *others = sorted(alike, key=lambda job: job.ended or "")
        if others:
            place = Place(record, first.number, first.choices)
            place.tell(f"failed, and the same for {len(others)} other{'s' * (len(others) > 1)}")
