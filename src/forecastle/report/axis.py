"""Axes of a chart: round numbers, dates and their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecastle.arrays import FloatArray, TimeArray
from forecastle.report.words import plain

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PERIODS = (
    ("h", 1),
    ("h", 6),
    ("D", 1),
    ("D", 7),
    ("M", 1),
    ("M", 3),
    ("M", 6),
    ("Y", 1),
    ("Y", 2),
    ("Y", 5),
    ("Y", 10),
)
MOST_DATES = 7

SLACK = 0.05
"""Share of the way between two ticks by which a value may stand out, so that a hair below zero costs no room."""


@dataclass(frozen=True)
class Axis:
    """A linear axis.

    Parameters
    ----------
    low, high
        Its ends in data units; `high` is above `low`.
    ticks
        Position in data units and text of each mark.
    label
        What is measured, with its unit.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    label: str = ""

    def place(self, values: FloatArray | Sequence[float] | float) -> FloatArray:
        """Fractions of the axis: 0 at `low`, 1 at `high`; NaN stays NaN."""
        placed: FloatArray = (np.asarray(values, dtype=np.float64) - self.low) / (self.high - self.low)
        return placed


def number_axis(*values: FloatArray | Sequence[float], label: str = "", count: int = 5, percent: bool = False) -> Axis:
    """Axis that ends at round numbers and holds all finite values, to a twentieth of the way between two ticks.

    Parameters
    ----------
    values
        Arrays in data units; NaN and infinities are ignored. One constant value gets room on both sides, none at all
        gives 0 … 1.
    label
        What is measured. Very small or large numbers are shown as multiples of a power of ten, named behind the label.
    count
        About how many intervals are wanted.
    percent
        Fractions are shown in per cent.

    Examples
    --------
    >>> number_axis([0.2, 4.1]).ticks
    ((0.0, '0'), (1.0, '1'), (2.0, '2'), (3.0, '3'), (4.0, '4'), (5.0, '5'))
    """
    flat = np.concatenate([np.ravel(np.asarray(part, dtype=np.float64)) for part in values]) if values else np.empty(0)
    flat = flat[np.isfinite(flat)]
    low, high = (float(flat.min()), float(flat.max())) if flat.size else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        room = abs(low) * 0.05 or 1.0
        low, high = low - room, high + room
    step = _round_step((high - low) / count)
    first, last = int(np.floor(low / step + SLACK)), int(np.ceil(high / step - SLACK))
    marks = [index * step for index in range(first, last + 1)]
    power = 0 if percent else _power(max(abs(marks[0]), abs(marks[-1])))
    shown = 100.0 if percent else 10.0**-power
    decimals = max(0, -int(np.floor(np.log10(step * shown) + 1e-9)))
    decimals += round(step * shown * 10**decimals * 10) % 10 != 0  # 2.5 needs one more than its size says
    texts = [plain(mark * shown, decimals) + ("\u202f%" if percent else "") for mark in marks]
    unit = f" (×10{_superscript(power)})" if power else ""
    return Axis(marks[0], marks[-1], tuple(zip(marks, texts, strict=True)), (label + unit).strip())


def time_axis(times: TimeArray, label: str = "") -> Axis:
    """Axis of positions 0 … n − 1 with the date at the first position of each year, month, day or hour.

    Positions and not times, so that nights and weekends leave no hole.

    Parameters
    ----------
    times
        Ascending, UTC.
    label
        What is measured.
    """
    last = max(len(times) - 1, 1)
    ticks: list[tuple[float, str]] = []
    for unit, width in PERIODS:
        period = times.astype(f"datetime64[{unit}]").astype(np.int64) // width
        starts = np.flatnonzero(np.diff(period)) + 1
        if len(starts) <= MOST_DATES:
            ticks = [(float(start), _date(times[start], unit)) for start in starts]
            break
    if len(ticks) < 2 and len(times):
        positions = sorted({0, last // 2, len(times) - 1})
        ticks = [(float(position), _date(times[position], "D")) for position in positions]
    return Axis(0.0, float(last), tuple(ticks), label)


def step_axis(steps: Sequence[int], label: str = "steps ahead (bars)") -> Axis:
    """Axis with a place 1 … H for each step, and at most nine numbers.

    >>> [text for _, text in step_axis(range(1, 25)).ticks], step_axis((1, 5, 24)).ticks
    (['1', '5', '10', '15', '20'], ((1.0, '1'), (2.0, '5'), (3.0, '24')))
    """
    count = len(steps)
    stride = max(1, int(np.ceil(_round_step(count / 8))))
    places = [*([1] if stride > 2 else []), *range(stride, count + 1, stride)]
    return Axis(0.4, count + 0.6, tuple((float(place), str(steps[place - 1])) for place in places), label)


def _round_step(rough: float) -> float:
    """Smallest of 1, 2, 2.5, 5, 10 × 10ⁿ that is at least `rough`."""
    size = 10.0 ** np.floor(np.log10(rough))
    return float(next(size * nice for nice in (1.0, 2.0, 2.5, 5.0, 10.0) if size * nice >= rough * (1 - 1e-9)))


def _power(largest: float) -> int:
    """Power of ten, a multiple of three, that is taken out of the labels; 0 where they are readable as they are."""
    return 0 if 1e-2 <= largest < 1e6 else 3 * int(np.floor(np.log10(largest) / 3))


def _superscript(power: int) -> str:
    return str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _date(time: np.datetime64, unit: str) -> str:
    text = str(time.astype("datetime64[m]"))
    year, month, day, clock = text[:4], MONTHS[int(text[5:7]) - 1], str(int(text[8:10])), text[11:16]
    return {"Y": year, "M": f"{month} {year}", "D": f"{day} {month} {year}", "h": f"{day} {month} {clock}"}[unit]
