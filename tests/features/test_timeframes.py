"""Indicators on slower timeframes."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.conftest import make_bars

from forecastle.arrays import SPAN
from forecastle.data.bars import Bars, Panel
from forecastle.errors import ConfigError, FeatureError
from forecastle.features import timeframes as module
from forecastle.features.causality import check
from forecastle.features.engine import compute
from forecastle.features.frame import Indicator
from forecastle.features.returns import LogReturn
from forecastle.features.talib import TALib
from forecastle.features.timeframes import OnTimeframes, Resampler, build_indicators
from forecastle.features.trailing import Trailing
from forecastle.features.volume import OnBalanceVolume

FIVE = np.timedelta64(5, "m").astype(SPAN)


class Close(Trailing):
    """The close itself."""

    name = "close"
    scale = "price"

    def __init__(self) -> None:
        super().__init__(1)

    def values(self, bars: Bars, period: int) -> tuple[Any, ...]:
        return (bars.close,)


def on(
    indicator: Indicator, timeframes: Sequence[str], day_start: str = "00:00 UTC", kind: Any = Resampler
) -> OnTimeframes:
    return OnTimeframes(indicator, timeframes, FIVE, kind(day_start))


@pytest.fixture
def five() -> Bars:
    return make_bars(3000, minutes=5)


@pytest.fixture
def gappy(five: Bars) -> Bars:
    """Weekends, nights and single bars are missing, and the first bar lies within an hour."""
    random = np.random.default_rng(3)
    moments = pd.DatetimeIndex(five.time)
    open_ = (moments.day_of_week < 5) & (moments.hour >= 7) & (moments.hour < 21) & (random.random(len(five)) > 0.05)
    rows = np.flatnonzero(open_)[3:]
    columns = {name: getattr(five, name)[rows] for name in ("time", "open", "high", "low", "close", "volume")}
    return replace(five, **columns)


def test_at_the_bar_that_closes_at_ten_past_the_newest_hour_is_the_one_that_closed_at_ten(five: Bars) -> None:
    found = on(Close(), ["1h"]).compute(five)[:, 0]
    known = pd.DatetimeIndex(five.known)
    row = {str(moment): number for number, moment in enumerate(known)}
    ten = five.close[row["2020-01-01 10:00:00"]]
    assert found[row["2020-01-01 10:00:00"]] == ten
    assert found[row["2020-01-01 10:05:00"]] == ten
    assert found[row["2020-01-01 10:55:00"]] == ten
    assert found[row["2020-01-01 11:00:00"]] == five.close[row["2020-01-01 11:00:00"]]
    assert found[row["2020-01-01 09:55:00"]] == five.close[row["2020-01-01 09:00:00"]]
    assert np.isnan(found[: row["2020-01-01 01:00:00"]]).all()


@pytest.mark.parametrize("timeframe", ["15min", "1h", "4h", "1D"])
def test_the_join_is_that_of_pandas_on_known_time(gappy: Bars, timeframe: str) -> None:
    found = on(LogReturn(1), [timeframe]).compute(gappy)[:, 0]
    base = pd.Series(gappy.close, pd.DatetimeIndex(gappy.time))
    slow = base.resample(timeframe).last().dropna()
    table = pd.DataFrame({"known": slow.index + pd.Timedelta(timeframe), "value": np.log(slow).diff().values})
    if slow.index[0] < base.index[0]:
        table = table.iloc[1:].assign(value=np.log(slow.iloc[1:]).diff().to_numpy())
    left = pd.DataFrame({"known": pd.DatetimeIndex(gappy.known)})
    wanted = pd.merge_asof(left, table.astype({"known": left["known"].dtype}), on="known")["value"].to_numpy()
    assert np.isfinite(wanted).sum() > 500
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-15)


def test_columns_name_their_timeframe_and_the_own_one_is_computed_as_ever(five: Bars) -> None:
    rsi = TALib("RSI", timeperiod=[2, 3])
    both = on(rsi, ["5min", "15min"])
    assert both.columns == ("rsi_2@5min", "rsi_3@5min", "rsi_2@15min", "rsi_3@15min")
    np.testing.assert_array_equal(both.compute(five)[:, :2], rsi.compute(five))


INDICATORS = [LogReturn(5), TALib("RSI", timeperiod=3), TALib("ATR", timeperiod=3), OnBalanceVolume(10)]


@pytest.mark.parametrize("indicator", INDICATORS, ids=lambda each: each.columns[0])
@pytest.mark.parametrize("market", ["five", "gappy"])
@pytest.mark.parametrize("timeframe", ["15min", "1h"])
def test_no_join_looks_ahead_or_needs_more_warm_up_than_it_claims(
    request: pytest.FixtureRequest, market: str, indicator: Indicator, timeframe: str
) -> None:
    bars = request.getfixturevalue(market)
    wrapped = on(indicator, ["5min", timeframe])
    assert all(verdict.ok for verdict in check(wrapped, bars, points=30)), check(wrapped, bars, points=30)


@pytest.mark.parametrize("day_start", ["00:00 UTC", "17:00 America/New_York"])
@pytest.mark.parametrize("timeframe", ["4h", "1D"])
def test_days_of_23_and_25_hours_keep_the_contract(day_start: str, timeframe: str) -> None:
    for start in ("2020-02-20", "2020-10-20"):
        bars = make_bars(9000, minutes=5)
        bars = replace(bars, time=np.datetime64(start, "us") + (bars.time - bars.time[0]))
        wrapped = on(LogReturn(2), [timeframe], day_start)
        assert all(verdict.ok for verdict in check(wrapped, bars, points=40))


class ByOpenTime(Resampler):
    """A planted leak: the hour that holds the bar, which is known only when it ends."""

    @staticmethod
    def newest(bars: Bars, slow: Bars) -> Any:
        return np.searchsorted(slow.time, bars.time, side="right") - 1


class Nearest(Resampler):
    """A planted leak: the hour whose end is nearest, before or after."""

    @staticmethod
    def newest(bars: Bars, slow: Bars) -> Any:
        after = np.clip(np.searchsorted(slow.known, bars.known), 1, len(slow) - 1)
        later = slow.known[after] - bars.known < bars.known - slow.known[after - 1]
        return np.where(later, after, after - 1)


class OneBarEarly(Resampler):
    """A planted leak: the hour that is known when the next bar is."""

    @staticmethod
    def newest(bars: Bars, slow: Bars) -> Any:
        return np.searchsorted(slow.known, bars.known + bars.interval, side="right") - 1


@pytest.mark.parametrize("kind", [ByOpenTime, Nearest, OneBarEarly])
@pytest.mark.parametrize("market", ["five", "gappy"])
def test_a_planted_leak_of_the_join_is_caught(request: pytest.FixtureRequest, kind: Any, market: str) -> None:
    bars = request.getfixturevalue(market)
    (verdict,) = check(on(LogReturn(1), ["1h"], kind=kind), bars, points=150)
    assert verdict.ahead > 0
    (honest,) = check(on(LogReturn(1), ["1h"]), bars, points=150)
    assert honest.ahead == 0


def test_the_leaks_would_look_like_skill_and_the_join_does_not() -> None:
    """On a random walk the next bar's direction cannot be known."""
    bars = make_bars(20_000, minutes=5)
    future = np.log(bars.close[12:] / bars.close[:-12])
    rates = {}
    for kind in (Resampler, ByOpenTime, Nearest):
        found = on(LogReturn(1), ["1h"], kind=kind).compute(bars)[:-12, 0]
        good = np.isfinite(found)
        rates[kind] = float((np.sign(found[good]) == np.sign(future[good])).mean())
    assert abs(rates[Resampler] - 0.5) < 0.03
    assert rates[ByOpenTime] > 0.65
    assert rates[Nearest] > 0.53


