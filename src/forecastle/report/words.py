"""Numbers, times and names as people read them: a true minus sign, and a dash where there is nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from forecastle.arrays import SPAN

NOTHING = "–"
"""Shown where a number is not defined."""


def plain(value: float, decimals: int) -> str:
    """Return the number with so many decimals; no ``−0``.

    >>> plain(-0.25, 1), plain(-0.0001, 2)
    ('−0.2', '0.00')
    """
    text = f"{value:.{decimals}f}"
    if text.startswith("-"):
        text = "−" + text[1:] if text.strip("-0.") else text[1:]
    return text


def defined(value: Any) -> bool:
    """Tell whether it is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def column(values: Sequence[float | None], digits: int = 4) -> list[str]:
    """Return the numbers with the decimals that give the largest of them so many digits.

    >>> column([0.0123456, None, 0.00234])
    ['0.01235', '–', '0.00234']
    """
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    decimals = min(max(digits - 1 - math.floor(math.log10(largest)), 0), 8) if largest > 0 else 0
    return [NOTHING if value is None or not math.isfinite(value) else plain(value, decimals) for value in values]


def percent(value: float | None, decimals: int = 1) -> str:
    """Return a fraction in per cent, with its sign.

    >>> percent(0.0183), percent(-0.004), percent(None)
    ('+1.8\u202f%', '−0.4\u202f%', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    text = plain(100 * value, decimals)
    return ("+" if value > 0 and text.strip("0.") else "") + text + "\u202f%"


def moment(text: Any) -> str:
    """Return an ISO time without what is zero in it.

    >>> moment("2018-03-05T00:00:00+00:00"), moment("2018-03-05T14:30:00Z"), moment(None)
    ('2018-03-05', '2018-03-05 14:30 UTC', '–')
    """
    if not text:
        return NOTHING
    time = str(text).replace("T", " ")
    date, clock = time[:10], time[11:16]
    return date if clock in {"", "00:00"} else f"{date} {clock} UTC"


def spoken(name: str) -> str:
    """Return a name as it is said.

    >>> spoken("random_walk")
    'random walk'
    """
    return name.replace("_", " ")


def day(time: np.datetime64) -> str:
    """Return the date of a time."""
    return str(time.astype("datetime64[D]"))


def span(text: str) -> np.timedelta64 | None:
    """Return a duration such as ``1D`` or ``60 minutes``; None where it is not one.

    >>> span("1D"), span("60 minutes"), span("?")
    (np.timedelta64(86400000000,'us'), np.timedelta64(3600000000,'us'), None)
    """
    import pandas as pd

    try:
        return pd.Timedelta(text).to_timedelta64().astype(SPAN) if text else None
    except ValueError:
        return None


def duration(text: str) -> str:
    """Return a duration in its largest unit, or the text itself where it is not one.

    >>> duration("1440 minutes"), duration("1h"), duration("300s")
    ('1 day', '1 hour', '5 minutes')
    """
    length = span(text)
    units = {
        "day": np.timedelta64(1, "D"),
        "hour": np.timedelta64(1, "h"),
        "minute": np.timedelta64(1, "m"),
        "second": np.timedelta64(1, "s"),
    }
    for name, unit in units.items():
        if length is not None and length >= unit and not length % unit:
            return f"{length // unit} {name}{'' if length == unit else 's'}"
    return text
