"""The trading section of a report: equity, drawdown, what other spreads would leave, months, years and symbols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from forecastle.evaluation.trading.performance import drawdown
from forecastle.evaluation.trading.verdict import judge
from forecastle.report.axis import MONTHS, number_axis, time_axis
from forecastle.report.chart import Band, Dots, Line, Mark, Strokes, draw, legend
from forecastle.report.figure import Figure
from forecastle.report.folder import Equity
from forecastle.report.table import Table
from forecastle.report.words import NOTHING, day, defined, percent, plain

PERCENT = 1e-4
"""Of bps to a fraction."""


@dataclass(frozen=True)
class Trading:
    """The section.

    Parameters
    ----------
    sentence
        The verdict.
    figures
        Equity, drawdown, cost curve.
    tables
        All numbers, months, symbols.
    """

    sentence: str
    figures: list[Figure]
    tables: list[Table]


def trading_section(found: dict[str, Any], part: str, equity: Equity | None) -> Trading:
    """Lay out what the summary and the equity of a part tell of trading."""
    figures = [] if equity is None else [_equity(equity), _drawdown(equity)]
    figures += [_costs(found)] if found["sweep"] else []
    tables = [_numbers(found), *([] if equity is None else [_months(equity)])]
    tables += [_symbols(found)] if len(found["by_symbol"]) > 1 else []
    return Trading(f"On the {part} part: {judge(found)}.", figures, tables)


def _equity(equity: Equity) -> Figure:
    axis = time_axis(equity.time)
    x = np.arange(len(equity.time), dtype=np.float64)
    marks: list[Mark] = [
        Strokes("", "zero", np.zeros(1), np.zeros(1), np.full(1, axis.high), np.zeros(1)),
        Line("buy and hold", "s6", x, equity.hold - 1),
        Line("before costs", "s2", x, equity.gross),
        Line("after costs", "model", x, equity.net - 1),
    ]
    y = number_axis([0.0], equity.net - 1, equity.gross, equity.hold - 1, label="profit", percent=True)
    about = (
        f"{day(equity.time[0])} to {day(equity.time[-1])}; {percent(float(equity.net[-1]) - 1)} after costs, "
        f"{percent(float(equity.gross[-1]))} before, {percent(float(equity.hold[-1]) - 1)} by holding"
    )
    svg = draw(marks, axis, y, title="Profit, in parts of the capital", description=about, shape="tall")
    return Figure("Equity", svg, "Profit in parts of the capital, looked at when each bar opens.", legend(marks))


def _drawdown(equity: Equity) -> Figure:
    axis, below = time_axis(equity.time), -drawdown(equity.net)
    x = np.arange(len(below), dtype=np.float64)
    marks: list[Mark] = [Band("", "band80", x, below, np.zeros(len(below))), Line("", "model", x, below)]
    y = number_axis([0.0], below, label="below the last peak", percent=True)
    title = f"Drawdown of the equity, {percent(float(below.min()))} at most"
    return Figure("Drawdown", draw(marks, axis, y, title=title, shape="small"))


def _costs(found: dict[str, Any]) -> Figure:
    spreads = np.array([each["spreads"] for each in found["sweep"]])
    net = np.array([each["bps"] for each in found["sweep"]]) * PERCENT
    texts = tuple(f"{at:g} times the spread: {percent(value)}" for at, value in zip(spreads, net, strict=True))
    x = number_axis(spreads, label="times the spread as it was", count=4)
    marks: list[Mark] = [
        Strokes("", "zero", np.full(1, x.low), np.zeros(1), np.full(1, x.high), np.zeros(1)),
        Line("", "model", spreads, net),
        Dots("", "model", spreads, net, texts),
    ]
    even = found["break_even"]
    caption = "The same decisions at other spreads; all other costs are as they were."
    if even is not None:
        marks.append(
            Strokes("", "expected", np.full(1, even), np.full(1, float(net.min())), np.full(1, even), np.zeros(1))
        )
        caption += f" Nothing is left at {even:.2f} times the spread."
    y = number_axis([0.0], net, label="profit", percent=True)
    svg = draw(marks, x, y, title="Profit by the spread", description="; ".join(texts), shape="small")
    return Figure("What the spread decides", svg, caption)


def _numbers(found: dict[str, Any]) -> Table:
    """All numbers, with those of holding beside them."""
    hold = found["against"]["buy_and_hold"]
    costs = found["costs"]
    takers = ", ".join(f"{name} {plain(costs[name], 0)}" for name in ("spread", "commission", "slippage", "swap"))
    rows = [
        ["profit after costs", percent(found["net"]["bps"] * PERCENT), percent(hold["net"]["bps"] * PERCENT)],
        ["profit after costs, account currency", plain(found["net"]["money"], 0), plain(hold["net"]["money"], 0)],
        ["profit before costs", percent(found["gross"]["bps"] * PERCENT), ""],
        ["costs", percent(-costs["bps"] * PERCENT), ""],
        ["Sharpe ratio per year", _ratio(found["sharpe"]), _ratio(hold["sharpe"])],
        ["Sharpe ratio, 95\u202f%", _span(found["sharpe"]), _span(hold["sharpe"])],
        ["probability that it is above 0", _probability(found["sharpe"]), _probability(hold["sharpe"])],
        ["Sharpe ratio of the gain over holding, 95\u202f%", _span(hold["difference"]), ""],
        ["Sortino ratio per year", NOTHING if found["sortino"] is None else plain(found["sortino"], 2), ""],
        ["largest drawdown", _share(found["drawdown"]["largest"]), _share(hold["drawdown"])],
        ["longest drawdown, days", plain(found["drawdown"]["days"], 0), ""],
        ["turnover per year, times the equity", _plain(found["turnover"], 1), ""],
        ["value of positions, over the equity", _share(found["exposure"]), ""],
        ["time in the market", _share(found["in_market"]), ""],
        ["trades", str(found["trades"]), ""],
        ["trades that won", _share(found["hit_rate"]), ""],
        ["costs, of the profit before them", _share(found["cost_share"]), ""],
    ]
    if found["ruined"]:
        rows.append(["nothing was left of", ", ".join(found["ruined"]), ""])
    note = (
        f"Costs in account currency: {takers}. Capital {plain(found['capital'], 0)}, {plain(found['years'], 2)} years."
    )
    return Table("The account, and had every symbol been held", ["", "traded", "held"], rows, note=note)


def _months(equity: Equity) -> Table:
    """Profit of each month and year, in parts of the equity at its beginning."""
    month = equity.time.astype("datetime64[M]").astype(np.int64)
    months, first = np.unique(month, return_index=True)
    ends = equity.net[np.append(first[1:] - 1, len(month) - 1)]
    before = np.concatenate([[1.0], ends[:-1]])
    gain = np.where(before > 0, ends / np.where(before > 0, before, 1.0) - 1.0, 0.0)
    rows = []
    for year in np.unique(months // 12).tolist():
        mine = months // 12 == year
        cells = dict(zip((months[mine] % 12).tolist(), gain[mine].tolist(), strict=True))
        whole = float(np.prod(1.0 + gain[mine]) - 1.0)
        texts = [plain(100 * cells[at], 1) if at in cells else "" for at in range(12)]
        rows.append([str(1970 + year), *texts, plain(100 * whole, 1)])
    return Table("Profit after costs by month, per cent of the equity", ["", *MONTHS, "year"], rows)


def _symbols(found: dict[str, Any]) -> Table:
    rows = [
        [
            symbol,
            _share(each["share"]),
            *(percent(each[key] * PERCENT) for key in ("net_bps", "gross_bps")),
            percent(-each["cost_bps"] * PERCENT),
            _span(each["sharpe"]),
            _share(each["drawdown"]),
            str(each["trades"]),
            _share(each["hit_rate"]),
        ]
        for symbol, each in found["by_symbol"].items()
    ]
    head = [
        "symbol",
        "of the capital",
        "after costs",
        "before",
        "costs",
        "Sharpe, 95\u202f%",
        "drawdown",
        "trades",
        "won",
    ]
    return Table("Each symbol by itself", head, rows)


def _ratio(sharpe: dict[str, float] | None) -> str:
    return NOTHING if sharpe is None else plain(sharpe["value"], 2)


def _span(sharpe: dict[str, float] | None) -> str:
    return NOTHING if sharpe is None else f"{plain(sharpe['low'], 2)}\u00a0… {plain(sharpe['high'], 2)}"


def _probability(sharpe: dict[str, float] | None) -> str:
    return NOTHING if sharpe is None else plain(sharpe["probability"], 3)


def _share(value: float | None) -> str:
    return f"{plain(100 * value, 1)}\u202f%" if value is not None and defined(value) else NOTHING


def _plain(value: float | None, decimals: int) -> str:
    return NOTHING if value is None else plain(value, decimals)
