"""Trades: an account's orders, gathered into what people call a trade, from a side's first order to its last."""

from __future__ import annotations

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.evaluation.trading.engine import Ledger


def trade_results(ledger: Ledger) -> FloatArray:
    """Net profit of each trade, in units of the first equity, in order of time.

    A trade is the time on one side of the market: it begins where the position becomes long or short and ends where it
    is closed or turned, whatever its size in between. The order that turns it is paid by both, each for its part.
    """
    side = np.sign(ledger.wanted)
    before = np.concatenate([[0.0], side[:-1]])
    turned = side != before
    size = np.abs(ledger.wanted - ledger.drifted)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(size > 0, ledger.paid / size, 0.0)  # cost of a position of 1
    closing = np.where(turned, rate * np.abs(ledger.drifted), 0.0)
    opening = ledger.paid - closing
    edges = np.append(ledger.order, len(ledger.gross))
    made = np.concatenate([[0.0], np.cumsum(ledger.gross - ledger.swap)])
    profit = made[edges[1:]] - made[edges[:-1]] - opening
    profit[:-1] -= closing[1:]
    number = np.cumsum(turned & (side != 0)) - 1
    inside = side != 0
    results: FloatArray = np.zeros(int(number[-1]) + 1 if len(number) else 0)
    np.add.at(results, number[inside], profit[inside])
    return results
