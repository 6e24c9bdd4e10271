"""The DVC door: each stage reads files, calls the verb that the app calls, and writes files.

``python -m forecastle.stages NAME`` with NAME one of bars, features, fit, evaluate, report. The configuration is
``params.yaml`` as it stands: `write_params` composes it, and so does ``dvc exp run -S``.
"""

from __future__ import annotations

import contextlib
import csv
import logging
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from forecastle import folds, logs, paths, pipeline, scoring
from forecastle.config.choices import recognise
from forecastle.config.compose import check_unsearched, compose, dump, read
from forecastle.config.schema import Config
from forecastle.config.target import build
from forecastle.data.bars import Panel
from forecastle.data.quality import QualityReport
from forecastle.data.storage import read_panel, write_panel
from forecastle.errors import AbsentError, ConfigError, nearest
from forecastle.features.frame import FeatureFrame
from forecastle.features.store import read_frame, write_frame
from forecastle.logs import run_log
from forecastle.record import curves_text, details, manifest, write_tables
from forecastle.runs.claim import claim
from forecastle.runs.looks import look
from forecastle.runs.store import RunStore, write_json, write_text
from forecastle.windows.fold import TEST, VALIDATION, Sample

logger = logging.getLogger(__name__)

PARTS = (VALIDATION, TEST)


def bars(config: Config) -> None:
    """Candles → data/bars.parquet and what the quality check found.

    What git does not carry into the temporary folder of a queued experiment is read in the main checkout.
    """
    try:
        found = pipeline.load_bars(config)
    except AbsentError:
        if _main_checkout() == Path.cwd():
            raise
        with contextlib.chdir(_main_checkout()):
            found = pipeline.load_bars(config)
    keep_bars(*found)


def keep_bars(panel: Panel, quality: QualityReport) -> None:
    """Write the outputs of the stage `bars`."""
    write_panel(panel, paths.STAGE_BARS)
    write_json(paths.STAGE_QUALITY, quality.to_json())


def features(config: Config) -> None:
    """Bars → data/features."""
    keep_features(pipeline.compute_features(config, read_panel(paths.STAGE_BARS), build(config.cache, "cache")))


def keep_features(frame: FeatureFrame) -> None:
    """Write the output of the stage `features`."""
    write_frame(frame, fresh(paths.STAGE_FEATURES))


def fit(config: Config) -> None:
    """Features → data/fit: the transforms and the model of each fold.

    Where DVC composed a search space, the same choices may be those of one of its trials, so it is told and computed.
    """
    if config.search:
        keys = ", ".join(map(str, config.search))
        logger.warning("%s holds a search space (%s): its values are computed, none is searched", paths.PARAMS, keys)
    fitted = folds.fit_folds(config, _sample(config))
    folder = fresh(paths.STAGE_FIT)
    folds.save_folds(fitted, folder / paths.MODEL)
    (folder / paths.CURVES).write_text(curves_text(folds.curves(fitted)))


def evaluate(config: Config) -> None:
    """Model → forecasts, data/metrics.json and the plots."""
    sample = _sample(config)
    fitted = folds.load_folds(config, paths.STAGE_FIT / paths.MODEL, len(sample.folds))
    panel = read_panel(paths.STAGE_BARS)
    scored = {}
    for part in PARTS:
        outcomes = folds.forecast_folds(config, sample, fitted, part)
        found = scoring.score(config, sample, outcomes, part, scoring.score_baselines(config, sample, part))
        scored[part] = scoring.trade(config, panel, sample, part, found)
    place = fresh(paths.STAGE_SCORES)
    write_tables([part.table for part in scored.values()], place / paths.FORECAST)
    write_tables([part.equity for part in scored.values() if part.equity is not None], place / paths.EQUITY)
    keep_metrics({name: part.scores for name, part in scored.items()})


