"""The record of a sweep: what each of its jobs did, one small file each, so that processes never write the same one."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from forecastle import paths
from forecastle.config.schema import PASSIVE
from forecastle.errors import RunError
from forecastle.runs.identity import digest
from forecastle.runs.process import born
from forecastle.runs.store import read_json, write_json

FILE = "sweep.json"
"""What the record of a whole sweep is called."""

PLAN = "jobs.json"
"""What the list of its jobs is called, where it is known beforehand."""


@dataclass(frozen=True)
class Job:
    """One job of a sweep.

    Parameters
    ----------
    number
        Its place in the sweep, from 0.
    choices
        The overrides that make it, ``("model=ridge", "indicator=core")``.
    run
        Id of its run, or None where it failed or was stopped.
    error
        What went wrong, in one line, or None.
    traceback
        Where, or None.
    reused
        True where the run was finished before.
    ground
        Hash of what its run follows from beside the choices (`forecastle.runs.ground`); None: not known.
    pruned
        Why a search stopped it on the way, in one line; it is neither done nor failed, and left no run.
    """

    number: int
    choices: tuple[str, ...]
    run: str | None
    error: str | None = None
    traceback: str | None = None
    reused: bool = False
    pruned: str | None = None
    ground: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it went wrong."""
        return self.run is None and self.pruned is None


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


def sweep_id(command: Sequence[str]) -> str:
    """Id of the sweep that a command line makes, 8 hexadecimal digits; what can change no number does not count.

    A file of experiment or search counts: its name changes nothing, what it holds may.
    """
    silent = PASSIVE - {"experiment", "search"}
    kept = [word for word in command if re.split(r"[=.]", word.lstrip("+~"), maxsplit=1)[0] not in silent]
    return digest([word for word in kept if not word.startswith(SILENT)])[:8]


SILENT = (
    *("hydra/launcher=", "hydra.launcher."),
    *("hydra.sweeper.n_trials=", "hydra.sweeper.storage=", "hydra.sweeper.password_env="),
)
"""How words of Hydra begin that change nothing but where and how many jobs are run."""


@dataclass(frozen=True)
class State:
    """How far a sweep has come.

    Parameters
    ----------
    words
        What followed ``forecastle run`` on the command line.
    started
        When it was begun last, ISO 8601, UTC.
    total, done, failed, pruned
        Jobs that the command makes, that have a run, that have an error, and that a search stopped on the way.
    running
        True where another process of this machine that began it is alive.
    """

    words: tuple[str, ...]
    started: str
    total: int
    done: int
    failed: int
    pruned: int
    running: bool

    @property
    def missing(self) -> int:
        """Jobs of which nothing is known."""
        return self.total - self.done - self.failed - self.pruned


