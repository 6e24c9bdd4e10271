"""Small charts as inline SVG: marks on two axes, drawn by one pure function.

Positions are per cents of the plot, and lines are stretched with strokes of fixed width, so that one drawing fits a
phone and a desktop with letters of one size. Colours are CSS classes of the page, so that it follows light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

import numpy as np

from forecastle.arrays import FloatArray, IntArray
from forecastle.report.axis import Axis

GRID = 10_000
"""Units of the stretched drawing along each axis: finer than a pixel."""

MOST_POINTS = 600
"""A line is thinned to about so many points, its extremes kept."""


@dataclass(frozen=True, eq=False)
class Line:
    """A line through (x, y); NaN leaves a gap, a point between two gaps is a dot. `style` is a CSS class."""

    name: str
    style: str
    x: FloatArray
    y: FloatArray


@dataclass(frozen=True, eq=False)
class Band:
    """The area between `low` and `high` over x; NaN leaves a gap."""

    name: str
    style: str
    x: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class Boxes:
    """Upright boxes from (left, low) to (right, high), each with a text shown on hovering; NaN is left out."""

    name: str
    style: str
    left: FloatArray
    right: FloatArray
    low: FloatArray
    high: FloatArray
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Dots:
    """Dots at (x, y), each with a text shown on hovering; NaN is left out."""

    name: str
    style: str
    x: FloatArray
    y: FloatArray
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Strokes:
    """Straight strokes from (x0, y0) to (x1, y1): error bars, reference lines; NaN is left out."""

    name: str
    style: str
    x0: FloatArray
    y0: FloatArray
    x1: FloatArray
    y1: FloatArray


Mark: TypeAlias = Line | Band | Boxes | Dots | Strokes


def draw(marks: Sequence[Mark], x: Axis, y: Axis, *, title: str, description: str = "", shape: str = "") -> str:
    """Draw the marks, later ones above earlier ones, on a grid with labels.

    Parameters
    ----------
    marks
        What to draw, in data units.
    x, y
        The axes.
    title, description
        What a screen reader says of the picture: what it shows, and what is to be seen in it.
    shape
        CSS class of the whole drawing: ``tall``, ``small``, or nothing.

    Returns
    -------
    str
        One ``<svg>`` element. All texts are escaped.
    """
    shape = shape if x.label else f"{shape} bare".strip()
    about = f"<title>{escape(title)}</title>" + (f"<desc>{escape(description)}</desc>" if description else "")
    body = "".join(_mark(mark, x, y) for mark in marks)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart {escape(shape)}" role="img">{about}'
        f"{_grid(x, y)}{body.replace(_SEAM, '')}{_labels(x, y)}</svg>"
    )


def legend(marks: Sequence[Mark]) -> list[tuple[str, str, str]]:
    """Return name, style and form (``line``, ``band``, ``dots``) of each named mark, once each, in drawing order."""
    forms = {Line: "line", Band: "band", Boxes: "band", Dots: "dots", Strokes: "line"}
    return list(dict.fromkeys((mark.name, mark.style, forms[type(mark)]) for mark in marks if mark.name))


def thin(values: FloatArray, most: int = MOST_POINTS) -> IntArray:
    """Indices of at most `most` values that keep the picture: both ends, and of each stretch its extremes and a gap."""
    count = len(values)
    if count <= most:
        return np.arange(count)
    buckets = (most - 2) // 3
    bucket = np.arange(count) * buckets // count
    order = np.lexsort((values, bucket))  # NaN comes last in each bucket
    ends = np.searchsorted(bucket, np.arange(buckets), side="right")
    starts = np.concatenate([[0], ends[:-1]])
    finite = np.add.reduceat((~np.isnan(values)).astype(np.int64), starts)
    highest = np.maximum(starts + finite - 1, starts)
    return np.unique(np.concatenate([[0, count - 1], order[starts], order[highest], order[ends - 1]]))


STRETCH = (
    f'<svg class="stretch" width="100%" height="100%" viewBox="0 0 {GRID} {GRID}" preserveAspectRatio="none"'
    ' overflow="visible">'
)
_SEAM = f"</svg>{STRETCH}"
"""Between two stretched marks that follow each other: one drawing is enough."""


def _mark(mark: Mark, x: Axis, y: Axis) -> str:
    if isinstance(mark, Line):
        index = thin(mark.y)
        path = _line(_units(x.place(mark.x[index])), _units(1 - y.place(mark.y[index])))
        return f'{STRETCH}<path class="line {escape(mark.style)}" d="{path}"/></svg>' if path else ""
    if isinstance(mark, Band):
        index = np.union1d(thin(mark.low, MOST_POINTS // 2), thin(mark.high, MOST_POINTS // 2))
        low, high = _units(1 - y.place(mark.low[index])), _units(1 - y.place(mark.high[index]))
        path = _area(_units(x.place(mark.x[index])), low, high)
        return f'{STRETCH}<path class="band {escape(mark.style)}" d="{path}"/></svg>' if path else ""
    if isinstance(mark, Boxes):
        return _boxes(mark, x, y)
    if isinstance(mark, Dots):
        return _dots(mark, x, y)
    ends = np.column_stack([x.place(mark.x0), 1 - y.place(mark.y0), x.place(mark.x1), 1 - y.place(mark.y1)])
    return "".join(
        f'<line class="stroke {escape(mark.style)}" x1="{_at(a)}" y1="{_at(b)}" x2="{_at(c)}" y2="{_at(d)}"/>'
        for a, b, c, d in ends[np.isfinite(ends).all(axis=1)].tolist()
    )


def _boxes(mark: Boxes, x: Axis, y: Axis) -> str:
    left, width = x.place(mark.left), x.place(mark.right) - x.place(mark.left)
    top = 1 - y.place(np.maximum(mark.low, mark.high))
    corners = np.column_stack([left, top, width, 1 - y.place(np.minimum(mark.low, mark.high)) - top])
    texts = mark.texts or ("",) * len(corners)
    return "".join(
        f'<rect class="box {escape(mark.style)}" x="{_at(a)}" y="{_at(b)}" width="{_at(c)}" height="{_at(d)}">'
        f"{_hover(text)}</rect>"
        for (a, b, c, d), text in zip(corners.tolist(), texts, strict=True)
        if np.isfinite(b + d)
    )


def _dots(mark: Dots, x: Axis, y: Axis) -> str:
    places = np.column_stack([x.place(mark.x), 1 - y.place(mark.y)])
    texts = mark.texts or ("",) * len(places)
    return "".join(
        f'<circle class="dot {escape(mark.style)}" cx="{_at(a)}" cy="{_at(b)}" r="4">{_hover(text)}</circle>'
        for (a, b), text in zip(places.tolist(), texts, strict=True)
        if np.isfinite(a + b)
    )


def _units(fractions: FloatArray) -> FloatArray:
    return np.round(fractions * GRID)


def _runs(*arrays: FloatArray) -> list[slice]:
    """Stretches in which all arrays are finite."""
    finite = np.isfinite(np.sum(arrays, axis=0))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], finite, [False]]).astype(np.int8)))
    return [slice(start, stop) for start, stop in edges.reshape(-1, 2).tolist()]


def _line(x: FloatArray, y: FloatArray) -> str:
    return "".join(f"M{_points(x[run], y[run])}{'l0 0' if run.stop - run.start == 1 else ''}" for run in _runs(x, y))


def _area(x: FloatArray, low: FloatArray, high: FloatArray) -> str:
    return "".join(
        f"M{_points(np.concatenate([x[run], x[run][::-1]]), np.concatenate([high[run], low[run][::-1]]))}Z"
        for run in _runs(x, low, high)
    )


def _points(x: FloatArray, y: FloatArray) -> str:
    return " ".join(map(str, np.column_stack([x, y]).astype(np.int64).ravel().tolist()))


def _grid(x: Axis, y: Axis) -> str:
    across = "".join(
        f'<line class="grid" x1="0" x2="100%" y1="{_at(1 - at)}" y2="{_at(1 - at)}"/>'
        for at in y.place([mark for mark, _ in y.ticks]).tolist()
    )
    below = "".join(
        f'<line class="tick" x1="{_at(at)}" x2="{_at(at)}" y1="0" y2="5"/>'
        for at in x.place([mark for mark, _ in x.ticks]).tolist()
    )
    return f'{across}<svg y="100%" overflow="visible">{below}</svg>'


def _labels(x: Axis, y: Axis) -> str:
    parts = [
        f'<text class="y" x="-8" y="{_at(1 - float(y.place(mark)))}" dy="0.32em">{escape(text)}</text>'
        for mark, text in y.ticks
    ]
    long = len(x.ticks) > 4 and any(len(text) > 4 for _, text in x.ticks)
    for number, (mark, text) in enumerate(x.ticks):
        at = float(x.place(mark))
        side = "" if len(text) < 5 else " end" if at > 0.93 else " start" if at < 0.03 else ""
        other = " other" if long and number % 2 else ""  # left out where there is no room
        parts.append(f'<text class="x{side}{other}" x="{_at(at)}" y="100%" dy="1.6em">{escape(text)}</text>')
    if y.label:
        parts.append(f'<text class="label y-label" x="0" y="0">{escape(y.label)}</text>')
    if x.label:
        parts.append(f'<text class="label" x="100%" y="100%" dy="3.1em" text-anchor="end">{escape(x.label)}</text>')
    return "".join(parts)


def _at(fraction: float) -> str:
    return f"{100 * fraction:.2f}%"


def _hover(text: str) -> str:
    return f"<title>{escape(text)}</title>" if text else ""
