"""Is the best trading result of many trials skill or luck: the net returns of finished runs, judged together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from forecastle.comparison.accounts import read_accounts
from forecastle.errors import ConfigError
from forecastle.evaluation.luck import SURE, backtest_overfitting, deflated_sharpe
from forecastle.runs.store import Run


@dataclass(frozen=True)
class Luck:
    """What the best of several traded runs is worth.

    Parameters
    ----------
    run
        Id of the run with the highest Sharpe ratio, net of costs, of those that are looked at.
    trials
        How many were tried.
    sharpe, expected
        Its Sharpe ratio, and the highest that as many without skill are expected to show, both per year.
    probability
        That its true ratio is above that: the Deflated Sharpe Ratio.
    overfitting
        Probability of Backtest Overfitting of choosing among all; None where there are too few bars for it.
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


def luck(runs: Sequence[Run], part: str, tried: Sequence[Run], trials: int) -> Luck | None:
    """Judge the best of some traded runs by all that were tried.

    Parameters
    ----------
    runs
        Those that are looked at, at least one.
    part
        Part that is judged, ``validation``.
    tried
        All finished runs that answer the same question: how far their ratios lie apart tells what luck can do.
    trials
        How many were tried, those that failed or were stopped included.

    Returns
    -------
    Luck or None
        None where none of the runs was traded, fewer than two of all were on the same bars, or returns do not vary.
    """
    meant = {run.id for run in runs}
    accounts = read_accounts(list({run.id: run for run in (*runs, *tried)}.values()), part)
    first = next((account for account in accounts if account.run in meant), None)
    if first is None:
        return None
    found = [account for account in accounts if np.array_equal(account.time, first.time)]
    returns = np.stack([account.returns for account in found], axis=1)
    judged = [place for place, account in enumerate(found) if account.run in meant]
    count = max(trials, len(found))
    try:
        deflated = deflated_sharpe(returns, count, judged)
    except ConfigError:
        return None
    try:
        overfitting = backtest_overfitting(returns).probability
    except ConfigError:
        overfitting = None
    year = math.sqrt(first.per_year)
    ratios = deflated.ratio * year, deflated.expected * year
    return Luck(found[deflated.best].run, count, *ratios, deflated.probability, overfitting)
