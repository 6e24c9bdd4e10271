"""Several files and two sides: no row is lost, none is made, and none is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecastle.data.joining import bid_and_ask, one_after_another
from forecastle.errors import DataError


def table(hours: list[int | None], close: float = 1.0, symbol: str | list[str] = "A", **columns: Any) -> pd.DataFrame:
    time = [pd.NaT if hour is None else pd.Timestamp("2020-01-06") + pd.Timedelta(hours=hour) for hour in hours]
    names = [symbol] * len(hours) if isinstance(symbol, str) else symbol
    made = {
        "symbol": pd.Categorical(names),
        "time": pd.Series(time, dtype="datetime64[us]").dt.tz_localize("UTC"),
        **dict.fromkeys(("open", "high", "low", "close"), close),
    }
    return pd.DataFrame({**made, **columns})


def hours(joined: pd.DataFrame) -> list[float]:
    return ((joined["time"] - pd.Timestamp("2020-01-06", tz="UTC")) / pd.Timedelta(hours=1)).tolist()


def test_an_overlap_of_files_is_rows_of_one_time_and_the_last_file_comes_last() -> None:
    joined = one_after_another([table([0, 1, 2], 1.0), table([1, 2, 3], 2.0)])
    assert hours(joined) == [0, 1, 1, 2, 2, 3]
    assert joined["close"].tolist() == [1, 1, 2, 1, 2, 2]
    assert joined.index.tolist() == list(range(6))


def test_files_that_sort_in_another_order_than_their_times_are_put_in_order() -> None:
    assert hours(one_after_another([table([10, 11]), table([2, 3])])) == [2, 3, 10, 11]


def test_a_file_that_is_out_of_order_in_itself_is_left_so() -> None:
    assert hours(one_after_another([table([5, 4]), table([1, 2])])) == [5, 4, 1, 2]


def test_symbols_one_after_the_other_in_a_file_are_in_order() -> None:
    first = table([0, 1, 0, 1], symbol=["A", "A", "B", "B"])
    joined = one_after_another([first, table([2, 2], symbol=["B", "C"])])
    assert joined["symbol"].value_counts().to_dict() == {"A": 2, "B": 3, "C": 1}
    for symbol in "AB":
        assert joined[joined["symbol"] == symbol]["time"].is_monotonic_increasing


def test_a_row_without_a_time_stays_beside_the_row_before_it() -> None:
    joined = one_after_another([table([5, None, 6]), table([1])])
    assert hours(joined.dropna(subset="time")) == [1, 5, 6]
    assert joined["time"].isna().tolist() == [False, False, True, False]


def test_rows_of_one_side_only_are_kept_without_prices() -> None:
    joined = bid_and_ask(table([0, 1, 3], 1.0, volume=5.0), table([1, 2, 3], 1.5, volume=7.0), "prices")
    assert hours(joined) == [0, 1, 2, 3]
    np.testing.assert_array_equal(joined["close"], [np.nan, 1.25, np.nan, 1.25])
    np.testing.assert_array_equal(joined["spread"], [np.nan, 0.5, np.nan, 0.5])
    np.testing.assert_array_equal(joined["volume"], [np.nan, 12, np.nan, 12])


def test_the_second_of_a_repeated_time_belongs_to_the_second() -> None:
    bid, ask = table([0, 0, 1]), table([0, 0])
    bid["close"], ask["close"] = [1.0, 2.0, 3.0], [2.0, 4.0]
    joined = bid_and_ask(bid, ask, "prices")
    np.testing.assert_array_equal(joined["close"], [1.5, 3, np.nan])


def test_sides_of_different_symbols_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"prices: bid and ask hold different symbols, such as A; say data\.symbol=EURUSD"
    ):
        bid_and_ask(table([0], symbol="A"), table([0], symbol="B"), "prices")


HOURS = st.lists(st.one_of(st.integers(0, 9), st.none()), min_size=1, max_size=12)


@settings(max_examples=200, deadline=None)
@given(HOURS, HOURS, st.booleans())
def test_rows_are_conserved(left: list[int | None], right: list[int | None], ordered: bool) -> None:
    if ordered:
        left, right = (sorted(side, key=lambda hour: -1 if hour is None else hour) for side in (left, right))
    files = one_after_another([table(left), table(right)])
    assert sorted(map(str, hours(files))) == sorted(
        "nan" if hour is None else str(float(hour)) for hour in left + right
    )
    both = bid_and_ask(table(left, 1.0), table(right, 3.0), "prices")
    for hour in {*left, *right}:
        rows = both["time"].isna() if hour is None else pd.Series(hours(both)) == hour
        assert rows.sum() == max(left.count(hour), right.count(hour))
        assert both["close"][rows.to_numpy()].notna().sum() == min(left.count(hour), right.count(hour))
