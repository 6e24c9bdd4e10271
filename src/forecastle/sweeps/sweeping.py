"""A sweep: what the process that it was asked of does, and what it and each worker do about a job."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.experimental.callback import Callback

from forecastle.config.compose import choices, validate
from forecastle.config.schema import Config
from forecastle.errors import ConfigError
from forecastle.runs import stopping
from forecastle.runs.ground import Sources, Stamp, holds
from forecastle.runs.store import RunStore
from forecastle.runs.sweep import FILE, Job, Limits, SweepRecord
from forecastle.runs.weights import trim
from forecastle.sweeps.job import FULL, Place, bring_to_end
from forecastle.sweeps.progress import Progress, say, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from forecastle.runs.execution import Memory
    from forecastle.runs.stopping import Stop


@dataclass
class Sweep:
    """The sweep that this process was asked for.

    Parameters
    ----------
    words
        The command line, without its limits, which hold for one time.
    limits
        What it does about failures.
    home
        The process: it puts off the jobs that others compute. A launcher's workers wait for them.
    record
        The jobs that it has, once Hydra has composed it.
    put_off
        Jobs that another process was computing when their turn came.
    known
        Runs by number of the jobs that are not begun, since the ledger says what they give.
    in_turn
        True where jobs hang on what came of those before: none is put off, and what failed is not tried again.
    keep_models
        How many of its runs keep their weights; None: all.
    anew
        True where a search that has changed is begun anew.
    """

    words: tuple[str, ...]
    limits: Limits
    home: int = field(default_factory=os.getpid)
    record: SweepRecord | None = None
    put_off: list[tuple[Place, Config]] = field(default_factory=list)
    known: dict[int, str] = field(default_factory=dict)
    in_turn: bool = False
    keep_models: int | None = None
    anew: bool = False
    shown: ExitStack = field(default_factory=ExitStack)

    def begin(self, record: SweepRecord, total: int) -> None:
        """Open the record, and show from now on how far the sweep is."""
        self.record = record
        limits = replace(self.limits, retry="none") if self.in_turn else self.limits
        with suppress(OSError):  # Hydra meets the same folder next, and its error is told
            record.begin(self.words, total, limits)
            self.shown.enter_context(watched(Progress(record, self.known)))

    def finish(self, memory: Memory) -> int:
        """Do what was put off, print the table, and return the exit code."""
        if self.record is None:  # a flag such as --cfg shows something and runs nothing
            return 0
        from forecastle.terminal import print_sweep

        with stoppable(workers=1) as stop:
            for place, config in self.put_off:
                stop.check()
                bring_to_end(place, lambda config=config: config, memory, _origin(), wait=True)  # type: ignore[misc]
        self.shown.close()
        if isinstance(self.keep_models, int) and self.keep_models >= 0:  # fewer than before, where nothing is computed
            trim(self.record.store, self.record.id, self.keep_models)
        found = print_sweep(self.record, self.known)
        jobs = self.record.jobs()
        whole = len(jobs) == self.record.total() and not any(job.failed for job in jobs)
        return 0 if found and whole else 1

    def standing(self) -> str:
        """What is told when it was stopped: what there is, and how it is gone on with; nothing where it never began."""
        if self.record is None or not (self.record.folder / FILE).is_file() or not (total := self.record.total()):
            return ""
        done = sum(job.run is not None for job in self.record.jobs())
        place = "" if self.record.store == Path("runs") else f"FORECASTLE_OUTPUT={self.record.store} "
        how = f"`{place}forecastle sweep resume {self.record.id}` goes on with it"
        return f"{done} of {total} runs of sweep {self.record.id} are finished and kept; {how}"


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
        raise KeyboardInterrupt(f"interrupted: {told}" if told else "") from None
    except OSError as error:
        if error.errno in FULL and (told := sweep.standing()):
            say(told)
        raise
    except ConfigError:  # none of its jobs could begin
        if sweep.record is not None:
            sweep.record.forget()
        raise
    finally:
        _asked.clear()
        _composed_from.clear()


def at_end(action: Callable[[], None]) -> None:
    """Have something done when the sweep of this process is over, however it ends."""
    if _asked:
        _asked[-1].shown.callback(action)


def stoppable(workers: int) -> AbstractContextManager[Stop]:
    """Listen to Ctrl-C while jobs are run by so many processes."""
    jobs = "job" if workers == 1 else "jobs"
    return stopping.stoppable(lambda: say(f"finishing the {jobs} in progress; Ctrl-C again stops now"))


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
    _asked[-1].known.update(_known(record, plan))
    return [job for number, job in enumerate(jobs) if number not in _asked[-1].known]


def _known(record: SweepRecord, plan: Sequence[tuple[str, ...]]) -> dict[int, str]:
    """Runs by number of the planned jobs that were finished on the ground of today."""
    if not _composed_from:
        return {}
    sources, _ = _composed_from[-1]
    store, judged = RunStore(record.store), dict[str, bool]()
    known = {}
    for job in record.jobs():
        if job.run is None or job.ground is None or plan[job.number : job.number + 1] != [job.choices]:
            continue
        run = store.find(job.run)
        if run is None or run.damage:
            continue
        if job.ground not in judged:
            judged[job.ground] = holds(job.ground, run.folder, job.choices, sources)
        if judged[job.ground]:
            known[job.number] = job.run
    return known


_composed_from: list[tuple[Sources, Stamp]] = []
"""Where this process composes jobs from, and its stamp from before the first of them."""


def composes_from(hydra: Any) -> None:
    """Note, once, where this process composes jobs from, given the ``hydra`` node of what they have in common."""
    if not _composed_from:
        sources = Sources.of(hydra)
        _composed_from.append((sources, sources.stamp()))


def _origin() -> tuple[Sources, Stamp] | None:
    return _composed_from[-1] if _composed_from else None


def _chosen(overrides: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in overrides if not word.startswith("sweep="))


class SweepBegins(Callback):
    """Hydra's callback that opens the record of a sweep, once its output folder is composed."""

    def on_multirun_start(self, config: Any, **_: Any) -> None:
        """Write down the command and its number of jobs."""
        if config.sweep is not None:
            _asked[-1].keep_models = config.keep_models
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


def run_job(composed: Any, memory: Memory) -> str | None:
    """Run one composed configuration and write down how it ended; it never stops the others.

    Returns
    -------
    str or None
        `PUT_OFF` where it is to be run again by whoever asked this worker for it.

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
    if reason := place.record.spent(place.number):
        place.tell(reason)
        return None
    named = choices(hydra.runtime.choices)
    home = bool(_asked) and _asked[-1].home == os.getpid()
    waits = _asked[-1].in_turn if home else _waits[-1] if _waits else True
    config = bring_to_end(place, lambda: validate(composed, named), memory, _origin(), wait=waits)
    if config is not None and home:
        _asked[-1].put_off.append((place, config))
    return None if config is None or home else PUT_OFF


def lost(overrides: Sequence[str], number: int, reason: str) -> None:
    """Write down a job whose worker died, unless it had ended."""
    if _asked and (record := _asked[-1].record) is not None:
        place = Place(record, record.number(_chosen(overrides), number), _chosen(overrides))
        if record.job(place.number) is not None:
            return
        place.record.write(Job(place.number, place.chosen, None, error=reason))
        place.tell(f"failed: {reason}")


def _count(overrides: Sequence[str]) -> int:
    """Number of jobs that the overrides make."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser

    total = 1
    for override in OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides(list(overrides)):
        if override.is_discrete_sweep():  # the sweeper refuses any other
            total *= sum(1 for _ in override.sweep_iterator())
    return total
