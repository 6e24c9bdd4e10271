"""Calendar: what the clock says of a bar, on circles, so that 23:59 lies beside 00:00 and Sunday beside Monday."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from forecastle.arrays import FloatArray, IntArray, TimeArray
from forecastle.data.bars import Bars
from forecastle.errors import ConfigError, nearest
from forecastle.features.frame import ByColumn

DAY = 86_400
WEEK = 7 * DAY
"""Seconds."""

SESSIONS: Mapping[str, tuple[str, int, int]] = MappingProxyType(
    {
        "sydney": ("Australia/Sydney", 7, 16),
        "tokyo": ("Asia/Tokyo", 9, 18),
        "london": ("Europe/London", 8, 17),
        "new_york": ("America/New_York", 8, 17),
    }
)
"""Trading centres: time zone, and the local hours at which their day begins and ends."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Clock(ByColumn):
    """An indicator that reads nothing but the time of a bar; refused or left out where the dates cannot be trusted.

    Warm-up one bar. Times are UTC; local times follow the zone's daylight saving.
    """

    scale: str = "-1 to 1"
    needs: tuple[str, ...] = ("calendar",)
    tolerance: float = 1e-9
    warmup: int = 1
    columns: tuple[str, ...]


class Hour(Clock):
    """Hour of the day at which the bar opens, UTC, as sine and cosine of its share of the day; warm-up one bar.

    Examples
    --------
    >>> Hour().columns
    ('hour_sin', 'hour_cos')
    """

    columns = ("hour_sin", "hour_cos")

    def each(self, bars: Bars) -> Iterator[FloatArray]:
        """Sine and cosine."""
        yield from _circle(_week_seconds(bars.time, "UTC") % DAY, DAY)


class Weekday(Clock):
    """Day of the week on which the bar opens, UTC, Monday first, as sine and cosine of its seventh; warm-up one bar.

    Examples
    --------
    >>> Weekday().columns
    ('weekday_sin', 'weekday_cos')
    """

    columns = ("weekday_sin", "weekday_cos")

    def each(self, bars: Bars) -> Iterator[FloatArray]:
        """Sine and cosine."""
        yield from _circle(_week_seconds(bars.time, "UTC") // DAY, 7)


class Session(Clock):
    """Whether the bar opens while a trading centre is at work, 1 or 0, Monday to Friday there; warm-up one bar.

    Local hours: Sydney 7 to 16, Tokyo 9 to 18, London and New York 8 to 17, with each city's daylight saving.

    Parameters
    ----------
    centre
        ``sydney``, ``tokyo``, ``london`` or ``new_york``; a list gives one column for each.

    Raises
    ------
    ConfigError
        If a centre is unknown or given twice.

    Examples
    --------
    >>> Session(["tokyo", "london"]).columns
    ('session_tokyo', 'session_london')
    """

    scale = "0 or 1"

    def __init__(self, centre: str | list[str] = "london") -> None:
        chosen = (centre,) if isinstance(centre, str) else tuple(centre)
        for name in chosen:
            if name not in SESSIONS:
                allowed = ", ".join(SESSIONS)
                raise ConfigError(
                    f"session: centre must be one of {allowed}, got {name!r}{nearest(str(name), SESSIONS)}"
                )
        if not chosen or len(set(chosen)) != len(chosen):
            raise ConfigError(f"session: one or more different centres wanted, got {list(chosen)}")
        self.centre = chosen
        self.columns = tuple(f"session_{name}" for name in chosen)

    def each(self, bars: Bars) -> Iterator[FloatArray]:
        """One column for each centre."""
        for name in self.centre:
            yield self._open(bars.time, *SESSIONS[name])

    @staticmethod
    def _open(time: TimeArray, zone: str, begin: int, end: int) -> FloatArray:
        """1 from the hour `begin` of a working day to the hour `end`, else 0."""
        seconds = _week_seconds(time, zone)
        inside = (seconds < 5 * DAY) & (seconds % DAY >= begin * 3600) & (seconds % DAY < end * 3600)
        return inside.astype(np.float64)


class WeeklyClose(Clock):
    """Time from when the bar is known to the week's close, as sine and cosine of its share of a week; warm-up one bar.

    Minutes on the wall clock of the zone, 0 at the close itself: by default Friday 17:00 in New York, where the week of
    currencies ends.

    Parameters
    ----------
    day
        Day of the close, ``monday`` to ``sunday``.
    hour
        Its local hour, 0 to 24, with a fraction for minutes.
    zone
        Its time zone.

    Raises
    ------
    ConfigError
        If the day, the hour or the zone cannot be.

    Examples
    --------
    >>> WeeklyClose().columns
    ('weekly_close_sin', 'weekly_close_cos')
    """

    columns = ("weekly_close_sin", "weekly_close_cos")

    def __init__(self, day: str = "friday", hour: float = 17.0, zone: str = "America/New_York") -> None:
        if day not in WEEKDAYS:
            raise ConfigError(f"weekly_close: day must be one of {', '.join(WEEKDAYS)}, got {day!r}")
        if isinstance(hour, bool) or not isinstance(hour, (int, float)) or not 0 <= hour <= 24:
            raise ConfigError(f"weekly_close: hour must lie between 0 and 24, got {hour!r}")
        try:
            pd.Timestamp(0, tz=zone)
        except (KeyError, ValueError, OSError) as error:
            raise ConfigError(
                f"weekly_close: zone must be a time zone such as America/New_York, got {zone!r}"
            ) from error
        self.zone = zone
        self._close = WEEKDAYS.index(day) * DAY + round(hour * 3600)

    def each(self, bars: Bars) -> Iterator[FloatArray]:
        """Sine and cosine."""
        yield from _circle((self._close - _week_seconds(bars.known, self.zone)) % WEEK, WEEK)


def _week_seconds(time: TimeArray, zone: str) -> IntArray:
    """Seconds since Monday 00:00 on the wall clock of a zone, shape (T,)."""
    local = pd.DatetimeIndex(time).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    seconds = local.to_numpy().astype("datetime64[s]").astype(np.int64)
    elapsed: IntArray = (seconds + 3 * DAY) % WEEK  # 1970-01-01 was a Thursday
    return elapsed


def _circle(part: IntArray, whole: int) -> Iterator[FloatArray]:
    """Sine and cosine of a share of a circle."""
    angle = part * (2 * np.pi / whole)
    yield np.sin(angle)
    yield np.cos(angle)
