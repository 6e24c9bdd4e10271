"""Row groups: which parts of a Parquet file hold its newest rows, by what the file says of each part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet


def newest_groups(path: Path, column: str, count: int, end: pd.Timestamp | None, timezone: str | None) -> list[int]:
    """Numbers of the row groups that are certain to hold the newest `count` rows before `end`, in the file's order.

    All of them where the file does not say enough: no bounds of the times, a time that is missing, or a clock other
    than UTC, whose order daylight saving may turn around.

    Parameters
    ----------
    path
        The file.
    column
        Name of its column of times.
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
    place = metadata.schema.names.index(column)
    bounds = {number: _bounds(metadata.row_group(number), place) for number in everything}
    known = {number: found for number, found in bounds.items() if found is not None}
    if len(known) < len(everything):
        return everything
    order = sorted(
        (number for number in known if end is None or known[number][0] < end),
        key=lambda number: known[number][1],
        reverse=True,
    )
    chosen: list[int] = []
    for step, number in enumerate(order):
        chosen.append(number)
        reached = [known[other][1] for other in order[step + 1 : step + 2]]
        apart = all(last < known[each][0] for last in reached for each in chosen)
        sure = [each for each in chosen if end is None or known[each][1] < end]
        if apart and sum(metadata.row_group(each).num_rows for each in sure) >= count:
            break
    return sorted(chosen) or everything[:1]


def _bounds(group: Any, place: int) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """The first time of a row group and the last, in UTC, or None where they are not told."""
    found = group.column(place).statistics
    if found is None or not found.has_min_max or not found.has_null_count or found.null_count:
        return None
    first, last = (pd.Timestamp(value) for value in (found.min, found.max))
    if first.tzinfo is None:
        return first.tz_localize("UTC"), last.tz_localize("UTC")
    return first.tz_convert("UTC"), last.tz_convert("UTC")
