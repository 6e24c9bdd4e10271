"""Importance of the settings that vary: a figure, and a sentence that says what it is worth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from forecastle.evaluation.fanova import FEWEST_RUNS, Importance
from forecastle.report.axis import Axis, number_axis
from forecastle.report.chart import Dots, Mark, Strokes, draw
from forecastle.report.figure import Figure

MOST_ROWS = 12

FORETOLD = 0.1
"""A forest that foretells less of the variance than this has learned nothing worth splitting."""

TOGETHER = "only together"


def shares_figure(importance: Importance, called: Mapping[str, str]) -> Figure | None:
    """Share of the score's variance that each setting explains by itself, the largest first, and the rest.

    None where the forest foretells nothing of unseen runs.
    """
    if importance.foretold < FORETOLD:
        return None
    rows = [(called[name], share) for name, share in list(importance.shares.items())[: MOST_ROWS - 1]]
    rows.append((TOGETHER, importance.together))
    row = np.arange(len(rows), 0.0, -1.0)
    value, low, high = (np.array([getattr(share, key) for _, share in rows]) for key in ("value", "low", "high"))
    x = number_axis([0.0], value, high, label="share of the variance of the score", percent=True)
    y = Axis(0.4, len(rows) + 0.6, tuple((float(at), name) for at, (name, _) in zip(row, rows, strict=True)))
    texts = tuple(
        f"{name}: {100 * share.value:.0f}\u202f%, {100 * share.low:.0f} to {100 * share.high:.0f}\u202f%"
        for name, share in rows
    )
    marks: list[Mark] = [
        Strokes("", "zero", np.zeros(1), np.full(1, y.low), np.zeros(1), np.full(1, y.high)),
        Strokes("", "model", low, row, high, row),
        Dots("", "model", value, row, texts),
    ]
    svg = draw(marks, x, y, title="Importance of the settings", description="; ".join(texts), shape="ranking rows")
    return Figure("Importance of the settings", svg)


def shares_note(importance: Importance | None, runs: int, settings: int) -> str:
    """What the importance is worth, or why there is none."""
    if settings == 0:
        return "No setting varies."
    if importance is None:
        few = f"{runs} runs are too few to tell which setting matters: at least {FEWEST_RUNS} are wanted."
        return few if runs < FEWEST_RUNS else "The scores do not vary."
    told = f"Functional analysis of variance of a random forest over {importance.runs} runs (Hutter et al. 2014)."
    if importance.foretold < FORETOLD:
        return (
            f"{told} It foretells nothing of runs that it has not seen (out-of-bag R² {importance.foretold:.2f}): "
            "it is not shown that any setting matters."
        )
    fenced = ""
    if importance.fenced:
        far_off = "1 run" if importance.fenced == 1 else f"{importance.fenced} runs"
        fenced = f" {far_off} far behind the others: counted as if at the edge of the rest."
    return (
        f"{told} It foretells {100 * importance.foretold:.0f}\u202f% of the variance of runs that it has not seen. "
        f"Strokes hold nine tenths of the trees, each grown on its own draw of the runs. What settings do {TOGETHER} "
        f"is nobody’s own share.{fenced}"
    )
