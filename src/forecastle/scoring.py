"""How good forecasts are: laid beside what happened, scored with the baselines, and traded.

Verbs of the pipeline's second half, pure like those of the first: of forecasts and folds they make scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from forecastle.config.schema import Config, plain_name
from forecastle.config.target import build
from forecastle.data.bars import Panel
from forecastle.evaluation.metric import Direction, Metric, Outcome, pooled
from forecastle.evaluation.objective import applicable, default_objective
from forecastle.evaluation.score import Scored, combine, score_one, skill_by_slice
from forecastle.evaluation.slices import regime_of, slicings
from forecastle.models.baseline import LastValue, RandomWalk, SeasonalNaive
from forecastle.models.forecast import Forecast, Forecaster, SampleForecast
from forecastle.record import Part, as_outcome, equity_table, forecast_table, span
from forecastle.runs.watching import Measure
from forecastle.windows.context import Target, Task
from forecastle.windows.fold import TEST, Sample


def judge(config: Config, sample: Sample, outcomes: Sequence[Outcome]) -> tuple[Measure, float]:
    """The objective of some folds' forecasts together, NaN where it is undefined, and which way it is better."""
    metrics, objective = measures(config, sample.windows.context.task)
    metric = metrics[objective]
    measure = Measure(objective, "max" if metric.direction is Direction.MAX else "min", latest=True)
    return measure, metric.score(pooled(outcomes))


def score_baselines(config: Config, sample: Sample, part: str) -> dict[str, Scored]:
    """Score the baselines, fitted anew in each fold, on a part of all folds; they stand in every table."""
    metrics, objective = measures(config, sample.windows.context.task)
    scored = {}
    for name in baselines_of(config):
        outcomes = []
        for number in range(len(sample.folds)):
            fitted = baselines_of(config)[name].fit(sample.part("train", number))
            outcomes.append(beside(fitted.predict(sample.part(part, number).context), sample, number, part))
        scored[name] = score_one(pooled(outcomes), metrics, objective, sample.windows.context.task.horizon, config.seed)
    return scored


def score(
    config: Config, sample: Sample, outcomes: Sequence[Outcome], part: str, baselines: Mapping[str, Scored]
) -> Part:
    """Score what the model of each fold forecast of a part, laid one after the other, beside the baselines."""
    task, symbols = sample.windows.context.task, sample.windows.context.timeline.symbols
    metrics, objective = measures(config, task)
    outcome = pooled(outcomes)
    scored = {"model": score_one(outcome, metrics, objective, task.horizon, config.seed), **baselines}
    scores = combine(scored, metrics, objective, symbols, task)
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


def measures(config: Config, task: Task) -> tuple[dict[str, Metric], str]:
    """Metrics that fit the task, by name, and the name of the objective among them."""
    objective = objective_of(config, task.target)
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


def rehearse_trading(config: Config, panel: Panel, task: Task) -> None:
    """Refuse a policy that cannot be traded, and bars that cannot be paid for."""
    if not config.policy:
        return
    from forecastle.evaluation.trading.account import check_policy
    from forecastle.evaluation.trading.cost import market
    from forecastle.evaluation.trading.signal import check_task

    policy, account = build(config.policy, "policy"), build(config.account, "account")
    check_policy(policy, account)
    check_task(task, policy.step)
    account.shares(panel.symbols)
    for bars in panel:
        market(bars, account.costs)


def baselines_of(config: Config) -> dict[str, Forecaster]:
    """The baselines that stand in every table, not fitted yet."""
    return {"last_value": LastValue(), "seasonal_naive": SeasonalNaive(config.season), "random_walk": RandomWalk()}


def objective_of(config: Config, target: Target) -> str:
    """Name of the metric that ranks runs on the validation part."""
    return config.objective or default_objective(bool(target.classes))
