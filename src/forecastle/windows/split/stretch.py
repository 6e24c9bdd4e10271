"""Stretches of time: so many bars, or so many days, weeks, months or years of the calendar."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecastle.arrays import TimeArray
from forecastle.errors import ConfigError

UNITS = ("day", "week", "month", "year")
"""Units of the calendar."""


@dataclass(frozen=True)
class Stretch:
    """A length of time.

    Parameters
    ----------
    count
        How many, at least 1.
    unit
        ``bar``, or one of `UNITS`.
    """

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"

    def before(self, time: np.datetime64, times: TimeArray) -> np.datetime64:
        """The time that lies one stretch before another one; where there are too few bars, one before all of them."""
        if self.unit == "bar":
            row = int(np.searchsorted(times, time)) - self.count
            found: np.datetime64 = times[row] if row >= 0 else times[0] - np.timedelta64(1, "us")
            return found
        return self._shifted(time, -1)

    def starts(self, first: np.datetime64, last: np.datetime64, times: TimeArray) -> list[np.datetime64]:
        """Times from `first` on, one stretch apart, up to `last`."""
        if self.unit == "bar":
            rows = np.arange(np.searchsorted(times, first), len(times), self.count)
            return [first, *(time for time in times[rows[1:]] if time <= last)]
        found = [first]
        while (following := self._shifted(first, len(found))) <= last:
            found.append(following)
        return found

    def opened(self, time: np.datetime64) -> np.datetime64:
        """The first beginning of a unit of the calendar at or after a time; with bars the time itself.

        >>> Stretch(3, "month").opened(np.datetime64("2012-05-17"))
        np.datetime64('2012-06-01T00:00:00.000000')
        """
        if self.unit == "bar":
            return time
        period = pd.Timestamp(time).to_period({"day": "D", "week": "W-SUN", "month": "M", "year": "Y"}[self.unit])
        begin = period.start_time if period.start_time == pd.Timestamp(time) else (period + 1).start_time
        return _plain(begin)

    def _shifted(self, time: np.datetime64, steps: int) -> np.datetime64:
        return _plain(pd.Timestamp(time) + steps * self.count * _OFFSETS[self.unit])


_OFFSETS = {
    "day": pd.DateOffset(days=1),
    "week": pd.DateOffset(weeks=1),
    "month": pd.DateOffset(months=1),
    "year": pd.DateOffset(years=1),
}


def _plain(time: pd.Timestamp) -> np.datetime64:
    return np.datetime64(time.to_pydatetime(), "us")


def read_stretch(name: str, given: int | str) -> Stretch:
    """Read a number of bars, or a text such as ``3 months``.

    Raises
    ------
    ConfigError
        If it is neither; the message begins with `name`.

    Examples
    --------
    >>> str(read_stretch("refit", "1 year")), str(read_stretch("refit", 250))
    ('1 year', '250 bars')
    """
    found = re.fullmatch(rf"\s*(\d+)\s*({'|'.join(UNITS)})s?\s*", given) if isinstance(given, str) else None
    count = int(found[1]) if found else given if isinstance(given, int) else 0
    if count < 1 or isinstance(given, bool):
        units = ", ".join(f"{unit}s" for unit in UNITS)
        raise ConfigError(f"{name} must be a number of bars or of {units}, such as 250 or '3 months', got {given!r}")
    return Stretch(count, found[2] if found else "bar")
