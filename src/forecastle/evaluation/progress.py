"""Where skill comes from: at which step ahead, and when, each with what chance alone can do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecastle.arrays import FloatArray, TimeArray
from forecastle.evaluation.accuracy import long_run_variance
from forecastle.evaluation.bootstrap import block_length, interval, resampled_means
from forecastle.evaluation.comparison import by_origin


@dataclass(frozen=True, eq=False)
class StepSkill:
    """Skill at each step with its 95 % interval, shape (H,) each; NaN where it is undefined or there are few origins.

    Parameters
    ----------
    value, low, high
        1 is perfect, 0 as good as the baseline. The interval holds at each step by itself.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class Course:
    """How skill adds up over time, shape (T,) each.

    Parameters
    ----------
    time
        Origins, ascending, UTC.
    value
        What has been gained on the baseline up to each origin, as a fraction of all that there was to gain in the
        whole time: it ends at the skill.
    reach
        Between −reach and reach a forecaster that is as good as the baseline is at each origin with 95 % probability.
    """

    time: TimeArray
    value: FloatArray
    reach: FloatArray


def skill_by_step(
    losses: Sequence[FloatArray], baseline: FloatArray, origin: TimeArray, horizon: int, perfect: float, seed: int = 0
) -> list[StepSkill]:
    """Skill of several forecasters at each step, on the same resampled blocks of time.

    Parameters
    ----------
    losses
        Objective of each of M forecasters, shape (N, H) each.
    baseline
        That of the baseline, shape (N, H).
    origin
        Of each window, shape (N,).
    horizon
        In bars.
    perfect
        Value of a perfect forecast: 0, or 1 where the objective is maximised.
    seed
        Of the bootstrap.
    """
    steps, origins = baseline.shape[1], len(np.unique(origin))
    rows = np.concatenate([each.T for each in (*losses, baseline)])
    plain = rows.mean(axis=1)
    means = resampled_means(rows, origin, horizon, seed)
    found = []
    for number in range(len(losses)):
        mine = slice(number * steps, (number + 1) * steps)
        value = _skill(plain[mine], plain[-steps:], perfect)
        low, high = np.full((2, steps), math.nan)
        if means is not None:
            drawn = _skill(means[mine], means[-steps:], perfect)
            for step in np.flatnonzero(np.isfinite(drawn).all(axis=1)):
                low[step], high[step] = interval(drawn[step], origins / block_length(origins, horizon))
        found.append(StepSkill(value, low, high))
    return found


def course(losses: FloatArray, baseline: FloatArray, origin: TimeArray, horizon: int, perfect: float) -> Course | None:
    r"""How the skill of a forecaster adds up over time.

    With the gain :math:`g_t` on the baseline at each origin and its long-run variance :math:`\hat\omega` (as in the
    test of Diebold and Mariano), a sum of gains without skill has the standard deviation :math:`\sqrt{\hat\omega t}`.

    Parameters
    ----------
    losses, baseline
        Objective of each, shape (N, H).
    origin
        Of each window, shape (N,).
    horizon
        In bars, taken for as many origins.
    perfect
        Value of a perfect forecast: 0, or 1 where the objective is maximised.

    Returns
    -------
    Course or None
        None where the baseline is perfect, and nothing can be gained on it.
    """
    time = np.unique(origin)
    gain = by_origin((baseline - losses) * (-1.0 if perfect else 1.0), origin)
    room = float(by_origin(np.abs(baseline - perfect), origin).sum())
    if not room > 0:
        return None
    variance = max(long_run_variance(gain, horizon), 0.0)
    reach = 1.96 * np.sqrt(variance * np.arange(1, len(time) + 1))
    return Course(time, np.cumsum(gain) / room, reach / room)


def _skill(score: FloatArray, baseline: FloatArray, perfect: float) -> FloatArray:
    """(score − baseline) / (perfect − baseline), NaN where there is no room."""
    room = perfect - baseline
    found: FloatArray = np.divide(score - baseline, room, out=np.full(score.shape, math.nan), where=room != 0)
    return found
