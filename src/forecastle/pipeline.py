"""The story: candles → features → windows → a fitted model → forecasts, which `forecastle.scoring` then judges.

Each verb is a pure function of the configuration and of what the verb before it returned. The app
(`forecastle.experiment`) calls them with memory between them, the DVC stages (`forecastle.stages`) with files.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forecastle import scoring
from forecastle.config.schema import Config
from forecastle.config.target import build, defining_modules, target_modules, target_names
from forecastle.data.bars import Panel
from forecastle.data.loading import load
from forecastle.data.quality import QualityReport
from forecastle.data.resampling import resample_panel
from forecastle.errors import ConfigError
from forecastle.evaluation.metric import Outcome
from forecastle.features.cache.key import frame_key
from forecastle.features.cache.memory import Cache
from forecastle.features.engine import compute
from forecastle.features.frame import FeatureFrame
from forecastle.features.timeframes import build_indicators
from forecastle.models.conformal import Conformal
from forecastle.models.forecast import Forecaster, Resumable, Watched
from forecastle.models.per_symbol import PerSymbol
from forecastle.runs.execution import limited_threads, seed_everything
from forecastle.runs.identity import Identity, code_hash, digest, library_versions
from forecastle.runs.looks import TestPart
from forecastle.runs.watching import Watch
from forecastle.windows.context import Task
from forecastle.windows.fold import VALIDATION, Sample
from forecastle.windows.sample import context_start, make_windows, missing_features
from forecastle.windows.separation import Spans, check_folds
from forecastle.windows.transform import Chain

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A forecaster with the transforms that were fitted before it, on the training windows of one fold.

    Where a correction was asked for, it was fitted on what the forecaster forecast of the validation windows.
    """

    transforms: Chain
    forecaster: Forecaster | PerSymbol
    conformal: Conformal | None = None

    def save(self, folder: Path) -> None:
        """Write all into a new folder; nothing in it is pickled."""
        for name in ("transforms", "forecaster", "conformal"):
            if (part := getattr(self, name)) is not None:
                (folder / name).mkdir(parents=True)
                part.save(folder / name)


# The verbs


def load_bars(config: Config) -> tuple[Panel, QualityReport]:
    """Candles from the source, judged by the quality policy; on a slower timeframe where one is asked for."""
    timeframe, day_start = config.resample, config.day_start
    panel, report = load(build(config.data, "data"), build(config.quality, "quality"), config.start, config.end)
    log_quality(report)
    return panel if timeframe is None else resample_panel(panel, timeframe, day_start), report


def identify(config: Config, panel: Panel) -> Identity:
    """What can change the numbers of this configuration on these bars."""
    code = code_hash(target_modules(config))
    settings = {**config.identity, "objective": scoring.objective_of(config, build(config.target, "target"))}
    return Identity(digest(settings), panel.content, code, library_versions(target_names(config)))


def rehearse(config: Config, panel: Panel) -> None:
    """Build everything that the configuration names, so that a value that is refused is told before any work."""
    build_indicators(config.indicator, panel.interval, config.timeframes, config.day_start)
    build(config.split, "split")
    _transforms(config)
    _forecaster(config).history(config.bars_ahead)
    task = task_of(config)
    scoring.measures(config, task)
    if _conformal(config) is not None and task.target.classes:
        raise ConfigError(f"conformal corrects quantiles, but {task.target.name} has classes: choose conformal=none")
    scoring.rehearse_trading(config, panel, task)


def test_part(config: Config, panel: Panel, sample: Sample) -> TestPart:
    """What a run opens when its test part, that of all its folds, is scored."""
    key = digest([panel.content, config.target, config.horizon, config.split])
    asked = sample.windows[np.concatenate([fold.test for fold in sample.folds])]
    start, end = asked.context.origin.min(), asked.label_end.max()
    return TestPart(key, panel.symbols, f"{start}Z", f"{end}Z")


def log_quality(report: QualityReport) -> None:
    """Tell, in a line for each symbol, of rows that were left out, mended or put in, and of jumps in the prices."""
    for symbol in report.symbols:
        for jumps in (finding for finding in symbol.findings if finding.kind == "jump"):
            told = "%s: %d opens are far from the close before, first %s: are splits adjusted? (see quality.json)"
            logger.warning(told, symbol.symbol, jumps.count, jumps.first[0]["time"])
        if symbol.dropped or symbol.repaired or symbol.inserted:
            kinds = ", ".join(f"{finding.count} x {finding.kind} ({finding.policy})" for finding in symbol.findings)
            changed = f"{symbol.dropped} dropped, {symbol.repaired} repaired, {symbol.inserted} inserted"
            logger.warning("%s: of %d rows %s: %s (see quality.json)", symbol.symbol, symbol.rows_in, changed, kinds)


