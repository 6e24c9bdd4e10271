"""The table of a run, as text: a pure function of the scores of `combine`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from forecastle.evaluation.layout import (
    ARROWS,
    WIDTH,
    Column,
    Scores,
    decimals_for,
    fixed,
    lay,
    short,
    skill_text,
    steps_text,
    wide,
    with_interval,
)
from forecastle.evaluation.score import MODEL, REFERENCE


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
    names = ["", *(short(name if key == MODEL else key, 24) for key in scores["scores"])]
    columns = [names, _objective_column(scores)]
    left_out: list[str] = []
    for metric, about in scores["metrics"].items():
        if metric == objective:
            continue
        values = [each[metric] for each in scores["scores"].values()]
        decimals = 3 if about["unit"] == "fraction" else decimals_for(values)
        column = [metric + ARROWS[about["direction"]], *(fixed(value, decimals) for value in values)]
        if left_out or wide([*columns, column]) > WIDTH:
            left_out.append(metric)
        else:
            columns.append(column)
    lines = textwrap.wrap(
        f"{scores['windows']} windows of {steps_text(scores)} from {scores['origins']} origins, "
        f"{scores['start'][:10]} to {scores['end'][:10]}; {objective} in {scores['unit']} [95 %]",
        WIDTH,
    )
    lines += lay(columns, texts={0})
    if left_out:
        lines += textwrap.wrap(f"also scored: {', '.join(left_out)}", WIDTH)
    for baseline, skill in scores["skill"].items():
        if name == baseline and not skill["value"]:
            continue  # the model itself
        lines += textwrap.wrap(_verdict(name, baseline, skill, scores), WIDTH, subsequent_indent="  ")
    lines += textwrap.wrap(_extremes(scores), WIDTH, subsequent_indent="  ")
    if len(scores["by_fold"]) > 1:
        lines += textwrap.wrap(_folds(name, scores), WIDTH, subsequent_indent="  ")
        lines += textwrap.wrap(_trained_later(scores) or "", WIDTH, subsequent_indent="  ")
    if len(scores["by_symbol"]) > 1:
        lines += ["", *lay(_symbol_columns(scores["by_symbol"], names[1:], objective), texts={0})]
    return "\n".join(lines)


def _folds(name: str, scores: Scores) -> str:
    """In how many folds the model has the better objective, and how it spreads over folds and paths."""
    rows, sign = scores["by_fold"], 1 if scores["direction"] == "max" else -1
    values = [row["scores"][MODEL] for row in rows if row["scores"][MODEL] is not None]
    if not values:
        return f"{len(rows)} folds: {scores['objective']} is undefined in each"
    decimals = decimals_for(values)
    line = f"{len(rows)} folds: {scores['objective']} from {fixed(min(values), decimals)} to "
    line += fixed(max(values), decimals)
    pairs = [(row["scores"][MODEL], row["scores"].get(REFERENCE)) for row in rows]
    known = [(model, other) for model, other in pairs if model is not None and other is not None]
    if known and name != REFERENCE:
        better = sum(sign * (model - other) > 0 for model, other in known)
        line += f", better than {REFERENCE} in {better} of {len(known)}"
    if 1 < scores["paths"]["count"] < len(rows) and scores["paths"]["sd"][MODEL] is not None:
        mean, deviation = (fixed(scores["paths"][key][MODEL], decimals) for key in ("mean", "sd"))
        line += f"; along {scores['paths']['count']} paths {mean}, standard deviation {deviation}"
    return line


def _trained_later(scores: Scores) -> str | None:
    """A line where folds were trained on bars after those that they are judged on."""
    rows = scores["by_fold"]
    later = sum((row.get("train", {}).get("end") or "") > row.get("end", "") for row in rows)
    if not later:
        return None
    return f"{later} of {len(rows)} folds were trained on later bars, too: nobody could have had them in time"


def _symbol_columns(by_symbol: Mapping[str, Mapping[str, Any]], names: Sequence[str], objective: str) -> list[Column]:
    """The objective of each symbol, one row for each, one column for each forecaster."""
    decimals = decimals_for([value for row in by_symbol.values() for value in row.values()])
    columns = [[f"{objective} by symbol", *(short(symbol, 24) for symbol in by_symbol)]]
    for name, key in zip(names, next(iter(by_symbol.values())), strict=True):
        columns.append([name, *(fixed(row[key], decimals) for row in by_symbol.values())])
    return columns


def _verdict(name: str, baseline: str, skill: Mapping[str, Any], scores: Scores) -> str:
    head, objective = f"{name} against {baseline}: ", scores["objective"]
    if skill["value"] is None:
        return f"{head}skill of {objective} is undefined"
    percent = f"skill {skill_text(skill)} of {objective}"
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


def _extremes(scores: Scores) -> str:
    """The slices of best and of worst skill, of those whose interval, which holds for all at once, excludes 0."""
    cells = [(f"{kind} {name}", cell) for kind, each in scores["slices"].items() for name, cell in each.items()]
    sure = [(name, cell) for name, cell in cells if cell["low"] is not None and not cell["low"] <= 0 <= cell["high"]]
    best = max((each for each in sure if each[1]["low"] > 0), key=lambda each: each[1]["value"], default=None)
    worst = min((each for each in sure if each[1]["high"] < 0), key=lambda each: each[1]["value"], default=None)
    named = [
        f"{word} by {name} {skill_text(cell)}"
        for word, each in (("best", best), ("worst", worst))
        if each is not None
        for name, cell in [each]
    ]
    return f"of {len(cells)} slices, judged together, against {REFERENCE}: {', '.join(named)}" if named else ""


def _objective_column(scores: Scores) -> Column:
    """Heading, then the objective of each forecaster with its interval."""
    objective = scores["objective"]
    values = {name: each[objective] for name, each in scores["scores"].items()}
    decimals = decimals_for(list(values.values()))
    cells = [with_interval(value, scores["interval"][name], decimals) for name, value in values.items()]
    return [objective + ARROWS[scores["direction"]], *cells]
