"""Costs: what a broker takes for a trade, and for a position that is held over night."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import pandas as pd

from forecastle.arrays import TIME, FloatArray, IntArray, TimeArray
from forecastle.data.bars import Bars
from forecastle.data.session import NEW_YORK
from forecastle.data.timeframe import DAY, days_around
from forecastle.errors import ConfigError, DataError, nearest

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")

BPS = 1e-4
"""One basis point, as a fraction."""

Table: TypeAlias = Mapping[str | int, float]
"""Hour of the day in New York from which on a value holds, to the value."""


@dataclass(frozen=True)
class Costs:
    """What trading costs.

    Parameters
    ----------
    spread_bps
        Ask minus bid, in bps of the price, for bars that bring no spread of their own: one number, or a table by hour
        of the day in New York (``{0: 0.8, 16: 2.0, 18: 0.8}``: from 16:00 to 18:00 it is 2). Half is paid at each
        trade. None: bars without a spread are refused.
    commission_bps
        At each trade, bps of what is traded.
    commission_per_unit
        At each trade, in quote currency for one unit of the symbol.
    slippage_bps
        How much worse than the quote each trade is executed, bps.
    swap_long_bps, swap_short_bps
        Paid for a position that is open at 17:00 in New York, Monday to Friday, bps of its value for one day; negative
        where it is received.
    triple_swap
        The weekday whose swap counts three times, for the weekend.

    Raises
    ------
    ConfigError
        If a cost is negative, an hour or a weekday is none, or a number is not finite.
    """

    spread_bps: float | Table | None = None
    commission_bps: float = 0.0
    commission_per_unit: float = 0.0
    slippage_bps: float = 0.0
    swap_long_bps: float = 0.0
    swap_short_bps: float = 0.0
    triple_swap: str = "wednesday"

    def __post_init__(self) -> None:
        spread = self.spread_bps
        named = {f"spread_bps.{hour}": each for hour, each in spread.items()} if isinstance(spread, Mapping) else {}
        named |= {} if spread is None or isinstance(spread, Mapping) else {"spread_bps": spread}
        named |= {name: getattr(self, name) for name in ("commission_bps", "commission_per_unit", "slippage_bps")}
        for name, value in named.items():
            if not (isinstance(value, int | float) and 0 <= value < math.inf):
                raise ConfigError(f"{name} must be a number of at least 0, got {value!r}")
        for name in ("swap_long_bps", "swap_short_bps"):
            if not math.isfinite(getattr(self, name)):
                raise ConfigError(f"{name} must be a finite number, got {getattr(self, name)}")
        if self.triple_swap not in WEEKDAYS:
            hint = nearest(self.triple_swap, WEEKDAYS)
            raise ConfigError(f"triple_swap must be one of {', '.join(WEEKDAYS)}, got {self.triple_swap!r}{hint}")
        if isinstance(spread, Mapping):
            _hours(spread)


@dataclass(frozen=True, eq=False)
class Market:
    """One symbol as a trader meets it at the open of each bar, shape (T,).

    Parameters
    ----------
    time
        Open times, UTC.
    price
        Opens, quote currency, middle of bid and ask.
    spread, commission, slippage
        Paid for a trade at this open, as fractions of what is traded; half of the spread.
    nights
        Number of swaps that fall due after this open and up to the next; 0 on the last bar.
    swap
        For long and for short positions: paid for one night, as a fraction of the position's value.
    """

    time: TimeArray
    price: FloatArray
    spread: FloatArray
    commission: FloatArray
    slippage: FloatArray
    nights: FloatArray
    swap: tuple[float, float]

    def __len__(self) -> int:
        return len(self.price)

    def __getitem__(self, rows: slice) -> Market:
        columns = ("time", "price", "spread", "commission", "slippage", "nights")
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})

    def trade(self, spreads: float = 1.0) -> FloatArray:
        """Cost of a trade, as a fraction of what is traded, with the spread so many times as wide, shape (T,)."""
        return spreads * self.spread + self.commission + self.slippage


def market(bars: Bars, costs: Costs) -> Market:
    """Lay the costs beside the opens of a symbol.

    The spread at an open is that at the close before it, the last one that was quoted: bars keep the spread at their
    close (on the first bar, its own). The data's own spread stands before that of the configuration.

    Raises
    ------
    DataError
        If the bars bring no spread and the costs name none, or the times are an order only and cannot tell the nights.
    """
    if not bars.calendar and (costs.swap_long_bps or costs.swap_short_bps or isinstance(costs.spread_bps, Mapping)):
        raise DataError(f"{bars.symbol}: swaps and spreads by the hour need bars with dates, these are an order only")
    price = bars.open
    if bars.spread is not None:
        quoted = np.concatenate([bars.spread[:1], bars.spread[:-1]])
        spread = quoted / price / 2
    else:
        spread = _by_hour(_named(bars, costs), bars.time) * BPS / 2
    return Market(
        bars.time,
        price,
        spread,
        costs.commission_bps * BPS + costs.commission_per_unit / price,
        np.full(len(bars), costs.slippage_bps * BPS),
        nights(bars.time, costs.triple_swap) if bars.calendar else np.zeros(len(bars)),
        (costs.swap_long_bps * BPS, costs.swap_short_bps * BPS),
    )


def round_trip(bars: Bars, costs: Costs) -> FloatArray:
    """Cost of buying and selling again as it is known when each bar is, a fraction of what is traded, shape (T,).

    Raises
    ------
    DataError
        As `market`.
    """
    if bars.spread is None:
        spread: FloatArray = _by_hour(_named(bars, costs), bars.known) * BPS
    else:
        spread = bars.spread / bars.close
    each = (costs.commission_bps + costs.slippage_bps) * BPS + costs.commission_per_unit / bars.close
    return spread + 2 * each


def nights(time: TimeArray, triple: str) -> FloatArray:
    """Count the swaps after each open and up to the next, the last one included, shape (T,).

    There is one at 17:00 in New York on Monday to Friday, three on the weekday `triple`. A position that is closed at
    17:00 sharp pays, one that is opened then does not.
    """
    moments = time.astype(TIME, copy=False).view(np.int64)
    edge = days_around(int(moments[0]), int(moments[-1]), NEW_YORK).edge
    weekday = (edge // DAY + 3) % 7  # 17:00 in New York has the same date in UTC; Monday is 0
    due = np.where(weekday == WEEKDAYS.index(triple), 3.0, np.where(weekday < len(WEEKDAYS), 1.0, 0.0))
    total = np.concatenate([[0.0], np.cumsum(due)])[np.searchsorted(edge, moments, side="right")]
    return np.diff(total, append=total[-1:])


def _named(bars: Bars, costs: Costs) -> float | Table:
    """The spread of the configuration, which bars without one need."""
    if costs.spread_bps is None:
        raise DataError(
            f"{bars.symbol}: costs need a spread, and these bars have none: "
            "say account.costs.spread_bps=1 (in bps; 0 for none) or name data.columns.spread"
        )
    return costs.spread_bps


def _hours(table: Table) -> dict[int, float]:
    """The table with its hours as numbers, in order."""
    try:
        hours = {int(hour): float(value) for hour, value in table.items()}
    except ValueError:
        hours = {}
    if not hours or min(hours) != 0 or max(hours) > 23:
        raise ConfigError(f"spread_bps must name hours from 0 to 23 and begin at 0, got {dict(table)}")
    return dict(sorted(hours.items()))


def _by_hour(spread: float | Table, time: TimeArray) -> FloatArray:
    """Spread at each time, bps, shape (T,)."""
    if not isinstance(spread, Mapping):
        return np.full(len(time), float(spread))
    hours = _hours(spread)
    day = np.empty(24)
    for begin, end in pairwise([*hours, 24]):
        day[begin:end] = hours[begin]
    local: IntArray = pd.DatetimeIndex(time, tz="UTC").tz_convert("America/New_York").hour.to_numpy()
    return day[local]
