"""Candlestick patterns against bare TA-Lib."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import talib
from tests.conftest import make_bars

from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.features.candlestick import PATTERNS, Candlestick
from forecastle.features.causality import check


def ticked(count: int, seed: int = 3) -> Bars:
    """Candles of all sizes with gaps between them, in 64ths, so that bodies tie often."""
    random = np.random.default_rng(seed)
    body, gap = (random.integers(-8, 9, count) * random.integers(0, 4, count) for _ in range(2))
    low, high = (random.integers(0, 6, count) * random.integers(0, 2, count) for _ in range(2))
    close = 64 * 100 + np.cumsum(body + gap)
    open_ = close - body
    columns = {
        "open": open_,
        "high": np.maximum(open_, close) + high,
        "low": np.minimum(open_, close) - low,
        "close": close,
    }
    level = 64 * 100 - min(0, int(columns["low"].min()))
    return replace(make_bars(count), **{name: (values + level) / 64 for name, values in columns.items()})


def test_all_61_patterns_are_talibs() -> None:
    bars = ticked(100_000)
    indicator = Candlestick()
    assert len(indicator.columns) == len(PATTERNS) == 61
    found = indicator.compute(bars)
    seen = 0
    for column, name in enumerate(PATTERNS):
        wanted = getattr(talib, f"CDL{name.upper()}")(bars.open, bars.high, bars.low, bars.close) / 100
        np.testing.assert_array_equal(found[indicator.warmup - 1 :, column], wanted[indicator.warmup - 1 :])
        seen += bool(wanted.any())
    assert seen > 40
    assert set(np.unique(found[indicator.warmup - 1 :])) == {-2.0, -1.0, -0.8, 0.0, 0.8, 1.0, 2.0}


def test_a_pattern_hangs_on_its_last_bars_alone_where_running_totals_would_drift() -> None:
    """In a stretch without movement a running total would be 0 but for rounding, and every body ties with it."""
    bars = make_bars(3000, seed=9)
    moving = np.ones(3000)
    moving[500:560] = moving[2000:2090] = 0.0
    columns = {}
    close = 0.7 * np.exp(np.cumsum(np.random.default_rng(9).normal(0, 1e-4, 3000) * moving))
    columns["close"], columns["open"] = close, np.concatenate([[0.7], close[:-1]])
    columns["high"] = np.maximum(close, columns["open"]) * (1 + 5e-5 * moving)
    columns["low"] = np.minimum(close, columns["open"]) * (1 - 5e-5 * moving)
    bars = replace(bars, **columns)
    indicator = Candlestick()
    for verdict in check(indicator, bars, points=300):
        assert verdict.ok, verdict


def test_penetration_reaches_the_patterns_that_ask_for_it() -> None:
    bars = ticked(100_000)
    indicator = Candlestick(["doji", "darkcloudcover"], penetration=0.1)
    assert indicator.columns == ("candlestick_doji", "candlestick_darkcloudcover")
    wanted = talib.CDLDARKCLOUDCOVER(bars.open, bars.high, bars.low, bars.close, penetration=0.1) / 100
    assert (wanted != talib.CDLDARKCLOUDCOVER(bars.open, bars.high, bars.low, bars.close) / 100).any()
    np.testing.assert_array_equal(indicator.compute(bars)[indicator.warmup :, 1], wanted[indicator.warmup :])


@pytest.mark.parametrize(
    ("patterns", "penetration", "message"),
    [
        (["hamer"], None, r"patterns must be among TA-Lib's 61, got 'hamer'; did you mean 'hammer'\?"),
        (["doji", "doji"], None, "one or more different patterns wanted"),
        ([], None, "one or more different patterns wanted"),
        (None, -0.1, r"penetration must be at least 0, got -0\.1"),
    ],
)
def test_a_mistake_is_told(patterns: list[str] | None, penetration: float | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Candlestick(patterns, penetration)
