"""The best few runs of a comparison side by side: how they learned, at which step and when they gained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.evaluation.progress import Course, course, skill_by_step
from forecastle.evaluation.score import MODEL
from forecastle.report.axis import number_axis, step_axis, time_axis
from forecastle.report.chart import Band, Dots, Line, Mark, Strokes, draw, legend
from forecastle.report.figure import Figure
from forecastle.report.folder import Equity, baselines
from forecastle.report.forecasts import Forecasts
from forecastle.report.words import day, percent, spoken

MOST_RIVALS = 5
"""Runs that are drawn in one picture."""

MOST_CURVES = 6
"""Pictures of learning curves."""

SIGHT = 2.0
"""A baseline is drawn where it needs at most so many times the room that the runs need."""

Curves = Mapping[str, tuple[list[float], list[float]]]


@dataclass(frozen=True, eq=False)
class Rival:
    """A run that is drawn.

    Parameters
    ----------
    place
        In the ranking, from 1.
    name
        What tells it from the others.
    style
        CSS class of its lines, the same in all pictures.
    forecasts
        Of the part that is judged; None where it keeps none, or its objective is no mean over windows.
    """

    place: int
    name: str
    style: str
    forecasts: Forecasts | None = None

    @property
    def label(self) -> str:
        """Place and name."""
        return f"{self.place}. {self.name}"


def horizon_figures(rivals: Sequence[Rival], baseline: str, horizon: int, perfect: float) -> list[Figure]:
    """Skill of each run at each step with its 95 % interval, on one scale; none where there is one step only."""
    known = [
        (each, each.forecasts) for each in rivals if each.forecasts is not None and baseline in each.forecasts.loss
    ]
    if not known or len(known[0][1].steps) < 2:
        return []
    first = known[0][1]
    names = [name for name in baselines(first.loss) if name != baseline]
    shared = [first.loss[name] for name in names]
    of_baselines = skill_by_step(shared, first.loss[baseline], first.origin, horizon, perfect) if shared else []
    found = [
        skill_by_step([each.loss[MODEL]], each.loss[baseline], each.origin, horizon, perfect)[0] for _, each in known
    ]
    extent = _extent(*(part for each in found for part in (each.value, each.low, each.high)))
    seen = {name: each.value for name, each in zip(names, of_baselines, strict=True) if _fits(each.value, extent)}
    steps = np.arange(1.0, len(first.steps) + 1)
    x = step_axis(first.steps)
    y = number_axis([0.0], *extent, *seen.values(), label=f"skill against {spoken(baseline)}", percent=True)
    figures: list[Figure] = []
    for (rival, _), each in zip(known, found, strict=True):
        texts = tuple(
            f"step {step}: {percent(value)}, {percent(low)} to {percent(high)}"
            for step, value, low, high in zip(first.steps, each.value, each.low, each.high, strict=True)
        )
        marks: list[Mark] = [
            _level(x.low, x.high),
            Band("", f"{rival.style} faint", steps, each.low, each.high),
            *(Line(spoken(name), "expected", steps, value) for name, value in seen.items()),
            Line("", rival.style, steps, each.value),
            Dots("", rival.style, steps, each.value, texts),
        ]
        svg = draw(marks, x, y, title=f"Skill by step of {rival.label}", description="; ".join(texts), shape="small")
        figures.append(Figure(rival.label, svg, _dashed(seen)))
    return figures


def left_out(rivals: Sequence[Rival], baseline: str, horizon: int, perfect: float) -> list[str]:
    """Baselines that are too far off to be drawn, with their skill."""
    first = next((each.forecasts for each in rivals if each.forecasts is not None), None)
    if first is None or baseline not in first.loss:
        return []
    ends = {
        name: _courses(first, name, baseline, horizon, perfect) for name in baselines(first.loss) if name != baseline
    }
    best = _courses(first, MODEL, baseline, horizon, perfect)
    extent = _extent() if best is None else _extent(best.value, best.reach, -best.reach)
    return [
        f"{spoken(name)} ({percent(float(each.value[-1]))})"
        for name, each in ends.items()
        if each is not None and not _fits(each.value, extent)
    ]


def course_figure(rivals: Sequence[Rival], baseline: str, horizon: int, perfect: float) -> Figure | None:
    """How the skill of each run adds up over time, and within what it would stay without any."""
    drawn = [
        (each, went)
        for each in rivals
        if each.forecasts is not None
        for went in [_courses(each.forecasts, MODEL, baseline, horizon, perfect)]
        if went is not None
    ]
    if not drawn or drawn[0][0].forecasts is None:
        return None
    first, went = drawn[0][0].forecasts, drawn[0][1]
    extent = _extent(*(each.value for _, each in drawn), went.reach, -went.reach)
    others = {
        name: each.value
        for name in baselines(first.loss)
        if name != baseline
        for each in [_courses(first, name, baseline, horizon, perfect)]
        if each is not None and _fits(each.value, extent)
    }
    x, axis = np.arange(len(went.time), dtype=np.float64), time_axis(went.time)
    marks: list[Mark] = [
        Band(
            f"95\u202f% of the time, were the best as good as {spoken(baseline)}",
            "consistency",
            x,
            -went.reach,
            went.reach,
        ),
        _level(0.0, axis.high),
        *(Line(spoken(name), "expected", x, value) for name, value in others.items()),
    ]
    marks += [Line(rival.label, rival.style, x, each.value) for rival, each in reversed(drawn)]
    y = number_axis([0.0], *extent, *others.values(), label=f"skill so far against {spoken(baseline)}", percent=True)
    about = "; ".join(f"{rival.label}: {percent(float(each.value[-1]))} at the end" for rival, each in drawn)
    title = f"Skill over time, {day(went.time[0])} to {day(went.time[-1])}"
    svg = draw(marks, axis, y, title=title, description=about, shape="tall")
    return Figure(f"Gained on {spoken(baseline)}", svg, "", legend(marks)[::-1])


def capital_figure(accounts: Sequence[tuple[Rival, Equity]]) -> Figure | None:
    """Profit of each traded run over time, net of costs, beside that of holding; None where there is none."""
    if not accounts:
        return None
    first = accounts[0][1]
    alike = [(rival, equity) for rival, equity in accounts if np.array_equal(equity.time, first.time)]
    axis, x = time_axis(first.time), np.arange(len(first.time), dtype=np.float64)
    marks: list[Mark] = [_level(0.0, axis.high), Line("buy and hold", "expected", x, first.hold - 1)]
    marks += [Line(rival.label, rival.style, x, equity.net - 1) for rival, equity in reversed(alike)]
    y = number_axis([0.0], first.hold - 1, *(each.net - 1 for _, each in alike), label="profit, net", percent=True)
    about = "; ".join(f"{rival.label}: {percent(float(each.net[-1]) - 1)} at the end" for rival, each in alike)
    svg = draw(marks, axis, y, title="Profit net of costs, in parts of the capital", description=about, shape="tall")
    return Figure("Profit net of costs", svg, "", legend(marks)[::-1])


def learning_figures(learned: Sequence[tuple[Rival, Curves]]) -> list[Figure]:
    """Learning curves, one picture for what is measured, on the validation windows of the fit where it has them."""
    by_measure: dict[str, dict[str, tuple[Rival, FloatArray, FloatArray]]] = {}
    for rival, curves in learned:
        for name, (steps, values) in sorted(curves.items(), key=lambda each: not each[0].startswith("validation/")):
            _, _, measure = name.rpartition("/")
            lines = by_measure.setdefault(measure, {})
            lines.setdefault(rival.label, (rival, np.array(steps), np.array(values)))
    figures = []
    for measure, lines in sorted(by_measure.items())[:MOST_CURVES]:
        marks: list[Mark] = [Line(label, rival.style, steps, values) for label, (rival, steps, values) in lines.items()]
        x = number_axis(*(steps for _, steps, _ in lines.values()), label="iteration")
        y = number_axis(*(values for _, _, values in lines.values()), label=spoken(measure))
        svg = draw(marks, x, y, title=f"Learning curves of {spoken(measure)}", shape="small")
        figures.append(Figure(spoken(measure).capitalize(), svg))
    return figures


def _courses(forecasts: Forecasts, name: str, baseline: str, horizon: int, perfect: float) -> Course | None:
    if name not in forecasts.loss or baseline not in forecasts.loss:
        return None
    return course(forecasts.loss[name], forecasts.loss[baseline], forecasts.origin, horizon, perfect)


def _dashed(names: Iterable[str]) -> str:
    told = ", ".join(spoken(name) for name in names)
    return f"Dashed: {told}." if told else ""


def _level(low: float, high: float) -> Strokes:
    return Strokes("", "zero", np.full(1, low), np.zeros(1), np.full(1, high), np.zeros(1))


def _extent(*values: FloatArray) -> FloatArray:
    """Lowest and highest of all, 0 included."""
    flat = np.concatenate([np.zeros(1), *values])
    return np.array([np.nanmin(flat), np.nanmax(flat)])


def _fits(values: FloatArray, extent: FloatArray) -> bool:
    low, high = extent
    return bool(np.nanmax(np.abs(values)) <= SIGHT * max(high, -low))
