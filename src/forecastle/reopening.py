"""Finished runs taken up again: their test part opened, their models explained, or fitted again where none were kept.

Each needs the very experiment that the run was: data, code and versions have to be those of then.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecastle import explanation, folds, paths, pipeline
from forecastle.config.compose import read
from forecastle.errors import ModelError, RunError
from forecastle.experiment import Experiment
from forecastle.pipeline import Fitted
from forecastle.record import read_tables, write_tables
from forecastle.runs.claim import claim
from forecastle.runs.looks import look
from forecastle.runs.store import AGAIN, Run, RunStore, read_json, write_json
from forecastle.runs.weights import ALONE, held, reason
from forecastle.windows.fold import TEST

logger = logging.getLogger(__name__)


def open_test(found: Run, store: RunStore, why: str, experiment: Experiment | None = None) -> Run:
    """Score the test part of a finished run with its kept model; the look is written down, and why.

    Raises
    ------
    RunError
        If data, code or library versions are no longer those of the run, or its weights were not kept.
    """
    if TEST in found.metrics:
        return found
    check_weights(found, "its test part cannot be opened")
    experiment = experiment or again(found, "opened")
    with _edited(found, store) as folder:
        (folder / paths.REPORT).unlink(missing_ok=True)
        part = experiment.score(TEST, _models(found, experiment))
        write_tables([*read_tables(folder / paths.FORECAST), part.table], folder / paths.FORECAST)
        if part.equity is not None:
            write_tables([*read_tables(folder / paths.EQUITY), part.equity], folder / paths.EQUITY)
        write_json(folder / paths.METRICS, {**found.metrics, TEST: part.scores})
        looks = look_at(experiment, store, why)
        write_json(folder / paths.MANIFEST, {**found.manifest, "looks": looks})
        _write_report(folder)
    return Run(found.id, found.folder)


def explain(found: Run, store: RunStore, effort: explanation.Effort, experiment: Experiment | None = None) -> Run:
    """Measure what the kept models of a finished run lean on, and lay it into the run's folder and its report.

    Its id, its models, forecasts and scores stay; an explanation that was there is replaced.

    Raises
    ------
    RunError
        If data, code or library versions are no longer those of the run, or its weights were not kept.
    """
    check_weights(found, "it cannot be explained")
    experiment = experiment or again(found, "explained")
    fitted = _models(found, experiment)
    with experiment.steps.step("explain"):
        told = explanation.explain(experiment.config, experiment.panel, experiment.sample, fitted, effort)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    with _edited(found, store) as folder:
        write_json(folder / paths.IMPORTANCE, {"run": found.id, "created": created, **told})
        _write_report(folder)
    return Run(found.id, found.folder, found.reused)


def restore(found: Run, store: RunStore, experiment: Experiment | None = None) -> Run:
    """Fit a finished run again that has no weights, and keep them where its scores are the same bit for bit.

    All else in its folder stays as it is. Nothing is done where the weights are there and can be opened.

    Raises
    ------
    RunError
        If data, code or library versions are no longer those of the run, or a score comes out otherwise.
    """
    if (told := lacking(found)) is None:
        return found
    if experiment is None:
        with held(store.folder, found.id, ALONE):  # who asks for weights by name wants them to stay
            return restore(found, store, again(found, "fitted again"))
    logger.info("run %s is fitted again: %s", found.id, told)
    with claim(store.folder, found.id, wait=True):
        if lacking(found) is None:  # another process has restored them meanwhile
            return found
        experiment.checkpoints = store.folder / paths.CHECKPOINTS / found.id
        with store.create(found.id, replace=True) as folder:
            experiment.write(folder, tuple(found.metrics))
            if read_json(folder / paths.METRICS) != found.metrics:
                raise RunError(
                    f"run {found.id} was fitted again and scores otherwise, so its weights are not restored "
                    f"(`forecastle reproduce {found.word}` tells where)"
                )
            kept = shutil.ignore_patterns(paths.DROPPED, paths.MODEL)
            shutil.copytree(found.folder, folder, dirs_exist_ok=True, ignore=kept)
        shutil.rmtree(experiment.checkpoints, ignore_errors=True)
    return Run(found.id, found.folder, found.reused)


def lacking(found: Run) -> str | None:
    """Why the weights of a run are not there or cannot be opened; None where they are and can."""
    if not found.has_weights:
        return reason(found)
    check_whole(found)
    try:
        folds.load_folds(read(found.folder / paths.CONFIG), found.folder / paths.MODEL, len(found.manifest["folds"]))
    except (ModelError, RunError) as error:
        return str(error)
    return None


def check_whole(found: Run) -> None:
    """Raise RunError where the folder of a run is damaged, but for its weights."""
    if told := found.damage:
        raise RunError(f"run {found.id} is damaged: {told} in {found.folder} ({AGAIN})")


def check_weights(found: Run, what: str) -> None:
    """Raise RunError where a run has no weights; the message says `what` cannot be done and how to get them."""
    if not found.has_weights:
        raise RunError(
            f"run {found.id} has no weights, so {what}: {reason(found)} "
            f"(`forecastle restore {found.word}` fits it again and keeps them)"
        )


def again(found: Run, act: str) -> Experiment:
    """The experiment of a kept run, which has to be whole, and the same today."""
    check_whole(found)
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


def look_at(experiment: Experiment, store: RunStore, why: str) -> dict[str, Any]:
    """Write down that the test part of an experiment is opened."""
    part = pipeline.test_part(experiment.config, experiment.panel, experiment.sample)
    return look(store.folder, part, experiment.identity.id, why)


def _models(found: Run, experiment: Experiment) -> tuple[Fitted, ...]:
    try:
        return folds.load_folds(experiment.config, found.folder / paths.MODEL, len(experiment.sample.folds))
    except (ModelError, RunError) as error:
        raise RunError(f"{error} (`forecastle restore {found.word}` fits it again and keeps the weights)") from error


@contextmanager
def _edited(found: Run, store: RunStore) -> Iterator[Path]:
    """A copy of a run's folder, which takes its place when the block ends well; nobody else changes it meanwhile."""
    check_whole(found)
    with claim(store.folder, found.id, wait=True), store.create(found.id, replace=True) as folder:
        shutil.copytree(found.folder, folder, dirs_exist_ok=True)
        yield folder


def _write_report(folder: Path) -> None:
    from forecastle.report.page import write_report

    write_report(folder)
