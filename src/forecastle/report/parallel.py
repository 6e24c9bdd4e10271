"""Parallel coordinates: one line for each run through its settings to its score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.evaluation.fanova import FEW_VALUES, fences, is_logarithmic, is_number
from forecastle.report.axis import number_axis
from forecastle.report.chart import GRID, STRETCH
from forecastle.report.figure import Figure
from forecastle.report.words import plain
from forecastle.runs.settings import as_text

MOST_LINES = 300
"""Runs that are drawn: the best, and of the rest every so many."""

CLASSES = ("best fifth", "second", "third", "fourth", "worst fifth")

EDGE, SPREAD, APART = 0.03, 0.055, 0.05
"""Room beyond the ends of an axis, the width over which lines of one value are spread, and between two labels."""

LONGEST = 18
"""Letters of a label."""


@dataclass(frozen=True, eq=False)
class Track:
    """One upright axis.

    Parameters
    ----------
    name, title
        Above it, and in full.
    place
        Where each run crosses it, 0 at the bottom and 1 at the top, shape (N,).
    ticks
        Place and text of each mark.
    """

    name: str
    title: str
    place: FloatArray
    ticks: tuple[tuple[float, str], ...]


def parallel_figure(
    settings: Mapping[str, Sequence[Any]],
    called: Mapping[str, str],
    score: tuple[str, FloatArray, bool],
    runs: Sequence[tuple[str, str]],
) -> Figure:
    """Draw runs, best first.

    Parameters
    ----------
    settings
        Values of each setting, one for each of N runs.
    called
        What each setting is called above its axis.
    score
        What is at the right: its name, what is shown of each run, higher better, shape (N,), and whether that is a
        fraction to be shown in per cent.
    runs
        Id and name of each.
    """
    count = len(runs)
    label, values, percent = score
    tracks = [track(called[key], key, each) for key, each in settings.items()]
    tracks.append(_score_track(label, values, percent=percent))
    places = np.column_stack([each.place for each in tracks])
    shown = drawn(count)
    across = np.round(np.linspace(0, GRID, len(tracks)))
    paths = []
    for run in reversed(shown):  # the best above all others
        points = np.column_stack([across, np.round((1 - places[run]) * GRID)]).astype(np.int64).ravel().tolist()
        identity, name = runs[run]
        told = f"{run + 1}. {name}: {_number(values[run], percent=percent)}"
        style = f"run r{run * len(CLASSES) // count}{' first' if run == 0 else ''}"
        path = " ".join(map(str, points))
        paths.append(
            f'<path class="{style}" data-run="{escape(identity)}" d="M{path}"><title>{escape(told)}</title></path>'
        )
    title = f"Settings of {len(shown)} runs and what came of them"
    about = f"Best: {runs[0][1]}. Axes: {', '.join(each.title for each in tracks)}"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart parallel" role="img"><title>{escape(title)}</title>'
        f"<desc>{escape(about)}</desc>{STRETCH}{''.join(paths)}</svg>{''.join(_axes(tracks))}</svg>"
    )
    caption = "One line for each run, from its settings to its score; lines of one value are spread, better ones above."
    if len(shown) < count:
        caption += (
            f" {len(shown)} of {count} runs are drawn: the best {MOST_LINES // 2}, and of the rest every so many."
        )
    keys = [(name, f"r{number}", "line") for number, name in enumerate(CLASSES)] if count >= len(CLASSES) else []
    return Figure("Settings and score", svg, caption, keys)


def drawn(count: int) -> list[int]:
    """Numbers of the runs that are drawn.

    >>> drawn(3), len(drawn(1000)), drawn(1000)[:2], drawn(1000)[-1]
    ([0, 1, 2], 300, [0, 1], 999)
    """
    if count <= MOST_LINES:
        return list(range(count))
    half = MOST_LINES // 2
    return [*range(half), *np.linspace(half, count - 1, MOST_LINES - half).astype(int).tolist()]


def track(name: str, title: str, values: Sequence[Any]) -> Track:
    """An axis for the values of a setting, runs best first; what some runs lack stands at the bottom.

    Numbers lie on their scale, logarithmic where they span decades, others at even distances, the one that brought the
    best run at the top.
    """
    there = np.array([value is not None for value in values])
    known = [value for value in values if value is not None]
    low = 0.0 if there.all() else 0.14
    if is_number(known) and np.isfinite(np.array(known, dtype=np.float64)).all():
        place, ticks = _numbers(np.array(known, dtype=np.float64))
    else:
        texts = [as_text(value) for value in known]
        order = list(dict.fromkeys(texts))[::-1]
        at = {text: (number + 0.5) / len(order) for number, text in enumerate(order)}
        place, ticks = np.array([at[text] for text in texts]), [(at[text], text) for text in order]
    placed = np.zeros(len(values))
    placed[there] = low + (1 - low) * place
    marks = [(low + (1 - low) * at, text) for at, text in ticks] + ([] if there.all() else [(0.0, "–")])
    if len(np.unique(placed)) <= FEW_VALUES:
        placed += _spread(placed)
    return _within(name, title, placed, marks)


def _numbers(values: FloatArray) -> tuple[FloatArray, list[tuple[float, str]]]:
    """Places of numbers, 0 … 1, and the marks of their scale."""
    distinct = np.unique(values)
    logarithmic = is_logarithmic(distinct.tolist())
    scaled, ends = (np.log10(values), np.log10(distinct)) if logarithmic else (values, distinct)
    low, room = float(ends[0]), float(ends[-1] - ends[0]) or 1.0
    if len(distinct) <= FEW_VALUES:
        marks = [(float(at), f"{value:g}") for at, value in zip(ends, distinct, strict=True)]
    elif logarithmic:
        powers = np.arange(np.ceil(ends[0]), np.floor(ends[-1]) + 1)
        marks = [(float(power), f"{10.0**power:g}") for power in powers]
    else:
        marks = [(at, text) for at, text in number_axis(values).ticks if ends[0] <= at <= ends[-1]]
    middle = 0.5 if len(distinct) == 1 else 0.0
    return (scaled - low) / room + middle, [((at - low) / room + middle, text) for at, text in marks]


def _score_track(label: str, values: FloatArray, *, percent: bool) -> Track:
    """The axis of the score; runs far below the others (Tukey's fence) stand at its bottom."""
    fence = max(float(values.min()), fences(values)[0])
    axis = number_axis(np.maximum(values, fence), percent=percent)
    low, high = (fence, float(values.max())) if values.max() > fence else (fence - 1, fence + 1)
    place = (np.maximum(values, fence) - low) / (high - low)
    marks = [((at - low) / (high - low), text) for at, text in axis.ticks if low <= at <= high]
    if fence > values.min():
        marks = [(0.0, "worse"), *((at, text) for at, text in marks if at > APART)]
    return replace(_within(label, label, place, marks), name=label)


def _spread(place: FloatArray) -> FloatArray:
    """Small steps that part runs of one value, better ones above."""
    moved = np.zeros(len(place))
    for value in np.unique(place):
        alike = np.flatnonzero(place == value)
        if len(alike) > 1:
            moved[alike] = np.linspace(SPREAD / 2, -SPREAD / 2, len(alike))
    return moved


def _within(name: str, title: str, place: FloatArray, ticks: Sequence[tuple[float, str]]) -> Track:
    """An axis with room at its ends, and labels that do not touch."""
    kept: list[tuple[float, str]] = []
    for at, text in sorted(ticks):
        moved = EDGE + (1 - 2 * EDGE) * at
        if not kept or moved - kept[-1][0] >= APART:
            kept.append((moved, _short(text)))
    return Track(_short(name), title, EDGE + (1 - 2 * EDGE) * place, tuple(kept))


def _axes(tracks: Sequence[Track]) -> list[str]:
    parts = []
    for number, each in enumerate(tracks):
        x = f"{100 * number / max(len(tracks) - 1, 1):.2f}%"
        side = " start" if number == 0 else " end" if number == len(tracks) - 1 else ""
        parts.append(f'<line class="upright" x1="{x}" x2="{x}" y1="0" y2="100%"/>')
        parts.append(f'<rect class="range" x="{x}" y="0" width="14" height="0" transform="translate(-7)"/>')
        parts.append(f'<rect class="brush" x="{x}" y="0" width="20" height="100%" transform="translate(-10)"/>')
        parts.append(
            f'<text class="head{side}" x="{x}" y="0" dy="-0.9em">{escape(each.name)}'
            f"<title>{escape(each.title)}</title></text>"
        )
        parts += [
            f'<text class="value" x="{x}" y="{100 * (1 - at):.2f}%" dx="6" dy="0.32em">{escape(text)}</text>'
            for at, text in each.ticks
        ]
    return parts


def _number(value: float, *, percent: bool) -> str:
    return f"{plain(100 * value, 2)}\u202f%" if percent else plain(value, 4)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
