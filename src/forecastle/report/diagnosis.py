"""Figures of a report that show whether a forecast is calibrated."""

from __future__ import annotations

import numpy as np

from forecastle.evaluation.calibration import independent, pit_histogram, reliability
from forecastle.report.axis import Axis, number_axis
from forecastle.report.chart import Band, Boxes, Dots, Line, Mark, Strokes, draw, legend
from forecastle.report.figure import Figure
from forecastle.report.forecasts import Forecasts
from forecastle.report.words import plain

MOST_BINS = 20
"""Of a PIT histogram: where there are more quantile levels, every second (third, …) is taken."""


def calibration_figures(forecasts: Forecasts) -> list[Figure]:
    """PIT histograms of the first and the last step, or reliability curves for classes."""
    columns = sorted({0, len(forecasts.steps) - 1})
    if not forecasts.classes:
        return [_pit_figure(forecasts, column) for column in columns]
    shown = range(1, 2) if len(forecasts.classes) == 2 else range(len(forecasts.classes))
    return [_reliability_figure(forecasts, column, number) for number in shown for column in columns]


def _pit_figure(forecasts: Forecasts, column: int) -> Figure:
    step = forecasts.steps[column]
    stride = -(-(len(forecasts.levels) + 1) // MOST_BINS)
    shown = slice(stride - 1, None, stride)
    levels = np.array(forecasts.levels[shown])
    pit = pit_histogram(
        levels, forecasts.values[:, column, shown], forecasts.target[:, column], independent(forecasts.origin, step)
    )
    left, right = pit.edges[:-1], pit.edges[1:]
    texts = tuple(
        f"from {100 * a:g} to {100 * b:g}\u202f%: {plain(100 * share, 0)}\u202f% of what is expected"
        for a, b, share in zip(left.tolist(), right.tolist(), pit.density.tolist(), strict=True)
    )
    x = Axis(0.0, 1.0, tuple((at, f"{at:g}") for at in (0.0, 0.25, 0.5, 0.75, 1.0)), "quantile of the forecast")
    y = number_axis(pit.density, [0.0, 1.0], np.minimum(pit.high, 3.0), label="observed ÷ expected")
    corners = np.stack([left, right], axis=1).ravel()
    low, high = np.repeat(pit.low, 2), np.minimum(np.repeat(pit.high, 2), y.high)
    outside = (pit.density < pit.low) | (pit.density > pit.high)
    marks: list[Mark] = [
        Band("95\u202f% consistency band", "consistency", corners, low, high),
        Boxes("", "model faint", left, right, np.zeros(len(left)), pit.density, texts),
        Strokes("expected", "expected", np.zeros(1), np.ones(1), np.ones(1), np.ones(1)),
        *(
            Strokes(name, style, left[rows], pit.density[rows], right[rows], pit.density[rows])
            for name, style, rows in (
                ("inside the band", "model thick", ~outside),
                ("outside it", "worse thick", outside),
            )
            if rows.any()
        ),
    ]
    title = f"Step {step}"
    svg = draw(marks, x, y, title=f"PIT histogram, {title.lower()}", description="; ".join(texts), shape="small")
    return Figure(title, svg, f"{outside.sum()} of {len(left)} bins outside the band.", legend(marks))


def _reliability_figure(forecasts: Forecasts, column: int, number: int) -> Figure:
    step = forecasts.steps[column]
    probability = forecasts.values[:, column, number].astype(np.float64)
    happened = (forecasts.target[:, column] == number).astype(np.float64)
    curve = reliability(probability, happened, independent(forecasts.origin, step))
    x = number_axis(curve.forecast, label="probability forecast")
    y = number_axis(curve.observed, curve.low, curve.high, label="share that happened")
    texts = tuple(
        f"forecast {p:.3f}, happened {share:.3f}, {int(n)} times"
        for p, share, n in zip(curve.forecast, curve.observed, curve.count, strict=True)
    )
    start, stop = max(x.low, y.low), min(x.high, y.high)
    ends = np.array([start, stop]) if start < stop else np.full(2, np.nan)
    marks: list[Mark] = [
        Band("95\u202f% consistency band", "consistency", curve.forecast, curve.low, curve.high),
        Strokes("expected", "expected", ends[:1], ends[:1], ends[1:], ends[1:]),
        Line("", "model", curve.forecast, curve.observed),
        Dots("outcomes", "model", curve.forecast, curve.observed, texts),
    ]
    title = f"{forecasts.classes[number].capitalize()}, step {step}"
    svg = draw(marks, x, y, title=f"Reliability of {title.lower()}", description="; ".join(texts), shape="small")
    outside = int(((curve.observed < curve.low) | (curve.observed > curve.high)).sum())
    error = float(curve.count @ np.abs(curve.forecast - curve.observed) / curve.count.sum())
    told = f"{outside} of {len(curve.count)} points outside the band; expected calibration error {plain(error, 4)}."
    return Figure(title, svg, told, legend(marks))
