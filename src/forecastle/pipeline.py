"""The story: candles → features → windows → a fitted model → scores.

Each verb is a pure function of the configuration and of what the verb before it returned. The app
(`forecastle.experiment`) calls them with memory between them, the DVC stages (`forecastle.stages`) with files.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from forecastle.config.schema import Config, plain_name
from forecastle.config.target import build, defining_modules, target_modules, target_names
from forecastle.data.bars import Panel
from forecastle.data.loading import load
from forecastle.data.quality import QualityReport
from forecastle.data.resampling import resample_panel
from forecastle.errors import ConfigError
from forecastle.evaluation.metric import Direction, Metric, Outcome, pooled
from forecastle.evaluation.objective import applicable, default_objective
from forecastle.evaluation.score import Scored, combine, score_one, skill_by_slice
from forecastle.evaluation.slices import regime_of, slicings
from forecastle.features.cache.key import frame_key
from forecastle.features.cache.memory import Cache
from forecastle.features.engine import compute
from forecastle.features.frame import FeatureFrame
from forecastle.features.timeframes import build_indicators
from forecastle.models.baseline import LastValue, RandomWalk, SeasonalNaive
from forecastle.models.conformal import Conformal
from forecastle.models.forecast import Forecast, Forecaster, Resumable, SampleForecast, Watched
from forecastle.models.per_symbol import PerSymbol
from forecastle.record import Part, as_outcome, equity_table, forecast_table, span
from forecastle.runs.execution import limited_threads, seed_everything
from forecastle.runs.identity import Identity, code_hash, digest, library_versions
from forecastle.runs.looks import TestPart
from forecastle.runs.watching import Measure, Watch
from forecastle.windows.context import Target, Task, Windows
from forecastle.windows.fold import Fold
from forecastle.windows.sample import context_start, make_windows, missing_features
from forecastle.windows.separation import Spans, check_folds
from forecastle.windows.transform import Chain

logger = logging.getLogger(__name__)

VALIDATION, TEST = "validation", "test"


@dataclass(frozen=True, eq=False)
class Sample:
    """All windows of the panel, and which of them train, validate and test in each fold."""

    windows: Windows
    folds: tuple[Fold, ...]

    def part(self, name: str, number: int) -> Windows:
        """The windows of ``train``, ``validation`` or ``test`` of a fold, counted from 0."""
        return self.windows[self.folds[number].part(name)]


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
    settings = {**config.identity, "objective": _objective(config, build(config.target, "target"))}
    return Identity(digest(settings), panel.content, code, library_versions(target_names(config)))


def rehearse(config: Config, panel: Panel) -> None:
    """Build everything that the configuration names, so that a value that is refused is told before any work."""
    build_indicators(config.indicator, panel.interval, config.timeframes, config.day_start)
    build(config.split, "split")
    _transforms(config)
    _forecaster(config).history(config.bars_ahead)
    task = task_of(config)
    scoring(config, task)
    if _conformal(config) is not None and task.target.classes:
        raise ConfigError(f"conformal corrects quantiles, but {task.target.name} has classes: choose conformal=none")
    _rehearse_trading(config, panel)


def test_part(config: Config, panel: Panel, sample: Sample) -> TestPart:
    """What a run opens when its test part, that of all its folds, is scored."""
    key = digest([panel.content, config.target, config.horizon, config.split])
    asked = sample.windows[np.concatenate([fold.test for fold in sample.folds])]
    start, end = asked.context.origin.min(), asked.label_end.max()
    return TestPart(key, panel.symbols, f"{start}Z", f"{end}Z")


def log_quality(report: QualityReport) -> None:
    """Tell, in a line for each symbol, of rows that were left out, mended or put in."""
    for symbol in report.symbols:
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
    readers: list[Forecaster] = [*_baselines(config).values(), build(config.model, "model")]
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
        return beside(answer, sample, number, part)


def judge(config: Config, sample: Sample, outcomes: Sequence[Outcome]) -> tuple[Measure, float]:
    """The objective of some folds' forecasts together, NaN where it is undefined, and which way it is better."""
    metrics, objective = scoring(config, sample.windows.context.task)
    metric = metrics[objective]
    return Measure(objective, "max" if metric.direction is Direction.MAX else "min"), metric.score(pooled(outcomes))


def score_baselines(config: Config, sample: Sample, part: str) -> dict[str, Scored]:
    """Score the baselines, fitted anew in each fold, on a part of all folds; they stand in every table."""
    metrics, objective = scoring(config, sample.windows.context.task)
    scored = {}
    for name in _baselines(config):
        outcomes = []
        for number in range(len(sample.folds)):
            fitted = _baselines(config)[name].fit(sample.part("train", number))
            outcomes.append(beside(fitted.predict(sample.part(part, number).context), sample, number, part))
        scored[name] = score_one(pooled(outcomes), metrics, objective)
    return scored


