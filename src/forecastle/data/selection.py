"""Parts of a raw table: a stretch of time, the newest rows, some symbols; and the step between its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecastle.arrays import TIME
from forecastle.data.clock import utc
from forecastle.data.interval import most_frequent, steps
from forecastle.errors import ConfigError, DataError, nearest


@dataclass(frozen=True)
class Wanted:
    """So many of the newest rows of each symbol whose labels, in UTC, lie before `end` (None: any)."""

    count: int
    end: pd.Timestamp | None


def between(table: pd.DataFrame, start: pd.Timestamp | None, end: pd.Timestamp | None) -> pd.DataFrame:
    """Rows with open time in [start, end), in UTC.

    Rows whose time is NaT stay, so that they are counted. The index (row numbers of the source) is kept.
    """
    start, end = utc(start), utc(end)
    if start is None and end is None:
        return table
    time = table["time"]
    keep = pd.Series(True, index=table.index)
    if start is not None:
        keep &= time >= start
    if end is not None:
        keep &= time < end
    return table[keep | time.isna()]


def newest(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """The `count` rows of each symbol with the latest open times, in the order in which they stand.

    Raises
    ------
    ConfigError
        If `count` is below one.
    """
    if count < 1:
        raise ConfigError(f"count must be at least 1, got {count}")
    ordered = table.sort_values("time", kind="stable", na_position="first")
    last = ordered.groupby("symbol", observed=True, sort=False).tail(count)
    return table.loc[last.index.sort_values()]


def with_symbols(table: pd.DataFrame, symbols: Sequence[str], where: str) -> pd.DataFrame:
    """Rows of the wanted symbols.

    Raises
    ------
    DataError
        If a symbol is not in the table; the message names the nearest or those that are there.
    """
    there = [str(symbol) for symbol in table["symbol"].drop_duplicates().dropna()]
    for symbol in symbols:
        if symbol not in there:
            hint = nearest(symbol, there) or f"; there are {', '.join(sorted(there)[:12])}"
            raise DataError(f"{where}: no symbol {symbol!r}{hint}")
    return table[table["symbol"].isin(list(symbols))]


def step_of(time: pd.Series, symbol: pd.Series) -> np.timedelta64 | None:
    """Return the most frequent step between the times of one symbol, or None where there is none."""
    parts = [
        steps(part.dt.tz_localize(None).to_numpy().astype(TIME)) for _, part in time.groupby(symbol, observed=True)
    ]
    return most_frequent(np.concatenate(parts)) if parts else None
