"""Stretches of candles become columns, whatever room was thought to be enough."""

from __future__ import annotations

import numpy as np
import pytest

from forecastle.arrays import TIME
from forecastle.data.store.filling import Filling
from forecastle.data.store.series import Candles


def stretch(first: int, count: int, *names: str) -> Candles:
    numbers = np.arange(first, first + count)
    return Candles(numbers.astype(TIME), dict.fromkeys(names, numbers + 0.5))


@pytest.mark.parametrize("room", [0, 1, 7, 10, 100])
def test_columns_are_the_stretches_one_after_the_other(room: int) -> None:
    filling = Filling(["open", "volume"], room)
    filling.add(stretch(0, 3, "open", "volume"))
    filling.add(stretch(3, 0, "open", "volume"))
    filling.add(stretch(3, 7, "open"))
    found = filling.columns()
    assert found["time"].astype(int).tolist() == list(range(10))
    assert found["open"].tolist() == [number + 0.5 for number in range(10)]
    np.testing.assert_array_equal(found["volume"], [0.5, 1.5, 2.5, *[np.nan] * 7])


def test_nothing_added_is_columns_without_rows() -> None:
    assert {name: len(column) for name, column in Filling(["open"], 5).columns().items()} == {"time": 0, "open": 0}
