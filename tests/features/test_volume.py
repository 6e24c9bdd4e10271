"""Volume indicators against TA-Lib, pandas and hand-worked values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import talib
from tests.conftest import make_bars

from forecastle.data.bars import Bars
from forecastle.errors import ConfigError, FeatureError
from forecastle.features.volume import AccumulationDistribution, VWAPDistance
from forecastle.features.volume_spread import VolumeSpread


def test_accumulation_is_the_rise_of_talibs_line_over_the_window(bars: Bars) -> None:
    total = pd.Series(talib.AD(bars.high, bars.low, bars.close, bars.volume))
    wanted = total.diff(20) / pd.Series(bars.volume).rolling(20).sum()
    found = AccumulationDistribution(20).compute(bars)[:, 0]
    assert np.isnan(found[:19]).all()
    np.testing.assert_allclose(found[20:], wanted[20:], rtol=1e-7, atol=1e-10)


def test_the_distance_from_vwap_is_a_fraction_of_the_close(bars: Bars) -> None:
    price = pd.Series((bars.high + bars.low + bars.close) / 3)
    volume = pd.Series(bars.volume)
    for column, period in enumerate((5, 20)):
        vwap = (price * volume).rolling(period).sum() / volume.rolling(period).sum()
        found = VWAPDistance([5, 20]).compute(bars)[:, column]
        np.testing.assert_allclose(found[19:], (1 - vwap / bars.close)[19:], rtol=1e-8, atol=1e-13)


def test_a_bar_of_much_volume_that_goes_nowhere_shows_effort_without_result() -> None:
    bars = make_bars(30)
    flat = np.full(30, 10.0)
    high, low, close, volume = flat + 1, flat - 1, flat.copy(), np.full(30, 100.0)
    volume[-1], high[-1], low[-1], close[-1] = 500.0, 10.5, 9.5, 10.25
    found = VolumeSpread(volume_ma=4, spread_ma=2).compute(
        replace(bars, open=flat, high=high, low=low, close=close, volume=volume)
    )[-1]
    # volume 500 over the mean of 100 100 100 500; range 1 over the mean of 2 and 1; close at 3/4 of the bar
    np.testing.assert_allclose(found, [2.5, 2 / 3, 0.5, 2.5 - 2 / 3], rtol=1e-12)


def test_lists_of_both_means_give_each_with_each(bars: Bars) -> None:
    both = VolumeSpread([10, 30], 20)
    assert both.columns == (
        "volume_spread_volume_10",
        "volume_spread_volume_30",
        "volume_spread_spread_20",
        "volume_spread_close",
        "volume_spread_effort_10_20",
        "volume_spread_effort_30_20",
    )
    assert both.warmup == 30
    found, one = both.compute(bars), VolumeSpread(10, 20).compute(bars)
    np.testing.assert_array_equal(found[29:, [0, 2, 3, 4]], one[29:])


def test_a_market_without_trade_or_movement_gives_numbers() -> None:
    price = np.full(60, 1.1)
    still = replace(make_bars(60), open=price, high=price, low=price, close=price, volume=np.zeros(60))
    assert tuple(VolumeSpread().compute(still)[-1]) == (1.0, 1.0, 0.0, 0.0)
    assert AccumulationDistribution(20).compute(still)[-1] == 0
    assert VWAPDistance(20).compute(still)[-1] == 0


def test_volume_is_asked_for_where_there_is_none() -> None:
    for indicator in (VolumeSpread(), AccumulationDistribution(), VWAPDistance()):
        assert indicator.needs == ("volume",)
        with pytest.raises(FeatureError, match="bars with volume wanted, got none"):
            indicator.compute(make_bars(volume=False))
    with pytest.raises(ConfigError, match="volume_spread: spread_ma must be a whole number of at least 1, got 0"):
        VolumeSpread(20, 0)
