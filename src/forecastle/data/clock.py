"""From the clock that a file follows to UTC, daylight saving included."""

from __future__ import annotations

import zoneinfo
from typing import Any

import numpy as np
import pandas as pd

from forecastle.arrays import TIME
from forecastle.data.stamps import read_fixed
from forecastle.errors import ConfigError, DataError, nearest

EPOCH_UNITS = ("s", "ms", "us", "ns", "epoch")

SMALLEST = 10**8
"""Seconds since 1970 (March 1973) from which on the size of a number tells its unit: the next thousand times is ms."""

OFFSET = r"(?:[Zz]|[+-]\d\d:?\d\d)\s*$"


def utc(when: pd.Timestamp | str | None) -> pd.Timestamp | None:
    """Return a moment in UTC; one without a zone is taken as UTC.

    Raises
    ------
    ConfigError
        If a text is no date.

    Examples
    --------
    >>> utc("2020-01-01 02:00+02:00")
    Timestamp('2020-01-01 00:00:00+0000', tz='UTC')
    """
    if when is None:
        return None
    try:
        moment = pd.Timestamp(when)
    except ValueError:
        moment = pd.NaT  # type: ignore[assignment]
    if pd.isna(moment):
        raise ConfigError(f"a date such as 2015-01-01 wanted, got {when!r}")
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")


def check_zone(name: str) -> str:
    """Return a time zone's name if there is such a zone.

    Raises
    ------
    ConfigError
        If there is none; the message names the nearest.
    """
    try:
        pd.Timestamp("2000-01-01", tz=name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(name, sorted(zoneinfo.available_timezones()))
        raise ConfigError(f"timezone must be a name such as UTC or Europe/Helsinki, got {name!r}{hint}") from None
    return name


def to_utc(column: pd.Series, timezone: str | None, time_format: str | None, where: str) -> pd.Series:
    """Convert a column of times to ``datetime64[us, UTC]``; what cannot be one moment becomes NaT.

    Parameters
    ----------
    column
        Date-times, dates, texts or numbers.
    timezone
        The clock that naive times follow. Not used for times that carry an offset. Numbers (since 1970) are UTC where
        it is None, and that clock's reading where it is given (trading terminals export such numbers).
    time_format
        A ``strftime`` format for texts, or one of ``s ms us ns`` for numbers, or ``epoch`` for numbers whose unit is
        told by their size: seconds from 1e8, ms from 1e11, us from 1e14, ns from 1e17, which is March 1973 to the
        year 5138 in each; a smaller one is no time. None accepts ISO 8601 texts only, so that 1/4/1999 is never
        guessed.
    where
        Name of the file, for messages.

    Returns
    -------
    Series
        NaT where a text cannot be read and where a local time does not exist (the clock went forward) or exists
        twice (it went back): `forecastle.data.quality` counts these rows and refuses or drops them.

    Raises
    ------
    DataError
        If times are naive and no zone is given, or naive and zoned times are mixed, or numbers come without a format.
    """
    if pd.api.types.is_bool_dtype(column.dtype):
        raise DataError(f"{where}: times wanted, got true and false in column {column.name!r}")
    counted = time_format in EPOCH_UNITS and not pd.api.types.is_datetime64_any_dtype(column.dtype)
    try:
        times = _read(column, time_format, where)
        if times.dt.tz is None:
            if timezone is None and not counted:
                raise DataError(
                    f"{where}: times such as {_example(column)} carry no zone; say which clock they follow, "
                    "e.g. data.timezone=UTC or data.timezone=America/New_York"
                )
            zone = check_zone(timezone) if timezone is not None else "UTC"
            times = times.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        moments: pd.Series = times.dt.tz_convert("UTC").dt.as_unit("us")
        return moments
    except (pd.errors.OutOfBoundsDatetime, OverflowError) as error:
        raise DataError(f"{where}: a time in column {column.name!r} is out of range: {error}") from None


def _read(column: pd.Series, time_format: str | None, where: str) -> pd.Series:
    """Date-times with or without a zone from whatever the column holds."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column
    if time_format in EPOCH_UNITS:
        return _since_epoch(pd.to_numeric(column, errors="coerce"), time_format)
    if time_format is None and pd.api.types.is_numeric_dtype(column.dtype):
        raise DataError(
            f"{where}: times are numbers such as {_example(column)}; say data.format.time=s, ms, us or ns "
            "(since 1970), or a format such as %Y%m%d"
        )
    text = column.astype("str")
    fixed = read_fixed(text, time_format) if time_format is not None else None
    if fixed is not None:
        moments, sound = fixed
        times = pd.Series(moments, index=column.index)
        if not sound.all():
            times[~sound] = _by_format(_with_digit(text[~sound]), str(time_format))
        return times
    text = _with_digit(text)
    if time_format is not None:
        return _by_format(text, time_format)
    zoned = text.str.contains(OFFSET, regex=True, na=False)
    if not zoned.any():
        return pd.to_datetime(text, format="ISO8601", errors="coerce")
    naive = pd.to_datetime(text[~zoned], format="ISO8601", errors="coerce")
    if naive.notna().any():
        raise DataError(
            f"{where}: some times carry a zone and some do not, such as {text[naive[naive.notna()].index[0]]}"
        )
    return pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)


def _with_digit(text: pd.Series) -> pd.Series:
    """Texts that hold a digit; the others become missing, since pandas would read "now" as a time."""
    return text.where(text.str.contains(r"\d", regex=True, na=False))


def _by_format(text: pd.Series, time_format: str) -> pd.Series:
    """Date-times by a ``strftime`` format, zoned where it has an offset; NaT where a text cannot be read."""
    try:
        parsed: pd.Series = pd.to_datetime(text, format=time_format, errors="coerce", utc="%z" in time_format)
    except ValueError as error:
        raise ConfigError(f"format.time {time_format!r} is no format of times: {error}") from None
    return parsed


def _since_epoch(numbers: pd.Series, unit: Any) -> pd.Series:
    """Naive date-times from numbers since 1970; what is out of range becomes NaT."""
    if unit != "epoch":
        return pd.to_datetime(numbers, unit=unit, errors="coerce")
    there = numbers.between(SMALLEST, np.iinfo(np.int64).max // 2)
    count = numbers.where(there, 0).fillna(0).to_numpy().astype(np.int64)
    moments = np.full(len(count), np.datetime64("NaT"), dtype=TIME)
    for power, (up, down) in enumerate([(1_000_000, 1), (1_000, 1), (1, 1), (1, 1_000)]):
        low = SMALLEST * 1000**power
        mine = (count >= low) & (count < 1000 * low) if power < 3 else count >= low
        moments[mine] = (count[mine] * up // down).astype(TIME)
    return pd.Series(moments, index=numbers.index)


def _example(column: pd.Series) -> str:
    """The first value that is not missing, for messages."""
    there = column.dropna()
    return repr(str(there.iloc[0])) if len(there) else "(none)"
