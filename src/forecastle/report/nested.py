"""Any nesting of mappings and lists, as JSON holds it, laid flat into tables."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from forecastle.report.table import Table
from forecastle.report.words import NOTHING, moment, spoken

MOST_ROWS = 20
MOST_LETTERS = 160


def flatten(content: Any, caption: str) -> list[Table]:
    """Lay any nesting of mappings, lists and plain values flat into tables.

    Plain values of a mapping make a table of two columns; mappings side by side make one table with a row each, and so
    do lists of mappings; anything deeper gets tables of its own, named by its path. Long ones are cut, and say so.

    Parameters
    ----------
    content
        As read from JSON.
    caption
        Name of the whole.

    Examples
    --------
    >>> flatten({"rows": 3, "kinds": {"gap": {"count": 1}, "nan": {"count": 0}}}, "Quality")[1].rows
    [['gap', '1'], ['nan', '0']]
    """
    if isinstance(content, Mapping):
        return _mapping(content, caption)
    if isinstance(content, list) and content and all(isinstance(each, Mapping) for each in content):
        content = [_spread(each) for each in content]
        columns = list(dict.fromkeys(key for each in content for key in each))
        rows = [
            [str(number), *(text(each.get(key)) for key in columns)]
            for number, each in enumerate(content[:MOST_ROWS], start=1)
        ]
        note = f"The first {MOST_ROWS} of {len(content)}." if len(content) > MOST_ROWS else ""
        return [Table(caption, ["", *map(spoken, map(str, columns))], rows, numeric=False, note=note)]
    return [Table(caption, ["", ""], [["", text(content)]], numeric=False)]


def _mapping(content: Mapping[str, Any], caption: str) -> list[Table]:
    tables = []
    leaves = {key: value for key, value in content.items() if _is_leaf(value)}
    if leaves:
        rows = [[spoken(str(key)), text(value)] for key, value in leaves.items()]
        tables.append(Table(caption, ["", ""], rows, numeric=all(map(_is_number, leaves.values()))))
    nested = {key: value for key, value in content.items() if key not in leaves}
    if nested and all(isinstance(each, Mapping) for each in nested.values()):
        shallow = {name: {key: cell for key, cell in each.items() if _is_leaf(cell)} for name, each in nested.items()}
        if set.intersection(*map(set, shallow.values())):
            tables.append(_matrix(shallow, caption))
            nested = {
                name: {key: cell for key, cell in each.items() if not _is_leaf(cell)} for name, each in nested.items()
            }
    for key, value in nested.items():
        if value:
            tables += flatten(value, f"{caption} › {key}")
    return tables


def _matrix(content: Mapping[str, Mapping[str, Any]], caption: str) -> Table:
    columns = list(dict.fromkeys(key for each in content.values() for key in each))
    columns = [key for key in columns if any(each.get(key) != name for name, each in content.items())]
    cut = list(content.items())[:MOST_ROWS]
    rows = [[str(name), *(text(each.get(key)) for key in columns)] for name, each in cut]
    numbers = all(_is_number(value) for each in content.values() for value in each.values())
    note = f"The first {len(cut)} of {len(content)}." if len(cut) < len(content) else ""
    return Table(caption, ["", *(spoken(str(key)) for key in columns)], rows, numeric=numbers, note=note)


def text(value: Any) -> str:
    """Return a plain value, or a list of them, as one short line.

    >>> text(0.1 + 0.2), text(True), text(["a", 1]), text([])
    ('0.3', 'yes', 'a, 1', '–')
    """
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, list):
        more = f" … ({len(value)})" if len(value) > MOST_ROWS else ""
        return ", ".join(text(each) for each in value[:MOST_ROWS]) + more
    if isinstance(value, Mapping):
        return ", ".join(f"{spoken(str(key))} {text(each)}" for key, each in value.items())
    return _words(str(value))


def _number(value: float) -> str:
    if not math.isfinite(value):
        return NOTHING
    whole = isinstance(value, int) or (value.is_integer() and abs(value) < 1e15)
    return (f"{value:.0f}" if whole else f"{value:.6g}").replace("-", "−")


def _words(value: str) -> str:
    if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", value):
        return moment(value)
    return value if len(value) <= MOST_LETTERS else value[:MOST_LETTERS] + "…"


def _spread(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with the cells of a mapping inside it as cells of its own."""
    cells: dict[str, Any] = {}
    for key, value in row.items():
        cells |= (
            {f"{key} {inner}": each for inner, each in value.items()} if isinstance(value, Mapping) else {key: value}
        )
    return cells


def _is_leaf(value: Any) -> bool:
    if isinstance(value, list):
        return not any(isinstance(each, (Mapping, list)) for each in value)
    return not isinstance(value, Mapping) or not value


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
