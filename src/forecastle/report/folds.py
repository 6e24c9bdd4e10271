"""Folds in a report: what each was fitted on and how it did, along paths and over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecastle.arrays import TIME
from forecastle.report.axis import Axis, number_axis, step_axis, time_axis
from forecastle.report.chart import Boxes, Mark, Strokes, draw
from forecastle.report.figure import Figure
from forecastle.report.folder import baselines
from forecastle.report.table import Table
from forecastle.report.words import NOTHING, column, defined, moment, percent, spoken

Rows = Sequence[Mapping[str, Any]]


def folds_table(folds: Rows, scores: Mapping[str, Any], part: str, model: str) -> Table | None:
    """Spans, windows and the objective of each fold on the judged part; None for fewer than two folds.

    Parameters
    ----------
    folds
        Of the manifest.
    scores
        Of the part.
    part
        Its name.
    model
        What the model is called.
    """
    rows = scores.get("by_fold") or ()
    if len(folds) < 2 or len(rows) != len(folds):
        return None
    objective, (baseline, skill) = str(scores.get("objective", "")), _skill(rows, scores)
    names = ["model", *([baseline] if baseline else [])]
    texts = column([_value(row["scores"].get(name)) for row in rows for name in names])
    found = []
    for at, (row, fold) in enumerate(zip(rows, folds, strict=True)):
        train = fold["train"]
        cells = [f"{moment(each['start'])}\u00a0… {moment(each['end'])}" for each in (train, row)]
        counts = [str(count) for count in (train["windows"], row["windows"], fold["purged"], fold["embargoed"])]
        of_fold = texts[at * len(names) : (at + 1) * len(names)]
        found.append([str(row["fold"]), cells[0], counts[0], cells[1], *counts[1:], *of_fold, percent(skill[at])])
    head = ["fold", "trained on", "windows", part, "windows", "purged", "embargoed", model, *map(spoken, names[1:])]
    note = (
        f"Figures: {spoken(objective)}. Windows are purged where their label overlaps one that the model is judged on"
    )
    note += ", and embargoed where their context alone looks back into one."
    return Table(f"{len(folds)} folds, each fitted anew", [*head, "skill"], found, note=f"{note}{_paths(scores)}")


def folds_figures(scores: Mapping[str, Any]) -> list[Figure]:
    """Skill of each fold and of each stretch of time; none where there is one fold or no baseline."""
    rows, periods = list(scores.get("by_fold") or ()), list(scores.get("over_time") or ())
    if len(rows) < 2:
        return []
    figures = []
    for each, title, what in ((rows, "By fold", "fold"), (periods, "Over time", "from")):
        baseline, values = _skill(each, scores)
        skill = np.array(values)
        if len(each) < 2 or not baseline or not np.isfinite(skill).any():
            continue
        names = [str(row["fold"]) if what == "fold" else moment(row["start"]) for row in each]
        texts = tuple(f"{what} {name}: {percent(value)}" for name, value in zip(names, values, strict=True))
        number = np.arange(float(len(each)))
        if what == "fold":
            ticks = tuple((at - 1, text) for at, text in step_axis(range(len(each))).ticks)
        else:
            ticks = time_axis(np.array([row["start"].rstrip("Z") for row in each], dtype=TIME)).ticks
        x = Axis(-0.6, len(each) - 0.4, ticks, what if what == "fold" else "")
        y = number_axis(skill, [0.0], label="skill", percent=True)
        low, zero = number - 0.38, np.zeros(len(each))
        marks: list[Mark] = [
            Boxes("", "model", low, low + 0.76, zero, np.where(skill >= 0, skill, np.nan), texts),
            Boxes("", "worse", low, low + 0.76, zero, np.where(skill < 0, skill, np.nan), texts),
            Strokes("", "zero", np.full(1, x.low), np.zeros(1), np.full(1, x.high), np.zeros(1)),
        ]
        about = f"Skill {title.lower()} against {spoken(baseline)}"
        svg = draw(marks, x, y, title=about, description="; ".join(texts), shape="small")
        figures.append(Figure(f"{title}, against {spoken(baseline)}", svg))
    return figures


def _skill(rows: Rows, scores: Mapping[str, Any]) -> tuple[str, list[float]]:
    """The first baseline and the skill of the model against it in each row, NaN where it is undefined."""
    names = baselines((scores.get("scores") or {}).keys())
    if not names or not rows:
        return "", [float("nan")] * len(rows)
    perfect = 1.0 if scores.get("direction") == "max" else 0.0
    found = []
    for row in rows:
        model, other = (_value(row["scores"].get(name)) for name in ("model", names[0]))
        undefined = model is None or other is None or other == perfect
        found.append(float("nan") if undefined else 1 - (perfect - model) / (perfect - other))  # type: ignore[operator]
    return names[0], found


def _paths(scores: Mapping[str, Any]) -> str:
    """A sentence about the spread over paths, where there are several."""
    paths = scores.get("paths") or {}
    if not 1 < paths.get("count", 1) < len(scores["by_fold"]):
        return ""
    mean, deviation = column([_value(paths["mean"].get("model")), _value(paths["sd"].get("model"))])
    if NOTHING in (mean, deviation):
        return ""
    return f" Along {paths['count']} paths through all the time: {mean} in the mean, standard deviation {deviation}."


def _value(value: Any) -> float | None:
    return float(value) if defined(value) else None
