"""Turns: how the jobs of a launcher are composed and run, here one after the other, or by workers."""

from __future__ import annotations

import gc
import itertools
import pickle
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus, env_override, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from forecastle.errors import ConfigError
from forecastle.runs import workers
from forecastle.sweeps import sweeping
from forecastle.sweeps.asked import stoppable
from forecastle.sweeps.origin import composes_from

if TYPE_CHECKING:
    from hydra.conf import HydraConf


@dataclass(frozen=True)
class Setting:
    """What the jobs of a launcher share: Hydra's context, the sweep's configuration, and what is done with a job's."""

    context: HydraContext
    config: DictConfig
    task: TaskFunction


SETTLED = 10
"""After so many jobs of a process all that they share is there; the garbage collector need not go through it again."""

_turns = itertools.count(1)
"""Jobs of this process."""


def here(setting: Setting, jobs: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
    """Run jobs one after the other in this process.

    Parameters
    ----------
    setting
        What they share.
    jobs
        The overrides of each.
    first
        Number of the first job, as Hydra counts them.

    Raises
    ------
    KeyboardInterrupt
        After the job in progress, where Ctrl-C was pressed.
    """
    setup_globals()
    done = []
    with stoppable(workers=1) as stop:
        for number, overrides in enumerate(jobs, first):
            stop.check()
            done.append(turn(setting, (number, overrides)))
        stop.check()
    return done


def crew(setting: Setting, count: int | None) -> workers.Crew:
    """So many workers, for as long as the sweep lasts; None: the cores divided by their threads, -1: the cores.

    Raises
    ------
    ConfigError
        If there can be no such number of workers.
    """
    made = workers.Crew(_serve, pickle.dumps(setting), _count(count, int(setting.config.threads)))
    sweeping.at_end(made.dismiss)
    return made


def apart(crew: workers.Crew, jobs: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
    """Run jobs by workers; see `here`. What another process computes is waited for when nothing else is left."""
    done: list[JobReturn] = [JobReturn(overrides=list(overrides)) for overrides in jobs]
    left = list(range(len(jobs)))
    with stoppable(workers=crew.count) as stop:
        for wait in (False, True):
            todo, left = left, []
            asked = [(first + index, jobs[index], wait) for index in todo]
            for place, result in crew.run(asked, stop) if asked else ():
                index = todo[place]
                if isinstance(result, workers.WorkerError):
                    sweeping.lost(jobs[index], first + index, str(result))
                elif isinstance(result, Exception):
                    raise result
                elif result == sweeping.PUT_OFF:
                    left.append(index)
                else:
                    sweeping.met(jobs[index], first + index, result)
                done[index].return_value = None
                done[index].status = JobStatus.COMPLETED
        stop.check()
    return done


def turn(setting: Setting, job: tuple[int, Sequence[str]]) -> JobReturn:
    """Compose one job and run it, as Hydra's own launchers do, but without copying its configuration three times.

    What comes back holds no configuration: a sweep of thousands keeps one of them all.
    """
    number, overrides = job
    config = setting.context.config_loader.load_sweep_config(setting.config, list(overrides))
    with open_dict(config):
        hydra = config.hydra
        hydra.job.id = hydra.job.num = number
        hydra.runtime.output_dir = str(Path(hydra.sweep.dir).absolute())
    shown = HydraConfig.instance()
    before, shown.cfg = shown.cfg, cast("HydraConf", config)
    result = JobReturn(overrides=list(overrides))
    callbacks = setting.context.callbacks
    try:
        with env_override(hydra.job.env_set):
            callbacks.on_job_start(config=config, task_function=setting.task)
            result.return_value = setting.task(config)
            result.status = JobStatus.COMPLETED
        callbacks.on_job_end(config=config, job_return=result)
    finally:
        shown.cfg = before
    if next(_turns) == SETTLED:
        gc.collect()
        gc.freeze()
    return result


def _serve(content: Setting, job: tuple[int, Sequence[str], bool]) -> Any:
    """A worker's turn: what the task returned."""
    number, overrides, wait = job
    setup_globals()
    composes_from(content.config.hydra)
    with sweeping.working(wait=wait):
        return turn(content, (number, overrides)).return_value


def _count(asked: int | None, threads: int) -> int:
    """Number of workers; more threads than cores are told of, since they wait for each other."""
    cores = workers.cores()
    if asked is not None and (not isinstance(asked, int) or isinstance(asked, bool) or asked < -1 or asked == 0):
        raise ConfigError(f"hydra.launcher.n_jobs must be at least 1, -1 for all cores, or null, got {asked!r}")
    count = max(1, cores // threads) if asked is None else cores if asked == -1 else asked
    if count > 1 and count * threads > cores:
        print(
            f"{count} workers of {threads} thread{'s' * (threads > 1)} on {cores} cores wait for each other: "
            f"hydra.launcher.n_jobs={max(1, cores // threads)} suits them",
            file=sys.stderr,
        )
    return count
