"""A contest: runs that answer one question, ranked, with what can be said for sure of each difference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from forecastle.arrays import FloatArray
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
    """

    run: str
    name: str
    scores: Scores
    losses: Mapping[str, FloatArray] | None
    sharpe: float | None = None


@dataclass(frozen=True)
class Place:
    """One line of the ranking.

    Parameters
    ----------
    run, name
        As the entrant has them.
    score
        The objective.
    skill
        Against the baseline, 1 is perfect; None where the score has no perfect value, or it is undefined.
    against_baseline, against_best
        Loss less that of the baseline, of the best; None where there are no losses, or where it is the best itself.
    confidence
        P-value of the model confidence set: above 0.05 the run cannot be told from the best; None as above.
    sharpe
        As the entrant has it.
    """

    run: str
    name: str
    score: float
    skill: float | None
    against_baseline: Difference | None
    against_best: Difference | None
    confidence: float | None
    sharpe: float | None


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
    """

    baseline: str
    room: float | None
    places: tuple[Place, ...]
    superior: float | None
    chosen: BestOf | None

    def to_json(self) -> dict[str, Any]:
        """Plain values; a number that is undefined is None."""
        plain: dict[str, Any] = _finite(asdict(self))
        return plain


def hold(entrants: Sequence[Entrant], baseline: str, seed: int = 0) -> Contest:
    """Rank runs that answer one question and compare each with the baseline and with the best.

    Parameters
    ----------
    entrants
        At least one; all judged on the same origins, by the same objective.
    baseline
        Name of a forecaster that every run was scored beside.
    seed
        Of the resamples.
    """
    first = entrants[0].scores
    objective, sign = first["objective"], -1.0 if first["direction"] == Direction.MAX.value else 1.0
    order = sorted(entrants, key=lambda each: (sign * each.scores["scores"][MODEL][objective], -_or_worst(each.sharpe)))
    skills = [each.scores["skill"].get(baseline, {}).get("value") for each in order]
    values = [float(each.scores["scores"][MODEL][objective]) for each in order]
    perfect = first.get("perfect", 1.0 if sign < 0 else 0.0)
    beaten = first["scores"][baseline][objective]
    room = None if perfect is None or beaten is None or beaten == perfect else abs(float(beaten) - perfect)
    compared = [each.losses for each in order if each.losses is not None and baseline in each.losses]
    count = len(order)
    if len(compared) < count:
        places = tuple(
            Place(each.run, each.name, value, skill, None, None, None, each.sharpe)
            for each, value, skill in zip(order, values, skills, strict=True)
        )
        return Contest(baseline, room, places, None, None)
    horizon = int(first["horizon"])
    losses = sign * np.stack([each[MODEL] for each in compared], axis=1)
    walk = sign * np.stack([each[baseline] for each in compared], axis=1)  # holding costs what the account pays
    even = np.zeros(len(losses))
    beside = differences(losses - walk, even, horizon, seed)
    behind = differences(losses, losses[:, 0], horizon, seed)
    sure = confidence_set(losses, horizon, seed)
    places = tuple(
        Place(
            each.run, each.name, values[i], skills[i], beside[i], behind[i] if i else None, float(sure[i]), each.sharpe
        )
        for i, each in enumerate(order)
    )
    luck = _luck(losses, None if room is None else walk[:, 0], sign, horizon, seed) if count > 1 else None
    return Contest(baseline, room, places, superior(losses - walk, even, horizon, seed), luck)


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


def _or_worst(value: float | None) -> float:
    return -math.inf if value is None else value


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
