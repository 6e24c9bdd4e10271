"""Spreading: the jobs of a sweep in parcels that a cluster runs, so many at once, none of them lost."""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hydra.core.utils import JobReturn, JobStatus, setup_globals

from forecastle.errors import ConfigError, ForecastleError
from forecastle.runs.stopping import Stop
from forecastle.sweeps import sweeping, turns
from forecastle.sweeps.asked import stoppable
from forecastle.sweeps.turns import Setting

POLL = 0.1
"""Seconds between two looks at the parcels that a cluster has."""

PATIENCE = 3.0
"""Seconds that parcels have to clean up where they are withdrawn."""


class LostError(Exception):
    """What a cluster says of a parcel that it did not bring to an end."""


@dataclass(frozen=True)
class Parcel:
    """Some jobs of a sweep, which one process of a cluster does one after the other.

    Parameters
    ----------
    shared
        What all jobs share (`forecastle.sweeps.turns.Setting`), pickled.
    jobs
        Number and overrides of each.
    folder
        The current folder, which is there on every machine.
    environment
        Our variables (``FORECASTLE_…``).
    path
        Where Python looks for modules.
    """

    shared: bytes
    jobs: tuple[tuple[int, tuple[str, ...]], ...]
    folder: str
    environment: dict[str, str]
    path: tuple[str, ...]

    def __call__(self) -> list[Any]:
        """Do the jobs; what each returned, or the error that would stop the others too, such as a full disk."""
        os.chdir(self.folder)
        os.environ.update(self.environment)
        sys.path[:] = [*self.path, *(each for each in sys.path if each not in self.path)]
        setup_globals()
        setting: Setting = pickle.loads(self.shared)
        done: list[Any] = []
        for job in self.jobs:
            try:
                done.append(turns.turn(setting, job).return_value)
            except (ForecastleError, OSError) as error:
                return [*done, error]
        return done

    def checkpoint(self) -> Any:
        """What SLURM is given again where a parcel ran out of time: a run goes on from its own checkpoints."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


class Cluster(Protocol):
    """What runs parcels somewhere else."""

    def submit(self, parcels: Sequence[Parcel]) -> list[Any]:
        """Hand parcels over; a handle for each."""
        ...

    def done(self, handles: Sequence[Any]) -> list[Any]:
        """Those that have ended."""
        ...

    def result(self, handle: Any) -> list[Any]:
        """What a parcel that has ended returned.

        Raises
        ------
        LostError
            If it was not brought to an end.
        """
        ...

    def withdraw(self, handle: Any, *, begun: bool) -> bool:
        """Take a parcel back, one that has begun only where that is said; whether it was."""
        ...


def spread(
    setting: Setting, jobs: Sequence[Sequence[str]], first: int, cluster: Cluster, size: int, most: int
) -> list[JobReturn]:
    """Run jobs on a cluster and give their results in order.

    Parameters
    ----------
    setting
        What they share.
    jobs
        The overrides of each.
    first
        Number of the first one, as Hydra counts them.
    cluster
        Where they are run.
    size
        Jobs of a parcel.
    most
        Parcels that the cluster has at once.

    Raises
    ------
    ConfigError
        If `size` or `most` is less than 1.
    KeyboardInterrupt
        After the parcels in progress, where Ctrl-C was pressed; at once, where it was pressed again.
    """
    for name, value in (("runs_per_job", size), ("n_jobs", most)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ConfigError(f"hydra.launcher.{name} must be at least 1, got {value!r}")
    numbered = [(number, tuple(overrides)) for number, overrides in enumerate(jobs, first)]
    environment = {name: value for name, value in os.environ.items() if name.startswith("FORECASTLE_")}
    shared, here = pickle.dumps(setting), str(Path.cwd())
    path = tuple(each or here for each in sys.path)
    parcels = deque(
        Parcel(shared, tuple(numbered[begin : begin + size]), here, environment, path)
        for begin in range(0, len(numbered), size)
    )
    done = [JobReturn(overrides=list(overrides)) for overrides in jobs]
    with stoppable(workers=most) as stop:
        for parcel, results in _ended(cluster, parcels, most, stop):
            for (number, overrides), result in zip(parcel.jobs, results, strict=False):
                if isinstance(result, LostError):
                    sweeping.lost(overrides, number, str(result))
                elif isinstance(result, Exception):
                    raise result
                else:
                    sweeping.met(overrides, number, result)
                    done[number - first].return_value = result
                done[number - first].status = JobStatus.COMPLETED
        stop.check()
    return done


def _ended(cluster: Cluster, waiting: deque[Parcel], most: int, stop: Stop) -> Iterator[tuple[Parcel, list[Any]]]:
    """Parcels and what their jobs returned, as they end; a LostError for each job of one that was lost."""
    running: dict[Any, Parcel] = {}
    try:
        while waiting or running:
            if stop.asked:
                waiting.clear()
                running = {each: running[each] for each in running if not cluster.withdraw(each, begun=False)}
            now = [waiting.popleft() for _ in range(min(most - len(running), len(waiting)))]
            running |= dict(zip(cluster.submit(now), now, strict=True)) if now else {}
            ended = cluster.done(list(running))
            for handle in ended:
                parcel = running.pop(handle)
                try:
                    yield parcel, cluster.result(handle)
                except LostError as error:
                    yield parcel, [error] * len(parcel.jobs)
            if not ended:
                time.sleep(POLL)
    finally:
        for handle in running:
            cluster.withdraw(handle, begun=True)
        until = time.monotonic() + PATIENCE
        while running and time.monotonic() < until:
            for handle in cluster.done(list(running)):
                del running[handle]
            time.sleep(POLL)
