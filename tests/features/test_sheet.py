"""The matrix that processes fill together."""

from __future__ import annotations

import gc
import os
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest

from forecastle.features.sheet import Sheet


def write(sheet: Sheet, row: int) -> int:
    sheet.values[row] = row
    return os.getpid()


def maps() -> int:
    return Path("/proc/self/maps").read_text().count("memfd:features")


def files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_another_process_writes_stands_here_and_stays_after_closing() -> None:
    sheet = Sheet(5, 3)
    where = joblib.Parallel(2)(joblib.delayed(write)(sheet, row) for row in range(5))
    sheet.close()
    assert os.getpid() not in where
    np.testing.assert_array_equal(sheet.values, np.repeat(np.arange(5, dtype=np.float32), 3).reshape(5, 3))


def test_columns_are_written_as_whole_rows() -> None:
    found = np.random.default_rng(0).random((7, 1300)).astype(np.float32)
    sheet = Sheet(2000, 7)
    pickle.loads(pickle.dumps(sheet)).write(600, found)
    sheet.close()
    assert not sheet.values[:600].any()
    assert not sheet.values[1900:].any()
    np.testing.assert_array_equal(sheet.values[600:1900], found.T)


def test_it_goes_by_name_and_is_one_memory() -> None:
    sheet = Sheet(1000, 1000)
    sent = pickle.dumps(sheet)
    assert len(sent) < 500
    pickle.loads(sent).values[7, 7] = 7
    assert sheet.values[7, 7] == 7
    assert sheet.values.sum() == 7
    sheet.close()


def test_its_memory_is_given_back_with_its_last_array() -> None:
    before, opened = maps(), files()
    sheet = Sheet(1000, 1000)
    last = sheet.values[3:5]
    sheet.close()
    del sheet
    gc.collect()
    assert maps() == before + 1
    assert files() == opened + 1, "a mapping has a descriptor of its own"
    del last
    gc.collect()
    assert maps() == before
    assert files() == opened


def test_a_latecomer_never_writes_into_another_sheet_that_has_the_place_of_one_that_is_closed() -> None:
    first = Sheet(4, 4)
    sent = pickle.dumps(first)
    place = first._file
    first.close()
    with pytest.raises(FileNotFoundError):
        pickle.loads(sent)
    second = Sheet(4, 4)
    assert second._file == place
    with pytest.raises(FileNotFoundError, match="is closed, and another file has its place"):
        pickle.loads(sent)
    second.close()


def test_a_result_can_go_to_processes_again() -> None:
    """joblib takes an array that lies in a file for one that is there for good."""
    sheet = Sheet(5, 3)
    sheet.close()
    assert joblib.Parallel(2)(joblib.delayed(np.sum)(sheet.values) for _ in range(2)) == [0, 0]
