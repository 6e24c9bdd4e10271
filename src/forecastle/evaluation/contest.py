"""A contest: runs that answer one question, ranked, with what can be said for sure of each difference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.evaluation.aim import front
from forecastle.evaluation.bootstrap import block_length, fewest_origins
from forecastle.evaluation.comparison import Difference, confidence_set, differences, stationary_means, superior
from forecastle.evaluation.luck import BestOf, best_of
from forecastle.evaluation.metric import Direction
from forecastle.evaluation.score import MODEL

Scores = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Entrant:
    """A run that takes part.

    Parameters
    ----------
    run
        Its id.
    name
        What tells it from the others.
    scores
        Of the part that is judged, as `forecastle.evaluation.score.combine` gives them; ``perfect: None`` beside
        them where no score is perfect, as no Sharpe ratio is.
    losses
        Mean objective at each origin, ascending in time, shape (T,), by forecaster (``model`` and the baselines), or
        None where the objective is no mean over windows or is not to be compared.
    sharpe
        Sharpe ratio of its account, net of costs, per year, or None where it was not traded; it breaks ties.
    figures
        What else it is looked at by, by name; None where undefined.
    broken
        Bounds of the search that it does not keep: it stands behind those that keep them all.
    """

    run: str
    name: str
    scores: Scores
    losses: Mapping[str, FloatArray] | None
    sharpe: float | None = None
    figures: Mapping[str, float | None] = field(default_factory=dict)
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """One line of the ranking.

    Parameters
    ----------
    run, name, sharpe, figures, broken
        As the entrant has them.
    score
        What ranks.
    skill
        Against the baseline, 1 is perfect; None where the score has no perfect value, or it is undefined.
    against_baseline, against_best
        Loss less that of the baseline, of the best; None where there are no losses, or where it is the best itself.
    confidence
        P-value of the model confidence set: above 0.05 the run cannot be told from the best; None as above.
    front
        Whether no other run that keeps the bounds beats it in all objectives; None where there is one objective.
    """

    run: str
    name: str
    score: float
    skill: float | None
    against_baseline: Difference | None
    against_best: Difference | None
    confidence: float | None
    sharpe: float | None
    figures: dict[str, float | None]
    broken: tuple[str, ...]
    front: bool | None


@dataclass(frozen=True)
class Contest:
    """A ranking and what it is worth.

    Parameters
    ----------
    baseline, room
        Which one skill is measured against, and how far its score is from a perfect one; None where none is perfect.
    places
        Best first.
    superior
        P-value of the hypothesis that none of the runs is better than the baseline (Hansen's SPA), or None.
    chosen
        Skill of the best (its score where `room` is None) beside what luck alone gives the best of as many, or None.
    objective, direction
        What ranks, and which way it is better.
    baseline_score
        That of the baseline, or None where it has none.
    objectives
        What else the places are looked at by, and which way each is better.
    """

    baseline: str
    room: float | None
    places: tuple[Place, ...]
    superior: float | None
    chosen: BestOf | None
    objective: str
    direction: str
    baseline_score: float | None
    objectives: dict[str, str]

    @property
    def gains(self) -> bool | None:
        """Whether the best scores better than the baseline; None where that has no score."""
        if self.baseline_score is None:
            return None
        best = self.places[0].score
        return best > self.baseline_score if self.direction == Direction.MAX.value else best < self.baseline_score

    def to_json(self) -> dict[str, Any]:
        """Plain values; a number that is undefined is None."""
        plain: dict[str, Any] = _finite(asdict(self))
        return plain


def hold(
    entrants: Sequence[Entrant],
    baseline: str,
    seed: int = 0,
    objectives: Mapping[str, str] | None = None,
    sought: Sequence[str] = (),
) -> Contest:
    """Rank runs that answer one question and compare each with the baseline and with the best.

    Parameters
    ----------
    entrants
        At least one; all judged on the same origins, by the same objective.
    baseline
        Name of a forecaster that every run was scored beside.
    seed
        Of the resamples.
    objectives
        Figures of the entrants that are shown, and which way each is better; the front is that of what `sought` names.
    sought
        Figures that were searched for together; fewer than two: there is no front.
    """
    first = entrants[0].scores
    objective, sign = first["objective"], -1.0 if first["direction"] == Direction.MAX.value else 1.0

    def order(each: Entrant) -> tuple[bool, float, list[float], float, str]:
        score = sign * each.scores["scores"][MODEL][objective]
        ties = [_loss(each.figures.get(name), way) for name, way in (objectives or {}).items() if name != objective]
        return bool(each.broken), score, ties, _loss(each.sharpe, "max"), each.run

    ordered = sorted(entrants, key=order)
    perfect = first.get("perfect", 1.0 if sign < 0 else 0.0)
    beaten = first["scores"].get(baseline, {}).get(objective)
    room = None if perfect is None or beaten is None or beaten == perfect else abs(float(beaten) - perfect)
    known = [each.losses for each in ordered if each.losses is not None and baseline in each.losses]
    places = _places(ordered, objective, baseline, {name: Direction((objectives or {})[name]) for name in sought})
    chance, luck = None, None
    if len(known) == len(ordered):
        horizon = int(first["horizon"])
        losses = sign * np.stack([each[MODEL] for each in known], axis=1)
        walk = sign * np.stack([each[baseline] for each in known], axis=1)  # holding costs what the account pays
        places = _compared(places, losses, walk, horizon, seed)
        chance = superior(losses - walk, np.zeros(len(losses)), horizon, seed)
        kept = sum(not each.broken for each in ordered) or len(ordered)
        if kept > 1:
            luck = _luck(losses[:, :kept], None if room is None else walk[:, 0], sign, horizon, seed)
    score = None if beaten is None else float(beaten)
    return Contest(
        baseline, room, tuple(places), chance, luck, objective, first["direction"], score, dict(objectives or {})
    )


def _places(
    order: Sequence[Entrant], objective: str, baseline: str, objectives: Mapping[str, Direction]
) -> list[Place]:
    """Places by scores alone."""
    admitted = [each.figures if not each.broken else {} for each in order]
    unbeaten: list[bool | None] = [*front(admitted, objectives)] if len(objectives) > 1 else [None] * len(order)
    return [
        Place(
            each.run,
            each.name,
            float(each.scores["scores"][MODEL][objective]),
            each.scores["skill"].get(baseline, {}).get("value"),
            None,
            None,
            None,
            each.sharpe,
            dict(each.figures),
            each.broken,
            leads,
        )
        for each, leads in zip(order, unbeaten, strict=True)
    ]


def _compared(places: Sequence[Place], losses: FloatArray, walk: FloatArray, horizon: int, seed: int) -> list[Place]:
    """Places with what is sure of each difference, from losses of the runs and of the baseline, shape (T, M) each."""
    beside = differences(losses - walk, np.zeros(len(losses)), horizon, seed)
    behind = differences(losses, losses[:, 0], horizon, seed)
    sure = confidence_set(losses, horizon, seed)
    return [
        replace(each, against_baseline=beside[i], against_best=behind[i] if i else None, confidence=float(sure[i]))
        for i, each in enumerate(places)
    ]


def _luck(losses: FloatArray, walk: FloatArray | None, sign: float, horizon: int, seed: int) -> BestOf | None:
    """The best skill, or where there is no baseline to gain on the best score, beside that of the luckiest.

    None where there are too few origins.
    """
    count = len(losses)
    if count < fewest_origins(horizon):
        return None
    length = block_length(count, horizon)
    if walk is None:
        return best_of(-stationary_means(losses, length, seed), -losses.mean(axis=0))
    means = stationary_means(np.column_stack([losses, walk]), length, seed)
    perfect = -1.0 if sign < 0 else 0.0
    room, drawn_room = walk.mean() - perfect, means[:, -1:] - perfect
    if not (room > 0 and (drawn_room > 0).all()):
        return None
    return best_of(1 - (means[:, :-1] - perfect) / drawn_room, 1 - (losses.mean(axis=0) - perfect) / room)


def _loss(value: float | None, direction: str) -> float:
    """A figure, lower better; the worst where it is undefined."""
    return math.inf if value is None else -value if direction == Direction.MAX.value else value


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
