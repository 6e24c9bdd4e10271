"""The ranking of a sweep, as text: runs that answer the same question, best first."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from forecastle.evaluation.comparison import Difference
from forecastle.evaluation.contest import Contest
from forecastle.evaluation.layout import (
    ARROWS,
    MISSING,
    WIDTH,
    Column,
    Scores,
    decimals_for,
    fixed,
    folded,
    lay,
    skill_text,
    steps_text,
    wide,
    with_interval,
)
from forecastle.evaluation.score import MODEL, REFERENCE

UNSURE = 0.05
"""P-value from which on a difference is not taken for one."""

Row = Mapping[str, Any]


def ranked(rows: Sequence[Row]) -> list[Row]:
    """Rows of a sweep, best first in the direction of their objective; those without a score last, in their order.

    Rows that differ in target, objective, unit, steps, symbols or windows, or on which the random walk scores
    otherwise (which tells other bars or other quantile levels), cannot be compared: they stand apart, in the order in
    which these questions appear.
    """
    questions = list(dict.fromkeys(question_of(row["part"]) for row in rows if row["part"]))

    def place(row: Row) -> tuple[int, float]:
        loss = loss_of(row["part"]) if row["part"] else None
        return (len(questions), 0.0) if loss is None else (questions.index(question_of(row["part"])), loss)

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
    for question in dict.fromkeys(question_of(row["part"]) for row in scored):
        alike = [row for row in scored if question_of(row["part"]) == question]
        sizes.append(len(alike))
        lines += [*([""] if lines else []), *_ranking_table(alike)]
    for row in unscored:
        what = (
            f"failed: {row['name']}: {row['error']}" if row["error"] else f"{row['name']}: its objective is undefined"
        )
        lines += textwrap.wrap(what, WIDTH, subsequent_indent="  ")
    return "\n".join([*lines, _luck(sizes, len(unscored))])


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


def _ranking_table(rows: Sequence[Row]) -> list[str]:
    """Lines for runs that answer one question and have a score."""
    first = rows[0]["part"]
    values = [_objective(row) for row in rows]
    decimals = decimals_for(values)
    objectives = [
        with_interval(value, row["part"]["interval"][MODEL], decimals) for row, value in zip(rows, values, strict=True)
    ]
    columns: list[Column] = [
        ["", *(str(place) for place in range(1, len(rows) + 1))],
        ["run", *(str(row["run"]) for row in rows)],
        [first["objective"] + ARROWS[first["direction"]], *objectives],
        [f"skill vs {REFERENCE}", *(_ranking_skill(row) for row in rows)],
    ]
    room = max(12, WIDTH - wide(columns) - 2)
    columns.insert(1, ["choice", *(folded(str(row["name"]), room) for row in rows)])
    return [*_headed(first), *lay(columns, texts={1, 2})]


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


def _objective(row: Row) -> float | None:
    scores = row["part"]
    value = scores["scores"][MODEL][scores["objective"]] if scores else None
    return None if value is None else float(value)


def _ranking_skill(row: Row) -> str:
    skill = row["part"]["skill"].get(REFERENCE)
    return MISSING if skill is None or skill["value"] is None else skill_text(skill)


def render_contest(contest: Contest, objective: str) -> list[str]:
    """Lines for runs that were compared: the ranking, and what it is worth.

    Parameters
    ----------
    contest
        The ranking.
    objective
        Name of what is ranked.
    """
    places = contest.places
    decimals = decimals_for([place.score for place in places])
    columns: list[Column] = [
        ["", *(str(number) for number in range(1, len(places) + 1))],
        ["run", *(place.run[:8] for place in places)],
        [objective, *(fixed(place.score, decimals) for place in places)],
    ]
    if contest.room is not None:
        columns.append([f"skill vs {contest.baseline}", *(_percent(place.skill) for place in places)])
    if objective != "sharpe" and any(place.sharpe is not None for place in places):
        columns.append(["Sharpe (net)", *(_ratio(place.sharpe) for place in places)])
    if any(place.against_baseline for place in places):
        best = [_gap(place.against_best, contest.room) if place.against_best else "best" for place in places]
        columns += [
            ["p vs baseline", *(_probability(place.against_baseline) for place in places)],
            [f"behind the best{', %' if contest.room else ''} [95 %]", *best],
            ["p vs the best", *(_probability(place.against_best) for place in places)],
            ["set", *("yes" if (place.confidence or 0) > UNSURE else "no" for place in places)],
        ]
    room = max(12, WIDTH - wide(columns) - 2)
    columns.insert(1, ["choice", *(folded(place.name, room) for place in places)])
    lines = lay(columns, texts={1, 2})
    if len(places) > 1 and any(place.against_baseline for place in places):
        told = sum((place.confidence or 0) > UNSURE for place in places)
        unit = f"in percent of the loss of {contest.baseline}" if contest.room else f"in {objective}"
        lines += textwrap.wrap(
            f"set: {told} of {len(places)} runs cannot be told from the best (model confidence set, 95 %); "
            f"behind the best: {unit}; p: Diebold and Mariano",
            WIDTH,
        )
    return lines + [line for text in worth(contest) for line in textwrap.wrap(text, WIDTH, subsequent_indent="  ")]


def worth(contest: Contest) -> list[str]:
    """What the best is worth, given how many are compared: sentences for people."""
    count = len(contest.places)
    if count < 2:
        return ["1 run: nothing to compare"]
    told = [f"{count} runs compared: the best of {count} is better by luck alone in part"]
    if contest.superior is not None and math.isfinite(contest.superior):
        better = "some run is better" if contest.superior < UNSURE else "no run is shown to be better"
        chance = "< 0.001" if contest.superior < 0.0005 else f"= {contest.superior:.3f}"
        told.append(f"against {contest.baseline}, all {count} together: {better} (SPA, p {chance})")
    if contest.chosen is not None:
        value, luck, low = (
            _amount(each, contest.room) for each in (contest.chosen.value, contest.chosen.luck, contest.chosen.low)
        )
        told.append(
            f"{'skill' if contest.room else 'score'} of the best {value}, of which the best of {count} without any "
            f"difference would show {luck} by luck; at least {low} with 95 % confidence"
        )
    return told


def _percent(value: float | None) -> str:
    return MISSING if value is None else f"{100 * value:+z.1f} %"


def _probability(difference: Difference | None) -> str:
    if difference is None or not math.isfinite(difference.p_value):
        return MISSING
    return "<.001" if difference.p_value < 0.0005 else f"{difference.p_value:.3f}"


def _ratio(value: float | None) -> str:
    return MISSING if value is None else f"{value:+z.2f}"


def _amount(value: float, room: float | None) -> str:
    """Skill, or a score that has none."""
    return _ratio(value) if room is None else f"{100 * value:+.1f} %"


def _gap(difference: Difference, room: float | None) -> str:
    """How far a run is behind the best, in points of skill, or in the unit of a score that has none."""
    unit, ends = 1.0 if room is None else room / 100, (difference.value, difference.low, difference.high)
    value, low, high = (f"{each / unit:+z.{1 if room else 2}f}" for each in ends)
    return value if not math.isfinite(difference.low) else f"{value} [{low}, {high}]"
