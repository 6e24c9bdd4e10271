"""CsvSource and ParquetSource: candles from any file, told by its columns, its clock and its labels."""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from forecastle.arrays import TIME
from forecastle.data.bars import PRICES
from forecastle.data.clock import EPOCH_UNITS, check_zone, to_utc
from forecastle.data.columns import check_columns, find_columns
from forecastle.data.interval import most_frequent, parse_interval, steps
from forecastle.data.selection import between, newest, with_symbols
from forecastle.errors import ConfigError, DataError, nearest

LABELS = ("open", "close")

NULLS = ["", "nan", "NaN", "null"]
"""Texts of a CSV file that mean a missing value; NA is not one of them, since there is a symbol of this name."""


class FileSource(ABC):
    """Candles in one file with named columns; what CSV and Parquet have in common.

    Parameters
    ----------
    path
        The file. It is read whole, by `recent` too.
    columns
        Our name to the file's name for ``time symbol open high low close volume``. What is missing or None is found
        under its usual names, whatever their case. ``""`` leaves out volume or symbol. ``time`` may be a list of
        columns (a date and a time of day), whose texts are joined by a space. One column may serve twice (close-only
        data).
    timezone
        The clock that the times follow, such as ``UTC``, ``America/New_York`` or ``Europe/Helsinki`` (many brokers).
        Needed for naive times, not used for times that carry an offset. A local time that does not exist or exists
        twice, where the clock changes, becomes a defect of kind ``time`` for the quality policy: it is never guessed.
    label
        ``open`` where a bar is labelled by its first moment, ``close`` where by its last: then the interval is
        subtracted, so that the bar is known exactly at its label.
    interval
        Length of a bar, such as ``1D`` or ``5min``, checked against the data; None derives the most frequent step.
    symbol
        Name of the series in a file without a symbol column; None takes the file's name up to the first dot.
    symbols
        Symbols to keep of a file that has a symbol column; None keeps all.
    time_format
        ``strftime`` format of the times' text, or ``s ms us ns`` for numbers since 1970; None reads ISO 8601 only.

    Raises
    ------
    ConfigError
        If a setting cannot be, and DataError, when read, if the file is missing, empty, broken or lacks a column.
    """

    calendar = True

    def __init__(
        self,
        path: str,
        columns: Mapping[str, str | Sequence[str] | None] | None = None,
        timezone: str | None = None,
        label: str = "open",
        interval: str | None = None,
        symbol: str | None = None,
        symbols: Sequence[str] | None = None,
        time_format: str | None = None,
    ) -> None:
        if label not in LABELS:
            raise ConfigError(f"label must be open or close, got {label!r}{nearest(str(label), LABELS)}")
        if symbols is not None and not symbols:
            raise ConfigError("symbols must name at least one symbol, or be null to keep all")
        self.path = Path(path)
        self.name = self.path.name
        self.columns = check_columns(columns or {})
        self.timezone = None if timezone is None else check_zone(timezone)
        self.label = label
        self.interval = interval
        self.symbol = symbol
        self.symbols = None if symbols is None else [str(name) for name in symbols]
        self.time_format = time_format
        self._span = None if interval is None else parse_interval(interval)

    kind: str
    """What sort of file is expected, for messages."""

    @abstractmethod
    def _names(self) -> list[str]:
        """Names of the file's columns."""

    @abstractmethod
    def _read(self, roles: Mapping[str, str]) -> pa.Table:
        """The columns named by the keys of `roles`; a role is ``number``, ``text``, ``symbol`` or ``time``."""

    def history(self, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """All rows with open time in [start, end); the index is the row of the file, the first data row being 0.

        Rows whose time cannot be read are kept (their ``time`` is NaT and ``stamp`` holds the text).

        Raises
        ------
        DataError
            If the file cannot be read as it was described.
        """
        if not self.path.is_file():
            near = (
                nearest(self.name, sorted(p.name for p in self.path.parent.glob("*")))
                if self.path.parent.is_dir()
                else ""
            )
            raise DataError(f"no such file: {self.path} (data.path){near}")
        try:
            names = self._names()
            found = find_columns(names, self.columns, str(self.path))
            raw = self._load(found)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(f"{self.path}: cannot be read as {self.kind}: {' '.join(str(error).split())}") from None
        if not len(raw):
            raise DataError(f"{self.path}: no rows")
        return between(self._table(raw, found), start, end)

    def recent(self, count: int, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """The newest `count` rows of each symbol before `end`."""
        return newest(self.history(end=end), count)

    def fingerprint(self) -> str:
        """Path, size, time of change and settings.

        Raises
        ------
        DataError
            If the file is missing.
        """
        try:
            stat = self.path.stat()
        except OSError:
            raise DataError(f"no such file: {self.path} (data.path)") from None
        settings = (self.columns, self.timezone, self.label, self.interval, self.symbol, self.symbols, self.time_format)
        return f"{self.path}:{stat.st_size}:{stat.st_mtime_ns}:{settings!r}"

    def _load(self, found: dict[str, list[str]]) -> pd.DataFrame:
        """The columns that are needed, as they stand in the file."""
        as_text = len(found["time"]) > 1 or (self.time_format is not None and self.time_format not in EPOCH_UNITS)
        roles = {found[ours][0]: "number" for ours in (*PRICES, "volume") if ours in found}
        roles |= dict.fromkeys(found["time"], "text" if as_text else "time")
        roles |= dict.fromkeys(found.get("symbol", []), "symbol")
        raw: pd.DataFrame = self._read(roles).to_pandas(date_as_object=False, ignore_metadata=True)
        return raw

    def _table(self, raw: pd.DataFrame, found: dict[str, list[str]]) -> pd.DataFrame:
        """The raw table of the BarSource contract from the file's own columns."""
        table = pd.DataFrame({"symbol": self._symbols(raw, found)}, index=raw.index)
        stamps = raw[found["time"][0]]
        if len(found["time"]) > 1:
            for name in found["time"][1:]:
                stamps = stamps.astype("str") + " " + raw[name].astype("str")
        table["time"] = to_utc(stamps, self.timezone, self.time_format, str(self.path))
        for ours in (*PRICES, "volume"):
            if ours in found:
                table[ours] = raw[found[ours][0]]
        if table["time"].isna().any():
            table["stamp"] = stamps.astype("str").where(table["time"].isna())
        if self.symbols is not None:
            table = with_symbols(table, self.symbols, str(self.path))
        if self.label == "close":
            table["time"] = table["time"] - pd.Timedelta(self._length(table))
        return table

    def _symbols(self, raw: pd.DataFrame, found: dict[str, list[str]]) -> pd.Series:
        """The symbol of each row, as a categorical."""
        if "symbol" not in found:
            name = self.symbol if self.symbol is not None else self.name.split(".")[0]
            codes = np.zeros(len(raw), dtype=np.int8)
            return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index([name])), index=raw.index)
        if self.symbol is not None:
            raise DataError(
                f"{self.path}: symbol={self.symbol} was given, but there is a symbol column {found['symbol'][0]!r}; "
                f"say data.symbols=[{self.symbol}] to keep one, or data.columns.symbol='' to ignore the column"
            )
        column = raw[found["symbol"][0]]
        if isinstance(column.dtype, pd.CategoricalDtype):
            return column.cat.rename_categories([str(name) for name in column.cat.categories])
        return column.where(column.isna(), column.astype("str")).astype("category")

    def _length(self, table: pd.DataFrame) -> np.timedelta64:
        """Length of a bar: as declared, or the most frequent step."""
        if self._span is not None:
            return self._span
        parts = [
            steps(part.dt.tz_localize(None).to_numpy().astype(TIME))
            for _, part in table["time"].groupby(table["symbol"], observed=True)
        ]
        span = most_frequent(np.concatenate(parts)) if parts else None
        if span is None:
            raise DataError(f"{self.path}: too few rows to derive the interval; say data.interval=1h, for example")
        return span


