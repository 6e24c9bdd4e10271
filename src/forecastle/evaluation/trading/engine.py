"""The engine: what becomes of an account that holds wanted positions, in whole arrays and to the cent.

An order is sent where the wanted position changes, and nowhere else: between orders the number of units is held, and
the position drifts with the price. An order at an open is sized on the equity there, before its own cost. The equity
before order j+1 is ``g`` times that before order j, with

    ``g[j] = 1 − c[j] |f[j] − d[j]| + f[j] (R[j] − 1) − |f[j]| w[j]``,    ``d[j+1] = f[j] R[j] / g[j]``

where f is the wanted position, d the one that drifted there, c the cost of a trade, R the price at the next order over
that at this one, and w the swaps between them. d needs g, which needs the d before it, but only through a cost: begun
with ``d[j+1] = f[j]`` the equations are repeated until nothing changes. Each pass makes one more order exact and
divides the error of the others by some thousands; four passes are usual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecastle.arrays import FloatArray, IntArray
from forecastle.evaluation.trading.cost import Market

BLOCK = 8192
"""Orders that are settled together."""

SETTLED = 1e-14
"""A change of a drifted position that is rounding."""


@dataclass(frozen=True, eq=False)
class Ledger:
    """The books of one symbol's account, which began with an equity of 1; all values are in units of it.

    M opens, J orders.

    Parameters
    ----------
    equity
        At each open before its order, shape (M,).
    value
        What is held after the order at each open, signed, shape (M,).
    gross, swap
        What the price changed, and what was paid for nights, from each open to the next, shape (M − 1,).
    order
        Opens at which there is an order, shape (J,).
    wanted, drifted
        Position after and before each order, fractions of the equity, shape (J,).
    basis
        Equity before each order, shape (J,).
    paid
        Cost of each order, shape (J,).
    ruin
        Open at which nothing was left and everything was closed; None: never. What is below 0 is owed.
    """

    equity: FloatArray
    value: FloatArray
    gross: FloatArray
    swap: FloatArray
    order: IntArray
    wanted: FloatArray
    drifted: FloatArray
    basis: FloatArray
    paid: FloatArray
    ruin: int | None

    @property
    def traded(self) -> FloatArray:
        """Value of each order, not negative, shape (J,)."""
        return np.abs(self.wanted - self.drifted) * self.basis

    @property
    def closed(self) -> FloatArray:
        """Equity at each open after its order, shape (M,)."""
        after = self.equity.copy()
        after[self.order] -= self.paid
        return after


def simulate(market: Market, target: FloatArray, spreads: float = 1.0) -> Ledger:
    """Hold the wanted positions.

    Parameters
    ----------
    market
        Opens and costs, shape (M,).
    target
        Position wanted from each open on, shape (M,); the last one is 0.
    spreads
        How many times as wide the spread is.
    """
    ledger = _simulate(market, target, spreads)
    empty = np.flatnonzero(ledger.equity <= 0)
    if not len(empty):
        return ledger
    ruin = int(empty[0])
    return _simulate(market, np.where(np.arange(len(target)) < ruin, target, 0.0), spreads, ruin)


def _simulate(market: Market, target: FloatArray, spreads: float, ruin: int | None = None) -> Ledger:
    price, cost = market.price, market.trade(spreads)
    order = np.flatnonzero(np.diff(target, prepend=0.0))
    wanted, at = target[order], price[order]
    after = np.append(order[1:], len(target) - 1)
    nights = np.concatenate([[0.0], np.cumsum(market.nights[:-1] * price[:-1])])
    rate = np.where(wanted > 0, market.swap[0], market.swap[1]) * np.abs(wanted) / at
    ratio = price[after] / at
    held = 1.0 + wanted * (ratio - 1.0) - rate * (nights[after] - nights[order])
    drifted, growth = _settle(held, wanted, ratio, cost[order])
    basis = np.concatenate([[1.0], np.cumprod(growth)])
    # From here on one place more than there are orders: the first is the time before any.
    begun = np.concatenate([[1.0], basis[:-1]])
    fixed = begun * np.concatenate([[1.0], 1.0 + (growth - held) - wanted + rate * nights[order]])
    units = begun * np.concatenate([[0.0], wanted / at])
    swaps = begun * np.concatenate([[0.0], rate])
    now = np.cumsum(np.bincount(order, minlength=len(target)))  # orders up to each open
    before = np.concatenate([[0], now[:-1]])
    return Ledger(
        equity=fixed[before] + units[before] * price - swaps[before] * nights,
        value=units[now] * price,
        gross=units[now[:-1]] * np.diff(price),
        swap=swaps[now[:-1]] * np.diff(nights),
        order=order,
        wanted=wanted,
        drifted=drifted,
        basis=basis[:-1],
        paid=cost[order] * np.abs(wanted - drifted) * basis[:-1],
        ruin=ruin,
    )


def _settle(held: FloatArray, wanted: FloatArray, ratio: FloatArray, cost: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Position before each order and growth of the equity up to the next, shape (J,) each; see the module.

    Block by block, so that the passes over one stay in the processor's cache.
    """
    drifted, growth = np.empty_like(wanted), np.empty_like(wanted)
    last = 0.0
    for begin in range(0, len(wanted), BLOCK):
        block = slice(begin, begin + BLOCK)
        goal, moved = wanted[block], wanted[block] * ratio[block]
        guess = np.concatenate([[last], goal[:-1]])
        while True:
            grown = held[block] - cost[block] * np.abs(goal - guess)
            dead = np.flatnonzero(grown <= 0)
            alive = int(dead[0]) if len(dead) else len(grown)
            better = guess.copy()
            better[1 : alive + 1] = (moved[:alive] / grown[:alive])[: len(goal) - 1]
            settled = bool(np.all(np.abs(better - guess) <= SETTLED * np.maximum(1.0, np.abs(better))))
            guess = better
            if settled:
                break
        drifted[block], growth[block] = guess, grown
        last = float(moved[-1] / grown[-1]) if grown[-1] > 0 else 0.0
    return drifted, growth
