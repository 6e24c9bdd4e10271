"""CsvSource and ParquetSource: candles from any text file with columns, and from any Parquet file."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from forecastle.data.columns import find_columns
from forecastle.data.content import read_content
from forecastle.data.file_source import FileSource
from forecastle.data.format import Format, TextFormat
from forecastle.data.row_groups import newest_groups
from forecastle.data.selection import Wanted
from forecastle.data.tail import HEAD, read_head, read_tail
from forecastle.errors import DataError

NULLS = ["", "nan", "NaN", "null"]
"""Texts of a CSV file that mean a missing value; NA is not one of them, since there is a symbol of this name."""

MARGIN = 1 << 14
"""Bytes at the end of a file that are read beyond those that its newest rows are thought to take."""

logger = logging.getLogger(__name__)


class CsvSource(FileSource[TextFormat]):
    """Candles in text files, packed (gz, zip, bz2, zst) or not; see `FileSource` for the parameters.

    MetaTrader, HistData, Dukascopy, Yahoo and Binance files are read by configurations of this class.
    """

    kind = "CSV"
    formats = TextFormat

    _part: pa.Buffer | None = None
    """Content of a part of the file that is read; None: all."""

    def _newest(self, path: Path, wanted: Wanted, *, alone: bool) -> pd.DataFrame:
        """The rows at the end of the file where it is known to be in order of time, else all."""
        try:
            found = self._from_end(path, wanted, alone=alone)
        except (DataError, OSError, pa.ArrowException):  # told, with the row of the file, when it is read whole
            found = None
        if found is not None:
            return found
        logger.debug("%s: read whole for its newest %d rows", path, wanted.count)
        return self._file(path, alone=alone)

    def _from_end(self, path: Path, wanted: Wanted, *, alone: bool) -> pd.DataFrame | None:
        """The rows at the end of the file, counted from there, or None where the whole file has to be read."""
        head = read_head(path)
        if head is None:
            return None
        part = copy(self)
        part._part = pa.py_buffer(head)
        names, _ = part._names(path)
        if "symbol" in find_columns(names, self.columns, str(path)) and self.symbols is None:
            return None  # what symbols there are, only the whole file tells
        header = not self._is_bare(first_line(part._part), path)
        size = (wanted.count + 1) * max(map(len, head.splitlines())) + MARGIN
        while (tail := read_tail(path, head, size, header=header)) is not None:
            part._part = tail.content
            table = part._file(path, alone=alone)
            those = [table] if self.symbols is None else [table[table["symbol"] == each] for each in self.symbols]
            if not all(each["time"].dropna().is_monotonic_increasing for each in those):
                return None
            inside = [each["time"][each.index >= tail.samples] for each in those]
            there = [each.notna() if wanted.end is None else each < wanted.end for each in inside]
            if min(int(each.sum()) for each in there) >= wanted.count:
                rows = table.iloc[tail.samples :]
                return rows.set_axis(pd.RangeIndex(-len(rows), 0))
            size *= 4
        return None

    def _names(self, path: Path) -> tuple[list[str], pa.Buffer]:
        content = read_content(path) if self._part is None else self._part
        line = first_line(content)
        if self.format.names is not None and self._is_bare(line, path):
            return list(self.format.names), content
        return split_line(line, self.format.separator_of(line), path), content

    def _read(self, path: Path, content: pa.Buffer | None, roles: Mapping[str, str]) -> pa.Table:
        expected = {
            "number": pa.float64(),
            "text": pa.string(),
            "symbol": pa.dictionary(pa.int32(), pa.string()),
        }
        assert content is not None  # read for the names
        types = {name: expected[role] for name, role in roles.items() if role in expected}
        try:
            return self._convert(path, content, list(roles), types)
        except pa.ArrowInvalid as error:
            if "conversion error" not in str(error):
                raise
        # A text among the numbers or the times: read them all as text, so that the row can be shown.
        texts = {name: pa.string() for name, role in roles.items() if role != "symbol"}
        table = self._convert(path, content, list(roles), types | texts)
        if self.format.decimal == ",":
            for name in (name for name, role in roles.items() if role == "number"):
                plain = pyarrow.compute.replace_substring(table[name], ",", ".")
                table = table.set_column(table.column_names.index(name), name, plain)
        return table

    def _convert(
        self, path: Path, content: pa.Buffer, columns: list[str], types: Mapping[str, pa.DataType]
    ) -> pa.Table:
        line = first_line(content)
        separator = self.format.separator_of(line)
        bare = self._is_bare(line, path)
        return pyarrow.csv.read_csv(
            pa.BufferReader(content),
            read_options=pyarrow.csv.ReadOptions(column_names=list(self.format.names or []) if bare else None),
            parse_options=pyarrow.csv.ParseOptions(delimiter=separator),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=columns,
                column_types=types,
                strings_can_be_null=True,
                null_values=NULLS,
                decimal_point=self.format.decimal,
            ),
        )

    def _is_bare(self, line: str, path: Path) -> bool:
        """Whether a first line is one of candles, so that the format names the columns."""
        return self.format.names is not None and not is_header(split_line(line, self.format.separator_of(line), path))


class ParquetSource(FileSource[Format]):
    """Candles in Parquet files; see `FileSource` for the parameters."""

    kind = "Parquet"
    formats = Format

    _groups: list[int] | None = None
    """Row groups that are read; None: all."""

    def _newest(self, path: Path, wanted: Wanted, *, alone: bool) -> pd.DataFrame:
        """The rows of the row groups that can hold those wanted; the index is the row of the file all the same."""
        found = self._places(path)
        if found is None:
            return self._file(path, alone=alone)
        part = copy(self)
        part._groups = newest_groups(path, *found, wanted.count, wanted.end, self.timezone)
        table = part._file(path, alone=alone)
        metadata = pyarrow.parquet.read_metadata(path)
        starts = np.cumsum([0, *(metadata.row_group(each).num_rows for each in range(metadata.num_row_groups))])
        table.index = pd.Index(np.concatenate([np.arange(starts[each], starts[each + 1]) for each in part._groups]))
        return table

    def _places(self, path: Path) -> tuple[str, str | None] | None:
        """The columns of the times and of the symbols, where the times are those of the bars as they stand."""
        if self.format.time is not None:
            return None
        try:
            found = find_columns(self._names(path)[0], self.columns, str(path))
        except (pa.ArrowException, OSError):
            return None  # told when it is read
        return (found["time"][0], found.get("symbol", [None])[0]) if len(found["time"]) == 1 else None

    def _names(self, path: Path) -> tuple[list[str], None]:
        if path.stat().st_size == 0:
            raise DataError(f"{path}: the file is empty")
        return [str(name) for name in pyarrow.parquet.read_schema(path).names], None

    def _read(self, path: Path, content: pa.Buffer | None, roles: Mapping[str, str]) -> pa.Table:  # noqa: ARG002
        if self._groups is None:
            return pyarrow.parquet.read_table(path, columns=list(roles))
        with pyarrow.parquet.ParquetFile(path) as file:
            return file.read_row_groups(self._groups, columns=list(roles))


def first_line(content: pa.Buffer) -> str:
    """The first line of a text that is not empty."""
    head = content[:HEAD].to_pybytes().decode("utf-8-sig", errors="replace").lstrip()
    return head.splitlines()[0] if head else ""


def split_line(line: str, separator: str, path: Path) -> list[str]:
    """The fields of a line.

    Raises
    ------
    DataError
        If there are none.
    """
    try:
        return next(csv.reader([line], delimiter=separator))
    except (csv.Error, StopIteration) as error:
        raise DataError(f"{path}: cannot be read as CSV: {error or 'no first line'}") from None


def is_header(fields: Sequence[str]) -> bool:
    """Tell whether no field begins with a digit, so that a line can only be a header."""
    return not any(field.strip().lstrip("+-.")[:1].isdigit() for field in fields)
