"""The record of a sweep: what each of its jobs did, one small file each, so that processes never write the same one."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from forecastle import paths
from forecastle.errors import RunError
from forecastle.runs.attendance import attend, is_attended, locked
from forecastle.runs.claim import computing
from forecastle.runs.entry import Ended, Job, failure, now, read_job
from forecastle.runs.store import read_json, write_json

LOCK = ".lock"
"""What processes lock while they write down what a job did."""

FILE = "sweep.json"
"""What the record of a whole sweep is called."""

PLAN = "jobs.json"
"""What the list of its jobs is called, where it is known beforehand."""


@dataclass(frozen=True)
class Limits:
    """What a sweep does about failures.

    Parameters
    ----------
    retry
        ``failed``: jobs that failed before are tried again; ``none``: they are not. Those that were pruned never are.
    max_failures
        Failures after which no further job is begun; None: no limit.
    """

    retry: Literal["failed", "none"] = "failed"
    max_failures: int | None = None


@dataclass(frozen=True)
class State:
    """How far a sweep has come.

    Parameters
    ----------
    words
        What followed ``forecastle run`` on the command line when it was begun.
    started
        When it was begun, ISO 8601, UTC.
    resumed
        When it was gone on with last; None: never.
    total, done, failed, pruned, running
        Jobs that the command makes, that have a run which was not removed, that have an error, that a search stopped
        on the way, and that a living process computes just now, on this machine or another one whose locks are seen.
    attended
        True where a process that goes on with it is alive, whether it computes a job or prepares the next one.
    """

    words: tuple[str, ...]
    started: str
    resumed: str | None
    total: int
    done: int
    failed: int
    pruned: int
    running: int
    attended: bool

    @property
    def missing(self) -> int:
        """Jobs of which nothing is known, and that nobody computes."""
        return self.total - self.done - self.failed - self.pruned - self.running


class SweepRecord:
    """The jobs of one sweep below ``runs/sweeps/ID``."""

    def __init__(self, store: Path, identity: str) -> None:
        self.id = identity
        self.store = store
        self.folder = store / paths.SWEEPS / identity

    @contextmanager
    def attended(self, words: Sequence[str], total: int, limits: Limits) -> Iterator[None]:
        """Begin, or go on, and be known to be at work on it for a block.

        A sweep that another process is at work on is joined: what that one wrote down holds, its limits too.
        """

        def begin(alone: bool) -> None:
            if alone or not self._begun():
                self.begin(words, total, limits)

        with attend(self.folder, begin):
            yield

    def begin(self, words: Sequence[str], total: int, limits: Limits) -> None:
        """Write down the command, its number of jobs and its limits; when it was begun and how stays as it was first.

        What failed before stays known until it is tried again.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob("[0-9]*.json"):
            if read_job(path) is None:
                path.unlink(missing_ok=True)
        first, today = self._begun(), now()
        times = {"started": first.get("started", today), "resumed": today if first else None}
        given = {"words": first.get("words", list(words)), "asked": list(words), "total": total}
        process = {"host": platform.node(), "pid": os.getpid()}
        write_json(self.folder / FILE, {**given, **times, **process, **asdict(limits)})

    def _begun(self) -> dict[str, Any]:
        """What was written when it was begun; nothing where it was not, or that is damaged."""
        try:
            return self._node()
        except RunError:
            return {}

    def forget(self) -> None:
        """Remove the record of a sweep of which nothing was done."""
        if not any(self.folder.glob("[0-9]*.json")):
            shutil.rmtree(self.folder, ignore_errors=True)

    def total(self) -> int:
        """Number of jobs that the command makes."""
        return int(self._node()["total"])

    def limits(self) -> Limits:
        """What is done about failures this time."""
        node = self._node()
        return Limits(node["retry"], node["max_failures"])

    def asked(self) -> list[str]:
        """The command that was given last: it may ask for more trials, or another launcher, than the first."""
        node = self._node()
        return list(node.get("asked", node["words"]))

    def since(self) -> str:
        """When it was begun, or gone on with last; nothing where that cannot be read."""
        node = self._begun()
        return str(node.get("resumed") or node.get("started", ""))

    def spent(self, number: int) -> tuple[Ended, str] | None:
        """What became of a job that is not to be computed now, and why not; None: it is to be.

        It failed before and is not to be tried again, or just now by another process; it was pruned before; or too
        many have failed since the sweep was begun or gone on with.
        """
        if not (self.folder / FILE).is_file():  # it could not be written: what the job meets is told
            return None
        limits, job, since = self._node(), self.job(number), self.since()
        if job is not None and job.failed and limits["retry"] == "none":
            return "failed", "failed before (retry=none)"
        if job is not None and job.failed and (job.ended or "") >= since:
            return "failed", "failed meanwhile, in another process"
        if job is not None and job.pruned:
            return "pruned", "pruned before"
        most = limits["max_failures"]
        if most is not None and (failed := len(self.failures(since))) >= most:
            return "left", f"left out after {failed} failure{'s' * (failed != 1)} (max_failures={most})"
        return None

    def plan(self, jobs: Sequence[Sequence[str]]) -> None:
        """Write down the overrides of every job, in order: a job's number is its place there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        plan = {"jobs": [list(each) for each in jobs]}
        with suppress(RunError):  # none yet, or a damaged one
            if read_json(self.folder / PLAN) == plan:
                return
        write_json(self.folder / PLAN, plan)

    def number(self, choices: Sequence[str], counted: int) -> int:
        """Number of the job that these overrides make: its place in the plan, or what the launcher counted."""
        path = self.folder / PLAN
        if not path.is_file():
            return counted
        return _places(path, path.stat().st_mtime_ns).get(tuple(choices), counted)

    def write(self, job: Job) -> int:
        """Write down what a job did; nothing waits for the disk, since a run that is finished is found without it.

        A run that is found again was computed by whom the record says, and stays so. A failure does not take the place
        of a run that another process has finished meanwhile.

        Returns
        -------
        int
            How many other jobs have failed since the sweep was begun or gone on with, all in the same way.
        """
        with locked(self.folder / LOCK):
            job = replace(job, ended=job.ended or now(), by=job.by or f"{os.getpid()}@{platform.node()}")
            before, since = self.job(job.number), self.since()
            if before is not None and before.run is not None:
                if job.reused and job.run == before.run:
                    job = replace(before, choices=job.choices, ground=job.ground)
                elif job.failed and (before.ended or "") >= since:
                    return 0
            alike = sum(error == job.error for error in self.failures(since)) if job.failed else 0
            write_json(self.folder / f"{job.number:05d}.json", asdict(job), durable=False)
        return alike

    def job(self, number: int) -> Job | None:
        """What a job did; None where it has not ended, or what was written of it is damaged."""
        return read_job(self.folder / f"{number:05d}.json")

    def jobs(self) -> list[Job]:
        """All jobs that have ended, in order; one of which the record is damaged is as good as missing."""
        found = (read_job(path) for path in sorted(self.folder.glob("[0-9]*.json")))
        return [job for job in found if job is not None]

    def ended(self, since: float) -> set[int]:
        """Numbers of the jobs of which something was written since then, in seconds since 1970."""
        found = (each for each in os.scandir(self.folder) if each.name[0].isdigit() and each.name.endswith(".json"))
        return {int(each.name[:-5]) for each in found if each.stat().st_mtime >= since}

    def failures(self, since: str) -> list[str]:
        """What went wrong, for each job that failed since then; a record is read once by a process."""
        found = (each for each in os.scandir(self.folder) if each.name[0].isdigit() and each.name.endswith(".json"))
        told = (failure(each.path, each.stat().st_mtime_ns) for each in found)
        return [error for ended, error in told if error and ended >= since]

    def _node(self) -> dict[str, Any]:
        path = self.folder / FILE
        mend = (
            f"its command, given again, writes it anew and finds its finished runs (or remove the folder {path.parent})"
        )
        node = read_json(path, mend)
        if missing := {"words", "total", "started", "retry", "max_failures"} - set(node):
            raise RunError(f"{path} is damaged: {', '.join(sorted(missing))} missing; {mend}")
        return node

    def _kept(self, run: str) -> bool:
        """Whether the folder of a run was not removed since."""
        return (self.store / run / paths.MANIFEST).is_file()

    def state(self) -> State:
        """How far it has come.

        Raises
        ------
        RunError
            If the record is missing or damaged; its command, given again, writes it anew.
        """
        node = self._node()
        running = computing(self.store).get(self.id, set())
        jobs = [job for job in self.jobs() if job.number not in running and (job.run is None or self._kept(job.run))]
        done, failed = sum(job.run is not None for job in jobs), sum(job.failed for job in jobs)
        times = node["started"], node.get("resumed")
        counts = node["total"], done, failed, len(jobs) - done - failed, len(running)
        return State(tuple(node["words"]), *times, *counts, attended=is_attended(self.folder))


@lru_cache(maxsize=4)
def _places(path: Path, changed: int) -> dict[tuple[str, ...], int]:  # noqa: ARG001  another file, another plan
    return {tuple(choices): number for number, choices in enumerate(read_json(path)["jobs"])}


def sweeps(store: Path) -> list[SweepRecord]:
    """All sweeps below a store, the one begun last at the end."""
    found = [SweepRecord(store, path.parent.name) for path in (store / paths.SWEEPS).glob(f"*/{FILE}")]
    return sorted(found, key=lambda record: (record._begun().get("started", ""), record.id))


def named(store: Path, word: str) -> SweepRecord:
    """The sweep whose id begins so; ``last`` is the newest.

    Raises
    ------
    RunError
        If there is none, or more than one.
    """
    everything = sweeps(store)
    found = everything[-1:] if word == "last" else [each for each in everything if each.id.startswith(word)]
    if len(found) != 1:
        if not everything:
            raise RunError(f"no sweep {word!r}: no sweeps in {store} yet; `forecastle run -m` makes one")
        what = "no sweep" if not found else f"{len(found)} sweeps begin with"
        there = f"{len(everything)} sweep{'s' * (len(everything) != 1)} there"
        raise RunError(f"{what} {word!r} in {store} ({there}; see `forecastle sweeps`)")
    return found[0]
