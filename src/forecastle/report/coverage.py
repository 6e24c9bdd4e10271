"""Coverage of the forecast intervals: by step, and in calm and wild times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.evaluation.calibration import binomial_interval, independent
from forecastle.evaluation.slices import REGIMES
from forecastle.report.axis import number_axis, step_axis
from forecastle.report.chart import Band, Dots, Line, Mark, Strokes, draw, legend
from forecastle.report.figure import Figure
from forecastle.report.forecasts import Forecasts
from forecastle.report.table import Table
from forecastle.report.words import defined, plain


def coverage(forecasts: Forecasts, low: int, high: int) -> FloatArray:
    """Share of outcomes inside two of the quantiles at each step, shape (H,); NaN counts as outside."""
    return np.asarray(_inside(forecasts, low, high).mean(axis=0))


def coverage_figure(forecasts: Forecasts, bands: Sequence[tuple[float, int, int]]) -> Figure | None:
    """Coverage of each central interval at each step; None where there is one step only, or no interval."""
    if len(forecasts.steps) < 2 or not bands:
        return None
    place = np.arange(1.0, len(forecasts.steps) + 1)
    count = [independent(forecasts.origin, step) for step in forecasts.steps]
    marks: list[Mark] = []
    shown: list[FloatArray] = []
    texts: list[str] = []
    x = step_axis(forecasts.steps)
    for number, (nominal, low, high) in enumerate(bands, start=1):
        share = coverage(forecasts, low, high)
        ends = np.array([np.ravel(binomial_interval(n, np.array([nominal]))) for n in count])
        words = tuple(
            f"{100 * nominal:g}\u202f% at step {step}: {plain(100 * float(each), 1)}\u202f%"
            for step, each in zip(forecasts.steps, share, strict=True)
        )
        marks += [
            Band("95\u202f% consistency band", "consistency", place, ends[:, 0], ends[:, 1]),
            Strokes("", "expected", *(np.full(1, at) for at in (x.low, nominal, x.high, nominal))),
            Line(f"{100 * nominal:g}\u202f% interval", f"s{number}", place, share),
            Dots("", f"s{number}", place, share, words),
        ]
        shown += [share, ends.ravel()]
        texts += words
    y = number_axis(*shown, label="outcomes inside", percent=True)
    svg = draw(marks, x, y, title="Coverage by step", description="; ".join(texts), shape="small")
    return Figure("Coverage by step", svg, "", legend(marks))


def coverage_table(
    forecasts: Forecasts, bands: Sequence[tuple[float, int, int]], scores: Mapping[str, Any]
) -> Table | None:
    """Share of outcomes inside each central interval, over all and in each regime; None where the levels make none.

    `scores` are those of the part: where they hold the mean width of an interval, it stands beside that of the random
    walk.
    """
    if not bands:
        return None
    last = len(forecasts.steps) > 1
    regime = np.full(len(forecasts.origin), -1) if forecasts.regime is None else forecasts.regime
    present = [number for number in range(len(REGIMES)) if (regime == number).any()]
    rows = []
    for nominal, low, high in bands:
        inside = _inside(forecasts, low, high)
        shares = [inside[:, 0].mean(), inside[:, -1].mean(), inside.mean()] if last else [inside.mean()]
        shares += [inside[regime == number].mean() for number in present]
        cells = [f"{plain(100 * float(share), 1)}\u202f%" for share in shares]
        rows.append([f"{round(100 * nominal)}\u202f% interval", *cells])
    steps = ["step 1", f"step {forecasts.steps[-1]}", "all steps"] if last else [f"step {forecasts.steps[0]}"]
    head = ["", *steps, *(f"{REGIMES[number]} times" for number in present)]
    notes = [width for nominal, _, _ in bands if (width := _relative_width(scores, nominal))]
    if present:
        notes.append(
            "Calm, normal and wild: thirds of the volatility at the origin, by thresholds of the training part."
        )
    return Table("Outcomes inside the forecast intervals", head, rows, note=" ".join(notes))


def _inside(forecasts: Forecasts, low: int, high: int) -> FloatArray:
    """1 where the outcome lies inside two of the quantiles, else 0, shape (N, H)."""
    inside = (forecasts.target >= forecasts.values[..., low]) & (forecasts.target <= forecasts.values[..., high])
    return inside.astype(np.float64)


def _relative_width(scores: Mapping[str, Any], nominal: float) -> str:
    metric = f"width_{100 * nominal:g}"
    ours, theirs = ((scores.get("scores") or {}).get(name, {}).get(metric) for name in ("model", "random_walk"))
    if not (defined(ours) and defined(theirs) and theirs):
        return ""
    return f"The {100 * nominal:g}\u202f% interval is {plain(ours / theirs, 3)} times as wide as the random walk’s."
