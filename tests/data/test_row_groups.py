from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from forecastle.data.files import ParquetSource
from forecastle.data.row_groups import newest_groups
from forecastle.data.selection import newest

START = pd.Timestamp("2020-01-01", tz="UTC")


def write(path: Path, hours: list[int | None], group: int = 10, zone: str | None = "UTC", **columns: object) -> Path:
    first = np.datetime64("2020-01-01", "us")
    time = pa.array(
        [None if hour is None else (first + np.timedelta64(hour, "h")).item() for hour in hours],
        pa.timestamp("us", zone),
    )
    price = np.arange(1.0, len(hours) + 1)
    prices = dict.fromkeys(("open", "high", "low", "close"), price)
    pyarrow.parquet.write_table(pa.table({"time": time, **prices, **columns}), path, row_group_size=group)
    return path


ORDERS = {
    "sorted": list(range(95)),
    "newest first": list(range(95))[::-1],
    "mixed": np.random.default_rng(3).permutation(95).tolist(),
    "overlapping": [*range(40), *range(30, 80)],
    "with a hole": [*range(30), *range(500, 560)],
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
@pytest.mark.parametrize("label", ["open", "close"])
@pytest.mark.parametrize("end", [None, 0, 7, 35, 40, 79, 94, 520, 9999])
def test_recent_rows_are_those_of_the_whole_file(tmp_path: Path, order: list[int], label: str, end: int | None) -> None:
    source = ParquetSource(str(write(tmp_path / "a.parquet", order)), label=label, interval="1h")
    bound = None if end is None else START + pd.Timedelta(hours=end)
    for count in (1, 5, 10, 11, 60, 1000):
        pd.testing.assert_frame_equal(source.recent(count, bound), newest(source.history(end=bound), count))


def test_only_the_groups_that_are_needed_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", list(range(95)))
    at = START + pd.Timedelta(hours=42)
    assert newest_groups(path, "time", None, 5, None, None) == [9]
    assert newest_groups(path, "time", None, 6, None, None) == [8, 9]
    assert newest_groups(path, "time", None, 10, at, None) == [3, 4]
    assert newest_groups(path, "time", None, 11, at, None) == [2, 3, 4]


@pytest.mark.parametrize(
    ("hours", "zone", "timezone"),
    [([*range(50), None], "UTC", None), (list(range(50)), None, "Europe/Helsinki")],
    ids=["a time is missing", "a local clock"],
)
def test_everything_is_read_where_the_file_says_too_little(
    tmp_path: Path, hours: list[int | None], zone: str | None, timezone: str | None
) -> None:
    path = write(tmp_path / "a.parquet", hours, zone=zone)
    groups = list(range(pyarrow.parquet.read_metadata(path).num_row_groups))
    assert newest_groups(path, "time", None, 1, None, timezone) == groups
    source = ParquetSource(str(path), timezone=timezone)
    pd.testing.assert_frame_equal(source.recent(3), newest(source.history(), 3))


def test_a_file_of_many_symbols_gives_the_newest_of_each(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", list(range(40)), symbol=["A"] * 20 + ["B"] * 20)
    assert ParquetSource(str(path)).recent(2)["close"].tolist() == [19, 20, 39, 40]


def test_of_a_file_of_many_symbols_only_the_groups_of_the_newest_of_each_are_read(tmp_path: Path) -> None:
    symbols = ["A"] * 45 + ["B"] * 35 + ["C"] * 15  # groups of 10: one has A and B, one has C alone and 5 rows
    hours = [*range(45), *range(1000, 1035), *range(15)]
    path = write(tmp_path / "a.parquet", hours, symbol=symbols)
    assert newest_groups(path, "time", "symbol", 3, None, None) == [3, 4, 7, 9]
    assert newest_groups(path, "time", "symbol", 3, START + pd.Timedelta(hours=1), None) == [0, 4, 5, 8]
    assert newest_groups(path, "time", "symbol", 11, None, None) == [2, 3, 4, 6, 7, 8, 9]
    source = ParquetSource(str(path))
    for count in (1, 3, 11, 30, 100):
        for end in (None, 1, 8, 44, 1003, 1030):
            bound = None if end is None else START + pd.Timedelta(hours=end)
            pd.testing.assert_frame_equal(source.recent(count, bound), newest(source.history(end=bound), count))
    kept = ParquetSource(str(path), symbols=["B"])
    pd.testing.assert_frame_equal(kept.recent(4), newest(kept.history(), 4))


def test_of_several_files_the_newest_are_those_of_all(tmp_path: Path) -> None:
    for name, hours in {"A_1": range(95), "A_2": range(60, 155), "B_1": range(30)}.items():
        write(tmp_path / f"{name}.parquet", list(hours))
    for pattern, symbol in {"A_*": "A", "*": "{symbol}_*"}.items():
        source = ParquetSource(str(tmp_path / f"{pattern}.parquet"), symbol=symbol)
        for count in (1, 12, 40):
            for end in (None, 10, 70, 94):
                bound = None if end is None else START + pd.Timedelta(hours=end)
                found, expected = source.recent(count, bound), newest(source.history(end=bound), count)
                pd.testing.assert_frame_equal(found.reset_index(drop=True), expected.reset_index(drop=True))