def score(
    config: Config, sample: Sample, outcomes: Sequence[Outcome], part: str, baselines: Mapping[str, Scored]
) -> Part:
    """Score what the model of each fold forecast of a part, laid one after the other, beside the baselines."""
    task, symbols = sample.windows.context.task, sample.windows.context.timeline.symbols
    metrics, objective = scoring(config, task)
    outcome = pooled(outcomes)
    scored = {"model": score_one(outcome, metrics, objective), **baselines}
    scores = combine(scored, metrics, objective, config.seed, symbols, task)
    for row, fold in zip(scores["by_fold"], sample.folds, strict=True):
        row["train"] = span(sample.windows[fold.train])
    cuts = slicings(outcome.origin, outcome.symbol, symbols, outcome.regime)
    scores["slices"] = skill_by_slice(scored, metrics[objective].direction, cuts, task.horizon, config.seed)
    losses = {name: each.losses for name, each in scored.items() if each.losses is not None}
    return Part(scores, outcome, forecast_table(part, outcome, losses, task, symbols))


def beside(forecast: Forecast, sample: Sample, number: int, part: str) -> Outcome:
    """Lay a forecast of a part of a fold beside what happened; samples are reduced to the levels that were asked for.

    On the validation part each fold is a path of its own.
    """
    asked, fold = sample.part(part, number), sample.folds[number]
    if isinstance(forecast, SampleForecast):
        forecast = forecast.quantiles(asked.context.task.quantile_levels)
    now, before = asked.context, sample.part("train", number).context
    regime = regime_of(now.scale, now.symbol, before.scale, before.symbol)
    return as_outcome(forecast, asked, number, fold.path if part == TEST else np.full(len(asked), number), regime)


def scoring(config: Config, task: Task) -> tuple[dict[str, Metric], str]:
    """Metrics that fit the task, by name, and the name of the objective among them."""
    objective = _objective(config, task.target)
    return applicable(
        {name: build(node, f"metric.{name}") for name, node in config.metric.items()}, objective, task
    ), objective


def trade(config: Config, panel: Panel, sample: Sample, name: str, part: Part) -> Part:
    """Trade the forecasts of a scored part by the policy, and put what became of it beside the scores.

    Where there is no policy, the part is returned as it is.
    """
    policy_node, account_node = config.policy, config.account
    if not policy_node:
        return part
    from forecastle.evaluation.trading import desk
    from forecastle.evaluation.trading.summary import summarise

    context, account = sample.windows.context, build(account_node, "account")
    policy = build(policy_node, "policy")
    traded = desk.trade(part.outcome, context.timeline, context.task, panel, policy, account)
    told = summarise(traded, plain_name(policy_node), account.capital)
    return replace(part, scores={**part.scores, "trading": told}, equity=equity_table(name, traded))


def _rehearse_trading(config: Config, panel: Panel) -> None:
    """Refuse a policy that cannot be traded, and bars that cannot be paid for."""
    if not config.policy:
        return
    from forecastle.evaluation.trading.account import check_policy
    from forecastle.evaluation.trading.cost import market
    from forecastle.evaluation.trading.signal import check_task

    policy, account = build(config.policy, "policy"), build(config.account, "account")
    check_policy(policy, account)
    check_task(task_of(config), policy.step)
    account.shares(panel.symbols)
    for bars in panel:
        market(bars, account.costs)


def _forecaster(config: Config) -> Forecaster | PerSymbol:
    def make() -> Forecaster:
        forecaster: Forecaster = build(config.model, "model")
        return forecaster

    return make() if config.pooling == "pooled" else PerSymbol(make)


def _baselines(config: Config) -> dict[str, Forecaster]:
    return {"last_value": LastValue(), "seasonal_naive": SeasonalNaive(config.season), "random_walk": RandomWalk()}


def _conformal(config: Config) -> Conformal | None:
    return build(config.conformal, "conformal") if config.conformal else None


def _transforms(config: Config) -> Chain:
    return Chain({name: build(node, f"transform.{name}") for name, node in config.transform.items()})


def task_of(config: Config) -> Task:
    """What is asked of every forecaster."""
    return Task(build(config.target, "target"), config.bars_ahead, config.levels, config.chosen)


def _objective(config: Config, target: Target) -> str:
    return config.objective or default_objective(bool(target.classes))
