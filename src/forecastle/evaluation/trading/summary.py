"""Summary: the JSON-ready numbers of a part that was traded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from forecastle.arrays import BoolArray, FloatArray
from forecastle.evaluation.trading.cost import BPS
from forecastle.evaluation.trading.desk import SPREADS, Traded, break_even
from forecastle.evaluation.trading.performance import drawdown, longest_drawdown, sharpe, sortino
from forecastle.evaluation.trading.portfolio import Book, Path, combine
from forecastle.evaluation.trading.trades import trade_results


def summarise(traded: Traded, policy: str, capital: float) -> dict[str, Any]:
    """Put what became of an account into numbers, keys in a fixed order; a number that is undefined is None.

    Money is in account currency, bps are of the capital at the beginning (of its part for a symbol, of the equity at
    its beginning for a year). Net is gross less costs.

    Parameters
    ----------
    traded
        A part that was traded.
    policy
        What it was traded by.
    capital
        At the beginning, account currency.

    Returns
    -------
    dict
        ``policy start end bars years capital net gross costs cost_share sharpe sortino drawdown turnover exposure
        in_market trades hit_rate ruined against sweep break_even by_symbol by_year by_path``; ``by_path`` is empty
        where one path leads through the time.
    """
    path, hold, books = traded.path, traded.hold, traded.books
    symbols = dict.fromkeys(book.symbol for book in books)
    returns = path.returns
    results = np.concatenate([trade_results(book.ledger) for book in books])
    costs = _costs(books)
    total = sum(costs.values())
    gross = float(path.gross[-1])
    below = drawdown(path.equity)
    first, last = longest_drawdown(path.equity)
    years = path.years
    turnover = sum(book.share * float(np.abs(book.ledger.wanted - book.ledger.drifted).sum()) for book in books)
    spread_paid = costs["spread"] > 0
    return {
        "policy": policy,
        "start": _iso(path.time[0]),
        "end": _iso(path.time[-1]),
        "bars": len(returns),
        "years": years,
        "capital": capital,
        "net": _amount(float(path.equity[-1]) - 1.0, capital),
        "gross": _amount(gross, capital),
        "costs": {**_amount(total, capital), **{name: capital * value for name, value in costs.items()}},
        "cost_share": total / gross if gross > 0 else None,
        "sharpe": _ratio(path),
        "sortino": sortino(returns, path.per_year) if path.solvent else None,
        "drawdown": {
            "largest": float(below.max()),
            "days": float((path.time[last] - path.time[first]) / np.timedelta64(1, "D")),
            "bars": int(path.judged[first:last].sum()),
        },
        "turnover": turnover / years if years > 0 else None,
        "exposure": _mean(path.exposure[:-1][path.judged]),
        "in_market": _mean(path.exposure[:-1][path.judged] > 0),
        "trades": len(results),
        "hit_rate": _mean(results > 0),
        "ruined": [book.symbol for book in books if book.ledger.ruin is not None],
        "against": {
            "flat": {"net": _amount(0.0, capital), "difference": _ratio(path)},
            "buy_and_hold": _against(path, hold, capital),
        },
        "sweep": [
            {"spreads": each, **_amount(end - 1.0, capital)} for each, end in zip(SPREADS, traded.sweep, strict=True)
        ]
        if spread_paid
        else [],
        "break_even": break_even(SPREADS, traded.sweep) if spread_paid else None,
        "by_symbol": {symbol: _symbol([book for book in books if book.symbol == symbol]) for symbol in symbols},
        "by_year": _by_year(path),
        "by_path": _by_path(books),
    }


def _costs(books: Sequence[Book]) -> dict[str, float]:
    """Paid to each taker, in units of the capital."""
    each = {"spread": 0.0, "commission": 0.0, "slippage": 0.0, "swap": 0.0}
    for book in books:
        traded, order = book.ledger.traded, book.ledger.order
        for name in ("spread", "commission", "slippage"):
            each[name] += book.share * float((getattr(book.market, name)[order] * traded).sum())
        each["swap"] += book.share * float(book.ledger.swap.sum())
    return each


def _against(path: Path, hold: Path, capital: float) -> dict[str, Any]:
    """Buy and hold, and the Sharpe ratio of what the account made more than it, bar by bar."""
    return {
        "net": _amount(float(hold.equity[-1]) - 1.0, capital),
        "sharpe": _ratio(hold),
        "drawdown": float(drawdown(hold.equity).max()),
        "difference": _sharpe(path.returns - hold.returns, path.per_year) if path.solvent else None,
    }


def _symbol(books: Sequence[Book]) -> dict[str, Any]:
    """The accounts of one symbol by themselves."""
    share = sum(book.share for book in books)
    path = combine([replace(book, share=book.share / share) for book in books])
    results = np.concatenate([trade_results(book.ledger) for book in books])
    net, gross = float(path.equity[-1]) - 1.0, float(path.gross[-1])
    return {
        "share": share,
        "net_bps": net / BPS,
        "gross_bps": gross / BPS,
        "cost_bps": (gross - net) / BPS,
        "sharpe": _ratio(path),
        "drawdown": float(drawdown(path.equity).max()),
        "trades": len(results),
        "hit_rate": _mean(results > 0),
    }


def _by_path(books: Sequence[Book]) -> list[dict[str, Any]]:
    """The account of each path through the same time by itself."""
    told = []
    for lane in sorted({book.lane for book in books}):
        mine = [book for book in books if book.lane == lane]
        share = sum(book.share for book in mine)
        path = combine([replace(book, share=book.share / share) for book in mine])
        told.append({"net_bps": float(path.equity[-1] - 1) / BPS, "sharpe": _ratio(path)})
    return told if len(told) > 1 else []


def _by_year(path: Path) -> dict[str, Any]:
    """What each calendar year (UTC, by the opens) brought."""
    returns, begin, exposure = path.returns, path.begin, path.exposure[:-1][path.judged]
    year = begin.astype("datetime64[Y]")
    told: dict[str, Any] = {}
    for each in np.unique(year):
        mine = year == each
        told[str(each)] = {
            "net_bps": float(np.prod(1.0 + returns[mine]) - 1.0) / BPS,
            "sharpe": _sharpe(returns[mine], path.per_year) if path.solvent else None,
            "exposure": _mean(exposure[mine]),
            "bars": int(mine.sum()),
        }
    return told


def _ratio(path: Path) -> dict[str, float] | None:
    """Sharpe ratio of an account; None where it was ruined, after which there are no returns to speak of."""
    return _sharpe(path.returns, path.per_year) if path.solvent else None


def _sharpe(returns: FloatArray, per_year: float) -> dict[str, float] | None:
    found = sharpe(returns, per_year)
    return None if found is None else asdict(found)


def _amount(fraction: float, capital: float) -> dict[str, float]:
    """A part of the capital, in bps and in account currency."""
    return {"bps": fraction / BPS, "money": fraction * capital}


def _mean(values: FloatArray | BoolArray) -> float | None:
    return float(values.mean()) if len(values) else None


def _iso(time: np.datetime64) -> str:
    return f"{np.datetime_as_string(time, unit='s')}Z"