def compute_features(config: Config, panel: Panel, cache: Cache | None = None) -> FeatureFrame:
    """What is known at each bar; with a cache, computed only where it is not there."""

    def make() -> FeatureFrame:
        indicators = build_indicators(config.indicator, panel.interval, config.timeframes, config.day_start)
        return compute(panel, indicators, config.missing_inputs, config.on_error, config.workers, config.pool)

    if cache is None:
        return make()
    settings = [config.timeframes, config.day_start, config.missing_inputs, config.on_error]
    modules = defining_modules(config.indicator)
    return cache.frame(frame_key(panel, list(config.indicator.items()), settings, modules), make)


def past_length(config: Config) -> int:
    """P: bars of past log close that a window has to show to the model and to every baseline."""
    readers: list[Forecaster] = [*scoring.baselines_of(config).values(), build(config.model, "model")]
    return max(config.context_length, *(reader.history(config.bars_ahead) for reader in readers))


def allows_missing(config: Config) -> bool:
    """Whether windows with missing features are kept, because a transform fills them."""
    return _transforms(config).fills


def make_sample(config: Config, panel: Panel, frame: FeatureFrame) -> Sample:
    """Windows with their targets, and the folds that they are cut into."""
    task = task_of(config)
    length, past, allow = config.context_length, past_length(config), allows_missing(config)
    windows = make_windows(panel, frame, task, length, past, allow_missing=allow)
    if not allow and (missing := missing_features(frame, length)).origins:
        told = (
            "%d bars are no origin, since features are missing in their context (transform=[impute,…] fills them): %s"
        )
        logger.warning(told, missing.origins, ", ".join(f"{name} {count}" for name, count in missing.columns.items()))
    times = np.unique(np.concatenate([bars.known for bars in panel]))
    begins, origin = context_start(windows, frame, _transforms(config).memory), windows.context.origin
    folds = tuple(build(config.split, "split").split(origin, windows.label_end, times, config.bars_ahead, begins))
    check_folds(folds, Spans(begins, origin, windows.label_end))
    return Sample(windows, folds)


def fit(
    config: Config, sample: Sample, number: int, checkpoints: Path | None = None, watch: Watch | None = None
) -> Fitted:
    """Fit transforms and model anew on the training part of a fold; its validation part may only stop the model early.

    Nothing of another fold is known here: not its objects, and not its random numbers. A model that can go on after a
    stop keeps its state in the folder `checkpoints`, and is gone on with from there. A conformal correction takes the
    errors of the forecaster on the validation part. A model that learns in steps tells `watch` of each.

    Raises
    ------
    Pruned
        If `watch` stops it.
    """
    seed_everything(config.seed)
    with limited_threads(config.threads):
        transforms = _transforms(config).fit(sample.part("train", number))
        shown = Sample(transforms.apply(sample.windows), sample.folds)
    for name, told in transforms.report().items():
        if told.get("constant"):
            logger.warning("%s: constant on the training part, so of no use: %s", name, ", ".join(told["constant"]))
    forecaster = _forecaster(config)
    if checkpoints is not None and isinstance(forecaster, Resumable):
        forecaster.checkpoints = checkpoints
    if watch is not None and isinstance(forecaster, Watched):
        forecaster.watch = watch
    validation, conformal = shown.part(VALIDATION, number), _conformal(config)
    with limited_threads(config.threads):
        forecaster = forecaster.fit(shown.part("train", number), validation)
        if conformal is not None:
            conformal = conformal.fit(forecaster.predict(validation.context), validation)
    return Fitted(transforms, forecaster, conformal)


def load_fitted(config: Config, folder: Path) -> Fitted:
    """Read what `Fitted.save` wrote."""
    forecaster = _forecaster(config)
    place = folder / "forecaster"
    forecaster = forecaster.load(place) if isinstance(forecaster, PerSymbol) else type(forecaster).load(place)
    conformal = _conformal(config)
    if conformal is not None:
        conformal = conformal.load(folder / "conformal")
    return Fitted(_transforms(config).load(folder / "transforms"), forecaster, conformal)


def forecast(config: Config, sample: Sample, number: int, fitted: Fitted, part: str) -> Outcome:
    """Forecast a part of a fold with the model that was fitted in this fold.

    A conformal correction is the one step that sees outcomes: those whose label had ended at the origin.
    """
    seed_everything(config.seed)
    with limited_threads(config.threads):
        shown = fitted.transforms.apply(sample.windows.context)[sample.folds[number].part(part)]
        answer = fitted.forecaster.predict(shown)
        if fitted.conformal is not None:
            answer = fitted.conformal.correct(answer, sample.part(part, number))
        return scoring.beside(answer, sample, number, part)


def _forecaster(config: Config) -> Forecaster | PerSymbol:
    def make() -> Forecaster:
        forecaster: Forecaster = build(config.model, "model")
        return forecaster

    return make() if config.pooling == "pooled" else PerSymbol(make)


def _conformal(config: Config) -> Conformal | None:
    return build(config.conformal, "conformal") if config.conformal else None


def _transforms(config: Config) -> Chain:
    return Chain({name: build(node, f"transform.{name}") for name, node in config.transform.items()})


def task_of(config: Config) -> Task:
    """What is asked of every forecaster."""
    return Task(build(config.target, "target"), config.bars_ahead, config.levels, config.chosen)
