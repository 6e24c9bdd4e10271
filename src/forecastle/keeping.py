"""Runs: an experiment computed once and kept, and found again."""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from forecastle import explanation, paths, pipeline
from forecastle.config.compose import compose
from forecastle.config.schema import Config
from forecastle.config.target import build
from forecastle.errors import Pruned, RunError
from forecastle.experiment import Experiment
from forecastle.logs import run_log
from forecastle.reopening import explain, look_at, open_test, restore
from forecastle.runs.claim import claim
from forecastle.runs.execution import Memory
from forecastle.runs.identity import digest
from forecastle.runs.store import Run, RunStore
from forecastle.runs.tags import tags_of
from forecastle.runs.watching import Watch, tell_again
from forecastle.runs.weights import ALONE, Standing, held, misses, settle
from forecastle.tracking.guard import Guarded
from forecastle.windows.fold import TEST, VALIDATION

logger = logging.getLogger(__name__)


def run(overrides: Sequence[str] = (), memory: Memory | None = None) -> Run:
    """Compose an experiment, run it and keep it; a finished run of the same id is returned, not computed again.

    Parameters
    ----------
    overrides
        As on the command line: ``["model=ridge", "horizon=10"]``.
    memory
        Shared by several calls, it spares them reading the same bars and computing the same features.

    Returns
    -------
    Run
        With its `id`, `folder`, `metrics` and `manifest`.

    Raises
    ------
    ForecastleError
        For a wrong configuration, refused data, or a model that cannot do what is asked.
    """
    return execute(compose(overrides), memory)


def execute(config: Config, memory: Memory | None = None) -> Run:
    """Run a checked configuration; see `run`. What another process computes just now is waited for."""
    found = attempt(config, memory, wait=True)
    if found is None:
        raise RuntimeError("a claim that is waited for is given")
    return found


def attempt(
    config: Config, memory: Memory | None = None, *, wait: bool, watch: Watch | None = None, job: int | None = None
) -> Run | None:
    """Run a checked configuration, a job of its sweep; None where another process computes it and is not waited for.

    Raises
    ------
    Pruned
        If `watch`, which its fit tells how well it does, has stopped it; nothing of it is kept that was not there.
    """
    tracker = Guarded(build(config.tracker, "tracker"))
    experiment = Experiment(config, memory)
    experiment.watch, experiment.job = watch, job
    store = RunStore(Path(config.output))
    if tracker.place is None:
        return _attempt(experiment, store, watch, report=tracker.wants_report, wait=wait)
    from forecastle.tracked import Stream, Teller

    stream = Stream(Teller(tracker, config.tracker, store), config, experiment.identity.id, store, watch)
    experiment.watch = stream
    try:
        found = _attempt(experiment, store, watch, report=tracker.wants_report, wait=wait)
    except BaseException as error:
        stream.abort(pruned=isinstance(error, Pruned))
        raise
    if found is not None:
        stream.finish(found)
    return found


def _attempt(experiment: Experiment, store: RunStore, watch: Watch | None, *, report: bool, wait: bool) -> Run | None:
    """Run an experiment, with all that is asked of it beside, and keep the weights of the best of its sweep.

    Of a run that was finished before `watch` is told what its fit told then, so that it goes as if it were fitted now.
    """
    config = experiment.config
    with held(store.folder, experiment.identity.id, config.sweep or ALONE):
        found = _found_or_computed(experiment, store, report, wait=wait)
        if found is None:
            return None
        if found.reused and watch is not None:
            tell_again(found.folder / paths.TOLD, watch)
        experiment.watch = None  # weights that are made again are no trial
        if not config.sweep and TEST not in found.metrics:
            found = open_test(restore(found, store, experiment), store, "forecastle run", experiment)
        if config.explain and not (found.folder / paths.IMPORTANCE).is_file():
            found = explain(restore(found, store, experiment), store, explanation.Effort(), experiment)
    if config.sweep:
        settle(
            store.folder,
            config.sweep,
            found.id,
            _standing(found.metrics[VALIDATION], store.folder / paths.SWEEPS / config.sweep),
            config.keep_models,
        )
    return found


