"""Scales and the middle of both sides, with texts among the numbers."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecastle.data.units import difference, middle, scaled, total
from forecastle.errors import DataError

SYMBOL = pd.Series(["A", "B", "A"], dtype="category")


@given(st.integers(1, 10**9), st.integers(1, 8))
def test_points_become_the_price_that_the_decimals_would_give(points: int, digits: int) -> None:
    symbol = pd.Series(["A"], dtype="category")
    price = scaled(pd.Series([points]), 10**-digits, symbol, "prices.csv").iloc[0]
    assert price == float(f"{points}e-{digits}")


def test_a_scale_of_one_gives_the_column_itself() -> None:
    column = pd.Series(["1", "x", "2"])
    assert scaled(column, 1.0, SYMBOL, "prices.csv") is column


def test_each_symbol_has_its_own_scale_and_one_without_is_told() -> None:
    column = pd.Series([100.0, 100.0, 300.0])
    assert scaled(column, {"A": 0.01, "B": 2.0}, SYMBOL, "prices.csv").tolist() == [1, 200, 3]
    with pytest.raises(
        DataError, match=r"prices.csv: no size of a unit for the symbol 'B' \(data.format\); there are A"
    ):
        scaled(column, {"A": 0.01}, SYMBOL, "prices.csv")


@pytest.mark.parametrize("size", [0.5, {"A": 0.5, "B": 0.5}])
def test_a_text_stays_as_it_stands_and_what_is_missing_stays_missing(size: float | dict[str, float]) -> None:
    values = scaled(pd.Series(["n.a.", "3", None]), size, SYMBOL, "prices.csv").tolist()
    assert values[:2] == ["n.a.", 1.5]
    assert pd.isna(values[2])


def test_both_sides_meet_in_the_middle() -> None:
    bid, ask = pd.Series([1.0, 2.0]), pd.Series([1.5, 1.0])
    assert middle(bid, ask).tolist() == [1.25, 1.5]
    assert difference(bid, ask).tolist() == [0.5, -1.0]
    assert total(bid, ask).tolist() == [2.5, 3.0]
    assert middle(pd.Series(["1", "x"]), ask).tolist() == [1.25, "x"]
    assert difference(bid, pd.Series(["", "2"])).tolist() == ["", 0]
