"""Figures of a report that show how good a model is beside the baselines, and how it learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from forecastle.report.axis import Axis, number_axis, step_axis, time_axis
from forecastle.report.chart import Boxes, Dots, Line, Mark, Strokes, draw, legend
from forecastle.report.folder import baselines
from forecastle.report.forecasts import Forecasts
from forecastle.report.words import day, defined, percent, spoken


@dataclass(frozen=True)
class Figure:
    """A drawing with its words.

    Parameters
    ----------
    title
        A few words above it.
    svg
        The drawing, safe to be put into the page.
    caption
        How to read it.
    legend
        Name, style and form of each mark.
    """

    title: str
    svg: str
    caption: str = ""
    legend: list[tuple[str, str, str]] = field(default_factory=list)


def forest_figure(skill: dict[str, Any]) -> Figure | None:
    """Skill against each baseline with its 95 % interval; None where no skill is known."""
    names = [name for name in baselines(skill) if defined((skill[name] or {}).get("value"))]
    if not names:
        return None
    row = np.arange(len(names), 0.0, -1.0)
    value, low, high = (np.array([_number(skill[name].get(key)) for name in names]) for key in ("value", "low", "high"))
    x = number_axis(value, low, high, [0.0], label="skill (100\u202f% is a perfect forecast)", percent=True)
    y = Axis(0.4, len(names) + 0.6, tuple((float(at), spoken(name)) for at, name in zip(row, names, strict=True)))
    texts = tuple(f"{spoken(name)}: {_interval(skill[name])}" for name in names)
    marks: list[Mark] = [
        Strokes("", "zero", np.zeros(1), np.full(1, y.low), np.zeros(1), np.full(1, y.high)),
        Strokes("", "model", low, row, high, row),
        Dots("", "model", value, row, texts),
    ]
    svg = draw(marks, x, y, title="Skill against each baseline", description="; ".join(texts), shape="forest")
    return Figure("Skill against each baseline", svg)


def skill_figures(skill: dict[str, Any], ahead: Sequence[int]) -> list[Figure]:
    """Skill at each step `ahead`, in bars, one picture for a baseline; none where there is one step only."""
    figures: list[Figure] = []
    for name in baselines(skill):
        steps = np.array([_number(value) for value in (skill[name] or {}).get("by_step") or ()])
        if len(steps) < 2 or not np.isfinite(steps).any():
            continue
        number = np.arange(1.0, len(steps) + 1)
        texts = tuple(f"step {step}: {percent(value)}" for step, value in zip(ahead, steps.tolist(), strict=True))
        x, y = step_axis(ahead), number_axis(steps, [0.0], label="skill", percent=True)
        marks: list[Mark] = [
            Boxes(
                "",
                "model",
                number - 0.38,
                number + 0.38,
                np.zeros(len(steps)),
                np.where(steps >= 0, steps, np.nan),
                texts,
            ),
            Boxes(
                "",
                "worse",
                number - 0.38,
                number + 0.38,
                np.zeros(len(steps)),
                np.where(steps < 0, steps, np.nan),
                texts,
            ),
            Strokes("", "zero", np.full(1, x.low), np.zeros(1), np.full(1, x.high), np.zeros(1)),
        ]
        title = f"Against {spoken(name)}"
        svg = draw(marks, x, y, title=f"Skill by step {title.lower()}", description="; ".join(texts), shape="small")
        figures.append(Figure(title, svg))
    return figures


def cumulated_figures(forecasts: Forecasts, direction: str, unit: str) -> list[Figure]:
    """Loss of each baseline less that of the model, summed over time; none where the objective is no mean.

    At each origin the mean over steps and symbols is added. The line rises while the model is better, whichever way
    the objective counts. Each baseline has its own picture: a weak one would flatten the line that matters.
    """
    model = forecasts.loss.get("model")
    if model is None or direction not in {"min", "max"}:
        return []
    times, place = np.unique(forecasts.origin, return_inverse=True)
    count = np.bincount(place)
    x, axis = np.arange(len(times), dtype=np.float64), time_axis(times)
    figures: list[Figure] = []
    for name in baselines(forecasts.loss):
        gain = (forecasts.loss[name] - model).mean(axis=1, dtype=np.float64) * (1 if direction == "min" else -1)
        total = np.cumsum(np.bincount(place, weights=np.nan_to_num(gain)) / count)
        marks: list[Mark] = [
            Strokes("", "zero", np.zeros(1), np.zeros(1), np.full(1, axis.high), np.zeros(1)),
            Line("", "model", x, total),
        ]
        y = number_axis([0.0], total, label=f"gain ({unit})" if unit else "gain")
        title = f"Over {spoken(name)}"
        about = f"{day(times[0])} to {day(times[-1])}; {total[-1]:.3g} at the end"
        shape = "small" if figures else "tall"
        svg = draw(marks, axis, y, title=f"Cumulated gain {title.lower()}", description=about, shape=shape)
        figures.append(Figure(title, svg))
    return figures


def curve_figures(curves: dict[str, tuple[list[float], list[float]]]) -> list[Figure]:
    """Learning curves, one picture for what is measured: ``train/loss`` and ``validation/loss`` share one."""
    groups: dict[str, list[str]] = {}
    for name in curves:
        groups.setdefault(name.rpartition("/")[2], []).append(name)
    figures: list[Figure] = []
    for measured, names in groups.items():
        marks: list[Mark] = [
            Line(
                name.rpartition("/")[0] or name,
                f"s{number % 6 + 1}",
                np.array(curves[name][0]),
                np.array(curves[name][1]),
            )
            for number, name in enumerate(names)
        ]
        x = number_axis(*(curves[name][0] for name in names), label="iteration")
        y = number_axis(*(curves[name][1] for name in names), label=spoken(measured))
        svg = draw(marks, x, y, title=f"Learning curves of {spoken(measured)}")
        figures.append(Figure(spoken(measured).capitalize(), svg, "", legend(marks)))
    return figures


def _number(value: Any) -> float:
    return float(value) if defined(value) else float("nan")


def _interval(skill: dict[str, Any]) -> str:
    low, high = skill.get("low"), skill.get("high")
    between = f", 95\u202f% interval {percent(low)} to {percent(high)}" if defined(low) and defined(high) else ""
    return percent(skill["value"]) + between
