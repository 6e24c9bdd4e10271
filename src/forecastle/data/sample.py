"""The first rows of a file, as texts, and what they show it to be."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from forecastle.data.content import read_content
from forecastle.data.files import first_line, is_header, split_line
from forecastle.data.format import TextFormat
from forecastle.data.recognition import UNKNOWN, Proposal, recognise_columns, recognise_fields, recognise_header
from forecastle.errors import DataError

LINES = 400
"""Rows that are looked at."""

BYTES = 1 << 17
"""Bytes of a text file that hold them."""


@dataclass(frozen=True)
class Sample:
    """The first rows of a file.

    Parameters
    ----------
    names
        Of the columns; empty where there is no header line and the dialect is not known.
    rows
        Texts of each row.
    proposal
        How it could be read.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    proposal: Proposal

    def texts(self, columns: list[str]) -> list[str]:
        """The texts of some columns, joined by a space, of those rows that hold a digit there."""
        places = [self.names.index(name) for name in columns]
        joined = (" ".join(row[place] for place in places).strip() for row in self.rows if len(row) > max(places))
        return [text for text in joined if any(each.isdigit() for each in text)]


def take_sample(file: Path) -> Sample:
    """Look at the beginning of a file.

    Raises
    ------
    DataError
        If it is empty or no table.
    """
    return _parquet(file) if file.suffix.lower() in (".parquet", ".pq") else _text(file)


def _text(file: Path) -> Sample:
    content = read_content(file)
    line = first_line(content)
    separator = TextFormat().separator_of(line)
    fields = split_line(line, separator, file)
    if len(fields) < 2:
        raise DataError(f"{file}: no table: its first line {line[:40]!r} has one column")
    lines = content[:BYTES].to_pybytes().decode("utf-8-sig", errors="replace").splitlines()
    try:
        rows = [tuple(row) for row in csv.reader(filter(str.strip, lines[:LINES]), delimiter=separator)]
    except csv.Error as error:
        raise DataError(f"{file}: cannot be read as CSV: {error}") from None
    if not is_header(fields):
        return _bare(fields, separator, tuple(rows))
    if len(set(fields)) != len(fields):
        raise DataError(f"{file}: columns of different names wanted, got {', '.join(fields[:20])}")
    proposal = recognise_header(fields)
    if separator != "," and any(re.fullmatch(r"\s*\d+,\d+\s*", cell) for row in rows[1:] for cell in row):
        proposal.settings["format.decimal"] = ","
    return Sample(tuple(fields), tuple(rows[1:]), proposal)


def _bare(fields: list[str], separator: str, rows: tuple[tuple[str, ...], ...]) -> Sample:
    """A file without a header line."""
    found = recognise_fields(fields, separator)
    if found is not None:
        return Sample(found.names, rows, found)
    shown = separator.join(fields)[:60]
    unknown = Proposal("csv", {"format.names": UNKNOWN}, [f"no header line; the first line is {shown}"])
    unknown.doubts.append(f"format.names: nothing names the {len(fields)} columns")
    return Sample((), rows, unknown)


def _parquet(file: Path) -> Sample:
    try:
        with pyarrow.parquet.ParquetFile(file) as opened:
            names = [str(name) for name in opened.schema_arrow.names]
            first = next(opened.iter_batches(LINES), None)
        head = pd.DataFrame(columns=names) if first is None else first.replace_schema_metadata().to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file}: cannot be read as Parquet: {' '.join(str(error).split())}") from None
    if len(set(names)) != len(names):
        raise DataError(f"{file}: columns of different names wanted, got {', '.join(names[:20])}")
    rows = tuple(tuple(str(cell) for cell in row) for row in head.itertuples(index=False))
    return Sample(tuple(names), rows, recognise_columns("parquet", names))
