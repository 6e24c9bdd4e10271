"""Which metrics apply to a task, and which of them ranks runs."""

from __future__ import annotations

from collections.abc import Mapping

from forecastle.errors import ConfigError, nearest
from forecastle.evaluation.metric import Direction, Metric
from forecastle.windows.context import Task


def default_objective(is_class: bool) -> str:
    """Name of the metric that ranks runs where none is chosen."""
    return "log_loss" if is_class else "crps"


def applicable(metrics: Mapping[str, Metric], objective: str, task: Task) -> dict[str, Metric]:
    """Metrics that mean something for the task, by their own names, in order; cheap enough to ask before fitting.

    Metrics of the other kind of forecast, and those that do not suit the target (a benchmark of prices, signs of
    a volatility), are left out by this rule.

    Raises
    ------
    ConfigError
        If the objective is not among them or has no direction, two metrics share a name, or a quantile level that
        one of them needs is missing.
    """
    found: dict[str, Metric] = {}
    for metric in metrics.values():
        if metric.applies(task):
            if metric.name in found:
                raise ConfigError(f"metric: each name once wanted, got two that are called {metric.name}")
            found[metric.name] = metric
    if objective not in found:
        there = any(metric.name == objective for metric in metrics.values())
        reason = f"does not apply to the target {task.target.name}" if there else "is not among the metrics"
        raise ConfigError(
            f"objective: {objective} {reason}{nearest(objective, found)} (possible: {', '.join(found) or 'none'})"
        )
    if found[objective].direction is Direction.NONE:
        raise ConfigError(f"objective: {objective} has no better and worse: it is best at its nominal value")
    return found
