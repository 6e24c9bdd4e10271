"""Listing: what the chosen indicators are, for people and for programs."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from forecastle.config.schema import Node
from forecastle.config.target import TIMEFRAMES, build
from forecastle.features.frame import Indicator

WIDTH = 118
"""Characters of a line."""


def describe_indicators(nodes: Mapping[str, Node]) -> list[dict[str, Any]]:
    """Describe each indicator of a configuration.

    Parameters
    ----------
    nodes
        Checked ``_target_`` nodes by name, as in ``config.indicator``.

    Returns
    -------
    list of dict
        In their order: ``name``; ``about``, the first line of its documentation, or what it says of itself;
        ``columns``; ``parameters`` as configured; ``unit``, the unit or range of the values in words; ``warmup`` in
        bars; ``needs``, what it reads beside the prices (volume, calendar).

    Raises
    ------
    ConfigError
        If a constructor refuses a value.

    Examples
    --------
    >>> node = {"_target_": "forecastle.features.talib.TALib", "function": "RSI", "timeperiod": 14}
    >>> (row,) = describe_indicators({"rsi": node})
    >>> row["columns"], row["warmup"], row["unit"]
    (['rsi_14'], 388, '0 to 100')
    """
    rows = []
    for name, node in nodes.items():
        indicator: Indicator = build(
            {key: value for key, value in node.items() if key != TIMEFRAMES}, f"indicator.{name}"
        )
        document = inspect.getdoc(type(indicator)) or ""
        rows.append(
            {
                "name": name,
                "about": getattr(indicator, "about", document.partition("\n")[0]),
                "columns": list(indicator.columns),
                "parameters": {key: value for key, value in node.items() if key != "_target_"},
                "unit": getattr(indicator, "scale", "not stated"),
                "warmup": indicator.warmup,
                "needs": list(indicator.needs),
            }
        )
    return rows


def render_indicators(rows: Sequence[Mapping[str, Any]]) -> str:
    """Text of what `describe_indicators` found, a paragraph for each indicator and a line that counts.

    >>> node = {"_target_": "forecastle.features.volume.OnBalanceVolume", "timeperiod": 20}
    >>> print(render_indicators(describe_indicators({"obv": node})))
    obv                          1 column     21 bars   -1 to 1; needs volume
        On-balance volume of the last n bars as a share of their volume, in [-1, 1]; warm-up n + 1 bars.
        timeperiod=20
        obv_20
    <BLANKLINE>
    1 indicator, 1 column; the longest warm-up is 21 bars
    """
    paragraphs = []
    for row in rows:
        needs = f"; needs {' and '.join(row['needs'])}" if row["needs"] else ""
        warmup = _count(row["warmup"], "bar")
        lines = [f"{row['name']:24} {_count(len(row['columns']), 'column'):>12} {warmup:>11}   {row['unit']}{needs}"]
        parameters = " ".join(f"{key}={_shown(value)}" for key, value in row["parameters"].items())
        for text in (row["about"], parameters, " ".join(row["columns"])):
            lines += textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")
        paragraphs.append("\n".join(lines))
    total = sum(len(row["columns"]) for row in rows)
    longest = max((row["warmup"] for row in rows), default=0)
    paragraphs.append(
        f"{_count(len(rows), 'indicator')}, {_count(total, 'column')}; the longest warm-up is {_count(longest, 'bar')}"
    )
    return "\n\n".join(paragraphs)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _shown(value: Any) -> str:
    """A value as it is written on the command line."""
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_shown, value))}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{key}:{_shown(each)}' for key, each in value.items())}}}"
    return str(value)
