"""`forecastle run -m hydra/sweeper=optuna`: a sweep whose jobs a study proposes."""

from __future__ import annotations

import platform
import sys
import typing
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecastle.config.annotation import check_type
from forecastle.config.compose import check_search, choices, explain
from forecastle.errors import ConfigError, MissingExtraError, RunError
from forecastle.runs.claim import claim
from forecastle.runs.execution import Memory
from forecastle.runs.process import born
from forecastle.runs.store import Run, RunStore, read_json
from forecastle.runs.sweep import FILE, SweepRecord
from forecastle.sweeps import sweeping
from forecastle.sweeps.asked import stoppable

if TYPE_CHECKING:
    from hydra.plugins.launcher import Launcher

    from forecastle.runs.entry import Job
    from forecastle.search.goal import Goals, Outcome
    from forecastle.search.space import Space
    from forecastle.search.study import Batch, Plan, Study

    Launch = Callable[[Batch], None]


@dataclass(frozen=True)
class Wish:
    """What ``hydra.sweeper`` says about a search; see ``conf/hydra/sweeper/optuna.yaml``."""

    sampler: str
    n_trials: int | None
    batch: int
    seed: int
    objectives: list[str] | None
    constraints: list[str]
    pruner: Any
    storage: str | None
    password_env: str | None

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Wish:
        """Check the settings.

        Raises
        ------
        ConfigError
            If one has a value that it cannot have.
        """
        from omegaconf import OmegaConf

        plain: dict[str, Any] = {
            key: OmegaConf.to_container(v) if OmegaConf.is_config(v) else v for key, v in settings.items()
        }
        for key, annotation in typing.get_type_hints(cls).items():
            check_type(f"hydra.sweeper.{key}", plain[key], annotation)
        wish = cls(**plain)
        if wish.batch < 1:
            raise ConfigError(f"hydra.sweeper.batch must be at least 1, got {wish.batch}")
        if wish.seed < 0:
            raise ConfigError(f"hydra.sweeper.seed must be at least 0, got {wish.seed}")
        return wish


def search(wish: Wish, arguments: Sequence[str], loader: Any, master: Any, launcher: Launcher) -> None:
    """Search the space of a command line.

    Parameters
    ----------
    wish
        How.
    arguments
        Overrides of the command line.
    loader, master, launcher
        Hydra's: the configuration loader, what it composed for the sweep, and what runs jobs.

    Raises
    ------
    ForecastleError
        If something cannot be, which is told before anything is run, or the study's storage cannot be used.
    """
    if find_spec("optuna") is None:
        raise MissingExtraError(
            "hydra/sweeper=optuna needs the package 'optuna', which is not installed: pip install 'forecastle[search]'"
        )
    from forecastle.search.opening import check_unchanged, forget, open_study
    from forecastle.search.rehearsal import compose
    from forecastle.search.storage import Storage

    if master.sweep is None:
        raise ConfigError("a search is asked for by -m, right after `forecastle run`")
    space, fixed, after, plan = _asked(wish, arguments, loader, master)
    record = SweepRecord(Path(master.output), master.sweep)
    storage = Storage(record.folder, wish.storage, wish.password_env)

    def launch(batch: Batch) -> None:
        launcher.launch([[*fixed, *words] for words in batch.words()], initial_job_idx=batch.first)

    with claim(record.store, f"study-{record.id}", wait=False) as mine, closing(storage):
        if not mine:
            raise RunError(_taken(record))
        if sweeping.begins_anew():
            storage.reach()
            forget(record.folder)
        check_unchanged(record, lambda words: compose(words, loader, master), Memory())
        study = open_study(record, storage, space, plan, after)
        known = _known(study, record)
        sweeping.begin_in_turn(record, max(plan.trials, study.begun), known)
        _told_of_stale(study)
        if len(known) < plan.trials:
            _drive(study, record, known, launch, after)


def _asked(wish: Wish, arguments: Sequence[str], loader: Any, master: Any) -> tuple[Space, list[str], Goals, Plan]:
    """The space, the words beside it, the goals and the plan, all of them checked."""
    from forecastle.search import sampler
    from forecastle.search.goal import goals
    from forecastle.search.pruning import rule_of
    from forecastle.search.rehearsal import rehearse
    from forecastle.search.silence import silence
    from forecastle.search.space import read
    from forecastle.search.study import Plan

    check_search(master.search, choices(master.hydra.runtime.choices))
    try:
        space, fixed = read(master.search or {}, arguments, loader)
    except Exception as error:
        raise explain(error) from error
    tried = rehearse(space, fixed, loader, master)
    after = goals(tried, wish.objectives, wish.constraints)
    sampler.check(wish.sampler, space, len(after.objectives))
    rule = rule_of(wish.pruner, len(after.objectives))
    if rule is not None:
        for line in silence(tried, type(rule).__name__.lower()):
            print(line, file=sys.stderr)
    trials = sampler.size(wish.sampler, space, wish.n_trials)
    return space, fixed, after, Plan(wish.sampler, trials, wish.batch, wish.seed, rule)


def _known(study: Study, record: SweepRecord) -> dict[int, str]:
    """Runs by number of the trials that have ended and whose run is there, whole."""
    store = RunStore(record.store)
    known = {}
    for job in record.jobs():
        run = store.find(job.run) if job.run and study.finished(job.number) else None
        if run is not None and not run.damage:
            known[job.number] = run.id
    return known


def _drive(study: Study, record: SweepRecord, known: Container[int], launch: Launch, after: Goals) -> None:
    """Run batch after batch until all trials have ended and their runs are there, or some were left out."""
    with stoppable(workers=1) as stop:  # so that Ctrl-C between two batches cuts nothing short
        for batch in study.batches():
            stop.check()
            numbers = [trial.number for trial in batch.trials]
            if batch.known and all(number in known or record.spent(number) for number in numbers):
                continue
            try:
                launch(batch)
            finally:  # where Ctrl-C was pressed, the jobs that were finished first have ended
                _tell(study, record, numbers, after)
            stop.check()  # before the next ones are proposed


def _tell(study: Study, record: SweepRecord, numbers: Sequence[int], after: Goals) -> None:
    """Tell a study what became of those of a batch's trials that have ended."""
    for number in numbers:
        job = record.job(number)
        if job is not None and not study.finished(number):
            study.tell(number, _outcome(job, record, after))


def _outcome(job: Job, record: SweepRecord, after: Goals) -> Outcome:
    from forecastle.search.goal import Outcome

    if job.run is None:
        return Outcome(None, reason=job.error or job.pruned, pruned=job.pruned is not None)
    return after.outcome(Run(job.run, record.store / job.run))


def _taken(record: SweepRecord) -> str:
    """Who proposes the trials; one that has only now begun has not written its name down yet."""
    node = read_json(record.folder / FILE) if (record.folder / FILE).is_file() else {}
    known = node and (node["host"] != platform.node() or born(node["pid"]) is not None)
    process = f"process {node['pid']} on {node['host']}" if known else "another process"
    return (
        f"search {record.id} is at work already, by {process}: "
        "one process proposes the trials of a search, and its launcher runs several at once"
    )


def _told_of_stale(study: Study) -> None:
    """Say which trials a process that has ended left running."""
    for (host, pid), numbers in study.stale().items():
        which = ", ".join(str(number + 1) for number in numbers)
        trials = f"trial{'s' * (len(numbers) > 1)} {which}"
        print(f"{trials}: proposed by process {pid} on {host}, which ended before; run now", file=sys.stderr)
