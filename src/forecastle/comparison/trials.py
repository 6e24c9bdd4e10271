"""Is the best trading result of many trials skill or luck: the net returns of finished runs, judged together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from forecastle.comparison.accounts import Account, read_accounts
from forecastle.errors import ConfigError
from forecastle.evaluation.luck import SURE, backtest_overfitting, deflated_sharpe
from forecastle.runs.store import Run

FEWEST = 10
"""Different accounts from which the spread of Sharpe ratios is told: it is known within a quarter then.

What luck can do is that spread times a factor of the number of trials (Bailey and López de Prado 2014, equation 1), and
the estimate of a spread from n accounts has a relative error of 1/√(2(n − 1)): .71 of two, .24 of ten. On noise the
best is called skill in up to 8 of 100 cases with three accounts, and 5 with ten (`benchmarks/luck_of_sweeps.py`).
"""


@dataclass(frozen=True)
class Luck:
    """What the best of several traded runs is worth.

    Parameters
    ----------
    run
        Id of the run with the highest Sharpe ratio, net of costs, of those that are looked at.
    trials
        How many were tried.
    traded
        Different accounts among them on the same bars, which tell how far Sharpe ratios lie apart.
    sharpe
        Its Sharpe ratio per year.
    expected
        The highest ratio per year that as many trials without skill are expected to show; None: fewer than `FEWEST`
        accounts tell too little of it.
    probability
        That its true ratio is above that: the Deflated Sharpe Ratio; None as above.
    overfitting
        Probability of Backtest Overfitting of choosing among all; None as above, or where there are too few bars.

    References
    ----------
    Bailey and López de Prado, The deflated Sharpe ratio, Journal of Portfolio Management 40 (2014), 94–107.
    """

    run: str
    trials: int
    traded: int
    sharpe: float
    expected: float | None
    probability: float | None
    overfitting: float | None

    @property
    def skill(self) -> bool:
        """True where it is more than luck: likely above the luckiest, and not overfitted more often than not."""
        if self.probability is None:
            return False
        return self.probability >= SURE and (self.overfitting is None or self.overfitting < 0.5)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "skill": self.skill}

    def __str__(self) -> str:
        """A verdict for people."""
        told = f"traded: the best Sharpe ratio is {self.sharpe:+.2f} a year (run {self.run[:8]}); "
        if self.expected is None or self.probability is None:
            return (
                f"{told}too few to tell skill from luck: {self.traded} different account"
                f"{'s' * (self.traded != 1)} among {self.trials} trials, at least {FEWEST} are wanted for a deflated "
                "Sharpe ratio"
            )
        verdict = "skill" if self.skill else "luck is not ruled out"
        overfitting = "" if self.overfitting is None else f", backtest overfitting {100 * self.overfitting:.0f} %"
        return (
            f"{told}the luckiest of {self.trials} trials without skill is expected to show {self.expected:+.2f}, by "
            f"the spread of {self.traded} different accounts; deflated Sharpe ratio {self.probability:.3f}"
            f"{overfitting}: {verdict}"
        )


def luck(runs: Sequence[Run], part: str, tried: Sequence[Run], trials: int) -> Luck | None:
    """Judge the best of some traded runs by all that were tried.

    Accounts that are the same bar for bar, of settings that changed no position, count as one in the spread of
    ratios, and each as a trial.

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
        None where none of the runs was traded, their returns do not vary, or nothing else was tried.
    """
    meant = {run.id for run in runs}
    accounts = read_accounts(list({run.id: run for run in (*runs, *tried)}.values()), part)
    accounts = [account for account in accounts if account.returns.std() > 0]
    first = next((account for account in accounts if account.run in meant), None)
    count = max(trials, len(accounts))
    if first is None or count < 2:
        return None
    found: dict[bytes, Account] = {}
    for account in sorted(accounts, key=lambda each: each.run not in meant):  # of equals, one that is looked at
        if np.array_equal(account.time, first.time):
            found.setdefault(account.returns.tobytes(), account)
    told_apart = [found[key] for key in sorted(found)]  # in one order, whichever are looked at
    returns = np.stack([account.returns for account in told_apart], axis=1)
    names = [account.run for account in told_apart]
    judged = [place for place, name in enumerate(names) if name in meant]
    year = math.sqrt(first.per_year)
    ratios = returns[:, judged].mean(axis=0) / returns[:, judged].std(axis=0, ddof=1)
    if len(names) < FEWEST:
        best = int(np.argmax(ratios))
        return Luck(names[judged[best]], count, len(names), float(ratios[best]) * year, None, None, None)
    deflated = deflated_sharpe(returns, count, judged)
    try:
        overfitting = backtest_overfitting(returns).probability
    except ConfigError:  # too few bars
        overfitting = None
    told = deflated.ratio * year, deflated.expected * year, deflated.probability
    return Luck(names[deflated.best], count, len(names), *told, overfitting)
