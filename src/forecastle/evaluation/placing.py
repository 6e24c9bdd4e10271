"""A contest as text: the table of its places, and what the best of them is worth."""

from __future__ import annotations

import math
import textwrap

from forecastle.evaluation.comparison import Difference
from forecastle.evaluation.contest import Contest
from forecastle.evaluation.layout import ARROWS, MISSING, WIDTH, Column, decimals_for, fixed, laid

UNSURE = 0.05
"""P-value from which on a difference is not taken for one."""


def render_contest(contest: Contest) -> list[str]:
    """Lines for runs that were compared: the ranking, and what it is worth."""
    places = contest.places
    scores = [place.score for place in places]
    columns: list[Column] = [
        ["", *(str(number) for number in range(1, len(places) + 1))],
        ["run", *(place.run[:8] for place in places)],
        [contest.objective + ARROWS[contest.direction], *(fixed(each, decimals_for(scores)) for each in scores)],
        *_figures(contest),
    ]
    tested = any(place.against_baseline for place in places)
    if tested:
        columns += _differences(contest)
    elif contest.room is not None:
        columns.append([f"skill vs {contest.baseline}", *(_percent(place.skill) for place in places)])
    lines = laid(columns, [place.name for place in places])
    if tested:
        lines += textwrap.wrap(_legend(contest), WIDTH, subsequent_indent="  ")
    for text in dict.fromkeys(text for place in places for text in place.broken):
        behind = [str(number) for number, place in enumerate(places, start=1) if text in place.broken]
        lines += textwrap.wrap(f"not {text}, and ranked behind: {', '.join(behind)}", WIDTH, subsequent_indent="  ")
    return lines + [line for text in worth(contest) for line in textwrap.wrap(text, WIDTH, subsequent_indent="  ")]


def _figures(contest: Contest) -> list[Column]:
    """What else runs are looked at by, and which of them no other beats in all that was searched for."""
    columns: list[Column] = []
    for name, direction in contest.objectives.items():
        if name != contest.objective:
            values = [place.figures.get(name) for place in contest.places]
            columns.append([name + ARROWS[direction], *(fixed(value, decimals_for(values)) for value in values)])
    ratios = [place.sharpe for place in contest.places]
    if "sharpe" not in {contest.objective, *contest.objectives} and any(each is not None for each in ratios):
        columns.append(["Sharpe (net)", *(MISSING if each is None else f"{each:+z.2f}" for each in ratios)])
    if contest.places[0].front is not None:
        columns.append(["front", *("yes" if place.front else "" for place in contest.places)])
    return columns


def _differences(contest: Contest) -> list[Column]:
    """What is sure of each run: against the baseline, and against the best."""
    places, room = contest.places, contest.room
    gain, unit = ("skill", ",\N{NO-BREAK SPACE}%") if room else ("gain", "")
    reach = "[95\N{NO-BREAK SPACE}%]"
    best = [_gap(place.against_best, room) if place.against_best else "best" for place in places]
    return [
        [
            f"{gain} vs {contest.baseline}{unit} {reach}",
            *(_gap(place.against_baseline, room, -1.0) for place in places),
        ],
        ["p", *(_probability(place.against_baseline) for place in places)],
        [f"behind the best{unit} {reach}", *best],
        ["p", *(_probability(place.against_best) for place in places)],
        ["set", *("yes" if (place.confidence or 0) > UNSURE else "no" for place in places)],
    ]


def _legend(contest: Contest) -> str:
    """How the columns are to be read."""
    places = contest.places
    unit = f"in percent of the loss of {contest.baseline}" if contest.room else f"in {contest.objective}"
    told = f"p: Diebold and Mariano, that both are equally good; [95 %]: stationary bootstrap; differences {unit}"
    if len(places) < 2:
        return told
    known = [place.confidence for place in places if place.confidence is not None and math.isfinite(place.confidence)]
    if not known:
        return f"set: too few origins to tell; {told}"
    kept = sum(each > UNSURE for each in known)
    return f"set: {kept} of {len(places)} runs cannot be told from the best (model confidence set, 95 %); {told}"


def worth(contest: Contest) -> list[str]:
    """What the best is worth, given how many are compared: sentences for people."""
    count = len(contest.places)
    if count < 2:
        return ["1 run: nothing to compare"]
    if contest.gains is False:
        told = [f"{count} runs compared: none scores better than {contest.baseline}"]
    else:
        told = [f"{count} runs compared: part of the lead of the best is luck"]
    if contest.superior is not None and math.isfinite(contest.superior):
        better = "some run is better" if contest.superior < UNSURE else "no run is shown to be better"
        chance = "< 0.001" if contest.superior < 0.0005 else f"= {contest.superior:.3f}"
        told.append(f"against {contest.baseline}, all {count} together: {better} (SPA, p {chance})")
    if contest.chosen is not None and contest.gains is not False:
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


def _amount(value: float, room: float | None) -> str:
    """Skill, or a score that has none."""
    return f"{value:+z.2f}" if room is None else f"{100 * value:+z.1f} %"


def _gap(difference: Difference | None, room: float | None, sign: float = 1.0) -> str:
    """A difference in points of skill, or in the unit of a score that has none, with its interval."""
    if difference is None:
        return MISSING
    unit = sign * (1.0 if room is None else room / 100)
    low, high = sorted((difference.low / unit, difference.high / unit))
    value, *ends = (f"{each:+z.{1 if room else 2}f}" for each in (difference.value / unit, low, high))
    return value if not math.isfinite(difference.low) else f"{value} [{', '.join(ends)}]"
