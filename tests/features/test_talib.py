"""The TA-Lib adapter against bare calls of TA-Lib."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import talib
from tests.conftest import make_bars

from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.features.causality import check
from forecastle.features.library import FUNCTIONS
from forecastle.features.memory import ENDLESS
from forecastle.features.talib import TALib


def warm(indicator: TALib, bars: Bars) -> np.ndarray[Any, Any]:
    found = indicator.compute(bars)
    assert np.isnan(found[: indicator.warmup - 1]).all()
    return found[indicator.warmup - 1 :]


def test_rsi_is_talibs_to_the_last_bit(bars: Bars) -> None:
    indicator = TALib("RSI", timeperiod=14)
    assert indicator.columns == ("rsi_14",)
    np.testing.assert_array_equal(
        warm(indicator, bars)[:, 0], talib.RSI(bars.close, timeperiod=14)[indicator.warmup - 1 :]
    )


def test_functions_of_several_series_get_them_in_talibs_order(bars: Bars) -> None:
    indicator = TALib("MFI", timeperiod=10)
    wanted = talib.MFI(bars.high, bars.low, bars.close, bars.volume, timeperiod=10)
    assert indicator.needs == ("volume",)
    assert indicator.warmup == 11
    np.testing.assert_array_equal(warm(indicator, bars)[:, 0], wanted[10:])


def test_a_list_gives_one_column_for_each_value(bars: Bars) -> None:
    indicator = TALib("RSI", timeperiod=[7, 14, 21])
    assert indicator.columns == ("rsi_7", "rsi_14", "rsi_21")
    found = warm(indicator, bars)
    for column, period in enumerate((7, 14, 21)):
        wanted = talib.RSI(bars.close, timeperiod=period)[indicator.warmup - 1 :]
        np.testing.assert_array_equal(found[:, column], wanted)


def test_lists_of_two_parameters_give_each_with_each(bars: Bars) -> None:
    indicator = TALib("BBANDS", name="bollinger", outputs={"upperband": "upper"}, timeperiod=[10, 20], nbdevup=[1, 2.5])
    assert indicator.columns == (
        "bollinger_upper_10_1",
        "bollinger_upper_10_2.5",
        "bollinger_upper_20_1",
        "bollinger_upper_20_2.5",
    )
    wanted = talib.BBANDS(bars.close, timeperiod=20, nbdevup=2.5, nbdevdn=2.0)[0]
    np.testing.assert_array_equal(warm(indicator, bars)[:, 3], wanted[19:])


def test_outputs_are_chosen_and_named_in_the_given_order(bars: Bars) -> None:
    indicator = TALib("MACD", outputs={"macdhist": "histogram", "macd": "line"})
    assert indicator.columns == ("macd_histogram_12_26_9", "macd_line_12_26_9")
    line, _, histogram = talib.MACD(bars.close)
    found = warm(indicator, bars)
    np.testing.assert_array_equal(found, np.stack([histogram, line], axis=1)[indicator.warmup - 1 :])


def test_all_outputs_come_under_talibs_names_where_none_is_chosen() -> None:
    assert TALib("AROON").columns == ("aroon_aroondown_14", "aroon_aroonup_14")
    assert TALib("TRANGE").columns == ("trange",)


def test_whole_numbers_of_candle_patterns_become_floats(bars: Bars) -> None:
    indicator = TALib("CDLENGULFING")
    wanted = talib.CDLENGULFING(bars.open, bars.high, bars.low, bars.close)
    found = warm(indicator, bars)[:, 0]
    assert len(np.unique(found)) > 1
    np.testing.assert_array_equal(found, wanted[indicator.warmup - 1 :])


def test_units_divide_by_the_close_or_the_average_true_range(bars: Bars) -> None:
    size = talib.ATR(bars.high, bars.low, bars.close, timeperiod=14)
    moved = talib.MOM(bars.close, timeperiod=10)
    fraction, ranges = TALib("MOM", unit="close"), TALib("MOM", unit="atr")
    np.testing.assert_array_equal(warm(fraction, bars)[:, 0], (moved / bars.close)[10:])
    np.testing.assert_array_equal(warm(ranges, bars)[:, 0], (moved / size)[ranges.warmup - 1 :])
    assert ranges.warmup == TALib("ATR", timeperiod=14).warmup


def test_the_distance_is_positive_where_the_close_is_above_the_average(bars: Bars) -> None:
    indicator = TALib("EMA", from_close=True, unit="close", timeperiod=10)
    average = talib.EMA(bars.close, timeperiod=10)
    wanted = ((bars.close - average) / bars.close)[indicator.warmup - 1 :]
    np.testing.assert_array_equal(warm(indicator, bars)[:, 0], wanted)


def test_a_market_without_movement_is_zero_ranges_from_its_average() -> None:
    flat = make_bars(600)
    price = np.full(600, 1.1)
    flat = replace(flat, open=price, high=price, low=price, close=price)
    found = warm(TALib("EMA", from_close=True, unit="atr", timeperiod=10), flat)
    assert len(found)
    assert not found.any()


def test_views_and_whole_numbers_are_handed_over_as_contiguous_floats(bars: Bars) -> None:
    both = np.stack([bars.close, bars.volume], axis=1)
    strided = replace(bars, close=both[:, 0], volume=bars.volume.astype(np.int64))
    for indicator in (TALib("RSI"), TALib("MFI")):
        np.testing.assert_array_equal(indicator.compute(strided), indicator.compute(bars))


def test_fewer_bars_than_the_warm_up_give_only_nan() -> None:
    indicator = TALib("ADX")
    assert np.isnan(indicator.compute(make_bars(indicator.warmup - 1))).all()
    assert np.isfinite(indicator.compute(make_bars(indicator.warmup))[-1]).all()


def test_it_can_be_sent_to_another_process(bars: Bars) -> None:
    indicator = TALib("MACD", unit="atr")
    copy = pickle.loads(pickle.dumps(indicator))
    np.testing.assert_array_equal(copy.compute(bars), indicator.compute(bars))


def test_every_function_of_talib_keeps_its_warm_up_and_ignores_the_future_or_is_refused() -> None:
    bars = make_bars(1500, seed=5)
    small = {name: getattr(bars, name) / 1000 for name in ("open", "high", "low", "close")}
    bars = replace(bars, **small)  # below 1, where the arc sine is defined
    refused = set()
    for function in FUNCTIONS:
        try:
            indicator = TALib(function)
        except ConfigError:
            refused.add(function)
            continue
        for verdict in check(indicator, bars, points=12):
            assert verdict.ok, (function, verdict)
    assert refused == ENDLESS | {"MAVP"}


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("rsi", {}, r"function must be a TA-Lib function, got 'rsi'; did you mean 'RSI'\?"),
        ("RSI", {"timeperiods": 14}, r"RSI: parameters are timeperiod, got 'timeperiods'; did you mean 'timeperiod'\?"),
        ("TRANGE", {"timeperiod": 14}, r"TRANGE: parameters are none, got 'timeperiod'"),
        ("RSI", {"timeperiod": "14"}, r"RSI: timeperiod must be a whole number or a list of such, got '14'"),
        ("RSI", {"timeperiod": 14.5}, r"RSI: timeperiod must be a whole number or a list of such, got 14\.5"),
        ("RSI", {"timeperiod": True}, r"RSI: timeperiod must be a whole number or a list of such, got True"),
        ("RSI", {"timeperiod": None}, r"RSI: timeperiod must be a whole number or a list of such, got None"),
        ("RSI", {"timeperiod": []}, r"RSI: timeperiod must be a number or a list of them, got an empty list"),
        ("RSI", {"timeperiod": 1}, r"RSI: parameters inside TA-Lib's range wanted, got timeperiod=1"),
        ("RSI", {"timeperiod": [7, 7]}, r"RSI: each value and output once wanted, got columns rsi_7, rsi_7"),
        ("BBANDS", {"nbdevup": float("nan")}, r"BBANDS: parameters inside TA-Lib's range wanted, got .*nbdevup=nan"),
        ("BBANDS", {"outputs": {"uperband": "upper"}}, r"outputs must be among .*did you mean 'upperband'\?"),
        ("BBANDS", {"outputs": {}}, r"BBANDS: outputs must be a mapping from upperband, .* to words, got \{\}"),
        ("BBANDS", {"outputs": ["upperband"]}, r"BBANDS: outputs must be a mapping from upperband, .* to words"),
        ("RSI", {"unit": "closes"}, r"RSI: unit must be one of raw, close, atr, got 'closes'; did you mean 'close'\?"),
        ("OBV", {}, r"OBV: a function with a finite memory wanted, this one never forgets its first bar"),
        ("MAXINDEX", {}, r"MAXINDEX: a function with a finite memory wanted"),
        ("MAVP", {}, r"MAVP: a function of candles wanted, this one also needs periods"),
    ],
)
def test_a_mistake_is_told_with_what_would_be_right(function: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TALib(function, **arguments)


def test_a_node_may_also_hold_the_parameters_of_its_function() -> None:
    assert TALib.accepts({"function": "STOCHF"}) == ("fastk_period", "fastd_period", "fastd_matype")
    assert TALib.accepts({"function": "nonsense"}) == ()
    assert TALib.accepts({}) == ()
