"""Exporting: a series becomes a CSV or Parquet file that the sources of this program read back exactly."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from forecastle.data.store.candle_store import CandleStore, chosen
from forecastle.data.store.series import Candles, Series, moment
from forecastle.data.store.session import Session
from forecastle.errors import ConfigError, DataError

SUFFIXES = (".parquet", ".csv", ".csv.gz")


def export_series(
    store: CandleStore,
    symbol: str,
    file: Path,
    interval: str | None = None,
    start: pd.Timestamp | str | None = None,
    end: pd.Timestamp | str | None = None,
) -> int:
    """Write a series to a file, stretch after stretch, and return the number of candles.

    Columns are ``symbol, time, open, high, low, close`` and, where there are, ``volume`` and ``spread``; times are UTC
    and say so. The file is complete or not there.

    Parameters
    ----------
    store
        Where from.
    symbol
        Name of the series.
    file
        Ends in ``.parquet``, ``.csv`` or ``.csv.gz``; what is there is replaced.
    interval
        Length of a bar; None where there is one only.
    start, end
        Candles with open time in [start, end).

    Raises
    ------
    ConfigError
        If the file's kind is none of these, or several intervals could be meant.
    DataError
        If there is no such series, or it has no candles between `start` and `end`.
    """
    if not file.name.endswith(SUFFIXES):
        raise ConfigError(f"a file that ends in {', '.join(SUFFIXES)} is wanted, got {file.name!r}")
    first, last = moment(start), moment(end)
    partial = file.with_name(f"{file.name}.{os.getpid()}.partial")

    def work(session: Session) -> int:
        (series,) = chosen(session.catalogue(), [symbol], interval, store.address.shown)
        count = _write(session.read(series, first, last), series, partial, _opener(file.name))
        if not count:
            raise DataError(f"{store.address.shown}: {series.title} has no candles between {start} and {end}")
        return count

    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        count = store.run(work)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _write(parts: Iterable[Candles], series: Series, path: Path, open_file: Callable[[str, pa.Schema], Any]) -> int:
    """Write stretches as they come."""
    names = ("symbol", "time", *series.columns)
    kinds = (pa.string(), pa.timestamp("us", "UTC"), *(pa.float64() for _ in series.columns))
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    count = 0
    with open_file(str(path), schema) as writer:
        for candles in parts:
            symbol = pa.repeat(pa.scalar(series.symbol), len(candles))
            time = pa.array(candles.time, kinds[1])
            columns = [pa.array(candles.columns[name], pa.float64()) for name in series.columns]
            writer.write_table(pa.table([symbol, time, *columns], schema=schema))
            count += len(candles)
    return count


def _opener(name: str) -> Callable[[str, pa.Schema], Any]:
    """What opens a writer for a file's kind."""
    if name.endswith(".parquet"):
        opener: Callable[[str, pa.Schema], Any] = pyarrow.parquet.ParquetWriter
        return opener
    compression = "gzip" if name.endswith(".gz") else None
    return lambda path, schema: pyarrow.csv.CSVWriter(pa.output_stream(path, compression=compression), schema)
