"""A panel in one Parquet file, and exactly the same panel back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from forecastle.arrays import SPAN, TIME
from forecastle.data.bars import OPTIONAL, PRICES, Bars, Panel
from forecastle.errors import DataError

KEY = b"forecastle.panel"
"""Key of our entry in the file's metadata."""

VERSION = 2


def write_panel(panel: Panel, path: Path) -> None:
    """Write a panel, uncompressed: symbols one after the other, columns ``symbol, time, open … close, volume, spread``.

    Interval, calendar and whether a symbol has volume, spread and close times are in the file's metadata. A column that
    no symbol has is not in the file; where some have it, the others have zeros there, or ``open + interval`` as
    ``close_time``. The file is complete or not there.
    """
    members = [
        {"symbol": bars.symbol, "bars": len(bars), "calendar": bars.calendar}
        | {name: getattr(bars, name) is not None for name in (*OPTIONAL, "close_time")}
        for bars in panel
    ]
    interval = int(panel.interval.astype(SPAN).astype(np.int64))
    header = json.dumps({"version": VERSION, "interval_us": interval, "members": members})
    lengths = [len(bars) for bars in panel]
    columns: dict[str, pa.Array] = {
        "symbol": pa.DictionaryArray.from_arrays(
            np.repeat(np.arange(len(panel), dtype=np.int32), lengths), pa.array(panel.symbols, pa.string())
        ),
        "time": pa.array(np.concatenate([bars.time.astype(TIME) for bars in panel]), pa.timestamp("us", "UTC")),
    }
    for name in PRICES:
        columns[name] = pa.array(np.concatenate([getattr(bars, name) for bars in panel]), pa.float64())
    for name in OPTIONAL:
        values = [getattr(bars, name) for bars in panel]
        if any(column is not None for column in values):
            parts = [np.zeros(count) if part is None else part for part, count in zip(values, lengths, strict=True)]
            columns[name] = pa.array(np.concatenate(parts), pa.float64())
    if any(bars.close_time is not None for bars in panel):
        ends = np.concatenate([bars.known.astype(TIME) for bars in panel])
        columns["close_time"] = pa.array(ends, pa.timestamp("us", "UTC"))
    table = pa.table(columns).replace_schema_metadata({KEY: header.encode()})
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        pyarrow.parquet.write_table(table, partial, compression="none", use_dictionary=["symbol"])
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_panel(path: Path) -> Panel:
    """Read what `write_panel` wrote; the content is equal bit for bit.

    Raises
    ------
    DataError
        If the file is missing, damaged, or was written by something else.
    """
    if not path.is_file():
        raise DataError(f"no such file: {path}")
    try:
        table = pyarrow.parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as a panel: {' '.join(str(error).split())}") from None
    header = json.loads((table.schema.metadata or {}).get(KEY, b"{}"))
    if header.get("version") != VERSION:
        raise DataError(
            f"{path}: a panel of version {VERSION} wanted, got {header.get('version', 'another kind of file')}"
        )
    if sum(member["bars"] for member in header["members"]) != table.num_rows:
        raise DataError(f"{path}: damaged: {table.num_rows} rows are not those that its header tells")
    columns = {name: table[name].to_numpy() for name in (*PRICES, *OPTIONAL) if name in table.column_names}
    for name in [name for name in ("time", "close_time") if name in table.column_names]:
        columns[name] = table[name].cast(pa.timestamp("us")).to_numpy().astype(TIME, copy=False)
    interval = np.timedelta64(header["interval_us"], "us")
    members, start = [], 0
    for member in header["members"]:
        rows = slice(start, start := start + member["bars"])
        held = {name: values[rows] for name, values in columns.items() if member.get(name, True)}
        members.append(Bars(member["symbol"], interval, calendar=member["calendar"], **held))
    return Panel(tuple(members))
