"""Portfolio: the accounts of several symbols on one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecastle.arrays import BoolArray, FloatArray, TimeArray
from forecastle.evaluation.trading.cost import Market
from forecastle.evaluation.trading.engine import Ledger

YEAR = np.timedelta64(31_557_600, "s")
"""365.25 days."""


@dataclass(frozen=True, eq=False)
class Book:
    """One symbol's account.

    Parameters
    ----------
    symbol
        Its name.
    lane
        Number of the account, from 0, where several paths lead through the same time.
    share
        Part of the capital.
    market
        Opens and costs of its stretch, shape (M,).
    active
        Bars within the reach of a forecast, shape (M,).
    ledger
        What became of it.
    """

    symbol: str
    lane: int
    share: float
    market: Market
    active: BoolArray
    ledger: Ledger

    @property
    def points(self) -> BoolArray:
        """Opens at which the account is looked at: of active bars, and those at which the last of them ends."""
        points: BoolArray = self.active | np.concatenate([[False], self.active[:-1]])
        return points


@dataclass(frozen=True, eq=False)
class Path:
    """What became of the whole capital, in units of it, at P points in time.

    Parameters
    ----------
    time
        Opens of all symbols, UTC, shape (P,).
    equity
        Shape (P,); at the end of a stretch after everything was sold.
    gross
        What the prices changed so far, before any costs, shape (P,).
    exposure
        Value of all positions, long or short, over the equity, shape (P,).
    judged
        Whether any symbol is active from each point to the next, shape (P − 1,).
    """

    time: TimeArray
    equity: FloatArray
    gross: FloatArray
    exposure: FloatArray
    judged: BoolArray

    @property
    def returns(self) -> FloatArray:
        """Net simple return of each judged bar; 0 once nothing is left."""
        before, after = self.equity[:-1][self.judged], self.equity[1:][self.judged]
        alive = before > 0
        return np.where(alive, after / np.where(alive, before, 1.0) - 1.0, 0.0)

    @property
    def solvent(self) -> bool:
        """True where the equity was above 0 all the time."""
        return bool((self.equity > 0).all())

    @property
    def begin(self) -> TimeArray:
        """When each judged bar begins, UTC."""
        return self.time[:-1][self.judged]

    @property
    def years(self) -> float:
        """Length of the judged time, weekends included."""
        return float(np.diff(self.time)[self.judged].sum() / YEAR)

    @property
    def per_year(self) -> float:
        """Judged bars per year."""
        years = self.years
        return int(self.judged.sum()) / years if years > 0 else 0.0


def combine(books: Sequence[Book]) -> Path:
    """Add up the accounts; a part of the capital whose symbol is never traded lies idle.

    Between two of its own opens a symbol's account counts as at the last of them.
    """
    points = [book.points for book in books]
    own = [book.market.time[at] for book, at in zip(books, points, strict=True)]
    time = own[0] if len(own) == 1 else np.unique(np.concatenate(own))
    equity = np.full(len(time), 1.0 - sum(book.share for book in books))
    gross, held = np.zeros(len(time)), np.zeros(len(time))
    active = np.zeros(len(time), dtype=bool)
    for book, at, mine in zip(books, points, own, strict=True):
        place = np.searchsorted(mine, time, side="right") - 1
        begun = place >= 0
        ledger, open_now = book.ledger, book.active[at]
        value = np.where(open_now, ledger.equity[at], ledger.closed[at])
        made = np.concatenate([[0.0], np.cumsum(ledger.gross)])[at]
        equity += book.share * np.where(begun, value[place], 1.0)
        gross += book.share * np.where(begun, made[place], 0.0)
        held += book.share * np.where(begun, np.abs(ledger.value[at])[place], 0.0)
        active |= begun & open_now[place]
    exposure = np.where(equity > 0, held / np.where(equity > 0, equity, 1.0), 0.0)
    return Path(time, equity, gross, exposure, active[:-1])
