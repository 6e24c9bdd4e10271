"""The ranking of a comparison as a table of a page: texts to be read, and numbers to sort by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forecastle.evaluation.aim import UNITS
from forecastle.evaluation.comparison import Difference
from forecastle.evaluation.contest import Contest, Place
from forecastle.evaluation.placing import UNSURE
from forecastle.report.words import NOTHING, column, percent, plain, spoken

ARROWS = {"min": "↓", "max": "↑"}

MOST_ROWS = 300
"""Runs that the table shows."""


CLOSE = 0.001
"""A gap of skill below which one decimal in percent would hide it."""


@dataclass(frozen=True)
class Cell:
    """A text, what it is sorted by (a number, or nothing where it is not known), and its interval."""

    text: str
    value: float | None = None
    between: str = ""


@dataclass(frozen=True)
class Row:
    """A run in the table.

    Parameters
    ----------
    run, name
        Its id and what tells it from the others.
    link
        Address of its page from this one, or nothing where there is none.
    cells
        As many as there are columns.
    beaten
        Whether it is shown to be behind the best: it is not in the model confidence set.
    """

    run: str
    name: str
    link: str
    cells: tuple[Cell, ...]
    beaten: bool


@dataclass(frozen=True)
class Ranking:
    """A ranked table.

    Parameters
    ----------
    head
        Title of each column after place and name, and what it means.
    rows
        Best first.
    more
        Runs that are ranked behind those shown.
    """

    head: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    more: int


def ranking(contest: Contest, links: Mapping[str, str]) -> Ranking:
    """Lay out a contest.

    Parameters
    ----------
    contest
        The ranking.
    links
        Addresses of the runs' pages by their ids.
    """
    places, objective = contest.places[:MOST_ROWS], contest.objective
    baseline = spoken(contest.baseline)
    scores = column([place.score for place in places])
    tested = any(place.against_baseline for place in places)
    traded = "sharpe" not in (objective, *contest.objectives) and any(place.sharpe is not None for place in places)
    head = [(f"{spoken(objective)}\u00a0{ARROWS[contest.direction]}".strip(), "what ranks, on the validation part")]
    gain = "skill" if contest.room is not None else "gain"
    if tested:
        unit = "in percent of what it leaves to gain" if contest.room is not None else f"in {objective}"
        head += [
            (f"{gain} vs {baseline}", f"gain on {baseline}, {unit}, with its 95 % interval (stationary bootstrap)"),
            (f"p vs {baseline}", f"test of Diebold and Mariano that it is as good as {baseline}"),
            ("behind the best", f"loss against the best run, {unit}, with its 95 % interval"),
            ("p vs best", "test of Diebold and Mariano that it is as good as the best run"),
            ("set", "whether it cannot be told from the best: model confidence set, 95 %"),
        ]
    elif contest.room is not None:
        head += [(f"skill vs {baseline}", f"gain on {baseline}, in percent of what it leaves to gain")]
    beside = {name: way for name, way in contest.objectives.items() if name != contest.objective}
    told = {name: column([place.figures.get(name) for place in places]) for name in beside}
    head[1:1] = [(f"{spoken(name)}\u00a0{ARROWS[way]}".strip(), _beside(name)) for name, way in beside.items()]
    if places[0].front is not None:
        sought = " and ".join(spoken(name) for name in places[0].figures)
        head.insert(1 + len(beside), ("front", f"no other run beats it in {sought} at once"))
    if traded:
        head += [("net Sharpe", "Sharpe ratio of its account per year, net of costs")]
    rows, decimals = [], _decimals(places, contest.room)
    for number, (place, score) in enumerate(zip(places, scores, strict=True)):
        cells = [Cell(score, place.score, "" if not place.broken else f"not {', '.join(place.broken)}")]
        cells += [Cell(told[name][number], place.figures.get(name)) for name in beside]
        if place.front is not None:
            cells += [Cell("yes" if place.front else NOTHING, float(place.front))]
        if tested:
            cells += _tested(place, contest.room, decimals)
        elif contest.room is not None:
            cells += [Cell(percent(place.skill), place.skill)]
        if traded:
            cells += [Cell(NOTHING if place.sharpe is None else plain(place.sharpe, 2), place.sharpe)]
        beaten = place.confidence is not None and place.confidence <= UNSURE
        rows.append(Row(place.run, place.name, links.get(place.run, ""), tuple(cells), beaten))
    return Ranking(tuple(head), tuple(rows), len(contest.places) - len(places))


def _beside(name: str) -> str:
    """What a figure beside the score is."""
    return f"{UNITS[name]}, on the validation part" if name in UNITS else "on the validation part"


def _decimals(places: Sequence[Place], room: float | None) -> int:
    """Decimals, in percent, that tell the closest run from the best."""
    gaps = [place.against_best.value / room for place in places if place.against_best is not None and room is not None]
    return 2 if any(0 < abs(gap) < CLOSE for gap in gaps) else 1


def _tested(place: Place, room: float | None, decimals: int) -> list[Cell]:
    """What is sure of a run: against the baseline, and against the best."""
    beside, behind, kept = place.against_baseline, place.against_best, place.confidence
    known = kept is not None and math.isfinite(kept)
    return [
        _gap(beside, room, -1.0, decimals),
        _chance(beside),
        _gap(behind, room, 1.0, decimals) if behind is not None else Cell("best", 0.0),
        _chance(behind),
        Cell(("in" if kept is not None and kept > UNSURE else "out") if known else NOTHING, kept if known else None),
    ]


def _gap(difference: Difference | None, room: float | None, sign: float, decimals: int) -> Cell:
    """A difference with its interval, in points of skill or in the unit of the score."""
    if difference is None:
        return Cell(NOTHING)
    ends = sorted((sign * difference.low, sign * difference.high))
    values = [each / (room or 1.0) for each in (sign * difference.value, *ends)]
    texts = [percent(each, decimals) if room is not None else plain(each, 2) for each in values]
    between = f"{texts[1]}\u00a0… {texts[2]}" if math.isfinite(values[1]) else ""
    return Cell(texts[0], values[0], between)


def _chance(difference: Difference | None) -> Cell:
    if difference is None or not math.isfinite(difference.p_value):
        return Cell(NOTHING)
    value = difference.p_value
    return Cell("<\u00a00.001" if value < 0.0005 else plain(value, 3), value)