class CsvSource(FileSource):
    """Candles in a text file with a header line, gzipped or not; see `FileSource` for the parameters.

    The separator (comma, semicolon, tab or bar) is the one that the header uses most; decimals have a point.
    """

    kind = "CSV"

    def _header(self) -> tuple[list[str], str]:
        """Names of the columns, and the separator."""
        with pa.input_stream(str(self.path), compression="detect") as stream:
            head = stream.read(1 << 16).decode("utf-8-sig", errors="replace")
        lines = head.lstrip("\r\n").splitlines()
        if not lines or not lines[0].strip():
            raise DataError(f"{self.path}: the file is empty")
        separator = max(",;\t|", key=lines[0].count)
        return next(csv.reader([lines[0]], delimiter=separator)), separator

    def _names(self) -> list[str]:
        return self._header()[0]

    def _read(self, roles: Mapping[str, str]) -> pa.Table:
        expected = {
            "number": pa.float64(),
            "text": pa.string(),
            "symbol": pa.dictionary(pa.int32(), pa.string()),
        }
        types = {name: expected[role] for name, role in roles.items() if role in expected}
        try:
            return self._convert(list(roles), types)
        except pa.ArrowInvalid as error:
            if "conversion error" not in str(error):
                raise
        # A text among the numbers or the times: read them all as text, so that the row can be shown.
        return self._convert(
            list(roles), types | {name: pa.string() for name, role in roles.items() if role != "symbol"}
        )

    def _convert(self, columns: list[str], types: Mapping[str, pa.DataType]) -> pa.Table:
        return pyarrow.csv.read_csv(
            str(self.path),
            parse_options=pyarrow.csv.ParseOptions(delimiter=self._header()[1]),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=columns, column_types=types, strings_can_be_null=True, null_values=NULLS
            ),
        )


class ParquetSource(FileSource):
    """Candles in a Parquet file; see `FileSource` for the parameters."""

    kind = "Parquet"

    def _names(self) -> list[str]:
        if self.path.stat().st_size == 0:
            raise DataError(f"{self.path}: the file is empty")
        return [str(name) for name in pyarrow.parquet.read_schema(self.path).names]

    def _read(self, roles: Mapping[str, str]) -> pa.Table:
        return pyarrow.parquet.read_table(self.path, columns=list(roles))
