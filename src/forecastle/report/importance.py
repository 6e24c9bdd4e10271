"""Figures of a report that show what the model leans on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.report.axis import Axis, number_axis
from forecastle.report.chart import Dots, Mark, Strokes, draw
from forecastle.report.figure import Figure
from forecastle.report.words import defined, spoken

LONGEST = 24
"""Letters of a name that fit beside the picture."""


def importance_figures(importance: Mapping[str, Any]) -> list[Figure]:
    """What the model leans on: permutation importance and Shapley values, as far as they were computed.

    Parameters
    ----------
    importance
        What ``importance.json`` holds; empty gives no figure.
    """
    figures = []
    if features := importance.get("features"):
        unit = str(importance.get("unit", ""))
        label = f"rise of {spoken(str(importance.get('objective', 'loss')))}" + (f" ({unit})" if unit else "")
        ends = [(row.get("low"), row.get("high")) for row in features]
        figures.append(_bars("Permutation importance", features, ends, label))
    if features := (importance.get("shap") or {}).get("features"):
        label = f"mean |Shapley value| ({importance['shap'].get('unit', '')})"
        figures.append(_bars("Shapley values", features, [(0.0, row["value"]) for row in features], label))
    return figures


def _bars(title: str, features: Sequence[Mapping[str, Any]], ends: Sequence[tuple[Any, Any]], label: str) -> Figure:
    value = _numbers(row["value"] for row in features)
    low, high = _numbers(each for each, _ in ends), _numbers(each for _, each in ends)
    row = np.arange(len(features), 0.0, -1.0)
    x = number_axis(value, low, high, [0.0], label=label)
    names = [_short(str(each["feature"])) for each in features]
    y = Axis(0.4, len(features) + 0.6, tuple((float(at), name) for at, name in zip(row, names, strict=True)))
    texts = tuple(f"{each['feature']}: {value:.3g}" for each, value in zip(features, value.tolist(), strict=True))
    marks: list[Mark] = [
        Strokes("", "zero", np.zeros(1), np.full(1, y.low), np.zeros(1), np.full(1, y.high)),
        Strokes("", "model", low, row, high, row),
        Dots("", "model", value, row, texts),
    ]
    svg = draw(marks, x, y, title=title, description="; ".join(texts), shape="ranking")
    return Figure(title, svg)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _numbers(values: Any) -> FloatArray:
    return np.array([float(value) if defined(value) else np.nan for value in values])
