"""The newest rows of text files are those of the whole file, and only its end is read for them."""

from __future__ import annotations

import gzip
import logging
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecastle.data import files, tail
from forecastle.data.files import CsvSource
from forecastle.data.format import TextFormat
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.data.selection import newest
from forecastle.errors import DataError

START = pd.Timestamp("2020-01-06", tz="UTC")
HEADER = "time,open,high,low,close,volume\n"


def lines(hours: Any) -> str:
    prices = np.random.default_rng(1).uniform(1, 2, 100_000).round(5)
    return "".join(
        f"{START + pd.Timedelta(hours=int(hour)):%Y-%m-%d %H:%M},{price},{price + 1},{price / 2},{price},{number}\n"
        for number, (hour, price) in enumerate(zip(hours, prices, strict=False))
    )


def check(source: CsvSource, count: int, end: pd.Timestamp | None = None) -> pd.DataFrame:
    """The newest rows, once they are found equal to those of the whole; the account of rows may count from the end."""
    whole = source.history(end=end)
    found, expected = source.recent(count, end), newest(whole, count)
    found, expected = (each.drop(columns=["file", "row"], errors="ignore") for each in (found, expected))
    everything = copy(source)
    everything.symbols = None
    rows = len(everything.history())
    if "file" not in whole and len(found) and found.index[-1] < 0:
        assert (found.index + rows).tolist() == expected.index.tolist()
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected.reset_index(drop=True))
    return found


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MARGIN", 50)