class SweepRecord:
    """The jobs of one sweep below ``runs/sweeps/ID``."""

    def __init__(self, store: Path, identity: str) -> None:
        self.id = identity
        self.store = store
        self.folder = store / paths.SWEEPS / identity

    def begin(self, words: Sequence[str], total: int, limits: Limits) -> None:
        """Write down the command, its number of jobs and its limits, and forget the jobs that are tried again.

        A pruned job is not: a search chose what came after it in that knowledge. A sweep that another process is at
        work on is joined: what that one wrote down stays.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with suppress(RunError):
            if self.state().running:
                return
        for path in self.folder.glob("[0-9]*.json"):
            job = self._read(path)
            if job is None or (job.failed and limits.retry == "failed"):
                path.unlink(missing_ok=True)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        process = {"started": started, "host": platform.node(), "pid": os.getpid(), "born": born(os.getpid())}
        write_json(self.folder / FILE, {"words": list(words), "total": total, **process, **asdict(limits)})

    def forget(self) -> None:
        """Remove the record of a sweep of which nothing was done."""
        if not any(self.folder.glob("[0-9]*.json")):
            shutil.rmtree(self.folder, ignore_errors=True)

    def total(self) -> int:
        """Number of jobs that the command makes."""
        return int(self._node()["total"])

    def spent(self, number: int) -> str | None:
        """Why a job is not to be computed now: it failed or was pruned before, or too many failed; None: it is."""
        if not (self.folder / FILE).is_file():  # it could not be written: what the job meets is told
            return None
        limits, job = self._node(), self.job(number)
        if job is not None and job.failed and limits["retry"] == "none":
            return "failed before (retry=none)"
        if job is not None and job.pruned:
            return "pruned before"
        most = limits["max_failures"]
        if most is not None and (failed := self._failures()) >= most:
            return f"left out after {failed} failure{'s' * (failed != 1)} (max_failures={most})"
        return None

    def plan(self, jobs: Sequence[Sequence[str]]) -> None:
        """Write down the overrides of every job, in order: a job's number is its place there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / PLAN, {"jobs": [list(each) for each in jobs]})

    def number(self, choices: Sequence[str], counted: int) -> int:
        """Number of the job that these overrides make: its place in the plan, or what the launcher counted."""
        path = self.folder / PLAN
        if not path.is_file():
            return counted
        return _places(path, path.stat().st_mtime_ns).get(tuple(choices), counted)

    def write(self, job: Job) -> None:
        """Write down what a job did; nothing waits for the disk, since a run that is finished is found without it."""
        write_json(self.folder / f"{job.number:05d}.json", asdict(job), durable=False)

    def job(self, number: int) -> Job | None:
        """What a job did; None where it has not ended, or what was written of it is damaged."""
        return self._read(self.folder / f"{number:05d}.json")

    def jobs(self) -> list[Job]:
        """All jobs that have ended, in order; one of which the record is damaged is as good as missing."""
        found = (self._read(path) for path in sorted(self.folder.glob("[0-9]*.json")))
        return [job for job in found if job is not None]

    def ended(self, since: float) -> set[int]:
        """Numbers of the jobs of which something was written since then, in seconds since 1970."""
        found = (each for each in os.scandir(self.folder) if each.name[0].isdigit() and each.name.endswith(".json"))
        return {int(each.name[:-5]) for each in found if each.stat().st_mtime >= since}

    def _failures(self) -> int:
        """Number of jobs that failed; each record is read once by a process."""
        found = (each for each in os.scandir(self.folder) if each.name[0].isdigit() and each.name.endswith(".json"))
        return sum(_failed(each.path, each.stat().st_mtime_ns) for each in found)

    def _node(self) -> dict[str, Any]:
        node = read_json(self.folder / FILE)
        if missing := {"words", "total", "started", "host", "pid", "born", "retry", "max_failures"} - set(node):
            raise RunError(f"{self.folder / FILE} is damaged: {', '.join(sorted(missing))} missing")
        return node

    @staticmethod
    def _read(path: Path) -> Job | None:
        try:
            node = read_json(path)
            return Job(**{**node, "choices": tuple(node["choices"])})
        except (RunError, KeyError, TypeError):
            return None

    def state(self) -> State:
        """How far it has come.

        Raises
        ------
        RunError
            If the record is missing or damaged; its command, given again, writes it anew.
        """
        node, jobs = self._node(), self.jobs()
        done, failed = sum(job.run is not None for job in jobs), sum(job.failed for job in jobs)
        alive = node["host"] == platform.node() and (now := born(node["pid"])) is not None and now == node["born"]
        running = alive and node["pid"] != os.getpid() and len(jobs) < node["total"]
        pruned = len(jobs) - done - failed
        return State(tuple(node["words"]), node["started"], node["total"], done, failed, pruned, running)


@lru_cache(maxsize=65536)
def _failed(path: str, changed: int) -> bool:  # noqa: ARG001  written again, read again
    job = SweepRecord._read(Path(path))
    return job is not None and job.failed


@lru_cache(maxsize=4)
def _places(path: Path, changed: int) -> dict[tuple[str, ...], int]:  # noqa: ARG001  another file, another plan
    return {tuple(choices): number for number, choices in enumerate(read_json(path)["jobs"])}


def sweeps(store: Path) -> list[SweepRecord]:
    """All sweeps below a store, the one begun last at the end."""
    found = (store / paths.SWEEPS).glob(f"*/{FILE}")
    return [SweepRecord(store, path.parent.name) for path in sorted(found, key=lambda path: path.stat().st_mtime)]


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
        what = "no sweep" if not found else f"{len(found)} sweeps begin with"
        raise RunError(f"{what} {word!r} in {store} ({len(everything)} sweeps there; see `forecastle sweeps`)")
    return found[0]
