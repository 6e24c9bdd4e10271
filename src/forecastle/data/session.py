"""Sessions: the hours in which a market is open, where they are known and not read from the data."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from forecastle.arrays import SPAN, TIME, BoolArray, TimeArray
from forecastle.data.timeframe import DAY, NOON, WEEK, Moments, days_around
from forecastle.errors import ConfigError, DataError, MissingExtraError, nearest

MARKETS = ("shown", "fx", "crypto")
"""Markets that need no further package."""

ZONE_POLICIES = ("report", "fail")

HOUR = 3_600_000_000
FRIDAY = DAY + 21 * HOUR
"""The first Friday, 21:00 UTC, which is 17:00 in New York in summer; microseconds since 1970."""

NEW_YORK = "17:00 America/New_York"
"""When a day of foreign exchange begins."""


@dataclass(frozen=True)
class Session:
    """When the market is open, and what is done where the clock of the data changes.

    Parameters
    ----------
    market
        ``shown``: when the weeks around have bars (`forecastle.data.calendar`). ``fx``: Sunday 17:00 to Friday 17:00 in
        New York, but for the days that end on 25 December and 1 January. ``crypto``: always. Or the code of an exchange
        such as ``XNYS``, holidays and breaks included, with the package ``exchange_calendars``. It decides which absent
        bars are gaps.
    zone
        ``report`` only counts the changes of the clock (`forecastle.data.zone`), ``fail`` refuses the data.

    Raises
    ------
    ConfigError
        If there is no such market or policy.
    MissingExtraError
        If an exchange is asked for and ``exchange_calendars`` is not installed.
    """

    market: str = "shown"
    zone: str = "report"

    def __post_init__(self) -> None:
        if self.zone not in ZONE_POLICIES:
            hint = nearest(str(self.zone), ZONE_POLICIES)
            raise ConfigError(f"session.zone must be one of {', '.join(ZONE_POLICIES)}, got {self.zone!r}{hint}")
        if self.market not in MARKETS and self.market not in _exchanges(self.market):
            hint = nearest(str(self.market), (*MARKETS, *_exchanges(self.market)))
            raise ConfigError(
                f"session.market must be {', '.join(MARKETS)}, or an exchange such as XNYS, got {self.market!r}{hint}"
            )


def expected(time: TimeArray, interval: np.timedelta64, market: str) -> BoolArray:
    """Whether a market is open during each bar, shape (T,), and so long that the bar should be there.

    That is for half of the bar or, where this is shorter, half of a usual session: a day of shares is expected although
    the exchange is open for a quarter of it, and the Sunday of foreign exchange in UTC, which has two hours, is not.

    Parameters
    ----------
    time
        Open times, shape (T,), increasing.
    interval
        Length of a bar.
    market
        See `Session`; not ``shown``.

    Raises
    ------
    DataError
        If the calendar of an exchange does not reach so far.
    """
    if market == "crypto" or not len(time):
        return np.ones(len(time), dtype=bool)
    moments = time.astype(TIME, copy=False).view(np.int64)
    length = int(interval.astype(SPAN).astype(np.int64))
    first, last = int(moments[0]), int(moments[-1]) + length
    opens, closes = _foreign_exchange(first, last) if market == "fx" else _exchange(market, first, last)
    if not len(opens):
        return np.zeros(len(time), dtype=bool)
    usual = float(np.median(closes - opens))
    traded = _traded(moments + length, opens, closes) - _traded(moments, opens, closes)
    enough: BoolArray = (traded > 0) & (2 * traded >= min(length, usual))
    return enough


def weekend(time: TimeArray) -> BoolArray:
    """Whether each bar opens between Friday and Sunday 17:00 in New York, when most markets of the world are closed.

    Parameters
    ----------
    time
        Open times, shape (T,), increasing.
    """
    moments = time.astype(TIME, copy=False).view(np.int64)
    since = moments - FRIDAY
    since -= since // WEEK * WEEK  # the remainder, ten times as fast
    inside = (since >= HOUR) & (since < 48 * HOUR)
    doubtful = np.flatnonzero((since < 49 * HOUR) & ~inside)  # closed in summer at first, in winter at last
    if len(doubtful):
        local = pd.DatetimeIndex(time[doubtful], tz="UTC").tz_convert("America/New_York")
        inside[doubtful] = (local.hour >= 17) == (since[doubtful] < HOUR)
    return inside


def _days(first: int, last: int) -> tuple[Moments, Moments, pd.DatetimeIndex]:
    """Beginnings of days of New York, their weekdays (Monday is 0) and dates: a day has those of its end."""
    edge = days_around(first, last, NEW_YORK).edge
    date = pd.DatetimeIndex(((edge + NOON) // DAY).astype("datetime64[D]"))
    return edge, date.day_of_week.to_numpy(), date


def _foreign_exchange(first: int, last: int) -> tuple[Moments, Moments]:
    """Openings and closes of every day."""
    edge, weekday, date = _days(first, last)
    holiday = ((date.month == 12) & (date.day == 25)) | ((date.month == 1) & (date.day == 1))
    held = np.flatnonzero((weekday < 5) & ~holiday)[:-1]
    return edge[held], edge[held + 1]


def _exchange(code: str, first: int, last: int) -> tuple[Moments, Moments]:
    """Openings and closes of every session of an exchange, or of its parts where it has a break."""
    start, end = (np.datetime64(moment, "us").astype("datetime64[D]") for moment in (first - WEEK, last + WEEK))
    library = _library(code)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.Pandas4Warning)  # the library's own use of pandas
            calendar = library.get_calendar(code, start=pd.Timestamp(start), end=pd.Timestamp(end))
            names = ("opens", "closes", "break_starts", "break_ends")
            columns = [getattr(calendar, name).dt.tz_localize(None) for name in names]
    except (library.errors.CalendarError, ValueError) as error:
        raise DataError(f"no calendar of {code} from {start} to {end}: {' '.join(str(error).split())}") from None
    opened, closed, paused, resumed = (column.to_numpy().astype(TIME) for column in columns)
    broken = ~np.isnat(paused)
    opens = np.sort(np.concatenate([opened, resumed[broken]]))
    closes = np.sort(np.concatenate([paused[broken], closed]))
    return opens.view(np.int64), closes.view(np.int64)


def _traded(moments: Moments, opens: Moments, closes: Moments) -> Moments:
    """Microseconds of open market before each moment."""
    length = closes - opens
    before = np.concatenate([[0], np.cumsum(length)])
    at = np.searchsorted(opens, moments, side="right") - 1
    inside = np.clip(moments - opens[at], 0, length[at])
    return np.where(at < 0, 0, before[at] + inside)


def _library(market: str) -> Any:
    """The package of the calendars, which warns about its own use of pandas when it is imported."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.Pandas4Warning)
            return importlib.import_module("exchange_calendars")
    except ModuleNotFoundError:
        raise MissingExtraError(
            f"session.market={market} is none of {', '.join(MARKETS)}; exchanges such as XNYS need the package "
            "exchange_calendars, which is not installed: pip install 'forecastle[exchange]'"
        ) from None


@lru_cache(maxsize=1)
def _codes() -> tuple[str, ...]:
    return tuple(sorted(_library("XNYS").get_calendar_names()))


def _exchanges(market: str) -> tuple[str, ...]:
    """Codes of all exchanges."""
    _library(market)
    return _codes()
