"""Plain-text tables for the terminal, at most 100 columns wide: pure functions of the scores of `combine`."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from forecastle.evaluation.score import MODEL

WIDTH = 100
"""Columns of a terminal that every table fits."""

REFERENCE = "random_walk"
"""The baseline whose skill stands in a ranking."""

MISSING = "–"
ARROWS = {"min": "\N{NO-BREAK SPACE}↓", "max": "\N{NO-BREAK SPACE}↑", "none": ""}

Scores = Mapping[str, Any]
Row = Mapping[str, Any]
Column = list[str]


def render(scores: Scores, name: str) -> str:
    """Table of one part: the model and the baselines, then one verdict against each baseline.

    Parameters
    ----------
    scores
        As `forecastle.evaluation.score.combine` gives them.
    name
        What the model is called.

    Returns
    -------
    str
        Lines without a newline at the end. Metrics that do not fit the width are named below the table.
    """
    objective = scores["objective"]
    names = ["", *(_short(name if key == MODEL else key, 24) for key in scores["scores"])]
    columns = [names, _objective_column(scores)]
    left_out: list[str] = []
    for metric, about in scores["metrics"].items():
        if metric == objective:
            continue
        values = [each[metric] for each in scores["scores"].values()]
        places = 3 if about["unit"] == "fraction" else _places(values)
        column = [metric + ARROWS[about["direction"]], *(_fixed(value, places) for value in values)]
        if left_out or _wide([*columns, column]) > WIDTH:
            left_out.append(metric)
        else:
            columns.append(column)
    lines = textwrap.wrap(
        f"{scores['windows']} windows of {_steps(scores)} from {scores['origins']} origins, "
        f"{scores['start'][:10]} to {scores['end'][:10]}; {objective} in {scores['unit']} [95 %]",
        WIDTH,
    )
    lines += _lay(columns, texts={0})
    if left_out:
        lines += textwrap.wrap(f"also scored: {', '.join(left_out)}", WIDTH)
    for baseline, skill in scores["skill"].items():
        if name == baseline and not skill["value"]:
            continue  # the model itself
        lines += textwrap.wrap(_verdict(name, baseline, skill, scores), WIDTH, subsequent_indent="  ")
    if len(scores["by_symbol"]) > 1:
        lines += ["", *_lay(_symbol_columns(scores["by_symbol"], names[1:], objective), texts={0})]
    return "\n".join(lines)


def _symbol_columns(by_symbol: Mapping[str, Mapping[str, Any]], names: Sequence[str], objective: str) -> list[Column]:
    """The objective of each symbol, one row for each, one column for each forecaster."""
    places = _places([value for row in by_symbol.values() for value in row.values()])
    columns = [[f"{objective} by symbol", *(_short(symbol, 24) for symbol in by_symbol)]]
    for name, key in zip(names, next(iter(by_symbol.values())), strict=True):
        columns.append([name, *(_fixed(row[key], places) for row in by_symbol.values())])
    return columns


def ranked(rows: Sequence[Row]) -> list[Row]:
    """Rows of a sweep, best first in the direction of their objective; those without a score last, in their order.

    Rows that differ in target, objective, unit, steps, symbols or windows, or on which the random walk scores
    otherwise (which tells other bars or other quantile levels), cannot be compared: they stand apart, in the order in
    which these questions appear.
    """
    questions = list(dict.fromkeys(_question(row) for row in rows if row["part"]))

    def place(row: Row) -> tuple[int, float]:
        value = _objective(row)
        if value is None:
            return len(questions), 0.0
        return questions.index(_question(row)), -value if row["part"]["direction"] == "max" else value

    return sorted(rows, key=place)


def render_ranking(rows: Sequence[Row]) -> str:
    """Table of a sweep, ranked on the scores that are given (those of the validation part).

    Parameters
    ----------
    rows
        One for each run: ``name`` (its choices), ``run`` (its id, or None), ``part`` (its scores, as `combine` gives
        them, or None) and ``error`` (why there are none, or None).

    Returns
    -------
    str
        Lines without a newline at the end; the last one tells the number of runs that were compared.
    """
    order = ranked(rows)
    scored = [row for row in order if _objective(row) is not None]
    unscored = order[len(scored) :]
    lines: list[str] = []
    sizes: list[int] = []
    for question in dict.fromkeys(_question(row) for row in scored):
        alike = [row for row in scored if _question(row) == question]
        sizes.append(len(alike))
        lines += [*([""] if lines else []), *_ranking_table(alike)]
    for row in unscored:
        what = (
            f"failed: {row['name']}: {row['error']}" if row["error"] else f"{row['name']}: its objective is undefined"
        )
        lines += textwrap.wrap(what, WIDTH, subsequent_indent="  ")
    return "\n".join([*lines, _luck(sizes, len(unscored))])


def _question(row: Row) -> tuple[object, ...]:
    """What rows must share to be ranked among each other."""
    part = row["part"]
    walk = _reference(part)
    asked = (part[key] for key in ("target", "objective", "unit", "start", "end", "windows"))
    return *asked, *part["steps"], *part["by_symbol"], None if walk is None else f"{walk:.6g}"


def _reference(part: Scores) -> float | None:
    """The objective of the random walk, which is the same for all models on the same bars."""
    value: float | None = part["scores"].get(REFERENCE, {}).get(part["objective"])
    return value


def _headed(part: Scores) -> list[str]:
    """What a ranking is about."""
    symbols = list(part["by_symbol"])
    shown = ", ".join(symbols[:6]) + (f" and {len(symbols) - 6} more" if len(symbols) > 6 else "")
    walk = _reference(part)
    lines = textwrap.wrap(f"{part['target']}: {part['objective']} in {part['unit']} over {_steps(part)} [95 %]", WIDTH)
    return lines + textwrap.wrap(
        f"{shown}: {part['windows']} windows, {part['start'][:10]} to {part['end'][:10]}"
        f"{'' if walk is None else f'; {REFERENCE} {_fixed(walk, _places([walk]))}'}",
        WIDTH,
    )


def _ranking_table(rows: Sequence[Row]) -> list[str]:
    """Lines for runs that answer one question and have a score."""
    first = rows[0]["part"]
    values = [_objective(row) for row in rows]
    places = _places(values)
    objectives = [
        _with_interval(value, row["part"]["interval"][MODEL], places) for row, value in zip(rows, values, strict=True)
    ]
    columns: list[Column] = [
        ["", *(str(place) for place in range(1, len(rows) + 1))],
        ["run", *(str(row["run"]) for row in rows)],
        [first["objective"] + ARROWS[first["direction"]], *objectives],
        [f"skill vs {REFERENCE}", *(_ranking_skill(row) for row in rows)],
    ]
    room = max(12, WIDTH - _wide(columns) - 2)
    columns.insert(1, ["choice", *(_folded(str(row["name"]), room) for row in rows)])
    return [*_headed(first), *_lay(columns, texts={1, 2})]


def _steps(scores: Scores) -> str:
    """How many steps are forecast, and which, where not each is."""
    steps = scores["steps"]
    if len(steps) == scores["horizon"]:
        return f"{len(steps)} steps"
    return f"{len(steps)} steps ({', '.join(map(str, steps))} bars ahead)"


def _luck(sizes: Sequence[int], unscored: int) -> str:
    """The last line, from the number of runs in each table."""
    scored = sum(sizes)
    without = f" ({unscored} without a score)" if unscored else ""
    if max(sizes, default=0) < 2:
        return f"{scored} run{'s' * (scored != 1)} scored{without}: nothing to compare"
    if len(sizes) > 1:
        return (
            f"{scored} runs{without} in {len(sizes)} tables, compared within each only: "
            "the best of many is better by luck alone in part"
        )
    return f"{scored} runs compared{without}: the best of {scored} is better by luck alone in part"


def _verdict(name: str, baseline: str, skill: Mapping[str, Any], scores: Scores) -> str:
    head, objective = f"{name} against {baseline}: ", scores["objective"]
    if skill["value"] is None:
        return f"{head}skill of {objective} is undefined"
    percent = f"skill {_percent(skill)} of {objective}"
    if skill["low"] is None:
        return f"{head}{percent}: no interval ({_no_interval(scores, baseline)}), so nothing is shown"
    if not skill["significant"]:
        return f"{head}{percent}: no difference that this sample shows"
    return f"{head}{percent}: {'better' if skill['low'] > 0 else 'worse'}"


def _no_interval(scores: Scores, baseline: str) -> str:
    """Why there is no interval."""
    origins, wanted = scores["origins"], scores["origins_wanted"]
    if wanted is None:
        return f"{scores['objective']} is no mean over windows"
    if origins < wanted:
        return f"{origins} origins, at least {wanted} wanted"
    return f"{baseline} leaves nothing to gain in some resamples"


def _objective(row: Row) -> float | None:
    scores = row["part"]
    value = scores["scores"][MODEL][scores["objective"]] if scores else None
    return None if value is None else float(value)


def _objective_column(scores: Scores) -> Column:
    """Heading, then the objective of each forecaster with its interval."""
    objective = scores["objective"]
    values = {name: each[objective] for name, each in scores["scores"].items()}
    places = _places(list(values.values()))
    cells = [_with_interval(value, scores["interval"][name], places) for name, value in values.items()]
    return [objective + ARROWS[scores["direction"]], *cells]


def _ranking_skill(row: Row) -> str:
    skill = row["part"]["skill"].get(REFERENCE)
    return MISSING if skill is None or skill["value"] is None else _percent(skill)


def _with_interval(value: float | None, span: Mapping[str, float | None], places: int) -> str:
    if value is None or span["low"] is None:
        return _fixed(value, places)
    return f"{_fixed(value, places)} [{_fixed(span['low'], places)}, {_fixed(span['high'], places)}]"


def _percent(skill: Mapping[str, Any]) -> str:
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


def _places(values: Sequence[float | None]) -> int:
    """Decimals that give the smallest value four significant digits, and the largest not more than five."""
    sizes = [math.floor(math.log10(abs(value))) for value in values if value]
    if not sizes:
        return 3
    return min(max(min(3 - min(sizes), 4 - max(sizes)), 0), 12)


def _fixed(value: float | None, places: int) -> str:
    return MISSING if value is None else f"{value:.{places}f}"


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _folded(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width, break_on_hyphens=False))


def _heading(text: str) -> list[str]:
    """Lines of a column's heading; an arrow stays with its word."""
    lines = textwrap.wrap(text.replace("_", " "), 10, break_long_words=False) or [""]
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _cells(column: Column) -> list[list[str]]:
    """Lines of the heading and of every cell."""
    return [_heading(column[0]), *(cell.split("\n") for cell in column[1:])]


def _wide(columns: Sequence[Column]) -> int:
    """Width of a table with two blanks between columns."""
    return sum(max(len(line) for cell in _cells(column) for line in cell) + 2 for column in columns) - 2


def _lay(columns: Sequence[Column], texts: set[int]) -> list[str]:
    """Lines of a table; columns in `texts` are flush left, the others flush right; headings stand at the bottom."""
    widths = [_wide([column]) for column in columns]
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
