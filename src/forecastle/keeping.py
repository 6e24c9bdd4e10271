"""Runs: an experiment computed once and kept, found again, opened, explained."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecastle import explanation, folds, paths, pipeline
from forecastle.config.compose import compose, read
from forecastle.config.schema import Config
from forecastle.config.target import build
from forecastle.errors import RunError
from forecastle.experiment import Experiment
from forecastle.logs import run_log
from forecastle.pipeline import TEST, VALIDATION
from forecastle.record import read_tables, write_tables
from forecastle.runs.claim import claim
from forecastle.runs.execution import Memory
from forecastle.runs.looks import look
from forecastle.runs.store import Run, RunStore, write_json
from forecastle.tracking.guard import Guarded
from forecastle.tracking.tracker import RunInfo

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


def attempt(config: Config, memory: Memory | None = None, *, wait: bool) -> Run | None:
    """Run a checked configuration; None where another process computes it and it is not to be waited for."""
    tracker = Guarded(build(config.tracker, "tracker"))
    experiment = Experiment(config, memory)
    store = RunStore(Path(config.output))
    identity = experiment.identity.id
    found = None if config.force else store.find(identity)
    if found is None:
        pipeline.rehearse(config, experiment.panel)
        with claim(store.folder, identity, wait=wait) as mine:
            if not mine:
                return None
            found = None if config.force else store.find(identity)  # another process may have computed it meanwhile
            found = found or _compute(experiment, store, tracker.wants_report)
    if not config.sweep and TEST not in found.metrics:
        found = open_test(found, store, "forecastle run", experiment)
    if config.explain and not (found.folder / paths.IMPORTANCE).is_file():
        found = explain(found, store, explanation.Effort(), experiment)
    _track(tracker, config, found)
    return found


def _compute(experiment: Experiment, store: RunStore, report: bool) -> Run:
    """Compute a run and put it in its place."""
    identity = experiment.identity.id
    experiment.checkpoints = store.folder / paths.CHECKPOINTS / identity
    with store.create(identity, replace=experiment.config.force) as folder:
        _write(experiment, folder, store, report)
    shutil.rmtree(experiment.checkpoints, ignore_errors=True)
    return Run(identity, store.folder / identity)


def _write(experiment: Experiment, folder: Path, store: RunStore, report: bool) -> None:
    """Write a run; the page of a sweep's run waits until it is looked at, unless a tracker sends it somewhere."""
    alone = experiment.config.sweep is None
    with run_log(folder / paths.LOG):
        logger.info("run %s: %s", experiment.identity.id, experiment.config.name("model"))
        parts = (VALIDATION, TEST) if alone else (VALIDATION,)
        experiment.write(folder, parts, lambda: _look(experiment, store, "forecastle run"))
        if alone or report:
            from forecastle.report.page import write_report

            write_report(folder)


def _look(experiment: Experiment, store: RunStore, reason: str) -> dict[str, Any]:
    part = pipeline.test_part(experiment.config, experiment.panel, experiment.sample)
    return look(store.folder, part, experiment.identity.id, reason)


def open_test(found: Run, store: RunStore, reason: str, experiment: Experiment | None = None) -> Run:
    """Score the test part of a finished run with its kept model; the look is written down.

    Raises
    ------
    RunError
        If data, code or library versions are no longer those of the run.
    """
    if TEST in found.metrics:
        return found
    experiment = experiment or _again(found, "opened")
    with store.create(found.id, replace=True) as folder:
        shutil.copytree(found.folder, folder, dirs_exist_ok=True)
        (folder / paths.REPORT).unlink(missing_ok=True)
        fitted = folds.load_folds(experiment.config, folder / paths.MODEL, len(experiment.sample.folds))
        part = experiment.score(TEST, fitted)
        write_tables([*read_tables(folder / paths.FORECAST), part.table], folder / paths.FORECAST)
        if part.equity is not None:
            write_tables([*read_tables(folder / paths.EQUITY), part.equity], folder / paths.EQUITY)
        write_json(folder / paths.METRICS, {**found.metrics, TEST: part.scores})
        looks = _look(experiment, store, reason)
        write_json(folder / paths.MANIFEST, {**found.manifest, "looks": looks})
        from forecastle.report.page import write_report

        write_report(folder)
    return Run(found.id, found.folder)


def explain(found: Run, store: RunStore, effort: explanation.Effort, experiment: Experiment | None = None) -> Run:
    """Measure what the kept models of a finished run lean on, and lay it into the run's folder and its report.

    Its id, its models, forecasts and scores stay; an explanation that was there is replaced.

    Raises
    ------
    RunError
        If data, code or library versions are no longer those of the run.
    """
    experiment = experiment or _again(found, "explained")
    config, sample = experiment.config, experiment.sample
    fitted = folds.load_folds(config, found.folder / paths.MODEL, len(sample.folds))
    with experiment.steps.step("explain"):
        told = explanation.explain(config, experiment.panel, sample, fitted, effort)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    with store.create(found.id, replace=True) as folder:
        shutil.copytree(found.folder, folder, dirs_exist_ok=True)
        write_json(folder / paths.IMPORTANCE, {"run": found.id, "created": created, **told})
        from forecastle.report.page import write_report

        write_report(folder)
    return Run(found.id, found.folder, found.reused)


def _again(found: Run, act: str) -> Experiment:
    """The experiment of a kept run, which has to be the same today."""
    experiment = Experiment(read(found.folder / paths.CONFIG))
    if experiment.identity.id != found.id:
        raise RunError(f"run {found.id} cannot be {act}: {'; '.join(changes(found, experiment))}")
    return experiment


def changes(found: Run, experiment: Experiment) -> list[str]:
    """What differs between a kept run's identity and the one that its configuration has today."""
    then, now = found.manifest, experiment.identity
    told = []
    if then["bars"] != now.bars:
        told.append(f"the data changed (bars {then['bars'][:8]} then, {now.bars[:8]} now)")
    if then["code"] != now.code:
        told.append(f"the code changed (source {then['code'][:8]} then, {now.code[:8]} now)")
    if then["config_hash"] != now.config:
        told.append("the configuration's schema changed")
    for name in sorted({*then["versions"], *now.versions}):
        before, today = then["versions"].get(name), now.versions.get(name)
        if before != today:
            told.append(f"{name} changed ({before} then, {today} now)")
    return told


def _track(tracker: Guarded, config: Config, finished: Run) -> None:
    """Send a finished run to the tracker; a tracker that fails is told of and changes nothing."""
    tags = tuple(f"{group}={name}" for group, name in config.choices.items())
    name = config.experiment or config.name("model")
    tracker.start(RunInfo(finished.id, name, config.settings, config.sweep, tags))
    for step, values in sorted(finished.curves().items()):
        tracker.log(step, values)
    tracker.finish(finished.folder, finished.metrics)
