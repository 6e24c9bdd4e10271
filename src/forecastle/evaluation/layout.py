"""Plain-text columns for the terminal, at most 100 wide, and how numbers stand in them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

WIDTH = 100
"""Columns of a terminal that every table fits."""

MISSING = "–"
ARROWS = {"min": "\N{NO-BREAK SPACE}↓", "max": "\N{NO-BREAK SPACE}↑", "none": ""}

Scores = Mapping[str, Any]
Column = list[str]


def decimals_for(values: Sequence[float | None]) -> int:
    """Decimals that give the smallest value four significant digits, and the largest not more than five."""
    sizes = [math.floor(math.log10(abs(value))) for value in values if value]
    if not sizes:
        return 3
    return min(max(min(3 - min(sizes), 4 - max(sizes)), 0), 12)


def fixed(value: float | None, places: int) -> str:
    """A number with so many decimals, or a dash."""
    return MISSING if value is None else f"{value:.{places}f}"


def short(text: str, width: int) -> str:
    """A text that ends in an ellipsis where it is longer than `width`."""
    return text if len(text) <= width else text[: width - 1] + "…"


def folded(text: str, width: int) -> str:
    """A text in lines of at most `width`."""
    return "\n".join(textwrap.wrap(text, width, break_on_hyphens=False))


def _heading(text: str) -> list[str]:
    """Lines of a column's heading; an arrow stays with its word."""
    lines = textwrap.wrap(text.replace("_", " "), 10, break_long_words=False) or [""]
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _cells(column: Column) -> list[list[str]]:
    """Lines of the heading and of every cell."""
    return [_heading(column[0]), *(cell.split("\n") for cell in column[1:])]


def wide(columns: Sequence[Column]) -> int:
    """Width of a table with two blanks between columns."""
    return sum(max(len(line) for cell in _cells(column) for line in cell) + 2 for column in columns) - 2


def lay(columns: Sequence[Column], texts: set[int]) -> list[str]:
    """Lines of a table; columns in `texts` are flush left, the others flush right; headings stand at the bottom."""
    widths = [wide([column]) for column in columns]
    heads, *rows = zip(*(_cells(column) for column in columns), strict=True)
    depth = max(len(head) for head in heads)
    bottom = [[""] * (depth - len(head)) + head for head in heads]
    lines = [line for row in (bottom, *rows) for line in zip_longest(*row, fillvalue="")]
    return [
        "  ".join(
            cell.ljust(width) if i in texts else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def with_interval(value: float | None, span: Mapping[str, float | None], places: int) -> str:
    """A number and, where it is known, its interval."""
    if value is None or span["low"] is None:
        return fixed(value, places)
    return f"{fixed(value, places)} [{fixed(span['low'], places)}, {fixed(span['high'], places)}]"


def skill_text(skill: Mapping[str, Any]) -> str:
    """Skill in percent, with its interval where there is one."""
    value, low, high = (skill[key] for key in ("value", "low", "high"))
    if low is None:
        return f"{100 * value:+z.1f} %"
    places = percent_places(low, high)
    return f"{100 * value:+z.{places}f} % [{100 * low:+z.{places}f}, {100 * high:+z.{places}f}]"


def percent_places(low: float, high: float) -> int:
    """Decimals in percent, at least 1, with which an interval that excludes 0 does not look as if it held it.

    >>> percent_places(0.003, 0.029), percent_places(-0.0014, -0.00032), percent_places(-0.0001, 0.0001)
    (1, 2, 1)
    """
    nearest = max(low, -high)  # above 0 where the interval excludes 0
    return max(1, -math.floor(math.log10(100 * nearest))) if nearest > 0 else 1


def steps_text(scores: Scores) -> str:
    """How many steps are forecast, and which, where not each is."""
    steps = scores["steps"]
    if len(steps) == scores["horizon"]:
        return f"{len(steps)} steps"
    return f"{len(steps)} steps ({', '.join(map(str, steps))} bars ahead)"


def laid(columns: Sequence[Column], names: Sequence[str]) -> list[str]:
    """Lines of a ranking: names beside the places where two lines each hold them whole, else below their numbers.

    The second column is flush left.
    """
    room = WIDTH - wide(columns) - 2
    cells = [folded(name, max(room, 1)) for name in names]
    if all(cell.count("\n") < 2 and cell.split() == name.split() for cell, name in zip(cells, names, strict=True)):
        return lay([columns[0], ["choice", *cells], *columns[1:]], texts={1, 2})
    indent = " " * (wide([columns[0]]) + 2)
    lines = lay(columns, texts={1})
    head = len(lines) - len(names)
    for line, name in zip(lines[head:], names, strict=True):
        told = textwrap.wrap(name, WIDTH - len(indent), break_long_words=False, break_on_hyphens=False)
        lines += [line, *(indent + each for each in told)]
    return lines[:head] + lines[head + len(names) :]
