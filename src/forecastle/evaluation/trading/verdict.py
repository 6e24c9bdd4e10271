"""Verdict: what a part that was traded says, in the lines of a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 100
"""Columns of a terminal."""

EVERYTHING = -10_000
"""The whole capital, in bps of it."""


def judge(trading: Mapping[str, Any]) -> str:
    """What the account's 95 % interval can bear: ``earns``, ``loses``, or nothing.

    Parameters
    ----------
    trading
        As `forecastle.evaluation.trading.summary.summarise` gives it.
    """
    ratio = trading["sharpe"]
    if trading["net"]["bps"] <= EVERYTHING:
        return "everything was lost"
    if ratio is None:
        return "too little trading to tell profit from luck"
    if ratio["low"] > 0:
        return "it earns money"
    if ratio["high"] >= 0:
        return "no profit that this sample shows"
    if trading["gross"]["bps"] <= 0:
        return "it loses money, and would without any costs"
    return "it loses money: its gains do not pay for its costs"


def render(trading: Mapping[str, Any]) -> str:
    """A few lines about a part that was traded, at most 100 columns wide.

    Parameters
    ----------
    trading
        As `forecastle.evaluation.trading.summary.summarise` gives it.
    """
    money = f"{percent(trading['gross'])} before costs of {trading['costs']['bps'] / 100:.1f} %"
    hold = trading["against"]["buy_and_hold"]
    difference = hold["difference"]
    than = "" if difference is None else _than(difference)
    lines = [
        f"trading by {trading['policy']}: {percent(trading['net'])} net in {trading['years']:.2g} years ({money}), "
        f"{trading['trades']} trades, in the market {_share(trading['in_market'])} of the time",
        f"{_sharpe('Sharpe', trading['sharpe'])}; largest drawdown {100 * trading['drawdown']['largest']:.1f} %; "
        f"buy and hold {percent(hold['net'])}{than}",
        *([f"nothing was left of {', '.join(trading['ruined'])}"] if trading["ruined"] else []),
        *_paths(trading["by_path"]),
        f"{_break_even(trading)}{judge(trading)}",
    ]
    return "\n".join(line for each in lines for line in textwrap.wrap(each, WIDTH, subsequent_indent="  "))


def percent(amount: Mapping[str, float]) -> str:
    """A part of the capital in per cent.

    >>> percent({"bps": -123.4, "money": -1234.0})
    '-1.2 %'
    """
    return f"{amount['bps'] / 100:+.1f} %"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _sharpe(name: str, ratio: Mapping[str, float] | None) -> str:
    if ratio is None:
        return f"{name} undefined"
    span = f"[{ratio['low']:+.2f}, {ratio['high']:+.2f}]"
    return f"{name} {ratio['value']:+.2f} {span} a year, above 0 with probability {ratio['probability']:.3f}"


def _than(difference: Mapping[str, float]) -> str:
    """How the account stands to buy and hold, where the sample shows it."""
    if difference["low"] > 0:
        return " (better than it)"
    return " (worse than it)" if difference["high"] < 0 else " (no difference that this sample shows)"


def _paths(paths: Sequence[Mapping[str, Any]]) -> list[str]:
    """How far apart the paths through the same time ended, whose mean the account is."""
    ratios = [path["sharpe"]["value"] for path in paths if path["sharpe"] is not None]
    if not ratios:
        return []
    return [f"the capital in equal parts on {len(paths)} paths: Sharpe from {min(ratios):+.2f} to {max(ratios):+.2f}"]


def _break_even(trading: Mapping[str, Any]) -> str:
    if not trading["sweep"] or trading["net"]["bps"] <= EVERYTHING:
        return ""
    if trading["break_even"] is not None:
        return f"breaks even at {trading['break_even']:.2f} times the spread; "
    if trading["sweep"][0]["bps"] < 0:
        return "loses even without a spread; "
    return f"earns at {trading['sweep'][-1]['spreads']:g} times the spread; "
