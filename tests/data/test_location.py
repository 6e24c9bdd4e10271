"""Patterns of paths, names of symbols, and what files are packed in."""

from __future__ import annotations

import bz2
import gzip
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecastle.data.content import read_content
from forecastle.data.location import find_files, symbol_of
from forecastle.errors import DataError


def test_a_path_is_taken_as_it_is_before_it_is_a_pattern(tmp_path: Path) -> None:
    for name in ("a[1].csv", "a1.csv", "a2.csv"):
        (tmp_path / name).write_text("x")
    assert find_files(str(tmp_path / "a[1].csv")) == [tmp_path / "a[1].csv"]
    assert find_files(str(tmp_path / "a?.csv")) == [tmp_path / "a1.csv", tmp_path / "a2.csv"]


def test_patterns_go_through_folders_and_are_relative_to_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep" / "folder.csv").mkdir(parents=True)
    (tmp_path / "deep" / "a.csv").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert find_files("**/*.csv") == [Path("deep/a.csv")]
    assert find_files("deep/../deep/*.csv")[0].name == "a.csv"


def test_nothing_found_is_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "EURUSD.csv").write_text("x")
    with pytest.raises(DataError, match=r"no such file: .*EURUDS.csv \(data\.path\.bid\); did you mean 'EURUSD\.csv'"):
        find_files(str(tmp_path / "EURUDS.csv"), "path.bid")
    with pytest.raises(DataError, match=r"no file matches .*\*\.parquet"):
        find_files(str(tmp_path / "*.parquet"))
    with pytest.raises(DataError, match=r"is a folder; say .*/\*\.csv"):
        find_files(str(tmp_path))


@given(st.text(max_size=30))
def test_no_text_of_a_path_ends_in_a_traceback(path: str) -> None:
    try:
        find_files(f"/nowhere/{path}")
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("name", "pattern", "symbol"),
    [
        ("EURUSD_2020.csv", "{symbol}_*.csv", "EURUSD"),
        ("EURUSD_2020.csv.gz", "{symbol}_*.csv", "EURUSD"),
        ("EURUSD_2020.csv.gz", "{symbol}_*.csv.gz", "EURUSD"),
        ("BTCUSDT-1h-2024-01.zip", "{symbol}-*", "BTCUSDT"),
        ("DAT_ASCII_EURUSD_M1_2012.csv", "*ASCII_{symbol}_M1*", "EURUSD"),
        ("EUR.USD (x) 'y'.csv", "{symbol}.csv", "EUR.USD (x) 'y'"),
        ("ölpreis é_1.csv", "{symbol}_?.csv", "ölpreis é"),
        ("whatever.csv", "a name", "a name"),
    ],
)
def test_a_symbol_is_read_from_the_name_of_its_file(name: str, pattern: str, symbol: str) -> None:
    assert symbol_of(Path(name), pattern, alone=False) == symbol


def test_a_name_that_does_not_match_and_names_that_could_be_many_are_refused() -> None:
    with pytest.raises(DataError, match=r"its name does not match '\{symbol\}_\*'.*say data.symbol=EURUSD"):
        symbol_of(Path("EURUSD.csv"), "{symbol}_*", alone=True)
    with pytest.raises(DataError, match=r"one of several files without a symbol column; say data.symbol=EURUSD"):
        symbol_of(Path("EURUSD.csv"), None, alone=False)


def zipped(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return path


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"one ") + gzip.compress(b"two"))
    assert read_content(tmp_path / "a.csv.gz").to_pybytes() == b"one two"
    (tmp_path / "a.csv.bz2").write_bytes(bz2.compress(b"one"))
    assert read_content(tmp_path / "a.csv.bz2").to_pybytes() == b"one"
    assert read_content(zipped(tmp_path / "a.zip", "x.txt")).to_pybytes() == b"x.txt"
    assert read_content(zipped(tmp_path / "b.zip", "x.txt", "deep/x.CSV")).to_pybytes() == b"deep/x.CSV"


def test_an_archive_of_several_tables_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"one file wanted, got 2 \(a\.csv, b\.csv\); unpack it"):
        read_content(zipped(tmp_path / "a.zip", "a.csv", "b.csv"))
    with pytest.raises(DataError, match=r"one file wanted, got 0 \(none\)"):
        read_content(zipped(tmp_path / "b.zip"))


def test_utf_16_is_read_and_half_of_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("aé\n".encode("utf-16"))
    assert read_content(tmp_path / "a.csv").to_pybytes() == "aé\n".encode()
    (tmp_path / "a.csv").write_bytes("aé\n".encode("utf-16")[:-1])
    with pytest.raises(DataError, match="cannot be read"):
        read_content(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["a.zip", "a.csv.gz", "a.bz2", "a.zst"])
def test_a_broken_package_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 not at all")
    with pytest.raises(DataError, match="cannot be read") as caught:
        read_content(tmp_path / name)
    assert "\n" not in str(caught.value)
