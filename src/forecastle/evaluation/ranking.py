"""The ranking of a sweep, as text: runs that answer the same question, best first."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from forecastle.evaluation.aim import Aim, figure, front, measured
from forecastle.evaluation.layout import (
    ARROWS,
    MISSING,
    WIDTH,
    Column,
    Scores,
    decimals_for,
    fixed,
    laid,
    skill_text,
    steps_text,
    with_interval,
)
from forecastle.evaluation.score import MODEL, REFERENCE

Row = Mapping[str, Any]


def ranked(rows: Sequence[Row], aim: Aim | None = None) -> list[Row]:
    """Rows of a sweep, best first in the direction of their objective; those without a score last, in their order.

    Rows that differ in target, objective, unit, steps, symbols or windows, or on which the random walk scores
    otherwise (which tells other bars or other quantile levels), cannot be compared: they stand apart, in the order in
    which these questions appear. What a search was after ranks in place of their objective; those that do not keep
    its bounds come behind those that do. Ties are broken by the search's other figures, the
    runs' own objective, the Sharpe ratio, and their ids.
    """
    questions = list(dict.fromkeys(question_of(row["part"]) for row in rows if row["part"]))

    def place(row: Row) -> tuple[int, bool, tuple[float, ...], str]:
        part = row["part"]
        loss = None if part is None else aim.loss(part) if aim else loss_of(part)
        if loss is None:
            return len(questions), False, (), ""
        ratio = ratio_of(part)
        ties = (*(aim.ties(part) if aim else ()), math.inf if ratio is None else -ratio)
        broken = bool(aim and aim.broken(part))
        return questions.index(question_of(part)), broken, (loss, *ties), str(row["run"])

    return sorted(rows, key=place)


def render_ranking(rows: Sequence[Row], aim: Aim | None = None) -> str:
    """Table of a sweep, ranked on the scores that are given (those of the validation part).

    Parameters
    ----------
    rows
        One for each run: ``name`` (its choices), ``run`` (its id, or None), ``part`` (its scores, as `combine` gives
        them, or None) and ``error`` (why there are none, or None).
    aim
        What the sweep's search was after; None: the runs' own objective ranks.

    Returns
    -------
    str
        Lines without a newline at the end; the last one tells the number of runs that were compared.
    """
    order = ranked(rows, aim)
    scored = [row for row in order if _rank(row, aim) is not None]
    unscored = order[len(scored) :]
    lines: list[str] = []
    sizes: list[int] = []
    gained: list[bool | None] = []
    baseline = REFERENCE
    for question in dict.fromkeys(question_of(row["part"]) for row in scored):
        alike = [row for row in scored if question_of(row["part"]) == question]
        sizes.append(len(alike))
        gained.append(_gains(alike[0]["part"], aim))
        baseline, _ = measured(alike[0]["part"], aim.first if aim else alike[0]["part"]["objective"])
        lines += [*([""] if lines else []), *_ranking_table(alike, aim)]
    for error, (name, *others) in _unscored(unscored).items():
        what = f"failed: {name}: {error}" if error else f"{name}: {aim.first if aim else 'its objective'} is undefined"
        same = f" (the same for {len(others)} other{'s' * (len(others) > 1)})" if others else ""
        lines += textwrap.wrap(what + same, WIDTH, subsequent_indent="  ")
    return "\n".join([*lines, *textwrap.wrap(_luck(sizes, len(unscored), gained, baseline), WIDTH)])


def _unscored(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Names of the runs without a score by what is told of them."""
    told: dict[str, list[str]] = {}
    for row in rows:
        told.setdefault(row["error"] or "", []).append(row["name"])
    return told


def question_of(part: Scores) -> tuple[object, ...]:
    """What the scores of runs must share to be ranked among each other; ready for JSON."""
    walk = _reference(part)
    asked = (part[key] for key in ("target", "objective", "unit", "start", "end", "windows"))
    return *asked, *part["steps"], *part["by_symbol"], None if walk is None else f"{walk:.6g}"


def loss_of(part: Scores) -> float | None:
    """The objective of the model, turned so that lower is better; None where it is undefined."""
    value = part["scores"][MODEL][part["objective"]]
    if value is None:
        return None
    return -float(value) if part["direction"] == "max" else float(value)


def ratio_of(part: Scores) -> float | None:
    """Sharpe ratio of a part's account, net of costs, per year; None where nothing was traded or it is undefined."""
    ratio = (part.get("trading") or {}).get("sharpe")
    return None if ratio is None else float(ratio["value"])


def _reference(part: Scores) -> float | None:
    """The objective of the random walk, which is the same for all models on the same bars."""
    value: float | None = part["scores"].get(REFERENCE, {}).get(part["objective"])
    return value