def test_all_timeframes_are_resampled_once_and_together_for_each_symbol_and_content(
    five: Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, tuple[str, ...]]] = []
    real = module.resample_each

    def counted(bars: Bars, timeframes: Sequence[str], day_start: str) -> tuple[Bars, ...]:
        seen.append((bars.symbol, tuple(sorted(timeframes))))
        return real(bars, timeframes, day_start)

    monkeypatch.setattr(module, "resample_each", counted)
    nodes = {
        "log_return": {"_target_": "forecastle.features.returns.LogReturn", "timeperiod": 3},
        "cci": {"_target_": "forecastle.features.talib.TALib", "function": "CCI", "timeperiod": 5},
    }
    panel = Panel((five, replace(make_bars(3000, minutes=5, seed=1), symbol="OTHER")))
    frame = compute(panel, build_indicators(nodes, FIVE, ["5min", "15min", "1h"]))
    assert sorted(seen) == [(symbol, ("15min", "1h")) for symbol in ("OTHER", "TEST")]
    assert frame.columns[:3] == ("log_return_3@5min", "log_return_3@15min", "log_return_3@1h")
    resampler = Resampler()
    assert resampler(five, "1h") is resampler(five, "1h")
    lower = replace(five, low=five.low - 1)
    assert resampler(lower, "1h").bars.low[0] == resampler(five, "1h").bars.low[0] - 1, "never by timeframe alone"


