"""Our own indicators against pandas and brute force."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import make_bars

from forecastle.data.bars import Bars
from forecastle.errors import ConfigError, FeatureError
from forecastle.features.channel import Bollinger, Donchian, Keltner
from forecastle.features.frame import Indicator
from forecastle.features.returns import LogReturn
from forecastle.features.volatility import RealisedVolatility
from forecastle.features.volume import OnBalanceVolume, VolumeZScore

OWN: list[Callable[..., Indicator]] = [
    LogReturn,
    RealisedVolatility,
    Bollinger,
    Donchian,
    Keltner,
    OnBalanceVolume,
    VolumeZScore,
]


def assert_warm(indicator: Indicator, bars: Bars, *wanted: Any) -> None:
    found = indicator.compute(bars)
    assert found.shape == (len(bars), len(indicator.columns))
    assert np.isnan(found[: indicator.warmup - 1]).all()
    start = indicator.warmup - 1
    np.testing.assert_allclose(found[start:], np.stack(wanted, axis=1)[start:], rtol=1e-9, atol=1e-12)


def flat_bars(count: int, price: float = 1.23456) -> Bars:
    line = np.full(count, price)
    return replace(make_bars(count), open=line, high=line, low=line, close=line, volume=np.zeros(count))


def test_log_return_is_the_difference_of_log_closes(bars: Bars) -> None:
    close = np.log(pd.Series(bars.close))
    indicator = LogReturn([1, 5])
    assert indicator.columns == ("log_return_1", "log_return_5")
    assert indicator.warmup == 6
    assert_warm(indicator, bars, close.diff(1), close.diff(5))


def test_realised_volatility_is_the_root_mean_square_of_returns(bars: Bars) -> None:
    returns = np.log(pd.Series(bars.close)).diff()
    assert_warm(RealisedVolatility([5, 20]), bars, *((returns**2).rolling(n).mean() ** 0.5 for n in (5, 20)))


def test_realised_volatility_of_returns_of_one_percent_is_one_percent() -> None:
    close = 100 * np.exp(0.01 * (np.arange(30) % 2))
    found = RealisedVolatility(20).compute(replace(make_bars(30), close=close))
    np.testing.assert_allclose(found[20:], 0.01, rtol=1e-12)


def test_bollinger_is_the_place_between_two_standard_deviations(bars: Bars) -> None:
    close = pd.Series(bars.close)
    middle, deviation = close.rolling(20).mean(), close.rolling(20).std(ddof=0)
    position = (close - (middle - 2 * deviation)) / (4 * deviation)
    assert_warm(Bollinger(20), bars, position, 4 * deviation / close)


def test_donchian_is_the_place_between_lowest_low_and_highest_high(bars: Bars) -> None:
    lower, upper = pd.Series(bars.low).rolling(20).min(), pd.Series(bars.high).rolling(20).max()
    assert_warm(Donchian(20), bars, (bars.close - lower) / (upper - lower), (upper - lower) / bars.close)


def test_keltner_is_the_place_between_average_true_ranges(bars: Bars) -> None:
    middle = talib.EMA(bars.close, 20)
    reach = 2 * talib.ATR(bars.high, bars.low, bars.close, 20)
    assert_warm(Keltner(20), bars, (bars.close - middle + reach) / (2 * reach), 2 * reach / bars.close)


def test_on_balance_volume_is_the_rise_of_talibs_over_the_window(bars: Bars) -> None:
    assert bars.volume is not None
    total = pd.Series(talib.OBV(bars.close, bars.volume))
    assert_warm(OnBalanceVolume(20), bars, total.diff(20) / pd.Series(bars.volume).rolling(20).sum())


def test_volume_zscore_counts_standard_deviations(bars: Bars) -> None:
    volume = pd.Series(bars.volume)
    wanted = (volume - volume.rolling(20).mean()) / volume.rolling(20).std(ddof=0)
    assert_warm(VolumeZScore(20), bars, wanted)


def test_a_market_without_movement_or_trade_gives_numbers() -> None:
    moving = make_bars(600)
    still = flat_bars(600, price=float(moving.close[-1]))
    join = {
        name: np.concatenate([getattr(moving, name), getattr(still, name)])
        for name in ("open", "high", "low", "close", "volume")
    }
    bars = replace(moving, time=make_bars(1200).time, **join)
    wanted = {
        RealisedVolatility: (0.0,),
        Bollinger: (0.5, 0.0),
        Donchian: (0.5, 0.0),
        OnBalanceVolume: (0.0,),
        VolumeZScore: (0.0,),
    }
    for build, row in wanted.items():
        assert tuple(build(20).compute(bars)[-1]) == row
    assert tuple(Keltner(20).compute(still)[-1]) == (0.5, 0.0)


@given(seed=st.integers(0, 2**32 - 1), period=st.integers(2, 60))
def test_bounded_columns_stay_within_their_bounds(seed: int, period: int) -> None:
    bars = make_bars(80, seed=seed)
    position = Donchian(period).compute(bars)[period - 1 :, 0]
    assert position.min() >= 0
    assert position.max() <= 1
    side = OnBalanceVolume(period).compute(bars)[period:, 0]
    assert np.abs(side).max() <= 1 + 1e-12


@pytest.mark.parametrize("build", OWN)
def test_a_list_gives_the_columns_of_its_members_side_by_side(build: Callable[..., Indicator], bars: Bars) -> None:
    both, short, long = build([5, 9]), build(5), build(9)
    assert both.columns == short.columns + long.columns
    assert both.warmup == long.warmup
    apart = np.concatenate([short.compute(bars), long.compute(bars)], axis=1)
    np.testing.assert_array_equal(both.compute(bars)[both.warmup - 1 :], apart[both.warmup - 1 :])


@pytest.mark.parametrize("build", OWN)
def test_the_first_warm_row_is_the_last_of_exactly_warmup_bars(build: Callable[..., Indicator]) -> None:
    indicator = build(20)
    assert np.isfinite(indicator.compute(make_bars(indicator.warmup))[-1]).all()
    assert np.isnan(indicator.compute(make_bars(indicator.warmup - 1))).all()


@pytest.mark.parametrize("build", OWN)
@pytest.mark.parametrize("timeperiod", [0, -3, 2.5, "20", True, None, [], [5, 5]])
def test_a_timeperiod_that_cannot_be_is_refused(
    build: Callable[..., Indicator], timeperiod: int | Sequence[int]
) -> None:
    with pytest.raises(ConfigError, match="timeperiod"):
        build(timeperiod)


@pytest.mark.parametrize("width", [0, -1.0, float("inf"), float("nan"), "2", True])
def test_a_channel_without_width_is_refused(width: float) -> None:
    with pytest.raises(ConfigError, match=r"bollinger: deviations must be a positive number, got"):
        Bollinger(20, deviations=width)
    with pytest.raises(ConfigError, match=r"keltner: ranges must be a positive number, got"):
        Keltner(20, ranges=width)


@pytest.mark.parametrize("build", [OnBalanceVolume, VolumeZScore])
def test_volume_is_asked_for_where_there_is_none(build: Callable[..., Indicator]) -> None:
    assert build(20).needs == ("volume",)
    with pytest.raises(FeatureError, match="TEST: bars with volume wanted, got none"):
        build(20).compute(make_bars(volume=False))