def _headed(part: Scores) -> list[str]:
    """What a ranking is about."""
    symbols = list(part["by_symbol"])
    shown = ", ".join(symbols[:6]) + (f" and {len(symbols) - 6} more" if len(symbols) > 6 else "")
    walk = _reference(part)
    lines = textwrap.wrap(
        f"{part['target']}: {part['objective']} in {part['unit']} over {steps_text(part)} [95 %]", WIDTH
    )
    return lines + textwrap.wrap(
        f"{shown}: {part['windows']} windows, {part['start'][:10]} to {part['end'][:10]}"
        f"{'' if walk is None else f'; {REFERENCE} {fixed(walk, decimals_for([walk]))}'}",
        WIDTH,
    )


def _ranking_table(rows: Sequence[Row], aim: Aim | None) -> list[str]:
    """Lines for runs that answer one question and have a score."""
    first = rows[0]["part"]
    values = [_objective(row) for row in rows]
    decimals = decimals_for(values)
    objectives = [
        with_interval(value, row["part"]["interval"][MODEL], decimals) for row, value in zip(rows, values, strict=True)
    ]
    own: Column = [first["objective"] + ARROWS[first["direction"]], *objectives]
    sought = _sought(rows, aim, first["objective"], own) if aim else [own]
    columns: list[Column] = [
        ["", *(str(place) for place in range(1, len(rows) + 1))],
        ["run", *(str(row["run"]) for row in rows)],
        *sought,
        [f"skill vs {REFERENCE}", *(_ranking_skill(row) for row in rows)],
    ]
    return [*_headed(first), *(ranked_by(aim) if aim else []), *laid(columns, [str(row["name"]) for row in rows])]


def ranked_by(aim: Aim) -> list[str]:
    """What ranks runs, and what a mark says, in lines."""
    told = f"ranked by {aim.told}"
    if len(aim.objectives) > 1:
        told += f"; front: no other run beats it in {' and '.join(aim.objectives)} at once"
    return textwrap.wrap(told, WIDTH)


def _sought(rows: Sequence[Row], aim: Aim, objective: str, own: Column) -> list[Column]:
    """Columns of what a search was after, the runs' own objective among them or behind them."""
    columns = []
    for name, direction in aim.objectives.items():
        values = [figure(row["part"], name) for row in rows]
        shown = [fixed(value, decimals_for(values)) for value in values]
        columns.append(own if name == objective else [name + ARROWS[direction.value], *shown])
    if objective not in aim.objectives:
        columns.append(own)
    if len(aim.objectives) > 1:
        leads = front([aim.figures(row["part"]) if not aim.broken(row["part"]) else {} for row in rows], aim.objectives)
        columns.append(["front", *("yes" if each else "" for each in leads)])
    if aim.constraints:
        columns.append(["in bounds", *("no" if aim.broken(row["part"]) else "yes" for row in rows)])
    return columns


def _gains(best: Scores, aim: Aim | None) -> bool | None:
    """Whether the best of a table scores better than what it is measured against; None where that has no score."""
    name = aim.first if aim else best["objective"]
    value, (_, beaten) = figure(best, name), measured(best, name)
    if beaten is None or value is None:
        return None
    upward = aim.upward if aim else best["direction"] == "max"
    return value > beaten if upward else value < beaten


def _luck(sizes: Sequence[int], unscored: int, gained: Sequence[bool | None], baseline: str) -> str:
    """The last line, from the number of runs in each table, and whether its best is better than the baseline."""
    scored = sum(sizes)
    without = f" ({unscored} without a score)" if unscored else ""
    if max(sizes, default=0) < 2:
        return f"{scored} run{'s' * (scored != 1)} scored{without}: nothing to compare"
    what = f"{scored} runs{without} in {len(sizes)} tables, compared within each only"
    if len(sizes) == 1:
        what = f"{scored} runs compared{without}"
    if not any(each is not False for each in gained):
        return f"{what}: none scores better than {baseline}"
    return f"{what}: part of the lead of the best is luck"


def _rank(row: Row, aim: Aim | None) -> float | None:
    """What ranks a row, lower better; None where it has none."""
    if row["part"] is None:
        return None
    return aim.loss(row["part"]) if aim else loss_of(row["part"])


def _objective(row: Row) -> float | None:
    scores = row["part"]
    value = scores["scores"][MODEL][scores["objective"]] if scores else None
    return None if value is None else float(value)


def _ranking_skill(row: Row) -> str:
    skill = row["part"]["skill"].get(REFERENCE)
    return MISSING if skill is None or skill["value"] is None else skill_text(skill)