@pytest.mark.parametrize("market", ["five", "gappy"])
def test_the_engine_lays_out_the_bits_of_the_join(request: pytest.FixtureRequest, market: str) -> None:
    bars = request.getfixturevalue(market)
    built = {"returns": on(LogReturn([1, 7]), ["15min", "5min", "4h"]), "rsi": on(TALib("RSI", timeperiod=3), ["1h"])}
    frame = compute(Panel((bars,)), built)
    wanted = np.concatenate([each.compute(bars).astype(np.float32) for each in built.values()], axis=1)
    first = 0
    for each in built.values():
        wanted[: each.warmup - 1, first : first + len(each.columns)] = np.nan
        first += len(each.columns)
    assert frame.values.tobytes() == wanted.tobytes()


class Spoilt(Close):
    """The close, and at one bar what is given."""

    def __init__(self, bar: int, value: float) -> None:
        super().__init__()
        self.bar, self.value = bar, value

    def values(self, bars: Bars, period: int) -> tuple[Any, ...]:
        return (np.where(np.arange(len(bars)) == self.bar, self.value, bars.close),)


@pytest.mark.parametrize(("bar", "row"), [(0, 22), (1, 23), (100, 1211), (249, 2999)])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_slower_value_that_is_not_finite_is_told_at_the_first_row_that_shows_it(
    five: Bars, bar: int, row: int, value: float
) -> None:
    """Hour n ends with bar 12 n + 11; the warm-up is 23 bars, and row 22 still shows the first hour."""
    built = {"mine": on(Spoilt(bar, value), ["1h"])}
    with pytest.raises(FeatureError, match=rf"after 23 bars of warm-up, got (nan|inf) in close_1@1h at bar {row}$"):
        compute(Panel((five,)), built)


def test_what_may_miss_may_do_so_on_a_slower_timeframe(five: Bars) -> None:
    missing = on(Spoilt(100, np.nan), ["1h"])
    with pytest.raises(FeatureError, match="must be finite"):
        compute(Panel((five,)), {"mine": missing})
    shown = Spoilt(100, np.nan)
    shown.may_miss = True
    values = compute(Panel((five,)), {"mine": on(shown, ["1h"])}).values[22:, 0]
    assert (np.flatnonzero(np.isnan(values)) + 22).tolist() == list(range(1211, 1223))


def test_an_indicators_own_timeframes_go_before_those_of_all(five: Bars) -> None:
    close = {"_target_": "forecastle.features.returns.LogReturn", "timeperiod": 1}
    built = build_indicators({"own": {**close, "timeframes": ["1h"]}, "all": close}, FIVE, ["15min"])
    assert [each.columns for each in built.values()] == [("log_return_1@1h",), ("log_return_1@15min",)]
    plain = build_indicators({"all": close}, FIVE)
    assert plain["all"].columns == ("log_return_1",)


def test_what_needs_a_calendar_is_left_out_where_the_times_are_only_an_order(five: Bars) -> None:
    panel = Panel((replace(five, calendar=False),))
    built = {"slow": on(LogReturn(1), ["1h"]), "own": on(LogReturn(2), ["5min"])}
    frame = compute(panel, built)
    assert frame.columns == ("log_return_2@5min",)
    assert frame.left_out == {"slow": "needs calendar, which is missing for TEST"}


def test_too_few_bars_are_told_and_not_filled_up() -> None:
    short = make_bars(100, minutes=5)
    assert np.isnan(on(LogReturn(1), ["1D"]).compute(short)).all()
    with pytest.raises(FeatureError, match="TEST: at least 863 bars wanted"):
        compute(Panel((short,)), {"slow": on(LogReturn(1), ["1D"])})


def test_a_resampler_goes_to_another_process_without_what_it_keeps(five: Bars) -> None:
    resampler = Resampler("17:00 America/New_York")
    resampler(five, "1h")
    sent = pickle.dumps(resampler)
    assert len(sent) < 500
    again = pickle.loads(sent)
    assert again.day_start == "17:00 America/New_York"
    assert again(five, "1h").bars.content == resampler(five, "1h").bars.content


def test_a_resampler_keeps_so_many_and_no_more(five: Bars) -> None:
    resampler = Resampler(entries=2)
    first = resampler(five, "15min")
    resampler(five, "1h")
    resampler(five, "4h")
    assert resampler(five, "15min") is not first


@pytest.mark.parametrize(
    ("timeframes", "message"),
    [
        (["7min"], "timeframe must be 1W, 1D, or a length that divides a day"),
        (["1min"], "timeframes: multiples of the bars' interval 5min wanted, got 1min"),
        (["1h", "60min"], "timeframes: one or more different ones wanted"),
        (["hour"], "timeframe must be 1W, 1D, or a length"),
    ],
)
def test_timeframes_that_cannot_be_are_told_with_the_indicator(timeframes: list[str], message: str) -> None:
    node = {"_target_": "forecastle.features.returns.LogReturn", "timeperiod": 1, "timeframes": timeframes}
    with pytest.raises(ConfigError, match=f"indicator.mine: {message}"):
        build_indicators({"mine": node}, FIVE)