@pytest.fixture
def only_ends(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a file whole is a fault."""

    def refuse(path: Path) -> Any:
        raise AssertionError(f"{path} was read whole")

    monkeypatch.setattr(files, "read_content", refuse)


@pytest.mark.usefixtures("small")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.integers(0, 3), min_size=1, max_size=150),
    swapped=st.integers(0, 300),
    header=st.booleans(),
    label=st.sampled_from(["open", "close"]),
    interval=st.sampled_from([None, "1h"]),
    count=st.integers(1, 40),
    end=st.none() | st.integers(-2, 200),
    ending=st.sampled_from(["\n", "\r\n", ""]),
)
def test_the_newest_rows_are_those_of_the_whole_file(
    tmp_path: Path,
    steps: list[int],
    swapped: int,
    header: bool,
    label: str,
    interval: str | None,
    count: int,
    end: int | None,
    ending: str,
) -> None:
    rows = lines(np.cumsum(steps)).splitlines()
    if swapped < len(rows) - 1:  # unreadable, or out of order near the end
        rows[-swapped - 1] = rows[-swapped - 1].replace("2020", "year")
    if header:
        rows.insert(0, HEADER.strip())
    text = (ending or "\n").join(rows) + ending
    (tmp_path / "a.csv").write_bytes(text.encode())
    names = None if header else HEADER.strip().split(",")
    source = CsvSource(
        str(tmp_path / "a.csv"), timezone="UTC", label=label, interval=interval, format=TextFormat(names=names)
    )
    try:
        source.history()
    except DataError:
        return  # too few rows to derive the interval
    check(source, count, None if end is None else START + pd.Timedelta(hours=end))


@pytest.mark.usefixtures("only_ends")
@pytest.mark.parametrize("first", [HEADER, "\ufeff" + HEADER, "\n\n" + HEADER, ""])
def test_only_the_end_of_a_file_is_read(tmp_path: Path, first: str) -> None:
    (tmp_path / "a.csv").write_text(first + lines(range(2000)), encoding="utf-8")
    written = TextFormat(names=None if first else HEADER.strip().split(","))
    source = CsvSource(str(tmp_path / "a.csv"), timezone="UTC", label="close", interval="1h", format=written)
    found = source.recent(30)
    assert found["time"].tolist() == [START + pd.Timedelta(hours=hour) for hour in range(1969, 1999)]
    assert found.index.tolist() == list(range(-30, 0))
    earlier = source.recent(2, START + pd.Timedelta(hours=1900))
    assert earlier["volume"].tolist() == [1899, 1900]


@pytest.mark.usefixtures("only_ends")
def test_of_several_files_and_of_both_sides_only_the_ends_are_read(tmp_path: Path) -> None:
    for year, hours in {"2020": range(900), "2021": range(890, 2000)}.items():
        (tmp_path / f"EURUSD_{year}.csv").write_text(HEADER + lines(hours))
        (tmp_path / f"GBPUSD_{year}.csv").write_text(HEADER + lines(hours))
    one = CsvSource(str(tmp_path / "EURUSD_*.csv"), timezone="UTC", symbol="EURUSD").recent(20)
    assert one["time"].tolist() == [START + pd.Timedelta(hours=hour) for hour in range(1980, 2000)]
    assert one["row"].tolist() == list(range(-20, 0))
    many = CsvSource(str(tmp_path / "*.csv"), timezone="UTC", symbol="{symbol}_*").recent(3)
    assert many["symbol"].value_counts().to_dict() == {"EURUSD": 3, "GBPUSD": 3}
    sides = {"bid": str(tmp_path / "EURUSD_2020.csv"), "ask": str(tmp_path / "GBPUSD_2020.csv")}
    both = CsvSource(sides, timezone="UTC", symbol="EURUSD").recent(4)
    assert both["spread"].tolist() == [0.0] * 4


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("end", [None, 5, 895, 950, 1200])
def test_the_newest_rows_of_several_files_are_those_of_all(tmp_path: Path, end: int | None) -> None:
    (tmp_path / "A_1.csv").write_text(HEADER + lines(range(900)))
    (tmp_path / "A_2.csv").write_text(HEADER + lines(range(800, 1100)))
    (tmp_path / "A_3.csv").write_text(HEADER + lines(range(1300, 1000, -1)))
    bound = None if end is None else START + pd.Timedelta(hours=end)
    for count in (1, 7, 60):
        check(CsvSource(str(tmp_path / "A_[12].csv"), timezone="UTC", symbol="A"), count, bound)
        check(CsvSource(str(tmp_path / "A_?.csv"), timezone="UTC", symbol="A"), count, bound)
        sides = {"bid": str(tmp_path / "A_1.csv"), "ask": str(tmp_path / "A_2.csv")}
        check(CsvSource(sides, timezone="UTC", symbol="A"), count, bound)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", ["packed", "newest first", "a symbol column", "years in the wrong order", "UTF-16"])
def test_a_file_that_does_not_tell_its_newest_rows_by_its_end_is_read_whole(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    path, text = tmp_path / "a.csv", HEADER + lines(range(1000))
    if kind == "packed":
        path = tmp_path / "a.csv.gz"
        path.write_bytes(gzip.compress(text.encode()))
    elif kind == "newest first":
        path.write_text(HEADER + lines(range(1000)[::-1]))
    elif kind == "a symbol column":
        parts = [f"{line},{symbol}\n" for symbol in "AB" for line in lines(range(1000)).splitlines()]
        path.write_text(HEADER.strip() + ",symbol\n" + "".join(parts))
    elif kind == "years in the wrong order":
        path.write_text(HEADER + lines([*range(700), *range(5000, 5100), *range(800, 1500)]))
    else:
        path.write_text(text, encoding="utf-16")
    source = CsvSource(str(path), timezone="UTC")
    with caplog.at_level(logging.DEBUG, logger="forecastle"):
        assert check(source, 3).index[0] >= 0
    assert f"{path}: read whole for its newest 3 rows" in caplog.text


def with_column(*symbols: str) -> str:
    rows = [f"{line},{symbol}\n" for line in lines(range(1000)).splitlines() for symbol in symbols]
    return HEADER.strip() + ",symbol\n" + "".join(rows)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("symbols", [["A"], ["B", "A"], ["C"]])
def test_of_symbols_that_are_named_the_ends_are_those_of_the_whole_file(tmp_path: Path, symbols: list[str]) -> None:
    text = with_column("A", "B")
    (tmp_path / "a.csv").write_text(text + "2020-01-06 00:00,1,1,1,1,1,C\n")
    for end in (None, START + pd.Timedelta(hours=900)):
        check(CsvSource(str(tmp_path / "a.csv"), timezone="UTC", symbols=symbols), 3, end)


@pytest.mark.usefixtures("only_ends")
def test_only_the_end_is_read_for_symbols_that_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(with_column("A", "B", "C"))
    found = CsvSource(str(tmp_path / "a.csv"), timezone="UTC", symbols=["A", "C"]).recent(5)
    assert found["volume"].tolist() == [float(number) for number in range(995, 1000) for _ in "AC"]


@pytest.mark.usefixtures("small")
def test_a_defect_is_told_by_its_row_from_the_end(tmp_path: Path) -> None:
    rows = lines(range(1000)).splitlines()
    rows[-2] = rows[-2].replace(rows[-2].split(",")[2], "0.1", 1)
    (tmp_path / "a.csv").write_text(HEADER + "\n".join(rows) + "\n")

    class Live(CsvSource):
        def history(self, start: Any = None, end: Any = None) -> pd.DataFrame:
            return self.recent(10)

    with pytest.raises(DataError, match=r"row -2\b"):
        load(Live(str(tmp_path / "a.csv"), timezone="UTC", interval="1h"), QualityPolicy())


def test_lines_before_the_end_are_taken_whole_and_from_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("head\n" + "".join(f"{number:06}\n" for number in range(1000)))
    found = tail.read_tail(path, path.read_bytes()[:100], 70, header=True)
    assert found is not None
    first, *rest = found.content.to_pybytes().decode().splitlines()
    assert first == "head"
    assert rest[-9:] == [f"{number:06}" for number in range(991, 1000)]
    before = [int(line) for line in rest[: found.samples]]
    assert len(before) == tail.SAMPLES == len(rest) - 9
    assert before[0] == 0
    assert set(np.diff(before)) <= {61, 62, 63}
    assert tail.read_tail(path, b"head\n", 4000, header=True) is None
