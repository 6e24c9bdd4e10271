"""Is the best trading result of many trials skill or luck: the net returns of finished runs, judged together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from forecastle import paths
from forecastle.errors import ConfigError
from forecastle.evaluation.luck import SURE, backtest_overfitting, deflated_sharpe
from forecastle.report.folder import read_equity
from forecastle.runs.store import Run

YEAR = np.timedelta64(31_556_952, "s").astype("timedelta64[us]")
"""A mean year of the Gregorian calendar."""


@dataclass(frozen=True)
class Luck:
    """What the best of several traded runs is worth.

    Parameters
    ----------
    run
        Id of the run with the highest Sharpe ratio, net of costs.
    trials
        How many were tried.
    sharpe, expected
        Its Sharpe ratio, and the highest that as many without skill are expected to show, both per year.
    probability
        That its true ratio is above that: the Deflated Sharpe Ratio.
    overfitting
        Probability of Backtest Overfitting; None where there are too few bars for it.
    """

    run: str
    trials: int
    sharpe: float
    expected: float
    probability: float
    overfitting: float | None

    @property
    def skill(self) -> bool:
        """True where it is more than luck: likely above the luckiest, and not overfitted more often than not."""
        return self.probability >= SURE and (self.overfitting is None or self.overfitting < 0.5)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "skill": self.skill}

    def __str__(self) -> str:
        """A verdict for people."""
        verdict = "skill" if self.skill else "luck is not ruled out"
        overfitting = "" if self.overfitting is None else f", backtest overfitting {100 * self.overfitting:.0f} %"
        return (
            f"traded: the best Sharpe ratio is {self.sharpe:+.2f} a year (run {self.run[:8]}); the luckiest of "
            f"{self.trials} trials without skill is expected to show {self.expected:+.2f}; deflated Sharpe ratio "
            f"{self.probability:.3f}{overfitting}: {verdict}"
        )


def luck(runs: Sequence[Run], part: str, trials: int) -> Luck | None:
    """Judge the net returns of runs that were traded on the same bars.

    Parameters
    ----------
    runs
        Runs that answer one question.
    part
        Part that is judged, ``validation``.
    trials
        How many runs have been made to answer it, at least as many as there are; whoever looks at some has chosen.

    Returns
    -------
    Luck or None
        None where fewer than two were traded on the same bars, or their returns do not vary.
    """
    found = []
    for run in runs:
        path = run.folder / paths.EQUITY
        equity = read_equity(path, part) if path.is_file() else None
        if equity is not None and len(equity.time) > 2:
            found.append((run.id, equity))
    if len(found) < 2 or any(not np.array_equal(each.time, found[0][1].time) for _, each in found):
        return None
    time = found[0][1].time
    net = np.stack([each.net for _, each in found], axis=1)
    if (net <= 0).any():
        return None
    returns = net[1:] / net[:-1] - 1
    year = math.sqrt(len(returns) / float((time[-1] - time[0]) / YEAR))
    try:
        deflated = deflated_sharpe(returns, max(trials, len(found)))
    except ConfigError:
        return None
    try:
        overfitting = backtest_overfitting(returns).probability
    except ConfigError:
        overfitting = None
    name = found[deflated.best][0]
    ratios = deflated.ratio * year, deflated.expected * year
    return Luck(name, max(trials, len(found)), *ratios, deflated.probability, overfitting)
