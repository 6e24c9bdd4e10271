"""Log returns of the training windows, symbol by symbol: what classical models are fitted on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from forecastle.arrays import FloatArray, IntArray
from forecastle.errors import ModelError
from forecastle.windows.context import Context

FEWEST = 50
"""Returns below which nothing is fitted."""


def training_returns(train: Context, name: str) -> dict[str, FloatArray]:
    """Log return of the bar at each origin, oldest first, for each symbol that has any.

    Only bars at which a training window ends are taken, so that nothing from a held-out part is. Where the windows
    leave a hole (a test part in the middle), the returns before and after it follow each other.

    Parameters
    ----------
    train
        Contexts of the training windows, with at least two bars of past log close.
    name
        Of the model, for the message.

    Raises
    ------
    ModelError
        If a symbol has fewer than `FEWEST` returns, or its price never moved.
    """
    past = train.past
    moves = past[:, -1] - past[:, -2]
    found: dict[str, FloatArray] = {}
    for number in np.unique(train.symbol):
        symbol = train.timeline.symbols[number]
        rows = np.flatnonzero(train.symbol == number)
        returns = np.asarray(moves[rows[np.argsort(train.row[rows])]], dtype=np.float64)
        if len(returns) < FEWEST or not np.any(returns):
            what = "whose price never moved" if len(returns) >= FEWEST else f"of which {FEWEST} are needed"
            raise ModelError(f"{name} cannot be fitted on the {len(returns)} training windows of {symbol}, {what}")
        found[symbol] = returns
    return found


def by_symbol(context: Context, fitted: Mapping[str, object], name: str) -> list[tuple[str, IntArray]]:
    """Names of the symbols of a context, each with the places of its windows.

    Raises
    ------
    ModelError
        If a symbol is not among the fitted ones.
    """
    pairs: list[tuple[str, IntArray]] = []
    for number in np.unique(context.symbol):
        symbol = context.timeline.symbols[number]
        if symbol not in fitted:
            raise ModelError(f"{name} had no training windows of {symbol} (fitted: {', '.join(fitted)})")
        pairs.append((symbol, np.flatnonzero(context.symbol == number)))
    return pairs
