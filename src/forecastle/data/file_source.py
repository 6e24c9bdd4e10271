"""FileSource: candles in files, told by their columns, their clock, their labels and their format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from forecastle.data.bars import PRICES
from forecastle.data.clock import EPOCH_UNITS, check_zone, to_utc, utc
from forecastle.data.columns import check_columns, find_columns
from forecastle.data.format import Format
from forecastle.data.interval import parse_interval
from forecastle.data.joining import bid_and_ask, one_after_another
from forecastle.data.location import find_files, paths_of, symbol_of
from forecastle.data.selection import Wanted, between, newest, step_of, with_symbols
from forecastle.data.units import difference, middle, scaled, total
from forecastle.errors import ConfigError, DataError, nearest

LABELS = ("open", "close")

Written = TypeVar("Written", bound=Format)


class FileSource(ABC, Generic[Written]):
    """Candles in one file or many with named columns; what CSV and Parquet have in common.

    Parameters
    ----------
    path
        The file, or a pattern such as ``data/EURUSD_*.csv.gz`` for several that are read one after the other; or
        ``bid`` and ``ask``, each with such a path: then prices are the means of both sides and the spread is that at
        the close (``ask`` may be None: then the prices are the bid's and no spread is known).
    columns
        Our name to the file's name for ``time symbol open high low close volume spread``. What is missing or None is
        found under its usual names, whatever their case; a spread has to be named. ``""`` leaves out what is optional.
        ``time`` may be a list of columns (a date and a time of day), whose texts are joined by a space. A price, and
        the volume, may be a list of two, bid and ask: then the price is their mean, the volume their sum, and the
        spread that at the close. One column may serve twice (close-only data).
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
        Name of the series in files without a symbol column, or a pattern for their names such as ``{symbol}_*.csv``.
        None takes the name of a single file up to the first dot.
    symbols
        Symbols to keep; None keeps all.
    format
        How times and numbers are written: `Format`, for text files `TextFormat`.

    Raises
    ------
    ConfigError
        If a setting cannot be, and DataError, when read, if a file is missing, empty, broken or lacks a column.
    """

    calendar = True

    def __init__(
        self,
        path: str | Mapping[str, str | None],
        columns: Mapping[str, str | Sequence[str] | None] | None = None,
        timezone: str | None = None,
        label: str = "open",
        interval: str | None = None,
        symbol: str | None = None,
        symbols: Sequence[str] | None = None,
        format: Written | None = None,
    ) -> None:
        if label not in LABELS:
            raise ConfigError(f"label must be open or close, got {label!r}{nearest(str(label), LABELS)}")
        if symbols is not None and not symbols:
            raise ConfigError("symbols must name at least one symbol, or be null to keep all")
        self.paths = paths_of(path)
        self.name = " and ".join(Path(each).name for each in self.paths.values())
        self.columns = check_columns(columns or {})
        self.timezone = None if timezone is None else check_zone(timezone)
        self.label = label
        self.interval = interval
        self.symbol = symbol
        self.symbols = None if symbols is None else [str(name) for name in symbols]
        self.format = format if format is not None else self.formats()
        if not isinstance(self.format, self.formats):
            raise ConfigError(f"format must be a {self.formats.__name__}, got {type(format).__name__}")
        self._span = None if interval is None else parse_interval(interval)

    kind: str
    """What sort of file is expected, for messages."""

    formats: type[Written]
    """What tells how such a file is written."""

    @abstractmethod
    def _names(self, path: Path) -> tuple[list[str], pa.Buffer | None]:
        """Names of a file's columns, and its content if it had to be read for them."""

    @abstractmethod
    def _read(self, path: Path, content: pa.Buffer | None, roles: Mapping[str, str]) -> pa.Table:
        """The columns named by the keys of `roles`; a role is ``number``, ``text``, ``symbol`` or ``time``."""

    def history(self, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """All rows with open time in [start, end); the index is the row of the file, the first data row being 0.

        Rows whose time cannot be read are kept (their ``time`` is NaT and ``stamp`` holds the text). Of several files,
        ``file`` and ``row`` say where a row stands, the first data row of each being 1.

        Raises
        ------
        DataError
            If a file cannot be read as it was described.
        """
        return between(self._table(None), start, end)

    def recent(self, count: int, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """The newest `count` rows of each symbol before `end`.

        A text file is read from its end where it is not packed, is in order of time (looked at in that part and at a
        few lines before it) and has no symbol column, or `symbols` are given; the index counts its rows from the end,
        the last one being -1. Of a Parquet file the row groups are read that can hold the rows; other files, whole.
        """
        if count < 1 or (self.label == "close" and self._span is None):  # all rows tell the length of a bar
            return newest(self.history(end=end), count)
        bound, later = utc(end), self._span if self.label == "close" and self._span is not None else 0
        wanted = Wanted(count, None if bound is None else bound + pd.Timedelta(later))
        return newest(between(self._table(wanted), None, end), count)

    def fingerprint(self) -> str:
        """Path, size and times of change of every file, and settings.

        The time of change of the inode is among them: a copy that keeps the time of its original is another file.

        Raises
        ------
        DataError
            If a file is missing.
        """
        parts = []
        for key, path in self.paths.items():
            files = [(file, file.stat()) for file in find_files(path, key)]
            parts += [f"{key}:{file}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}" for file, stat in files]
        settings = (self.columns, self.timezone, self.label, self.interval, self.symbol, self.symbols, self.format)
        return f"{';'.join(parts)}:{settings!r}"

    def _table(self, wanted: Wanted | None) -> pd.DataFrame:
        """The raw table of all files, its rows labelled by open time; what is not wanted may be left out."""
        sides = [self._side(key, path, wanted) for key, path in self.paths.items()]
        table = sides[0] if len(sides) == 1 else bid_and_ask(sides[0], sides[1], self.name)
        if self.symbols is not None:
            table = with_symbols(table, self.symbols, self.name)
        if self.label == "close":
            table["time"] = table["time"] - pd.Timedelta(self._length(table))
        return table

    def _side(self, key: str, pattern: str, wanted: Wanted | None) -> pd.DataFrame:
        """The raw table of all files of a pattern."""
        files = find_files(pattern, key)
        read = self._file if wanted is None else partial(self._newest, wanted=wanted)
        tables = [read(file, alone=len(files) == 1) for file in files]
        if len(files) > 1:
            names = pd.Index([str(file) for file in files])
            for number, table in enumerate(tables):
                codes = np.full(len(table), number)
                table["file"] = pd.Categorical.from_codes(codes, categories=names)
                table["row"] = table.index + (table.index >= 0)  # from 1, or from -1 where counted from the end
        return one_after_another(tables)

    @abstractmethod
    def _newest(self, path: Path, wanted: Wanted, *, alone: bool) -> pd.DataFrame:
        """The rows of one file among which are the newest, of each symbol; what else there is does not matter."""

    def _file(self, path: Path, *, alone: bool) -> pd.DataFrame:
        """The raw table of one file, its rows as they stand there, labels and symbols as they are."""
        try:
            names, content = self._names(path)
            found = find_columns(names, self.columns, str(path))
            raw = self._load(path, content, found)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            told = " ".join(str(error).split()).removeprefix(f"{self.kind} parse error: ")
            raise DataError(f"{path}: cannot be read as {self.kind}: {told}") from None
        if not len(raw):
            raise DataError(f"{path}: no rows")
        stamps = raw[found["time"][0]]
        for name in found["time"][1:]:
            stamps = stamps.astype("str") + " " + raw[name].astype("str")
        table = pd.DataFrame({"symbol": self._symbols(path, raw, found, alone=alone)}, index=raw.index)
        table["time"] = to_utc(stamps, self.timezone, self.format.time, str(path))
        self._fill(table, {ours: [raw[name] for name in theirs] for ours, theirs in found.items()}, str(path))
        unread = table["time"].isna()
        if unread.any():
            table["stamp"] = stamps[unread].astype("str")
        return table

    def _load(self, path: Path, content: pa.Buffer | None, found: dict[str, list[str]]) -> pd.DataFrame:
        """The columns that are needed, as they stand in the file."""
        written = self.format.time
        as_text = len(found["time"]) > 1 or (written is not None and written not in EPOCH_UNITS)
        roles = {name: "number" for ours in (*PRICES, "volume", "spread") for name in found.get(ours, [])}
        roles |= dict.fromkeys(found["time"], "text" if as_text else "time")
        roles |= dict.fromkeys(found.get("symbol", []), "symbol")
        read = self._read(path, content, roles)
        for cells in read.schema:
            if pa.types.is_binary(cells.type) or pa.types.is_large_binary(cells.type):
                raise DataError(f"{path}: column {cells.name!r} holds bytes that are no text (UTF-8 is wanted)")
        bare = read.replace_schema_metadata()  # what pandas wrote beside the columns is not asked, and may be damaged
        raw: pd.DataFrame = bare.to_pandas(date_as_object=False)
        return raw

    def _fill(self, table: pd.DataFrame, cells: Mapping[str, list[pd.Series]], where: str) -> None:
        """Write prices, volume and spread into the table, in price units."""
        written = self.format
        for price in PRICES:
            column = cells[price][0] if len(cells[price]) == 1 else middle(*cells[price])
            table[price] = scaled(column, written.scale, table["symbol"], where)
        if "volume" in cells:
            table["volume"] = cells["volume"][0] if len(cells["volume"]) == 1 else total(*cells["volume"])
        if len(cells["close"]) == 2:
            spread = difference(*cells["close"])
            table["spread"] = scaled(spread, written.scale, table["symbol"], where)
        elif "spread" in cells:
            size = written.point if written.point is not None else written.scale
            table["spread"] = scaled(cells["spread"][0], size, table["symbol"], where)

    def _symbols(self, path: Path, raw: pd.DataFrame, found: dict[str, list[str]], *, alone: bool) -> pd.Series:
        """The symbol of each row, as a categorical."""
        if "symbol" not in found:
            name = symbol_of(path, self.symbol, alone=alone)
            codes = np.zeros(len(raw), dtype=np.int8)
            return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index([name])), index=raw.index)
        if self.symbol is not None:
            raise DataError(
                f"{path}: symbol={self.symbol} was given, but there is a symbol column {found['symbol'][0]!r}; "
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
        span = step_of(table["time"], table["symbol"])
        if span is None:
            raise DataError(f"{self.name}: too few rows to derive the interval; say data.interval=1h, for example")
        return span
