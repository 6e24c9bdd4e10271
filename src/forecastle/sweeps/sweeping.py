"""A sweep: what the process that it was asked of does, and what it and each worker do about a job."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.experimental.callback import Callback

from forecastle.config.compose import choices, validate
from forecastle.config.swept import is_hydras
from forecastle.errors import ConfigError, ForecastleError, RunError
from forecastle.runs.entry import Job
from forecastle.runs.ground import holds
from forecastle.runs.store import RunStore
from forecastle.runs.sweep import Limits, SweepRecord
from forecastle.runs.weights import recount
from forecastle.sweeps.asked import Sweep
from forecastle.sweeps.job import FULL, Place, bring_to_end, tell_alike
from forecastle.sweeps.origin import composes_from, forget_origin, origin
from forecastle.sweeps.progress import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from forecastle.runs.execution import Memory


_asked: list[Sweep] = []
"""The sweep of this process; none in a worker."""


@contextmanager
def asked(words: Sequence[str], limits: Limits, *, anew: bool = False) -> Iterator[Sweep]:
    """Make a sweep the one of this process while the block runs.

    Raises
    ------
    KeyboardInterrupt
        Where it was stopped, with what there is and how it is gone on with.
    """
    sweep = Sweep(tuple(words), limits, anew=anew)
    _asked[:] = [sweep]
    try:
        with sweep.shown:
            yield sweep
    except KeyboardInterrupt:
        told = sweep.standing()
        if told and sweep.record is not None:
            tell_alike(sweep.record)
        raise KeyboardInterrupt(f"interrupted: {told}" if told else "") from None
    except OSError as error:
        if error.errno in FULL and (told := sweep.standing()):
            say(told)
        raise
    except ForecastleError as error:
        if sweep.record is not None and (not sweep.in_turn or isinstance(error, ConfigError)):
            sweep.record.forget()  # unless one of its jobs could begin
        elif isinstance(error, RunError) and (told := sweep.standing()):  # a storage that is gone or locked meanwhile
            raise RunError(f"{error}; {told}") from error
        raise
    finally:
        _asked.clear()
        _left_out.clear()
        forget_origin()


def at_end(action: Callable[[], None]) -> None:
    """Have something done when the sweep of this process is over, however it ends."""
    if _asked:
        _asked[-1].shown.callback(action)


def planned(jobs: list[list[str]]) -> list[list[str]]:
    """Write down which jobs the sweep of this process has, by their overrides, and give those that are to be run.

    Raises
    ------
    ConfigError
        If two of them are the same.
    """
    plan = [_chosen(each) for each in jobs]
    if len(set(plan)) < len(plan):
        twice = next(each for number, each in enumerate(plan) if each in plan[:number])
        raise ConfigError(f"a value stands twice in the sweep: {' '.join(twice)}")
    record = _asked[-1].record if _asked else None
    if record is None:
        return jobs
    record.plan(plan)
    known = _asked[-1].known
    done = record.jobs()
    known.update(_known(record, plan, done))
    if again := {job.run for job in done if job.run and job.number not in known}:
        recount(record.store, record.id, again)
    return [job for number, job in enumerate(jobs) if number not in known]


def _known(record: SweepRecord, plan: Sequence[tuple[str, ...]], done: Sequence[Job]) -> dict[int, str]:
    """Runs by number of the planned jobs that were done before, on the ground of today."""
    if (found := origin()) is None:
        return {}
    sources, _ = found
    store, judged = RunStore(record.store), dict[str, bool]()
    known, changed = {}, 0
    for job in done:
        if job.run is None or job.ground is None or plan[job.number : job.number + 1] != [job.choices]:
            continue
        run = store.find(job.run)
        if run is None or run.damage:
            continue
        if job.ground not in judged:
            judged[job.ground] = holds(job.ground, run.folder, job.choices, sources)
        if judged[job.ground]:
            known[job.number] = job.run
        else:
            changed += 1
    if changed:
        say(
            f"sweep {record.id} has changed: conf/, the environment, code, data or versions are not those of then for "
            f"{changed} of its finished runs, which {'is' if changed == 1 else 'are'} computed anew where it matters"
        )
    return known


def _chosen(overrides: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in overrides if not word.startswith("sweep="))


class SweepBegins(Callback):
    """Hydra's callback that opens the record of a sweep, once its output folder is composed."""

    def on_multirun_start(self, config: Any, **_: Any) -> None:
        """Write down the command and its number of jobs."""
        if config.sweep is not None:
            _asked[-1].keep_models = config.keep_models
            if task := _asked[-1].task:  # what is held back is a word of each job
                config.hydra.overrides.task = [word for word in task if not is_hydras(word)]
        if config.sweep is None or str(config.hydra.sweeper.get("_target_")) == SEARCHING:
            return
        overrides = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
        command = [word for word in config.hydra.overrides.task if not word.startswith("sweep=")]
        composes_from(config.hydra)
        _asked[-1].begin(SweepRecord(Path(config.output), config.sweep), _count([*overrides, *command]))


