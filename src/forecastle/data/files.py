"""CsvSource and ParquetSource: candles from any text file with columns, and from any Parquet file."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from forecastle.data.clock import utc
from forecastle.data.columns import find_columns
from forecastle.data.content import read_content
from forecastle.data.file_source import FileSource
from forecastle.data.format import Format, TextFormat
from forecastle.data.location import find_files
from forecastle.data.row_groups import newest_groups
from forecastle.data.selection import newest
from forecastle.errors import DataError

NULLS = ["", "nan", "NaN", "null"]
"""Texts of a CSV file that mean a missing value; NA is not one of them, since there is a symbol of this name."""

HEAD = 1 << 16
"""Bytes in which the first line ends."""


class CsvSource(FileSource[TextFormat]):
    """Candles in text files, packed (gz, zip, bz2, zst) or not; see `FileSource` for the parameters.

    MetaTrader, HistData, Dukascopy, Yahoo and Binance files are read by configurations of this class.
    """

    kind = "CSV"
    formats = TextFormat

    def _names(self, path: Path) -> tuple[list[str], pa.Buffer]:
        content = read_content(path)
        line = first_line(content)
        fields = split_line(line, self.format.separator_of(line), path)
        if self.format.names is not None and not is_header(fields):
            return list(self.format.names), content
        return fields, content

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
        bare = self.format.names is not None and not is_header(split_line(line, separator, path))
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


class ParquetSource(FileSource[Format]):
    """Candles in Parquet files; see `FileSource` for the parameters."""

    kind = "Parquet"
    formats = Format

    _groups: list[int] | None = None
    """Row groups that are read; None: all."""

    def recent(self, count: int, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """The newest `count` rows of each symbol before `end`.

        Of one file with one symbol only the row groups are read that can hold them, by the bounds of the times that
        the file itself tells of each; the index is the row of the file all the same.
        """
        single = self._single()
        if single is None or count < 1:
            return super().recent(count, end)
        path, column = single
        bound = utc(end)
        if bound is not None and self._span is not None and self.label == "close":
            bound += pd.Timedelta(self._span)
        part = copy(self)
        part._groups = newest_groups(path, column, count, bound, self.timezone)
        table = part.history(end=end)
        metadata = pyarrow.parquet.read_metadata(path)
        starts = np.cumsum([0, *(metadata.row_group(each).num_rows for each in range(metadata.num_row_groups))])
        rows = np.concatenate([np.arange(starts[each], starts[each + 1]) for each in part._groups])
        table.index = pd.Index(rows[table.index.to_numpy()])
        return newest(table, count)

    def _single(self) -> tuple[Path, str] | None:
        """The one file and its column of times, where one file holds one symbol and its times are its own bars'."""
        files = [file for key, path in self.paths.items() for file in find_files(path, key)]
        if len(files) != 1 or self.format.time is not None or (self.label == "close" and self._span is None):
            return None
        try:
            found = find_columns(self._names(files[0])[0], self.columns, str(files[0]))
        except (pa.ArrowException, OSError):
            return None  # told when it is read
        return (files[0], found["time"][0]) if "symbol" not in found and len(found["time"]) == 1 else None

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
