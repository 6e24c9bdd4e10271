"""Goals: which numbers of a run's validation part a search makes better, and which it keeps within bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from forecastle import pipeline
from forecastle.config.schema import Config
from forecastle.errors import ConfigError, nearest
from forecastle.evaluation.aim import TRADING, Constraint, figure
from forecastle.evaluation.metric import Direction
from forecastle.runs.store import Run
from forecastle.scoring import measures

PART = "validation"
"""What choices are made on; a search never looks at the test part."""


@dataclass(frozen=True)
class Goals:
    """What a search is after.

    Parameters
    ----------
    objectives
        Direction of each metric that is made better, in order.
    constraints
        Bounds that a trial has to keep to be the best.
    """

    objectives: dict[str, Direction]
    constraints: tuple[Constraint, ...]

    def outcome(self, run: Run) -> Outcome:
        """What the validation part of a finished run is worth.

        Raises
        ------
        RunError
            If the run is damaged.
        ConfigError
            If it does not report one of the metrics.
        """
        part = run.metrics[PART]
        found = {name: figure(part, name) for name in (*self.objectives, *(each.name for each in self.constraints))}
        lost = [name for name, value in found.items() if value is None]
        if lost:
            return Outcome(run.id, reason=f"{', '.join(lost)} undefined")
        sure = {name: float(value) for name, value in found.items() if value is not None}
        broken = {each.text: each.excess(sure[each.name]) for each in self.constraints}
        return Outcome(run.id, tuple(sure[name] for name in self.objectives), broken)


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Parameters
    ----------
    run
        Id of its run, or None where it failed.
    values
        Of the objectives, in order; none where it failed or one is undefined.
    constraints
        By how much each is broken, by its text; at most 0 where it is kept.
    reason
        Why there are no values, or None.
    pruned
        Whether it was stopped on the way.
    """

    run: str | None
    values: tuple[float, ...] = ()
    constraints: dict[str, float] = field(default_factory=dict)
    reason: str | None = None
    pruned: bool = False


def goals(configs: Sequence[Config], objectives: Iterable[str] | None, constraints: Iterable[str]) -> Goals:
    """The goals of a search, before anything is run; directions are those of the metrics.

    Parameters
    ----------
    configs
        Configurations that the search may try, the first for all of them where they do not differ.
    objectives
        Names of metrics; None: the objective of the runs.
    constraints
        Such as ``turnover <= 10``.

    Raises
    ------
    ConfigError
        If a metric is not reported, an objective has no direction or stands twice, or a constraint cannot be read.
    """
    task = pipeline.task_of(configs[0])
    metrics, usual = measures(configs[0], task)
    there = {name: metric.direction for name, metric in metrics.items()}
    traded = all(config.policy for config in configs)
    known = there | {name: direction for name, (_, direction) in TRADING.items() if name not in there}
    chosen: dict[str, Direction] = {}
    for name in [usual] if objectives is None else objectives:
        direction = _known(f"objective {name}", name, known, traded=traded or name in there)
        if direction is Direction.NONE:
            raise ConfigError(f"objective {name} has no better and worse: bound it by constraints, say '{name} >= 0.5'")
        if name in chosen:
            raise ConfigError(f"objective {name} stands twice")
        chosen[name] = direction
    if not chosen:
        raise ConfigError("hydra.sweeper.objectives: at least one is wanted, or null for that of the runs, got none")
    bounds = tuple(Constraint.read(text) for text in constraints)
    for each in bounds:
        _known(f"constraint {each.text!r}", each.name, known, traded=traded or each.name in there)
    return Goals(chosen, bounds)


def _known(where: str, name: str, known: Mapping[str, Direction], *, traded: bool) -> Direction:
    if name not in known:
        there = [each for each in known if traded or each not in TRADING]
        more = "" if traded else f"; with a policy also {', '.join(each for each in TRADING if each not in there)}"
        raise ConfigError(
            f"{where}: no metric {name!r} is reported{nearest(name, known)} (there are: {', '.join(there)}{more})"
        )
    if not traded:
        raise ConfigError(f"{where}: {name} is a figure of traded runs: choose a policy, say policy=sign")
    return known[name]
