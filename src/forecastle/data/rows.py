"""Rows: the raw candles of one symbol as arrays, and where each stood in its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecastle.arrays import TIME, BoolArray, FloatArray, IntArray, TimeArray
from forecastle.data.bars import OPTIONAL, PRICES
from forecastle.errors import DataError, nearest

INSERTED = -1
"""Position of a bar that stood in no source: it was inserted by a repair."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Candles of one symbol that may be dirty, shape (T,) unless said otherwise.

    Parameters
    ----------
    position
        Where the row stands in the raw table, or `INSERTED`.
    time
        Open times, UTC; NaT where there is none.
    prices
        Open, high, low and close, shape (T, 4), float64; NaN where missing or a text.
    volume, spread
        Or None.
    text
        Where a price, the volume or the spread is something other than a number.
    """

    position: IntArray
    time: TimeArray
    prices: FloatArray
    volume: FloatArray | None
    spread: FloatArray | None
    text: BoolArray

    def __len__(self) -> int:
        return len(self.position)

    def take(self, rows: BoolArray | IntArray) -> Rows:
        """The rows of a mask or of positions."""
        columns = {name: column[rows] for name, column in vars(self).items() if column is not None}
        return replace(self, **columns)


def by_symbol(table: pd.DataFrame, where: str) -> Iterator[tuple[str, Rows]]:
    """Split a raw table (see `forecastle.data.bars.BarSource`) into the rows of each symbol, in order of their names.

    Raises
    ------
    DataError
        If a column is missing, ``time`` is not date-times in UTC, a row has no symbol, or there are no rows.
    """
    for name in ("symbol", "time", *PRICES):
        if name not in table.columns:
            there = [str(column) for column in table.columns]
            raise DataError(f"{where}: no column {name!r}, there are {', '.join(there)}{nearest(name, there)}")
    if str(getattr(table["time"].dtype, "tz", None)) != "UTC":
        raise DataError(f"{where}: column 'time' must hold date-times in UTC, got {table['time'].dtype}")
    if not len(table):
        raise DataError(f"{where}: no rows")
    codes, names = pd.factorize(table["symbol"])
    if codes.min() < 0:
        raise DataError(f"{where}: row {row_number(table, int(codes.argmin()))} has no symbol")
    time = table["time"].dt.tz_localize(None).to_numpy().astype(TIME)
    columns = [numbers(table[name]) for name in PRICES]
    optional = {name: numbers(table[name]) for name in OPTIONAL if name in table.columns}
    prices = np.column_stack([values for values, _ in columns])
    text = np.logical_or.reduce([bad for _, bad in (*columns, *optional.values())])
    volume, spread = (optional[name][0] if name in optional else None for name in OPTIONAL)
    everything = Rows(np.arange(len(table)), time, prices, volume, spread, text)
    labels = [str(name) for name in names]
    if len(labels) == 1:
        yield labels[0], everything
        return
    grouped = np.argsort(codes, kind="stable")
    edges = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(labels)))])
    for number in sorted(range(len(labels)), key=labels.__getitem__):
        yield labels[number], _without_empty(everything.take(grouped[edges[number] : edges[number + 1]]))


def _without_empty(rows: Rows) -> Rows:
    """Rows of one symbol of several; a volume or spread that none of them has is not a column of that symbol."""
    volume, spread = (
        None if column is None or np.isnan(column).all() else column for column in (rows.volume, rows.spread)
    )
    return replace(rows, volume=volume, spread=spread)


def row_number(table: pd.DataFrame, position: int) -> int:
    """Number of a row in its source, from the table's index where it is one of integers: the first data row is 1.

    Where rows were counted from the end, which the index tells by numbers below zero, the last one is -1.
    """
    label = int(table.index[position]) if pd.api.types.is_integer_dtype(table.index.dtype) else position
    return label + 1 if label >= 0 else label


def numbers(column: pd.Series) -> tuple[FloatArray, BoolArray]:
    """Read a column as float64, NaN where there is no number, and tell where it holds something else."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiu":
        return column.to_numpy(dtype=np.float64), np.zeros(len(column), dtype=bool)
    missing = column.isna().to_numpy(dtype=bool)
    values = np.array([_number(value) for value in column.tolist()], dtype=np.float64)
    return values, np.isnan(values) & ~missing


def _number(value: object) -> float:
    """One value as a float, NaN where it is none; true, false and 1_000 are no prices."""
    if isinstance(value, bool | np.bool_) or (isinstance(value, str) and "_" in value):
        return np.nan
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return np.nan
