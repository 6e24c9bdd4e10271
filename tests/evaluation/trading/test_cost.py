from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecastle.data.bars import Bars
from forecastle.errors import ConfigError, DataError
from forecastle.evaluation.trading.cost import Costs, market, nights, round_trip


def make_bars(start: str = "2024-03-04T00:00", count: int = 24 * 14, spread: np.ndarray | None = None) -> Bars:
    time = np.datetime64(start, "us") + np.arange(count) * np.timedelta64(1, "h")
    price = 1.1 + 0.001 * np.arange(count)
    return Bars(
        "EURUSD", np.timedelta64(1, "h").astype("m8[us]"), time, price, price, price, price + 0.0005, None, spread
    )


def test_the_spread_at_an_open_is_the_one_quoted_at_the_close_before_it() -> None:
    spread = np.arange(1, 25) * 1e-4
    bars = make_bars(count=24, spread=spread)
    found = market(bars, Costs(spread_bps=99.0))  # the data's own stands before it
    np.testing.assert_allclose(found.spread[1:], spread[:-1] / bars.open[1:] / 2)
    np.testing.assert_allclose(round_trip(bars, Costs()), spread / bars.close)


def test_commission_and_slippage_are_paid_on_what_is_traded() -> None:
    bars = make_bars()
    costs = Costs(spread_bps=2.0, commission_bps=0.3, commission_per_unit=0.00002, slippage_bps=0.5)
    found = market(bars, costs)
    np.testing.assert_allclose(found.trade(), 1e-4 + 0.3e-4 + 0.00002 / bars.open + 0.5e-4)
    np.testing.assert_allclose(found.trade(4.0) - found.trade(0.0), 4e-4)
    np.testing.assert_allclose(round_trip(bars, costs), 2 * (1e-4 + 0.3e-4 + 0.00002 / bars.close + 0.5e-4))


def test_a_table_of_spreads_follows_the_clock_of_new_york() -> None:
    bars = make_bars("2024-03-08T00:00", 24 * 5)  # the clock changes on the 10th
    found = market(bars, Costs(spread_bps={0: 1.0, 16: 5.0, "18": 2.0})).spread * 2e4
    hour = pd.DatetimeIndex(bars.time, tz="UTC").tz_convert("America/New_York").hour
    np.testing.assert_allclose(found, [1.0 if h < 16 else 5.0 if h < 18 else 2.0 for h in hour])


def test_nights_are_counted_at_five_in_new_york_and_three_times_on_wednesday() -> None:
    bars = make_bars("2024-03-04T00:00", 24 * 14)  # a Monday; the clock changes on Sunday the 10th
    found = nights(bars.time, "wednesday")
    held = {str(bars.time[i + 1].astype("datetime64[h]")): int(found[i]) for i in np.flatnonzero(found)}
    first = {f"2024-03-{day:02d}T22": 3 if day == 6 else 1 for day in (4, 5, 6, 7, 8)}
    second = {f"2024-03-{day:02d}T21": 3 if day == 13 else 1 for day in (11, 12, 13, 14, 15)}
    assert held == first | second
    assert nights(bars.time, "friday").sum() == found.sum() == 14


def test_a_weekend_without_bars_costs_what_friday_costs() -> None:
    time = np.array(["2024-03-08T20:00", "2024-03-08T21:00", "2024-03-10T22:00", "2024-03-10T23:00"], "datetime64[us]")
    assert nights(time, "wednesday").tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"spread_bps": -1.0}, "spread_bps must be a number of at least 0, got -1.0"),
        ({"spread_bps": {0: 1.0, 7: -2.0}}, "spread_bps.7 must be a number of at least 0, got -2.0"),
        ({"spread_bps": {7: 1.0}}, "spread_bps must name hours from 0 to 23 and begin at 0"),
        ({"spread_bps": {0: 1.0, 24: 1.0}}, "spread_bps must name hours from 0 to 23 and begin at 0"),
        ({"spread_bps": {0: 1.0, "noon": 1.0}}, "spread_bps must name hours"),
        ({"commission_bps": -0.1}, "commission_bps must be a number of at least 0, got -0.1"),
        ({"commission_per_unit": float("nan")}, "commission_per_unit must be a number of at least 0, got nan"),
        ({"slippage_bps": float("inf")}, "slippage_bps must be a number of at least 0, got inf"),
        ({"swap_long_bps": float("nan")}, "swap_long_bps must be a finite number, got nan"),
        ({"triple_swap": "wensday"}, "triple_swap must be one of .*; did you mean 'wednesday'"),
    ],
)
def test_costs_that_cannot_be_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Costs(**settings)


def test_bars_without_a_spread_need_one() -> None:
    for count in (market, round_trip):
        with pytest.raises(
            DataError, match=r"EURUSD: costs need a spread, and these bars have none: say account.costs"
        ):
            count(make_bars(), Costs())


def test_times_that_are_an_order_only_cannot_tell_nights() -> None:
    bars = replace(make_bars(), calendar=False)
    assert market(bars, Costs(spread_bps=1.0)).nights.sum() == 0
    with pytest.raises(DataError, match="need bars with dates, these are an order only"):
        market(bars, Costs(spread_bps=1.0, swap_long_bps=1.0))