def keep_metrics(scores: Mapping[str, Any]) -> None:
    """Write the metrics and the plots of the stage `evaluate`."""
    write_json(paths.STAGE_METRICS, scores)
    with (fresh(paths.STAGE_PLOTS) / "skill_by_step.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("part", "baseline", "step", "skill"))
        for part, node in scores.items():
            for baseline, skill in node["skill"].items():
                writer.writerows((part, baseline, step, value) for step, value in enumerate(skill["by_step"], 1))


def report(config: Config) -> None:
    """Everything → data/report.html, and a run among all others; the look at the test part is written down.

    A run of the same id that is there already stays as it is.
    """
    from forecastle.report.page import write_report

    config = replace(config, choices=recognise(config))
    panel, frame, sample = read_panel(paths.STAGE_BARS), read_frame(paths.STAGE_FEATURES), _sample(config)
    fitted = folds.load_folds(config, paths.STAGE_FIT / paths.MODEL, len(sample.folds))
    identity, store = pipeline.identify(config, panel), RunStore(_runs(config))
    with (
        claim(store.folder, identity.id, wait=True),
        store.create(identity.id) as folder,
        run_log(folder / paths.LOG),
    ):
        logger.info("run %s: %s, by the DVC stages", identity.id, config.name("model"))
        shutil.copytree(paths.STAGE_FIT / paths.MODEL, folder / paths.MODEL)
        for source in (
            paths.STAGE_METRICS,
            paths.STAGE_QUALITY,
            paths.STAGE_FIT / paths.CURVES,
            *sorted(paths.STAGE_SCORES.glob("*.parquet")),
        ):
            shutil.copy(source, folder)
        (folder / paths.CONFIG).write_text(dump(config.node))
        looks = look(store.folder, pipeline.test_part(config, panel, sample), identity.id, "dvc repro")
        facts = details(sample.windows, sample.folds, [each.transforms.report() for each in fitted], [], looks)
        write_json(folder / paths.MANIFEST, manifest(config, identity, panel, frame, facts))
        shutil.copy(write_report(folder), paths.STAGE_REPORT)


STAGES = {stage.__name__: stage for stage in (bars, features, fit, evaluate, report)}


def write_params(overrides: Sequence[str] = ()) -> None:
    """Compose conf/ and write params.yaml, with the overrides that were asked for on its first line.

    Raises
    ------
    ConfigError
        If something cannot be composed, or holds ranges that have no value.
    """
    head = f"{_HEAD}{shlex.join(overrides)}".rstrip()
    composed = _composed(overrides)
    wanted = "`forecastle run -m hydra/sweeper=optuna` does; for params.yaml choose a model"
    check_unsearched(composed["search"], overrides, wanted)
    write_text(paths.PARAMS, f"{head}\n{dump(composed)}")


def check_params() -> None:
    """Raise ConfigError where params.yaml is not what conf/ composes with the overrides that it records."""
    if not paths.PARAMS.is_file():
        raise ConfigError(f"{paths.PARAMS} is missing; `make params` writes it")
    first = paths.PARAMS.read_text().partition("\n")[0]
    overrides = shlex.split(first.removeprefix(_HEAD)) if first.startswith(_HEAD) else []
    if _without_choices(read(paths.PARAMS)) != _composed(overrides):
        raise ConfigError(f"{paths.PARAMS} is not what conf/ composes; `make params` writes it anew")


_HEAD = "# forecastle params "


def _composed(overrides: Sequence[str]) -> dict[str, Any]:
    """What conf/ composes, whoever composes it: where runs go and what is shown is each one's own affair."""
    own = {name: os.environ.pop(name) for name in _OWN if name in os.environ}
    try:
        return _without_choices(compose(overrides))
    finally:
        os.environ.update(own)


_OWN = ("FORECASTLE_OUTPUT", "FORECASTLE_LOG_LEVEL")
"""Settings of the environment that cannot change a number, and do not belong into a file for all."""


def _without_choices(config: Config) -> dict[str, Any]:
    """The configuration as DVC composes it, which does not know the names of what was chosen."""
    return {key: value for key, value in config.node.items() if key != "choices"}


def _runs(config: Config) -> Path:
    """Folder of the runs; an experiment that DVC runs in a temporary folder takes that of the main checkout."""
    return _main_checkout() / config.output


def _main_checkout() -> Path:
    """The checkout itself, also of an experiment that DVC runs in a temporary folder of it."""
    here = Path.cwd()
    return next((place.parent for place in here.parents if place.name == ".dvc"), here)


def _sample(config: Config) -> Sample:
    return pipeline.make_sample(config, read_panel(paths.STAGE_BARS), read_frame(paths.STAGE_FEATURES))


def fresh(folder: Path) -> Path:
    """An empty folder in place of what lay there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def main(words: Sequence[str]) -> None:
    """Run one stage.

    Raises
    ------
    ForecastleError
        If the stage is unknown, params.yaml is wrong, or the stage itself fails.
    """
    if len(words) != 1 or words[0] not in STAGES:
        got = " ".join(words)
        raise ConfigError(f"a stage is wanted, one of {', '.join(STAGES)}, got {got!r}{nearest(got, STAGES)}")
    config = read(paths.PARAMS)
    logs.configure(os.environ.get("FORECASTLE_LOG_LEVEL", config.log_level))
    paths.DATA.mkdir(exist_ok=True)
    STAGES[words[0]](config)


if __name__ == "__main__":
    from forecastle.terminal import guarded

    sys.exit(guarded(lambda: main(sys.argv[1:])))