SEARCHING = "hydra_plugins.forecastle_optuna.OptunaSweeper"
"""A sweeper that begins the record of a sweep by itself, once it has seen that its space can be searched."""


def begins_anew() -> bool:
    """Whether what is known of a search is to be forgotten first."""
    return bool(_asked) and _asked[-1].anew


def begin_in_turn(record: SweepRecord, total: int, known: Mapping[int, str]) -> None:
    """Open the record of a sweep whose jobs hang on what came of those before, and of which some runs are known."""
    sweep = _asked[-1]
    sweep.in_turn = True
    sweep.known.update(known)
    sweep.begin(record, total)


PUT_OFF = "put off"
"""What a worker answers for a job that another process computes just now."""

_left_out: set[tuple[str, str]] = set()
"""Sweeps of which this process has told that jobs are left out, and why."""

_waits: list[bool] = []
"""Whether a worker of ours waits for what another process computes; nothing in a process that is none."""


@contextmanager
def working(*, wait: bool) -> Iterator[None]:
    """Be a worker for a block, which waits for what another process computes or puts it off."""
    _waits[:] = [wait]
    try:
        yield
    finally:
        _waits.clear()


def run_job(composed: Any, memory: Memory) -> str:
    """Run one composed configuration and write down how it ended; it never stops the others.

    Returns
    -------
    str
        How it ended; `PUT_OFF` where it is to be run again by whoever asked this worker for it.

    Raises
    ------
    ConfigError
        If the configuration belongs to no sweep of ours.
    """
    from hydra.core.hydra_config import HydraConfig

    if composed.sweep is None:
        raise ConfigError("a sweep is asked for by -m, right after `forecastle run`")
    hydra = HydraConfig.get()
    chosen = _chosen(hydra.overrides.task)
    record = SweepRecord(Path(composed.output), str(composed.sweep))
    place = Place(record, record.number(chosen, int(hydra.job.num)), chosen)
    home = bool(_asked) and _asked[-1].home == os.getpid()
    if spent := place.record.spent(place.number):
        ended, reason = spent
        if ended != "left":
            place.tell(reason)
        elif (record.id, reason) not in _left_out:
            _left_out.add((record.id, reason))
            place.tell(f"{reason}, and so are those that follow")
    else:
        named = choices(hydra.runtime.choices)
        waits = _asked[-1].in_turn if home else _waits[-1] if _waits else True
        met = bring_to_end(place, lambda: validate(composed, named), memory, origin(), wait=waits)
        if not isinstance(met, str):
            if home:
                _asked[-1].put_off.append((place, met))
            return PUT_OFF
        ended = met
    if home:
        _asked[-1].met[place.number] = ended
    return ended


def met(overrides: Sequence[str], number: int, ended: Any) -> None:
    """Note how a worker says that a job ended."""
    if _asked and (record := _asked[-1].record) is not None and ended != PUT_OFF:
        _asked[-1].met[record.number(_chosen(overrides), number)] = ended


def lost(overrides: Sequence[str], number: int, reason: str) -> None:
    """Write down a job whose worker died, unless it had ended."""
    if _asked and (record := _asked[-1].record) is not None:
        place = Place(record, record.number(_chosen(overrides), number), _chosen(overrides))
        before = record.job(place.number)
        if before is not None and (before.ended or "") >= _asked[-1].began:
            _asked[-1].met[place.number] = before.what
            return
        _asked[-1].met[place.number] = place.end(Job(place.number, place.chosen, None, error=reason))


def _count(overrides: Sequence[str]) -> int:
    """Number of jobs that the overrides make."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser

    total = 1
    for override in OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides(list(overrides)):
        if override.is_discrete_sweep():  # the sweeper refuses any other
            total *= sum(1 for _ in override.sweep_iterator())
    return total
