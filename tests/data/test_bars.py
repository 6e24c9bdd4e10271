"""Bars: slices, content and what cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.conftest import make_bars

from forecastle.data.bars import Bars
from forecastle.errors import DataError


def test_a_slice_has_the_rows_of_every_column(bars: Bars) -> None:
    whole = replace(bars, spread=np.arange(800.0))
    part = whole[10:13]
    assert part.spread is not None
    assert part.volume is not None
    assert bars.volume is not None
    assert part.spread.tolist() == [10, 11, 12]
    np.testing.assert_array_equal(part.volume, bars.volume[10:13])
    np.testing.assert_array_equal(part.time, bars.time[10:13])
    assert bars[10:13].spread is None


def test_the_spread_is_part_of_the_content() -> None:
    bars = make_bars(50)
    known = replace(bars, spread=np.full(50, 0.01))
    other = replace(bars, spread=np.append(np.full(49, 0.01), 0.02))
    silent = replace(bars, volume=None, spread=np.full(50, 0.01))
    assert len({bars.content, known.content, other.content, silent.content}) == 4
    assert replace(bars, volume=None, spread=bars.volume).content != bars.content
    assert replace(bars, spread=np.full(50, 0.01)).content == known.content


@pytest.mark.parametrize("name", ["open", "high", "low", "close", "volume", "spread"])
def test_columns_have_one_length(name: str, bars: Bars) -> None:
    with pytest.raises(DataError, match=r"TEST: columns of one length wanted, got lengths \[799, 800\]"):
        replace(bars, **{name: np.ones(799)})


def test_times_strictly_increase(bars: Bars) -> None:
    for time in (bars.time[::-1], np.repeat(bars.time[::2], 2)):
        with pytest.raises(DataError, match="TEST: bar times must strictly increase"):
            replace(bars, time=time)


def test_bars_of_different_lengths_are_known_when_each_ends() -> None:
    time = np.array(["2020-03-06T22", "2020-03-07T22", "2020-03-08T21"], "datetime64[us]")
    end = np.append(time[1:], np.datetime64("2020-03-09T21", "us"))  # the second day has 23 hours
    price = np.ones(3)
    even = Bars("EURUSD", np.timedelta64(1, "D"), time, price, price, price, price)
    days = replace(even, close_time=end)
    assert even.known[1] == np.datetime64("2020-03-08T22")
    np.testing.assert_array_equal(days.known, end)
    np.testing.assert_array_equal(days[1:].known, end[1:])
    assert days.content != even.content
    for wrong in (time, end + np.timedelta64(1, "h")):
        with pytest.raises(DataError, match="each bar must end after it began and before the next one begins"):
            replace(even, close_time=wrong)
