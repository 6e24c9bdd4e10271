"""The page of a comparison: what was asked, who is best, whether it is luck, and what the settings did."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from forecastle import paths
from forecastle.errors import ForecastleError
from forecastle.evaluation.contest import Contest
from forecastle.evaluation.fanova import importance
from forecastle.evaluation.placing import UNSURE, worth
from forecastle.report.folder import Equity, read_curves, read_equity
from forecastle.report.forecasts import read_forecasts
from forecastle.report.page import template
from forecastle.report.parallel import parallel_figure
from forecastle.report.ranked import ranking
from forecastle.report.rivals import (
    MOST_RIVALS,
    Curves,
    Rival,
    capital_figure,
    course_figure,
    horizon_figures,
    learning_figures,
    left_out,
)
from forecastle.report.shares import MOST_ROWS, shares_figure, shares_note
from forecastle.report.words import percent, spoken
from forecastle.runs.settings import chosen, short, varied

MOST_AXES = 9
"""Settings that are drawn: those of the largest importance."""

MOST_QUESTIONS = 12
"""Questions that a page answers: those of most runs."""

MOST_SEARCHED = 100
"""Runs that are searched for learning curves."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A question and the runs that answer it.

    Parameters
    ----------
    question
        What was asked, in words, by what it concerns.
    apart
        In what it differs from the first question; empty for the first.
    ranked_by
        What ranks, for people.
    part, scores
        Part that is judged, and the best run's scores of it.
    contest
        The ranking.
    notes
        What else is to be said of it: trials, test scores, looks.
    settings
        Of each run, by its id.
    folders
        Of each run, by its id.
    """

    question: Mapping[str, str]
    apart: Sequence[str]
    ranked_by: str
    part: str
    scores: Mapping[str, Any]
    contest: Contest
    notes: Sequence[str]
    settings: Mapping[str, Mapping[str, Any]]
    folders: Mapping[str, Path]


def render(
    asked: Sequence[Asked], links: Mapping[str, str], facts: Sequence[tuple[str, str]], rest: Sequence[int] = ()
) -> str:
    """Return the page as text: one file without fonts, pictures or scripts from elsewhere; every text is escaped.

    Parameters
    ----------
    asked
        The questions, that of most runs first.
    links
        Address of each run's page from where this one lies, by the run's id; a run that has none has no page.
    facts
        What stands at the top.
    rest
        Number of runs of each question that is left out.
    """
    script = files("forecastle.report").joinpath("comparison.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    count = sum(len(each.contest.places) for each in asked) + sum(rest)
    sections = [_section(each, links) for each in asked]
    pageless = [place.run for each in asked for place in each.contest.places if place.run not in links]
    return template("comparison.html.jinja").render(
        title=f"{count} runs compared" if count > 1 else "1 run",
        facts=facts,
        sections=sections,
        script=script,
        digest=digest,
        linked=bool(links),
        pageless=pageless,
        rest=rest,
    )


def _section(asked: Asked, links: Mapping[str, str]) -> dict[str, Any]:
    contest, scores = asked.contest, asked.scores
    objective, direction = str(scores["objective"]), str(scores["direction"])
    rivals = _rivals(asked) if contest.room is not None else []
    learned = _learned(asked)
    perfect, horizon = 1.0 if direction == "max" else 0.0, int(scores["horizon"])
    judged = contest.baseline, horizon, perfect
    return {
        "question": {key: value.replace("T00:00:00Z", "") for key, value in asked.question.items()},
        "apart": asked.apart,
        "ranked_by": asked.ranked_by,
        "objective": objective,
        "headline": _headline(contest, objective),
        "worth": worth(contest),
        "notes": asked.notes,
        "ranking": ranking(contest, links),
        **_choices(asked, objective, direction),
        "horizon": horizon_figures(rivals, *judged),
        "course": course_figure(rivals, *judged),
        "left_out": left_out(rivals, *judged),
        "capital": capital_figure(_accounts(asked)),
        "learning": learning_figures(learned),
        "learners": [(rival.label, rival.style) for rival, _ in learned],
        "better": contest.superior is not None and contest.superior < UNSURE,
        "baseline": spoken(contest.baseline),
    }


def _headline(contest: Contest, objective: str) -> str:
    """Who is first, in one sentence."""
    best = contest.places[0]
    if len(contest.places) == 1:
        return f"One run: {best.name}."
    if contest.room is not None and best.skill is not None:
        skill = f"skill {percent(best.skill)} against {spoken(contest.baseline)}"
        return f"Best of {len(contest.places)}: {best.name}, {skill}."
    return f"Best of {len(contest.places)}: {best.name}, {spoken(objective)} {best.score:.4g}."


def _choices(asked: Asked, objective: str, direction: str) -> dict[str, Any]:
    """What the settings that vary did: importance, and parallel coordinates of the most important ones."""
    places = asked.contest.places
    ranked = {place.run: asked.settings[place.run] for place in places}
    keys = varied(ranked)
    called, meant = short(keys), chosen(ranked, keys).values()
    values = {key: [node[key] for node in meant] for key in keys}
    found = importance(values, np.array([place.score for place in places]))
    figure = shares_figure(found, called) if found is not None else None
    if found is not None and figure is not None:
        keys = list(found.shares)[:MOST_AXES][::-1]  # the most important one beside the score
    skill = [place.skill for place in places]
    if asked.contest.room is not None and None not in skill:
        score = (f"skill vs {spoken(asked.contest.baseline)}", np.array(skill, dtype=np.float64), True)
    elif direction == "max":
        score = (spoken(objective), np.array([place.score for place in places]), False)
    else:
        score = (f"− {spoken(objective)}", -np.array([place.score for place in places]), False)
    drawn = {key: values[key] for key in keys[:MOST_AXES]}
    runs = [(place.run, place.name) for place in places]
    return {
        "parallel": parallel_figure(drawn, called, score, runs) if len(places) > 1 and drawn else None,
        "axes": len(drawn) + 1,
        "axes_left_out": len(values) - len(drawn),
        "importance": figure,
        "importance_rows": min(len(keys), MOST_ROWS - 1) + 1,
        "importance_note": shares_note(found, len(places), len(values)),
    }


def _rivals(asked: Asked) -> list[Rival]:
    """The best runs with their forecasts."""
    found = []
    for number, place in enumerate(asked.contest.places[:MOST_RIVALS], start=1):
        path = asked.folders[place.run] / paths.FORECAST
        forecasts = read_forecasts(path, asked.part) if path.is_file() else None
        found.append(Rival(number, place.name, f"s{number}", forecasts))
    return found


def _accounts(asked: Asked) -> list[tuple[Rival, Equity]]:
    """The best runs that were traded, with their accounts."""
    found = []
    for number, place in enumerate(asked.contest.places[:MOST_RIVALS], start=1):
        path = asked.folders[place.run] / paths.EQUITY
        try:
            equity = read_equity(path, asked.part) if path.is_file() else None
        except ForecastleError:  # damaged, and named already by who read the account to judge it
            equity = None
        if equity is not None:
            found.append((Rival(number, place.name, f"s{number}"), equity))
    return found


def _learned(asked: Asked) -> list[tuple[Rival, Curves]]:
    """The best runs that have learning curves; those among the best of all keep their colour."""
    found: list[tuple[Rival, Curves]] = []
    free = [f"s{number}" for number in range(1, MOST_RIVALS + 1)]
    for number, place in enumerate(asked.contest.places[:MOST_SEARCHED], start=1):
        path = asked.folders[place.run] / paths.CURVES
        curves = read_curves(path) if path.is_file() else {}
        if curves and len(found) < MOST_RIVALS:
            style = f"s{number}" if number <= MOST_RIVALS else free[-1]
            free.remove(style)
            found.append((Rival(number, place.name, style), curves))
    return found
