"""The desk: forecasts in, an account traded by a policy out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecastle.arrays import FloatArray, IntArray
from forecastle.data.bars import Bars, Panel
from forecastle.evaluation.trading.account import Account
from forecastle.evaluation.trading.cost import market, round_trip
from forecastle.evaluation.trading.engine import simulate
from forecastle.evaluation.trading.policy import Policy
from forecastle.evaluation.trading.portfolio import YEAR, Book, Path, combine
from forecastle.evaluation.trading.schedule import Schedule, schedule
from forecastle.evaluation.trading.signal import Signal, read_forecast
from forecastle.models.forecast import Forecast
from forecastle.windows.context import Context

SPREADS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""How many times as wide as it was the spread is made."""


@dataclass(frozen=True, eq=False)
class Traded:
    """A part that was traded, and the same time without a forecast.

    Parameters
    ----------
    books
        The account of each symbol that was decided on.
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


def trade(forecast: Forecast, context: Context, panel: Panel, policy: Policy, account: Account) -> Traded:
    """Trade every forecast by a policy, each symbol with its part of the capital.

    A decision is made when the bar of its origin is known and executed at the open of the next bar. The newest one
    counts; without a new one it is held for as long as the step of the horizon that the policy reads. At the end of
    the part everything is sold.

    Parameters
    ----------
    forecast
        Of N windows; sample paths are read by their quantiles.
    context
        The same windows, those of a symbol ascending in time.
    panel
        Bars of all symbols: opens and spreads.
    policy, account
        As `check_policy` and `check_task` passed them.

    Raises
    ------
    DataError
        If there is no spread to trade at.
    ModelError
        If the policy needs a distribution and the forecasts are points.
    """
    task = context.task
    step = policy.step or task.horizon
    expected, deviation = read_forecast(forecast, task, context.scale, step)
    shares = account.shares(panel.symbols)
    starts = np.cumsum([0, *(len(bars) for bars in panel)])
    books, holds, plans = [], [], []
    for number, bars in enumerate(panel):
        mine = np.flatnonzero(context.symbol == number)
        if not len(mine):
            continue
        row = context.row[mine] - starts[number]
        cost = round_trip(bars, account.costs)[row]
        signal = Signal(expected[mine], deviation[mine], context.scale[mine], cost, step, _per_year(bars, row))
        plan = schedule(row, policy.positions(signal), step, len(bars), policy.hysteresis)
        held = schedule(row, np.ones(len(row)), step, len(bars))
        whole = market(bars, account.costs)[plan.first : plan.first + len(plan.target)]
        share = float(shares[number])
        books.append(Book(bars.symbol, share, whole, plan.active, simulate(whole, plan.target)))
        holds.append(Book(bars.symbol, share, whole, held.active, simulate(whole, held.target)))
        plans.append(plan)
    sweep = tuple(_ending(books, plans, spreads) for spreads in SPREADS)
    return Traded(tuple(books), combine(books), combine(holds), sweep)


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
