"""Outcomes and metrics in, the JSON-ready scores out that tables, reports and sweeps read.

``evaluate`` is ``combine`` of one ``score_one`` for each forecaster. The parts are apart so that the scores of the
baselines, which are the same for every model on the same windows, are computed once in a sweep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecastle.arrays import FloatArray, TimeArray
from forecastle.errors import ModelError
from forecastle.evaluation.bootstrap import block_length, fewest_origins, interval, resampled_means
from forecastle.evaluation.breakdown import Breakdown, breakdown, iso, tell
from forecastle.evaluation.metric import Direction, Metric, Outcome
from forecastle.evaluation.objective import applicable
from forecastle.evaluation.slices import Slicing, skill_slices, slice_means
from forecastle.windows.context import Task

MODEL = "model"
"""Key of the forecaster that is judged; all others are baselines."""

REFERENCE = "random_walk"
"""The baseline whose skill stands in rankings and slices."""


@dataclass(frozen=True, eq=False)
class Scored:
    """One forecaster's scores on one set of windows.

    Parameters
    ----------
    scores
        Each metric over all windows and steps; NaN where undefined.
    by_step
        Each metric at each step, shape (H,).
    losses
        The objective of each window and step, shape (N, H), or None where it is no mean.
    resampled
        Its mean in each resample of the time axis, shape (RESAMPLES,), or None where it is no mean or there are too
        few origins (`forecastle.evaluation.bootstrap`).
    by
        The objective of each symbol, fold, path and calendar period.
    origin
        Origins of the windows, shape (N,), UTC.
    """

    scores: dict[str, float]
    by_step: dict[str, FloatArray]
    losses: FloatArray | None
    resampled: FloatArray | None
    by: Breakdown
    origin: TimeArray


def pointwise(outcomes: Mapping[str, Outcome], metric: Metric) -> dict[str, FloatArray]:
    """Values of a metric for each window and step, (N, H) for each forecaster; empty where the metric is no mean."""
    values = {name: metric.pointwise(outcome) for name, outcome in outcomes.items()}
    return {name: each for name, each in values.items() if each is not None}


def score_one(outcome: Outcome, metrics: Mapping[str, Metric], objective: str, horizon: int, seed: int) -> Scored:
    """Score one forecaster.

    Parameters
    ----------
    outcome
        Forecast and target of N windows.
    metrics
        As `applicable` gave them.
    objective
        Name of one of them.
    horizon
        H, in bars.
    seed
        Of the bootstrap: with the same one all forecasters of the same windows are scored on the same blocks.

    Raises
    ------
    ModelError
        If a value of the forecast is not finite.
    """
    _check_finite(outcome)
    scores: dict[str, float] = {}
    by_step: dict[str, FloatArray] = {}
    losses: FloatArray | None = None
    for name, metric in metrics.items():
        values = metric.pointwise(outcome)
        if values is None:
            scores[name], by_step[name] = metric.score(outcome), metric.by_step(outcome)
        else:
            scores[name], by_step[name] = float(values.mean()), values.mean(axis=0)
        if name == objective:
            losses = values
    by = breakdown(outcome, metrics[objective], losses, scores[objective])
    means = None if losses is None else resampled_means(losses.mean(axis=1)[None], outcome.origin, horizon, seed)
    return Scored(scores, by_step, losses, None if means is None else means[0], by, outcome.origin)


def evaluate(
    outcomes: Mapping[str, Outcome],
    metrics: Mapping[str, Metric],
    objective: str,
    seed: int,
    symbols: Sequence[str],
    task: Task,
) -> dict[str, Any]:
    """Score all forecasters on the same windows; the arguments are those of `score_one` and `combine`."""
    chosen = applicable(metrics, objective, task)
    scored = {name: score_one(outcome, chosen, objective, task.horizon, seed) for name, outcome in outcomes.items()}
    return combine(scored, chosen, objective, symbols, task)


def combine(
    scored: Mapping[str, Scored],
    metrics: Mapping[str, Metric],
    objective: str,
    symbols: Sequence[str],
    task: Task,
) -> dict[str, Any]:
    """Set the model beside the baselines: scores, intervals and skill, ready for JSON, keys in a fixed order.

    Skill is ``(score − baseline) / (perfect − baseline)`` (Murphy 1988), where the perfect score is 0 for a metric
    that is minimised, so that it is ``1 − score/baseline``, and 1 for one that is maximised: 0 is as good as the
    baseline, 1 perfect, negative worse. Intervals hold 95 % (`forecastle.evaluation.bootstrap`), with the same
    blocks for all forecasters; they are null where the objective is no mean over windows or there are too few origins.

    Parameters
    ----------
    scored
        ``model`` first, then the baselines, all on the same windows with the same seed.
    metrics
        As `applicable` gave them.
    objective
        Name of one of them.
    symbols
        Names of all symbols of the panel.
    task
        What was asked.

    Returns
    -------
    dict
        ``target objective direction unit windows origins origins_wanted horizon steps start end metrics scores by_step
        interval skill by_symbol``; a number that is undefined is None. ``origins_wanted`` is the fewest origins for
        which there are intervals, None where the objective is no mean and has none. ``by_step`` has all metrics of the
        model and the objective of the baselines. The rest is told by
        `forecastle.evaluation.breakdown.tell`.
    """
    metric, model = metrics[objective], scored[MODEL]
    if any(not np.array_equal(each.origin, model.origin) for each in scored.values()):
        raise ValueError(f"forecasters must be scored on the same windows: {', '.join(scored)}")
    baselines = [name for name in scored if name != MODEL]
    order = [MODEL, *baselines]
    means = {name: scored[name].resampled for name in order}
    origins = len(np.unique(model.origin))
    blocks = origins / block_length(origins, task.horizon)
    skill: dict[str, Any] = {}
    for name in baselines:
        ours, theirs = means[MODEL], means[name]
        ratio = None if ours is None or theirs is None else _skill(ours, theirs, metric.direction)
        low, high = _pair(ratio, blocks)
        steps = _skill(model.by_step[objective], scored[name].by_step[objective], metric.direction)
        skill[name] = {
            "value": _number(_skill(model.scores[objective], scored[name].scores[objective], metric.direction)),
            "low": low,
            "high": high,
            "by_step": _numbers(steps),
            "significant": low is not None and high is not None and (low > 0 or high < 0),
        }
    is_mean = all(each.losses is not None for each in scored.values())
    return {
        "target": task.target.name,
        "objective": objective,
        "direction": metric.direction.value,
        "unit": _unit(metric, task),
        "windows": len(model.origin),
        "origins": origins,
        "origins_wanted": fewest_origins(task.horizon) if is_mean else None,
        "horizon": task.horizon,
        "steps": list(task.steps),
        "start": iso(model.origin.min()),
        "end": iso(model.origin.max()),
        "metrics": {
            name: {"unit": _unit(each, task), "direction": each.direction.value} for name, each in metrics.items()
        },
        "scores": {name: {key: _number(scored[name].scores[key]) for key in metrics} for name in order},
        "by_step": {
            name: {key: _numbers(scored[name].by_step[key]) for key in (metrics if name == MODEL else (objective,))}
            for name in order
        },
        "interval": {name: dict(zip(("low", "high"), _pair(means[name], blocks), strict=True)) for name in order},
        "skill": skill,
        **tell({name: scored[name].by for name in order}, symbols),
    }


def skill_by_slice(
    scored: Mapping[str, Scored], direction: Direction, cuts: Sequence[Slicing], horizon: int, seed: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """Score model and random walk in each slice, and the skill there, ready for JSON.

    Parameters
    ----------
    scored
        Of model and baselines, all on the same windows.
    direction
        Of the objective.
    cuts
        As `forecastle.evaluation.slices.slicings` gives them.
    horizon
        H, in bars.
    seed
        Of the intervals.

    Returns
    -------
    dict
        By the name of the cut and that of the slice: ``windows model random_walk value low high``; the interval holds
        for all slices at once (`forecastle.evaluation.slices.skill_slices`). Empty where the objective is no mean.
    """
    model, walk = scored[MODEL], scored[REFERENCE]
    if model.losses is None or walk.losses is None:
        return {}
    ours, theirs = model.losses.mean(axis=1), walk.losses.mean(axis=1)
    skill = skill_slices(ours, theirs, direction, model.origin, horizon, cuts, seed)
    told: dict[str, dict[str, dict[str, Any]]] = {}
    for cut in cuts:
        count = np.bincount(cut.group[cut.group >= 0]).tolist()
        columns = zip(cut.labels, count, slice_means(ours, cut), slice_means(theirs, cut), skill[cut.name], strict=True)
        told[cut.name] = {
            label: {"windows": windows, MODEL: float(one), REFERENCE: float(other), **cell}
            for label, windows, one, other, cell in columns
        }
    return told


def _check_finite(outcome: Outcome) -> None:
    values = outcome.forecast.values
    if not np.isfinite(values).all():
        window, step, column = (int(place[0]) for place in np.nonzero(~np.isfinite(values)))
        raise ModelError(
            f"a forecast must be finite, got {values[window, step, column]} at origin "
            f"{iso(outcome.origin[window])}, step {step + 1}"
        )


def _skill(score: Any, baseline: Any, direction: Direction) -> FloatArray:
    """Skill, elementwise; NaN where the baseline is perfect or undefined."""
    perfect = 1.0 if direction is Direction.MAX else 0.0
    room = np.asarray(perfect - baseline)
    return np.where(room != 0, 1.0 - (perfect - score) / np.where(room != 0, room, 1.0), np.nan)


def _pair(values: FloatArray | None, blocks: float) -> tuple[float | None, float | None]:
    if values is None:
        return None, None
    low, high = interval(values, blocks)
    return _number(low), _number(high)


def _number(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None


def _numbers(values: FloatArray) -> list[float | None]:
    return [_number(value) for value in values]


def _unit(metric: Metric, task: Task) -> str:
    return task.target.unit if metric.unit == "target" else metric.unit
