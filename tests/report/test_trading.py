"""The trading section: figures and tables of an account whose numbers are known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecastle.errors import RunError
from forecastle.evaluation.trading.cost import Market
from forecastle.evaluation.trading.desk import SPREADS, Traded
from forecastle.evaluation.trading.engine import simulate
from forecastle.evaluation.trading.portfolio import Book, combine
from forecastle.evaluation.trading.summary import summarise
from forecastle.report.folder import Equity, read_equity
from forecastle.report.trading import trading_section

COUNT = 900


def make_traded(symbols: tuple[str, ...] = ("A",), seed: int = 0, width: float = 1e-4) -> Traded:
    """Random sides on a random walk, one bar a day from the middle of 2019."""
    random = np.random.default_rng(seed)
    time = np.datetime64("2019-06-17", "us") + np.arange(COUNT) * np.timedelta64(1, "D")
    books, holds = [], []
    for symbol in symbols:
        price = np.exp(np.cumsum(random.normal(0, 0.01, COUNT)))
        nothing = np.zeros(COUNT)
        market = Market(time, price, np.full(COUNT, width), nothing, nothing, nothing, (0.0, 0.0))
        active = np.arange(COUNT) < COUNT - 1
        target = np.where(active, np.repeat(np.sign(random.normal(size=COUNT // 10)), 10), 0.0)
        books.append(Book(symbol, 0, 1 / len(symbols), market, active, simulate(market, target)))
        holds.append(Book(symbol, 0, 1 / len(symbols), market, active, simulate(market, active * 1.0)))
    sweep = tuple(
        sum(book.share * simulate(book.market, _target(book), each).closed[-1] for book in books) for each in SPREADS
    )
    return Traded(tuple(books), combine(books), combine(holds), sweep)


def _target(book: Book) -> np.ndarray:
    target = np.zeros(COUNT)
    target[book.ledger.order] = np.diff(book.ledger.wanted, prepend=0.0)
    return np.cumsum(target).round(9)


def scores_of(traded: Traded) -> dict[str, Any]:
    return summarise(traded, "sign", 1000.0)


def equity_of(traded: Traded) -> Equity:
    return Equity(traded.path.time, traded.path.equity, traded.path.gross, traded.hold.equity)


def test_the_section_shows_equity_drawdown_and_the_cost_curve() -> None:
    traded = make_traded()
    section = trading_section(scores_of(traded), "test", equity_of(traded))
    assert section.sentence.startswith("On the test part: ")
    assert [figure.title for figure in section.figures] == ["Equity", "Drawdown", "What the spread decides"]
    assert [name for name, _, _ in section.figures[0].legend] == ["buy and hold", "before costs", "after costs"]
    assert section.figures[2].svg.count("times the spread: ") >= len(SPREADS)
    assert len(section.tables) == 2


def test_the_months_multiply_to_the_equity() -> None:
    traded = make_traded()
    section = trading_section(scores_of(traded), "test", equity_of(traded))
    table = section.tables[1]
    assert [row[0] for row in table.rows] == ["2019", "2020", "2021"]
    cells = [cell for row in table.rows for cell in row[1:13]]
    assert cells[:5] == [""] * 5
    equity = pd.Series(traded.path.equity, traded.path.time)
    monthly = equity.groupby([equity.index.year, equity.index.month]).last()
    gains = (monthly / monthly.shift(fill_value=1.0) - 1) * 100
    shown = [float(cell.replace("−", "-")) for cell in cells if cell]
    np.testing.assert_allclose(shown, gains, atol=0.0501)
    years = np.prod([1 + float(row[13].replace("−", "-")) / 100 for row in table.rows])
    assert years == pytest.approx(traded.path.equity[-1], abs=0.003)


def test_several_symbols_have_a_table_of_their_own() -> None:
    traded = make_traded(("A", "B", "<b>"))
    section = trading_section(scores_of(traded), "validation", equity_of(traded))
    assert [row[0] for row in section.tables[-1].rows] == ["A", "B", "<b>"]


def test_an_account_without_spread_and_without_its_equity_shows_its_numbers() -> None:
    section = trading_section(scores_of(make_traded(width=0.0)), "test", None)
    assert (section.figures, len(section.tables)) == ([], 1)
    rows = {row[0]: row[1] for row in section.tables[0].rows}
    assert rows["costs"] == "0.0\u202f%"
    assert re.fullmatch(r"−?\d+\.\d\d\u00a0… −?\d+\.\d\d", rows["Sharpe ratio, 95\u202f%"])


def test_the_equity_is_read_as_it_was_written(tmp_path: Path) -> None:
    traded = make_traded()
    given = equity_of(traded)
    frame = pd.DataFrame(
        {"part": "test", "time": given.time, "net": given.net, "gross": given.gross, "buy_and_hold": given.hold}
    )
    path = tmp_path / "equity.parquet"
    frame.assign(time=frame["time"].dt.tz_localize("UTC")).to_parquet(path)
    found = read_equity(path, "test")
    assert found is not None
    np.testing.assert_array_equal(found.time, given.time)
    np.testing.assert_array_equal(found.hold, given.hold)
    assert read_equity(path, "validation") is None
    frame.drop(columns="net").to_parquet(path)
    with pytest.raises(RunError, match="cannot read the equity"):
        read_equity(path, "test")
