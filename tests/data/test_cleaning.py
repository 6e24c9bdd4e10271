"""Cleaning: every kind of defect under every policy, on tables made by hand and by chance."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecastle.data.bars import PRICES, Bars
from forecastle.data.cleaning import clean
from forecastle.data.quality import ALLOWED, QualityPolicy, QualityReport
from forecastle.errors import DataError


@dataclass
class TableSource:
    """A source that gives a ready table."""

    table: pd.DataFrame
    interval: str | None = None
    calendar: bool = True
    name: str = "prices.csv"

    def history(self, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None) -> pd.DataFrame:
        table = self.table
        if start is not None:
            table = table[table["time"] >= start]
        return table if end is None else table[table["time"] < end]

    def recent(self, count: int, end: pd.Timestamp | None = None) -> pd.DataFrame:
        return self.history(end=end).tail(count)

    def fingerprint(self) -> str:
        return "table"


def candles(count: int = 30, symbol: str = "EURUSD", freq: str = "1h", **columns: Any) -> pd.DataFrame:
    """Sound candles whose close climbs from 1.00 by .01 a bar; columns given replace those made."""
    close = 1 + np.arange(count) / 100
    made = {
        "symbol": symbol,
        "time": pd.date_range("2020-01-06", periods=count, freq=freq, tz="UTC", unit="us"),
        "open": close - 0.005,
        "high": close + 0.01,
        "low": close - 0.01,
        "close": close,
        "volume": np.arange(count, dtype=float),
    }
    return pd.DataFrame({**made, **columns})


def with_values(table: pd.DataFrame, column: str, values: dict[int, Any]) -> pd.DataFrame:
    """The table with some values of a column replaced, whatever their type."""
    cells = table[column].astype(object).tolist() if column in (*PRICES, "volume") else table[column].tolist()
    for row, value in values.items():
        cells[row] = value
    kind = "datetime64[us, UTC]" if column == "time" else None
    series = pd.Series(cells, index=table.index)
    if kind is None and all(isinstance(cell, float) for cell in cells):
        series = series.astype(float)
    return table.assign(**{column: series.astype(kind) if kind else series})


def cleaned(table: pd.DataFrame, interval: str | None = None, **policies: str) -> tuple[Bars, dict[str, Any]]:
    """The bars of the only symbol, and its part of the report."""
    panel, report = clean(table, TableSource(table, interval), QualityPolicy(**policies))
    account = report.to_json()["symbols"]
    assert list(account) == [panel.members[0].symbol]
    return panel.members[0], account[panel.members[0].symbol]


def refused(table: pd.DataFrame, interval: str | None = None, **policies: str) -> str:
    with pytest.raises(DataError) as caught:
        clean(table, TableSource(table, interval), QualityPolicy(**policies))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def hours(bars: Bars) -> list[int]:
    return ((bars.time - np.datetime64("2020-01-06")) // np.timedelta64(1, "h")).tolist()


def test_sound_candles_pass_untouched() -> None:
    table = candles()
    bars, account = cleaned(table)
    for name in (*PRICES, "volume"):
        np.testing.assert_array_equal(getattr(bars, name), table[name])
    assert (account["rows_in"], account["rows_out"], account["dropped"], account["repaired"]) == (30, 30, 0, 0)
    assert account["findings"] == {}
    assert (account["start"], account["end"]) == ("2020-01-06T00:00:00Z", "2020-01-07T05:00:00Z")


def test_a_table_without_volume_gives_bars_without_volume() -> None:
    assert cleaned(candles().drop(columns="volume"))[0].volume is None


# One defect at a time: the message of `fail`, and what `drop` and `repair` leave.

DEFECTS: dict[str, tuple[pd.DataFrame, str, str]] = {
    "time": (with_values(candles(), "time", {3: pd.NaT}), "types", "1 x time"),
    "text": (with_values(candles(), "close", {3: "n.a."}), "types", "1 x text"),
    "missing": (with_values(candles(), "open", {3: math.nan}), "values", "1 x missing"),
    "infinite": (with_values(candles(), "high", {3: math.inf}), "values", "1 x infinite"),
    "non_positive": (with_values(candles(), "low", {3: -1.0}), "values", "1 x non_positive"),
    "crossed": (with_values(candles(spread=0.001), "spread", {3: -0.001}), "values", "1 x crossed"),
    "ohlc": (with_values(candles(), "high", {3: 0.9}), "ohlc", "1 x ohlc"),
    "duplicate": (with_values(candles(), "time", {3: candles()["time"][2]}), "duplicates", "1 x duplicate"),
    "order": (with_values(candles(), "time", {3: candles()["time"][0]}), "order", "1 x order"),
}


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_defect_is_refused_in_one_line_that_says_where_and_how_to_let_it_pass(kind: str) -> None:
    table, setting, count = DEFECTS[kind]
    message = refused(table)
    assert message.startswith(f"prices.csv: EURUSD: {count}: ")
    assert "first: row 4, " in message
    for policy in ALLOWED[setting][1:]:
        assert f"quality.{setting}={policy}" in message


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_dropped_row_is_missing_alone_and_is_accounted_for(kind: str) -> None:
    table, setting, _ = DEFECTS[kind]
    bars, account = cleaned(table, **{setting: "drop"})
    assert hours(bars) == [hour for hour in range(30) if hour != 3]
    assert (account["rows_in"], account["rows_out"], account["dropped"], account["repaired"]) == (30, 29, 1, 0)
    finding = account["findings"][kind]
    assert (finding["count"], finding["policy"], finding["first"][0]["row"]) == (1, "drop", 4)


def test_a_text_is_shown_as_it_stood() -> None:
    assert "close n.a." in refused(DEFECTS["text"][0])
    account = cleaned(DEFECTS["text"][0], types="drop")[1]
    assert account["findings"]["text"]["first"][0]["close"] == "n.a."


def test_a_comma_before_the_decimals_is_told_and_not_only_that_it_is_no_number() -> None:
    commas = with_values(candles(), "close", {3: "1,15"})
    assert refused(commas).endswith("would let it pass; where a comma stands before the decimals, say " + COMMA)
    assert COMMA not in refused(DEFECTS["text"][0])


COMMA = "'data.format.decimal=\",\"'"


def test_where_no_time_can_be_read_the_setting_is_told() -> None:
    table = candles().assign(time=pd.Series(pd.NaT, index=range(30)).dt.tz_localize("UTC"), stamp="01/06/2020")
    assert "say data.format.time=%d.%m.%Y, for example" in refused(table)
    assert "data.format.time" not in refused(DEFECTS["time"][0])


def test_an_unreadable_time_is_shown_as_it_stood() -> None:
    table = DEFECTS["time"][0].assign(stamp=[None] * 3 + ["2020-03-29 03:30"] + [None] * 26)
    assert "row 4, time 2020-03-29 03:30," in refused(table)


def test_sorting_moves_rows_and_loses_none() -> None:
    table = candles().iloc[::-1]
    bars, account = cleaned(table, order="repair")
    assert hours(bars) == list(range(30))
    np.testing.assert_array_equal(bars.close, candles()["close"])
    assert (account["rows_out"], account["repaired"], account["findings"]["order"]["count"]) == (30, 29, 29)


def test_of_two_bars_of_one_time_drop_keeps_the_first_and_repair_the_last() -> None:
    table = DEFECTS["duplicate"][0]
    assert cleaned(table, duplicates="drop")[0].close[2] == 1.02
    bars, account = cleaned(table, duplicates="repair")
    assert bars.close[2] == 1.03
    assert (account["dropped"], account["repaired"]) == (1, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, -2.0])
@pytest.mark.parametrize("column", PRICES)
def test_a_bad_price_is_repaired_to_a_flat_bar_at_the_close_before(value: float, column: str) -> None:
    bars, account = cleaned(with_values(candles(), column, {3: value, 4: value}), values="repair")
    for name in PRICES:
        assert getattr(bars, name)[3] == getattr(bars, name)[4] == 1.02
        np.testing.assert_array_equal(np.delete(getattr(bars, name), [3, 4]), candles()[name].drop([3, 4]))
    assert (account["rows_out"], account["repaired"], account["dropped"]) == (30, 2, 0)


def test_a_bad_first_bar_has_nothing_before_it_and_is_left_out() -> None:
    bars, account = cleaned(with_values(candles(), "close", {0: math.nan, 1: -1.0}), values="repair")
    assert hours(bars) == list(range(2, 30))
    assert (account["dropped"], account["repaired"]) == (2, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_a_bad_volume_is_repaired_to_zero_and_leaves_the_prices(value: float) -> None:
    bars, account = cleaned(with_values(candles(), "volume", {0: value, 5: value}), values="repair")
    assert bars.volume is not None
    assert bars.volume[[0, 5]].tolist() == [0, 0]
    np.testing.assert_array_equal(bars.close, candles()["close"])
    assert account["repaired"] == 2


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.5])
def test_a_bad_spread_is_repaired_to_the_last_good_one_and_leaves_the_prices(value: float) -> None:
    spreads = np.arange(1, 31) / 1000
    table = with_values(candles(spread=spreads), "spread", {3: value, 4: value, 9: value})
    bars, account = cleaned(table, values="repair")
    assert bars.spread is not None
    assert bars.spread[[3, 4, 9]].tolist() == [0.003, 0.003, 0.009]
    np.testing.assert_array_equal(np.delete(bars.spread, [3, 4, 9]), np.delete(spreads, [3, 4, 9]))
    np.testing.assert_array_equal(bars.close, candles()["close"])
    assert (account["rows_out"], account["repaired"], account["dropped"]) == (30, 3, 0)


def test_a_bad_first_spread_has_none_before_it_and_its_bar_is_left_out() -> None:
    bars, account = cleaned(with_values(candles(spread=0.001), "spread", {0: -1.0, 1: math.nan}), values="repair")
    assert hours(bars) == list(range(2, 30))
    assert (account["dropped"], account["repaired"]) == (2, 0)


def test_a_spread_of_zero_is_sound_and_a_table_without_one_gives_bars_without_one() -> None:
    bars, account = cleaned(candles(spread=0.0))
    assert bars.spread is not None
    assert bars.spread.tolist() == [0.0] * 30
    assert account["findings"] == {}
    assert cleaned(candles())[0].spread is None


def test_a_crossed_quote_is_shown_with_its_spread() -> None:
    assert "spread -0.001); quality.values=drop or quality.values=repair" in refused(DEFECTS["crossed"][0])


def test_a_range_is_widened_until_it_contains_open_and_close() -> None:
    table = candles(2, open=[1.0, 1.0], high=[0.9, 1.1], low=[0.95, 1.05], close=[1.2, 1.0])
    bars, account = cleaned(table, ohlc="repair")
    assert bars.high.tolist() == [1.2, 1.1]
    assert bars.low.tolist() == [0.9, 1.0]
    assert account["repaired"] == 2


def flat_table(count: int) -> pd.DataFrame:
    """Thirty candles; `count` of them, from the sixth on, repeat the close of the fifth."""
    prices = {name: candles()[name].where(~candles().index.isin(range(5, 5 + count)), 1.04) for name in PRICES}
    return candles().assign(**prices)


def test_a_flat_run_is_counted_from_ten_bars_on() -> None:
    assert cleaned(flat_table(9))[1]["findings"] == {}
    bars, account = cleaned(flat_table(10))
    assert len(bars) == 30
    assert account["findings"]["flat"]["count"] == 10
    assert account["findings"]["flat"]["policy"] == "report"
    assert account["findings"]["flat"]["first"][0]["row"] == 6


def test_a_split_of_shares_that_is_not_adjusted_is_counted_and_refused_as_asked() -> None:
    after = candles().index >= 12
    table = candles().assign(**{name: candles()[name].where(~after, candles()[name] / 2) for name in PRICES})
    bars, account = cleaned(table)
    assert len(bars) == 30
    assert account["findings"]["jump"]["count"] == 1
    assert account["findings"]["jump"]["first"][0]["row"] == 13
    assert "quality.jumps=report would let it pass" in refused(table, jumps="fail")
    gentle = candles().assign(**{name: candles()[name].where(~after, candles()[name] / 1.2) for name in PRICES})
    assert cleaned(gentle)[1]["findings"] == {}


def test_a_flat_run_is_refused_or_dropped_as_asked() -> None:
    assert "10 x flat" in refused(flat_table(10), flat="fail")
    bars, account = cleaned(flat_table(10), flat="drop")
    assert hours(bars) == [*range(5), *range(15, 30)]
    assert account["dropped"] == 10


def holed() -> pd.DataFrame:
    """Ten weeks of hours of which three are missing."""
    return candles(10 * 168).drop([500, 501, 900])


def test_gaps_are_counted_with_their_place_and_length() -> None:
    bars, account = cleaned(holed())
    finding = account["findings"]["gap"]
    assert (len(bars), finding["count"], finding["policy"], account["inserted"]) == (1677, 3, "report", 0)
    assert [(hole["time"], hole["bars"], hole["after"]["row"]) for hole in finding["first"]] == [
        ("2020-01-26T20:00:00Z", 2, 500),
        ("2020-02-12T12:00:00Z", 1, 900),
    ]


def test_gaps_are_refused_in_one_line() -> None:
    message = refused(holed(), gaps="fail")
    assert "3 x gap" in message
    assert "first missing at 2020-01-26T20:00:00Z, after row 500" in message
    assert "quality.gaps=report or quality.gaps=repair would let it pass" in message


def test_a_gap_is_filled_with_flat_bars_at_the_close_before_it() -> None:
    bars, account = cleaned(holed().assign(spread=holed().index.astype(float)), gaps="repair")
    assert hours(bars) == list(range(1680))
    for name in PRICES:
        assert getattr(bars, name)[[500, 501, 900]].tolist() == [bars.close[499], bars.close[499], bars.close[899]]
    assert bars.volume is not None
    assert bars.volume[[500, 501, 900]].tolist() == [0, 0, 0]
    assert bars.spread is not None
    assert bars.spread[[499, 500, 501, 502, 900]].tolist() == [499, 499, 499, 502, 899]
    assert (account["rows_in"], account["inserted"], account["rows_out"]) == (1677, 3, 1680)


def test_times_that_are_an_order_only_have_no_gaps() -> None:
    table = holed()
    panel, report = clean(table, TableSource(table, calendar=False), QualityPolicy(gaps="fail"))
    assert panel.members[0].calendar is False
    assert report.symbols[0].findings == []


def test_the_interval_is_the_most_frequent_step_and_a_declared_one_is_checked() -> None:
    table = candles(20, freq="5min").drop([7])
    assert cleaned(table)[0].interval == np.timedelta64(5, "m")
    assert cleaned(table, "5min")[0].interval == np.timedelta64(5, "m")
    for wrong in ("1h", "1min"):
        assert (
            refused(table, wrong)
            == f"prices.csv: EURUSD: interval {wrong} is declared, but its most frequent step is 5min; "
            "say data.interval=5min, or leave the symbol out"
        )


def test_one_row_needs_an_interval() -> None:
    assert "the interval cannot be derived from 1 row of a symbol; say data.interval=1h" in refused(candles(1))
    assert cleaned(candles(1), "1h")[0].interval == np.timedelta64(1, "h")


def test_symbols_of_different_intervals_are_refused_by_name() -> None:
    table = pd.concat([candles(20), candles(10, "GBPUSD", "5min")], ignore_index=True)
    assert "GBPUSD: interval 1h is the most frequent of all symbols, but its most frequent step is 5min" in refused(
        table
    )


def test_symbols_may_stand_in_any_order_and_mixed() -> None:
    table = pd.concat([candles(20, "B"), candles(30, "A")], ignore_index=True)
    panel, _ = clean(table, TableSource(table), QualityPolicy())
    shuffled = table.sort_values("time", kind="stable", ignore_index=True)
    mixed, report = clean(shuffled, TableSource(shuffled), QualityPolicy())
    assert panel.content == mixed.content
    assert [(symbol.symbol, symbol.rows_in) for symbol in report.symbols] == [("A", 30), ("B", 20)]


def test_a_symbol_of_which_nothing_remains_is_told() -> None:
    table = pd.concat([candles(5), candles(5, "XXX", close=math.nan)], ignore_index=True)
    assert refused(table, values="drop") == "prices.csv: XXX: no row remains of 5: 5 x missing (drop)"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (candles().drop(columns="close"), "no column 'close', there are symbol, time, open, high, low, volume"),
        (candles().rename(columns={"close": "closs"}), "did you mean 'closs'?"),
        (candles().iloc[:0], "no rows"),
        (candles().assign(time="2020-01-01"), "column 'time' must hold date-times in UTC, got str"),
        (candles().assign(time=candles()["time"].dt.tz_localize(None)), "column 'time' must hold date-times in UTC"),
        (candles().assign(symbol=["A"] * 29 + [None]), "row 30 has no symbol"),
    ],
)
def test_a_table_that_is_none_is_refused_whatever_the_policy(table: pd.DataFrame, message: str) -> None:
    assert message in refused(table)


def test_row_numbers_are_those_of_the_source() -> None:
    assert "first: row 104, " in refused(DEFECTS["ohlc"][0].set_index(np.arange(100, 130)))


def test_the_report_is_ready_for_json_and_says_what_was_decided() -> None:
    table = with_values(with_values(candles(), "close", {3: math.inf}), "open", {9: math.nan})
    _, report = clean(table, TableSource(table), QualityPolicy(values="drop"))
    told = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert told["source"] == "prices.csv"
    assert told["interval"] == "1h"
    assert told["policy"]["values"] == "drop"
    assert told["symbols"]["EURUSD"]["findings"]["infinite"]["first"][0]["close"] == "inf"


def test_the_table_that_was_given_is_left_as_it_was() -> None:
    table = DEFECTS["ohlc"][0].iloc[::-1]
    before = table.copy(deep=True)
    cleaned(table, ohlc="repair", order="repair")
    pd.testing.assert_frame_equal(table, before)


# By chance.

POLICIES = st.fixed_dictionaries({setting: st.sampled_from(allowed) for setting, allowed in ALLOWED.items()})
LENIENT = st.fixed_dictionaries(
    {
        setting: st.sampled_from([policy for policy in allowed if policy != "fail"])
        for setting, allowed in ALLOWED.items()
    }
)
PRICE = st.one_of(
    st.floats(0.5, 2), st.sampled_from([1.0, 1.0, 0.0, -1.0, math.nan, math.inf, -math.inf, 5e-324, 1e300])
)
CELL = st.one_of(PRICE, st.text(max_size=3), st.sampled_from([None, True, "1.5", "1_0", [1.0], pd.NA, 10**400, 1j]))


@st.composite
def dirty(draw: st.DrawFn, cell: st.SearchStrategy[Any] = PRICE) -> pd.DataFrame:
    """A table of one to three symbols with any defect anywhere."""
    count = draw(st.integers(1, 40))
    columns: dict[str, Any] = {name: draw(st.lists(cell, min_size=count, max_size=count)) for name in PRICES}
    if draw(st.booleans()):
        columns["volume"] = draw(st.lists(cell, min_size=count, max_size=count))
    if draw(st.booleans()):
        columns["spread"] = draw(st.lists(cell, min_size=count, max_size=count))
    hour = st.one_of(st.integers(0, 60), st.none())
    offsets = draw(st.lists(hour, min_size=count, max_size=count))
    time = [pd.NaT if offset is None else pd.Timestamp("2020-01-06") + pd.Timedelta(hours=offset) for offset in offsets]
    columns["time"] = pd.Series(time, dtype="datetime64[us]").dt.tz_localize("UTC")
    columns["symbol"] = draw(st.lists(st.sampled_from("ABC"), min_size=count, max_size=count))
    return pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})


def check_account(table: pd.DataFrame, report: QualityReport) -> None:
    """Every row of the table is in the bars or reported as dropped, and nothing else is in the bars."""
    told = report.to_json()
    json.dumps(told, allow_nan=False)
    assert sum(symbol["rows_in"] for symbol in told["symbols"].values()) == len(table)
    for symbol in told["symbols"].values():
        assert symbol["rows_in"] + symbol["inserted"] == symbol["rows_out"] + symbol["dropped"]
        decided = [f["count"] for f in symbol["findings"].values() if f["policy"] in ("drop", "repair")]
        assert symbol["dropped"] + symbol["repaired"] + symbol["inserted"] == sum(decided)


@settings(max_examples=300, deadline=None)
@given(dirty(), LENIENT)
def test_rows_are_conserved_and_what_remains_is_sound(table: pd.DataFrame, policies: dict[str, str]) -> None:
    policy = QualityPolicy(**policies)
    try:
        panel, report = clean(table, TableSource(table), policy)
    except DataError as error:
        assert any(reason in str(error) for reason in ("no row remains", "interval"))  # noqa: PT017
        return
    check_account(table, report)
    for bars, symbol in zip(panel, report.symbols, strict=True):
        assert len(bars) == symbol.rows_out
        prices = np.column_stack([getattr(bars, name) for name in PRICES])
        assert np.isfinite(prices).all()
        assert (prices > 0).all()
        assert (bars.high == prices.max(axis=1)).all()
        assert (bars.low == prices.min(axis=1)).all()
        for column in (bars.volume, bars.spread):
            assert column is None or (np.isfinite(column).all() and (column >= 0).all())


@settings(max_examples=300, deadline=None)
@given(dirty(CELL), POLICIES)
def test_any_table_gives_bars_or_one_line(table: pd.DataFrame, policies: dict[str, str]) -> None:
    try:
        _, report = clean(table, TableSource(table), QualityPolicy(**policies))
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        check_account(table, report)


@settings(max_examples=100, deadline=None)
@given(dirty(), LENIENT)
def test_what_was_cleaned_is_clean(table: pd.DataFrame, policies: dict[str, str]) -> None:
    policies |= {"flat": "report", "jumps": "report", "gaps": "report"}
    try:
        panel, _ = clean(table, TableSource(table), QualityPolicy(**policies))
    except DataError:
        return
    again = pd.concat(
        [
            pd.DataFrame(
                {
                    "symbol": bars.symbol,
                    "time": pd.DatetimeIndex(bars.time, tz="UTC"),
                    **{name: getattr(bars, name) for name in PRICES},
                    **({} if bars.volume is None else {"volume": bars.volume}),
                    **({} if bars.spread is None else {"spread": bars.spread}),
                }
            )
            for bars in panel
        ],
        ignore_index=True,
    )
    assert clean(again, TableSource(again), QualityPolicy())[0].content == panel.content