def _found_or_computed(experiment: Experiment, store: RunStore, report: bool, *, wait: bool) -> Run | None:
    """The run of an experiment, finished before or now; None where another process computes it and is not waited for.

    Raises
    ------
    RunError
        If it is protected and would be computed anew.
    """
    identity, force = experiment.identity.id, experiment.config.force
    found = None if force else _whole(store, identity)
    if found is None:
        pipeline.rehearse(experiment.config, experiment.panel)
        sweep = experiment.config.sweep
        job = None if sweep is None or experiment.job is None else (sweep, experiment.job)
        with claim(store.folder, identity, wait=wait, job=job) as mine:
            if not mine:
                return None
            found = None if force else _whole(store, identity)  # another process may have computed it meanwhile
            found = found or _compute(experiment, store, report)
    return found


def _whole(store: RunStore, identity: str) -> Run | None:
    """The finished run of an id, unless it is damaged."""
    found = store.find(identity)
    return None if found is None or found.damage else found


def _check_replaced(found: Run | None, store: RunStore, *, force: bool) -> None:
    """Tell that a damaged run is computed again; refuse to replace one that is protected."""
    if found is None:
        return
    if tags := tags_of(store.folder, found.id):
        why = "force=true may not replace it" if force else f"it is not computed again though {found.damage}"
        raise RunError(
            f"run {found.id} is protected ({', '.join(tags)}), so {why} "
            f"(`forecastle unprotect {tags[0]}` takes the tag away)"
        )
    if not force:
        logger.warning("run %s is damaged (%s) and is computed again", found.id, found.damage)


def _compute(experiment: Experiment, store: RunStore, report: bool) -> Run:
    """Compute a run and put it in its place."""
    identity = experiment.identity.id
    before = store.find(identity)
    _check_replaced(before, store, force=experiment.config.force)
    experiment.checkpoints = store.folder / paths.CHECKPOINTS / identity
    try:
        with store.create(identity, replace=before is not None) as folder:
            _write(experiment, folder, store, report)
    except Pruned:
        shutil.rmtree(experiment.checkpoints, ignore_errors=True)
        raise
    shutil.rmtree(experiment.checkpoints, ignore_errors=True)
    return Run(identity, store.folder / identity)


def _write(experiment: Experiment, folder: Path, store: RunStore, report: bool) -> None:
    """Write a run; the page of a sweep's run waits until it is looked at, unless a tracker sends it somewhere."""
    alone = experiment.config.sweep is None
    with run_log(folder / paths.LOG):
        logger.info("run %s: %s", experiment.identity.id, experiment.config.name("model"))
        parts = (VALIDATION, TEST) if alone else (VALIDATION,)
        experiment.write(
            folder,
            parts,
            lambda: look_at(experiment, store, "forecastle run"),
            lambda scores: _keeps(experiment, scores, folder, store),
        )
        if alone or report:
            from forecastle.report.page import write_report

            write_report(folder)


def _keeps(experiment: Experiment, scores: Mapping[str, Any], folder: Path, store: RunStore) -> bool:
    """Whether a run may keep its weights; where it is behind the best of its sweep already, why not is written down."""
    config = experiment.config
    if not config.sweep or config.explain:  # who asks for an explanation needs them once
        return True
    standing = _standing(scores, store.folder / paths.SWEEPS / config.sweep)
    return misses(store.folder, config.sweep, experiment.identity.id, standing, config.keep_models, folder) is None


def _standing(scores: Mapping[str, Any], sweep: Path) -> Standing:
    """How good a run of a sweep is, by what the sweep's search is after, where it is one."""
    from forecastle.evaluation.aim import Aim  # which only a sweep needs
    from forecastle.evaluation.ranking import loss_of, question_of, ratio_of

    aim = Aim.sought(sweep)
    question = digest(question_of(scores))
    if aim is None:
        return Standing(question, loss_of(scores), ratio_of(scores))
    tie = next((-each for each in aim.ties(scores) if math.isfinite(each)), ratio_of(scores))
    return Standing(question, None if aim.broken(scores) else aim.loss(scores), tie)
