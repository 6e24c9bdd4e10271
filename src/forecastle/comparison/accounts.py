"""Accounts of traded runs, read from their folders: how runs stand that differ in nothing but how they traded."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forecastle import paths
from forecastle.arrays import FloatArray, TimeArray
from forecastle.errors import ForecastleError
from forecastle.evaluation.aim import HOLD
from forecastle.evaluation.contest import Entrant
from forecastle.evaluation.metric import Direction
from forecastle.evaluation.ranking import ratio_of
from forecastle.evaluation.score import MODEL
from forecastle.evaluation.trading.performance import influence
from forecastle.evaluation.trading.portfolio import YEAR
from forecastle.report.folder import Equity, read_equity
from forecastle.runs.store import Run

logger = logging.getLogger(__name__)

OBJECTIVE = "sharpe"

TRADING = frozenset({"policy", "account"})
"""Groups that change how a forecast is traded, and nothing in the forecast."""


@dataclass(frozen=True, eq=False)
class Account:
    """What became of a run's capital, bar by bar.

    Parameters
    ----------
    run
        Its id.
    time
        UTC, shape (P,).
    returns, hold
        Net of costs, and of buying and holding every symbol, as fractions of the equity at the beginning of the bar,
        shape (P − 1,).
    """

    run: str
    time: TimeArray
    returns: FloatArray
    hold: FloatArray

    @property
    def per_year(self) -> float:
        """Bars in a year."""
        return len(self.returns) / float((self.time[-1] - self.time[0]) / YEAR)


def read_accounts(runs: Sequence[Run], part: str) -> list[Account]:
    """Accounts of those runs that were traded and not ruined; those that cannot be read are left out and named."""
    found = []
    for run in runs:
        try:
            equity = _equity(run, part)
        except ForecastleError as error:  # one damaged run is no reason to tell nothing of the others
            logger.warning("the account of run %s is left out: %s", run.id, error)
            continue
        if equity is not None and len(equity.time) > 2 and (equity.net > 0).all() and (equity.hold > 0).all():
            steps = (each[1:] / each[:-1] - 1 for each in (equity.net, equity.hold))
            found.append(Account(run.id, equity.time, *steps))
    return found


def _equity(run: Run, part: str) -> Equity | None:
    path = run.folder / paths.EQUITY
    return read_equity(path, part) if path.is_file() else None


def only_traded_otherwise(keys: Sequence[str]) -> bool:
    """Whether settings that vary change nothing but how the same forecast is traded."""
    return bool(keys) and all(key.partition(".")[0] in TRADING for key in keys)


def trading_scores(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Scores of a part with its Sharpe ratio as the objective, beside that of buying and holding."""
    trading = metrics["trading"]
    hold = trading["against"][HOLD]["sharpe"]
    return {
        "objective": OBJECTIVE,
        "direction": Direction.MAX.value,
        "perfect": None,
        "horizon": 1,
        "scores": {
            MODEL: {OBJECTIVE: ratio_of(metrics)},
            HOLD: {OBJECTIVE: None if hold is None else hold["value"]},
        },
        "skill": {HOLD: {"value": None, "low": None, "high": None}},
    }


def entrants(runs: Sequence[Run], called: Mapping[str, str], part: str, *, sure: bool) -> list[Entrant] | None:
    """Runs that take part in a contest of accounts; None where one of them was not traded.

    Each bar's share of the Sharpe ratio takes the place of a window's score (`influence`), so that differences of
    ratios are tested as differences of mean scores are.
    """
    scores = {run.id: run.metrics[part] for run in runs}
    if not all(scored.get("trading") for scored in scores.values()):
        return None
    if sure:
        runs = [run for run in runs if _is_readable(run, part)] or runs
    accounts = {account.run: account for account in read_accounts(runs, part)} if sure else {}
    same = len({account.time.tobytes() for account in accounts.values()}) == 1 and len(accounts) == len(runs)
    found = []
    for run in runs:
        told = trading_scores(scores[run.id])
        terms = _terms(accounts[run.id], told) if same else None
        found.append(Entrant(run.id, called[run.id], told, terms, told["scores"][MODEL][OBJECTIVE]))
    return found


def _is_readable(run: Run, part: str) -> bool:
    """Whether the account that a run was scored by is there; one that is not is named."""
    try:
        there = _equity(run, part) is not None
    except ForecastleError:
        there = False
    if not there:
        logger.warning("run %s is left out: it has no account that can be read", run.id)
    return there


def _terms(account: Account, scores: Mapping[str, Any]) -> dict[str, FloatArray] | None:
    """What each bar adds to the ratios of the account and of holding; None where one of them is undefined."""
    found = {}
    for name, returns in ((MODEL, account.returns), (HOLD, account.hold)):
        ratio = scores["scores"][name][OBJECTIVE]
        if ratio is None or not returns.std() > 0:
            return None
        terms = influence(returns, account.per_year)
        found[name] = terms + (ratio - math.fsum(terms.tolist()) / len(terms))  # its mean is the ratio that is shown
    return found
