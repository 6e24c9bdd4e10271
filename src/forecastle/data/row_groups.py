"""Row groups: which parts of a Parquet file hold its newest rows, by what the file says of each part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet


class Part(NamedTuple):
    """A row group: its number, its rows, its first time and its last (UTC), its symbol, and whether it has others."""

    number: int
    rows: int
    first: pd.Timestamp
    last: pd.Timestamp
    symbol: Any
    mixed: bool


def newest_groups(
    path: Path, column: str, symbol: str | None, count: int, end: pd.Timestamp | None, timezone: str | None
) -> list[int]:
    """Numbers of the row groups that are certain to hold the newest `count` rows of each symbol, in the file's order.

    All of them where the file does not say enough: no bounds of times or symbols, one that is missing, or a clock other
    than UTC, whose order daylight saving may turn around. A row group with several symbols is always one of them, and
    so is one at least of each symbol.

    Parameters
    ----------
    path
        The file.
    column
        Name of its column of times.
    symbol
        Name of its column of symbols; None: there is one symbol.
    count
        Rows that are wanted.
    end
        Bound of the column's times, in UTC; None: no bound.
    timezone
        The clock of times without a zone.
    """
    metadata = pyarrow.parquet.read_metadata(path)
    everything = list(range(metadata.num_row_groups))
    kind = metadata.schema.to_arrow_schema().field(column).type
    if not pa.types.is_timestamp(kind) or (kind.tz is None and timezone != "UTC"):
        return everything
    parts = [_part(metadata, number, column, symbol) for number in everything]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return everything
    alone: dict[Any, list[Part]] = {}
    for part in known:
        if not part.mixed:
            alone.setdefault(part.symbol, []).append(part)
    chosen = [part.number for part in known if part.mixed]
    for those in alone.values():
        chosen += _newest(those, count, end)
    return sorted(chosen)


def _newest(parts: Sequence[Part], count: int, end: pd.Timestamp | None) -> list[int]:
    """Numbers of the row groups of one symbol that hold its newest rows; one at least."""
    order = sorted((part for part in parts if end is None or part.first < end), key=lambda part: part.last)[::-1]
    chosen: list[Part] = []
    for step, part in enumerate(order):
        chosen.append(part)
        apart = all(other.last < each.first for other in order[step + 1 : step + 2] for each in chosen)
        if apart and sum(each.rows for each in chosen if end is None or each.last < end) >= count:
            break
    return [part.number for part in chosen or parts[:1]]


def _part(metadata: pyarrow.parquet.FileMetaData, number: int, column: str, symbol: str | None) -> Part | None:
    """What a row group says of itself, or None where it does not say enough."""
    group = metadata.row_group(number)
    places = [metadata.schema.names.index(name) for name in (column, symbol) if name is not None]
    bounds = [group.column(place).statistics for place in places]
    if any(each is None or not each.has_min_max or not each.has_null_count or each.null_count for each in bounds):
        return None
    first, last = (pd.Timestamp(value) for value in (bounds[0].min, bounds[0].max))
    if first.tzinfo is None:
        first, last = first.tz_localize("UTC"), last.tz_localize("UTC")
    least, most = (bounds[1].min, bounds[1].max) if symbol is not None else (None, None)
    return Part(number, group.num_rows, first, last, least, least != most)
