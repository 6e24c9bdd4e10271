"""Figures of a report that show where the skill sits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.report.axis import Axis, number_axis
from forecastle.report.chart import Dots, Mark, Strokes, draw, legend
from forecastle.report.figure import Figure
from forecastle.report.words import defined, percent

MOST_LABELS = 8
"""Slices that are named on the axis; where there are more, every second (third, …) is."""


def slice_figures(slices: Mapping[str, Mapping[str, Any]]) -> list[Figure]:
    """Skill against the random walk in each slice, with its interval, one picture for each way to cut.

    Parameters
    ----------
    slices
        As `forecastle.evaluation.score.combine` gives them.
    """
    return [_figure(name, cells) for name, cells in slices.items() if any(defined(c["value"]) for c in cells.values())]


def _figure(name: str, cells: Mapping[str, Any]) -> Figure:
    value, low, high = (_numbers(cell[key] for cell in cells.values()) for key in ("value", "low", "high"))
    place = np.arange(1.0, len(cells) + 1)
    stride = -(-len(cells) // MOST_LABELS)
    ticks = tuple((float(at), label) for at, label in zip(place, cells, strict=True) if not (at - 1) % stride)
    x = Axis(0.4, len(cells) + 0.6, ticks, name)
    y = number_axis(value, low, high, [0.0], label="skill", percent=True)
    texts = tuple(f"{label}: {_told(cell)}" for label, cell in cells.items())
    sure = (low > 0) | (high < 0)
    marks: list[Mark] = [Strokes("", "zero", np.full(1, x.low), np.zeros(1), np.full(1, x.high), np.zeros(1))]
    for title, style, rows in (
        ("interval holds 0", "consistency", ~sure),
        ("all above 0", "model", sure & (value > 0)),
        ("all below 0", "worse", sure & (value < 0)),
    ):
        if rows.any():
            marks.append(Strokes(title, style, place[rows], low[rows], place[rows], high[rows]))
            marks.append(Dots("", style, place[rows], value[rows], tuple(np.array(texts, dtype=object)[rows].tolist())))
    title = f"By {name}"
    svg = draw(marks, x, y, title=f"Skill {title.lower()}", description="; ".join(texts), shape="small")
    return Figure(title, svg, "", legend(marks))


def _told(cell: Mapping[str, Any]) -> str:
    ends = (cell["low"], cell["high"])
    between = f", {percent(ends[0])} to {percent(ends[1])}" if defined(ends[0]) else ", too few blocks for an interval"
    return f"{percent(cell['value'])}{between}, {cell['windows']} windows"


def _numbers(values: Any) -> FloatArray:
    return np.array([float(value) if defined(value) else np.nan for value in values])
