"""The objective of each symbol, of each fold, along each path and over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from forecastle.arrays import FloatArray, IntArray, TimeArray
from forecastle.evaluation.metric import Metric, Outcome

MOST_PERIODS = 40
"""Rows over time, at most; the calendar unit is the shortest that makes no more, or the year."""

UNITS = ((1, "D"), (1, "M"), (3, "M"), (1, "Y"))
"""Calendar units of `periods`, shortest first."""


@dataclass(frozen=True)
class Group:
    """Some of the windows.

    Parameters
    ----------
    number
        Of the symbol, fold, path or period, from 0.
    windows
        How many there are.
    start, end
        First and last origin (UTC); a period starts with the calendar's.
    value
        The objective over them; NaN where undefined.
    """

    number: int
    windows: int
    start: str
    end: str
    value: float


Breakdown: TypeAlias = dict[str, list[Group]]
"""The groups that occur, under ``symbol``, ``fold``, ``path`` and ``period``, each list ascending."""


def breakdown(outcome: Outcome, metric: Metric, losses: FloatArray | None, whole: float) -> Breakdown:
    """Score the windows of each symbol, fold, path and calendar period alone.

    Parameters
    ----------
    outcome
        Forecast and target of N windows.
    metric
        The objective.
    losses
        Its value for each window and step, shape (N, H), or None where it is no mean.
    whole
        Its value over all windows.
    """
    period, begins = periods(outcome.origin)
    labels = {"symbol": outcome.symbol, "fold": outcome.fold, "path": outcome.path, "period": period}
    found: Breakdown = {}
    for kind, label in labels.items():
        numbers = np.unique(label).tolist()
        found[kind] = []
        for number in numbers:
            of = label == number
            if len(numbers) == 1:
                value = whole
            else:
                value = metric.score(outcome[of]) if losses is None else float(losses[of].mean())
            origin = outcome.origin[of]
            start = begins[number] if kind == "period" else origin.min()
            found[kind].append(Group(number, len(origin), iso(start), iso(origin.max()), value))
    return found


def tell(found: Mapping[str, Breakdown], symbols: Sequence[str]) -> dict[str, Any]:
    """Lay the breakdowns of all forecasters side by side, ready for JSON; a number that is undefined is None.

    Parameters
    ----------
    found
        What `breakdown` gave for each forecaster, all on the same windows.
    symbols
        Names of all symbols of the panel.

    Returns
    -------
    dict
        ``by_symbol``: for each name the objective of each forecaster. ``by_fold``, ``by_path``, ``over_time``: a row
        for each, with its number of windows, its span and ``scores``. ``paths``: how many, with mean and standard
        deviation of the objective over them (None for one path).
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    for kind, groups in next(iter(found.values())).items():
        rows[kind] = [
            {
                kind: group.number,
                "windows": group.windows,
                "start": group.start,
                "end": group.end,
                "scores": {name: _number(each[kind][at].value) for name, each in found.items()},
            }
            for at, group in enumerate(groups)
        ]
    along = {name: [group.value for group in each["path"]] for name, each in found.items()}
    count = len(rows["path"])
    return {
        "by_symbol": {symbols[row["symbol"]]: row["scores"] for row in rows["symbol"]},
        "by_fold": rows["fold"],
        "by_path": rows["path"],
        "paths": {
            "count": count,
            "mean": {name: _number(np.mean(values)) for name, values in along.items()},
            "sd": {name: _number(np.std(values, ddof=1)) if count > 1 else None for name, values in along.items()},
        },
        "over_time": [{key: value for key, value in row.items() if key != "period"} for row in rows["period"]],
    }


def periods(origin: TimeArray) -> tuple[IntArray, TimeArray]:
    """Cut the time of some origins into calendar days, months, quarters or years.

    Returns
    -------
    tuple
        Number of each origin's period, from 0, shape (N,), and the beginning of each period (UTC).

    Examples
    --------
    >>> label, begins = periods(np.arange("2019-11", "2025", dtype="datetime64[D]"))
    >>> label[[0, 70, 400]], begins[:2].tolist()
    (array([0, 1, 4]), [datetime.date(2019, 10, 1), datetime.date(2020, 1, 1)])
    """
    for count, unit in UNITS:
        numbers = origin.astype(f"datetime64[{unit}]").astype(np.int64) // count
        distinct, label = np.unique(numbers, return_inverse=True)
        if len(distinct) <= MOST_PERIODS:
            break
    return label, (distinct * count).astype(f"datetime64[{unit}]").astype(origin.dtype)


def iso(time: np.datetime64) -> str:
    """A time (UTC) to the second, as JSON holds it."""
    return f"{np.datetime_as_string(time, unit='s')}Z"


def _number(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None
