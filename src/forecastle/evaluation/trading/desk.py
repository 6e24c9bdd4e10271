"""The desk: forecasts in, an account traded by a policy out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from forecastle.arrays import FloatArray, IntArray, TimeArray
from forecastle.data.bars import Bars, Panel
from forecastle.evaluation.metric import Outcome
from forecastle.evaluation.trading.account import Account
from forecastle.evaluation.trading.cost import market, round_trip
from forecastle.evaluation.trading.engine import simulate
from forecastle.evaluation.trading.policy import Policy
from forecastle.evaluation.trading.portfolio import YEAR, Book, Path, combine
from forecastle.evaluation.trading.schedule import Schedule, schedule
from forecastle.evaluation.trading.signal import Signal, read_forecast
from forecastle.windows.context import Task, Timeline

SPREADS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""How many times as wide as it was the spread is made."""


@dataclass(frozen=True, eq=False)
class Traded:
    """A part that was traded, and the same time without a forecast.

    Parameters
    ----------
    books
        The account of each symbol that was decided on, and of each lane where several paths lead through the same time.
    path
        The whole capital.
    hold
        The whole capital, had every symbol been bought at the first decision and sold at the end, after its costs.
    sweep
        Equity at the end for each of `SPREADS`.
    """

    books: tuple[Book, ...]
    path: Path
    hold: Path
    sweep: tuple[float, ...]


def trade(outcome: Outcome, timeline: Timeline, task: Task, panel: Panel, policy: Policy, account: Account) -> Traded:
    """Trade every forecast by a policy, each symbol with its part of the capital.

    A decision is made when the bar of its origin is known and executed at the open of the next bar. The newest one
    counts; without a new one it is held for as long as the step of the horizon that the policy reads. At the end of
    the part everything is sold. Paths that follow each other in time are one account; where several paths lead through
    the same time, the capital is parted between as many accounts in equal shares.

    Parameters
    ----------
    outcome
        Forecasts of N windows; those of a symbol on a path stand once.
    timeline
        Tells the volatility at each origin.
    task
        What was asked.
    panel
        The bars of the timeline: opens and spreads.
    policy, account
        As `check_policy` and `check_task` passed them.

    Raises
    ------
    DataError
        If there is no spread to trade at.
    ModelError
        If the policy needs a distribution and the forecasts are points.
    """
    step = policy.step or task.horizon
    lane = lanes(outcome.path, outcome.origin)
    shares = account.shares(panel.symbols) / (lane.max() + 1)
    starts = np.cumsum([0, *(len(bars) for bars in panel)])
    books, holds, plans = [], [], []
    for number, bars in enumerate(panel):
        whole, fees = market(bars, account.costs), round_trip(bars, account.costs)
        for account_number, mine in _chains(lane, outcome, number):
            row = np.searchsorted(bars.known, outcome.origin[mine])
            scale = timeline.scale[row + starts[number]]
            expected, deviation = read_forecast(outcome[mine].forecast, task, scale, step)
            signal = Signal(expected, deviation, scale, fees[row], step, _per_year(bars, row))
            plan = schedule(row, policy.positions(signal), step, len(bars), policy.hysteresis)
            held = schedule(row, np.ones(len(row)), step, len(bars))
            stretch, share = whole[plan.first : plan.first + len(plan.target)], float(shares[number])
            books.append(Book(bars.symbol, account_number, share, stretch, plan.active, simulate(stretch, plan.target)))
            holds.append(Book(bars.symbol, account_number, share, stretch, held.active, simulate(stretch, held.target)))
            plans.append(plan)
    sweep = tuple(_ending(books, plans, spreads) for spreads in SPREADS)
    return Traded(tuple(books), combine(books), combine(holds), sweep)


def lanes(path: IntArray, origin: TimeArray) -> IntArray:
    """Number of the account, from 0, that trades each window, shape (N,): as few as no two paths meet in time.

    Examples
    --------
    >>> days = np.array(["2020-01-01", "2020-01-02", "2020-01-02", "2020-01-03", "2020-01-04"], "datetime64[us]")
    >>> lanes(np.array([0, 0, 1, 1, 2]), days)
    array([0, 0, 1, 1, 0])
    """
    numbers, place = np.unique(path, return_inverse=True)
    first = [origin[place == number].min() for number in range(len(numbers))]
    last = [origin[place == number].max() for number in range(len(numbers))]
    ends: list[np.datetime64] = []
    found = np.zeros(len(numbers), dtype=np.int64)
    for number in np.argsort(first, kind="stable"):
        free = [lane for lane, end in enumerate(ends) if end < first[number]]
        found[number] = free[0] if free else len(ends)
        ends[found[number] : found[number] + 1] = [last[number]]
    return found[place]


def _chains(lane: IntArray, outcome: Outcome, symbol: int) -> Iterator[tuple[int, IntArray]]:
    """Windows of a symbol in each account that has any, by its number, in order of time."""
    mine = np.flatnonzero(outcome.symbol == symbol)
    mine = mine[np.argsort(outcome.origin[mine], kind="stable")]
    for number in np.unique(lane[mine]).tolist():
        yield number, mine[lane[mine] == number]


def _per_year(bars: Bars, row: IntArray) -> float:
    """Bars per year, of those before the first decision."""
    first = max(int(row[0]), 1)
    return float(first / ((bars.time[first] - bars.time[0]) / YEAR))


def _ending(books: Sequence[Book], plans: Sequence[Schedule], spreads: float) -> float:
    """Equity at the end with the spread so many times as wide, at the same decisions."""
    ends: list[float] = []
    for book, plan in zip(books, plans, strict=True):
        ledger = book.ledger if spreads == 1.0 else simulate(book.market, plan.target, spreads)
        ends.append(book.share * float(ledger.closed[-1]))
    return 1.0 - sum(book.share for book in books) + sum(ends)


def break_even(spreads: Sequence[float], ending: Sequence[float]) -> float | None:
    """How many times as wide the spread may be until nothing is won, by interpolation; None: it is not in the sweep.

    Examples
    --------
    >>> break_even((0.0, 1.0, 2.0), (1.2, 1.0, 0.9))
    1.0
    """
    won: FloatArray = np.asarray(ending) - 1.0
    for left, right in zip(range(len(won) - 1), range(1, len(won)), strict=True):
        if won[left] >= 0 >= won[right] and won[left] > won[right]:
            part = won[left] / (won[left] - won[right])
            return float(spreads[left] + part * (spreads[right] - spreads[left]))
    return None
