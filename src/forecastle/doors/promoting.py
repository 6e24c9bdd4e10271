"""`forecastle promote`: a run's files become the outputs of the DVC stages, without fitting anything again."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forecastle import logs, paths, pipeline, stages
from forecastle.config.compose import compose, read
from forecastle.config.experiment_file import write_experiment
from forecastle.errors import ConfigError, MissingExtraError, RunError
from forecastle.experiment import Experiment
from forecastle.reopening import again, check_weights, open_test
from forecastle.runs.claim import claim
from forecastle.runs.store import Run, located, usual_store
from forecastle.windows.fold import TEST

NAME = "promoted"
"""The experiment that a promoted run is."""


def promote(words: Sequence[str]) -> int:
    """Make a run the experiment that the DVC pipeline holds: ``RUN``.

    Raises
    ------
    ConfigError
        If the words are others.
    RunError
        If there is no such run, it has no weights, data, code or versions are no longer those of the run, this is no
        checkout under git and DVC, or ``params.yaml`` is not what ``conf/`` composes.
    MissingExtraError
        If DVC is not installed.
    """
    if len(words) != 1:
        raise ConfigError(f"usage: forecastle promote RUN; got {' '.join(words) or 'no argument'}")
    logs.configure(os.environ.get("FORECASTLE_LOG_LEVEL", "INFO"))
    store, word = located(words[0])
    found = store.get(word)
    with _repository() as repository:
        try:
            stages.check_params()
        except ConfigError as error:
            raise RunError(
                f"run {found.id} is not promoted, which would overwrite what was changed: {error}"
            ) from error
        check_weights(found, "it cannot be promoted")
        experiment = again(found, "promoted")
        place = _write_experiment(found, experiment)
        if TEST not in found.metrics:  # the stages score it, too
            found = open_test(found, store, "forecastle promote", experiment)
            print(f"test part opened: {found.manifest['looks']['text']}")
        _place(found, experiment)
        stages.write_params([f"experiment={NAME}"])
        for stage in stages.STAGES:
            repository.commit(target=stage, force=True)
    print(f"experiment  {place}")
    print(f"params      {paths.PARAMS} (experiment={NAME})")
    print(f"outputs     {paths.DATA}/, committed to DVC: `dvc repro` has nothing to do")
    print(f"run {found.id} is promoted; what git has to keep: {place} {paths.PARAMS} dvc.lock {paths.DATA}")
    return 0


@contextmanager
def _repository() -> Iterator[Any]:
    """DVC's repository in the current folder, held against its stages and other promotions; its errors are ours."""
    try:
        from dvc.exceptions import DvcException
        from dvc.repo import Repo
        from dvc.rwlock import rwlock
        from dvc.scm import SCMError
    except ImportError as error:
        raise MissingExtraError("promote needs DVC: pip install 'forecastle[dvc]'") from error
    logging.getLogger("dvc").setLevel(logging.WARNING)  # not of each line of dvc.lock
    if not paths.PIPELINE.is_file():
        raise RunError(f"promote works in a checkout with DVC's stages, but {Path.cwd()} has no {paths.PIPELINE}")
    try:
        with Repo() as repository:
            _ = repository.scm  # is there a git, too?
            me, outputs = " ".join(sys.argv), [str(paths.DATA.absolute())]  # as DVC calls it, whose commits enter again
            with (
                claim(usual_store().folder, NAME, wait=True),
                rwlock(repository.tmp_dir, repository.fs, me, [], outputs, False),
            ):
                yield repository
    except (DvcException, SCMError) as error:
        raise RunError(f"DVC: {' '.join(str(error).split())}") from error


def _write_experiment(found: Run, experiment: Experiment) -> Path:
    """Write the experiment file; what it composes has the run's id."""
    config = read(found.folder / paths.CONFIG)
    place = write_experiment(NAME, config, f"Run {found.id}, written by `forecastle promote`.")
    composed = pipeline.identify(compose([f"experiment={NAME}"]), experiment.panel).id
    if composed != found.id:
        raise RunError(f"{place} composes run {composed}, not {found.id}: nothing was promoted")
    return place


def _place(found: Run, experiment: Experiment) -> None:
    """Put the run's files where the stages write theirs; bars and features, which it does not keep, are made again."""
    for path in (paths.STAGE_BARS, paths.STAGE_QUALITY, paths.STAGE_METRICS, paths.STAGE_REPORT):
        path.unlink(missing_ok=True)  # it may be a link into DVC's cache
    stages.keep_bars(experiment.panel, experiment.quality)
    stages.keep_features(experiment.frame)
    fit, scores = stages.fresh(paths.STAGE_FIT), stages.fresh(paths.STAGE_SCORES)
    shutil.copytree(found.folder / paths.MODEL, fit / paths.MODEL)
    shutil.copy(found.folder / paths.CURVES, fit)
    for table in sorted(found.folder.glob("*.parquet")):
        shutil.copy(table, scores)
    stages.keep_metrics(found.metrics)
    if not (found.folder / paths.REPORT).is_file():
        from forecastle.report.page import write_report

        write_report(found.folder)
    shutil.copy(found.folder / paths.REPORT, paths.STAGE_REPORT)
