"""Random candles: repeatable, consistent, clustered, and closed at weekends."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecastle.data.cleaning import clean
from forecastle.data.quality import QualityPolicy
from forecastle.data.synthetic import SyntheticSource
from forecastle.errors import ConfigError


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(2, 500),
    interval=st.sampled_from(["1D", "4h", "1h", "15min"]),
    volume=st.booleans(),
)
def test_every_candle_passes_the_strictest_policy(seed: int, count: int, interval: str, volume: bool) -> None:
    source = SyntheticSource(["A", "B"], count, interval, seed, volume=volume)
    panel, report = clean(source.history(), source, QualityPolicy(flat="fail", gaps="fail"))
    assert [len(bars) for bars in panel] == [count, count]
    assert (panel.members[0].volume is not None) is volume
    assert all(not symbol.findings for symbol in report.symbols)


def test_one_seed_gives_one_set_of_candles_and_another_gives_another() -> None:
    first = SyntheticSource(count=100, seed=3).history()
    pd.testing.assert_frame_equal(SyntheticSource(count=100, seed=3).history(), first)
    assert not np.array_equal(SyntheticSource(count=100, seed=4).history()["close"], first["close"])


def test_a_symbol_that_is_appended_leaves_the_others_as_they_were() -> None:
    alone = SyntheticSource(["A"], count=50).history()
    both = SyntheticSource(["A", "B"], count=50).history()
    assert both["close"][:50].tolist() == alone["close"].tolist()
    assert both["close"][50:].tolist() != alone["close"].tolist()


def test_nothing_is_traded_from_friday_to_sunday_22_utc() -> None:
    time = SyntheticSource(count=2000).history()["time"]
    hour = (time.dt.day_of_week * 24 + time.dt.hour).to_numpy()
    assert set(np.unique(hour)) == {*range(4 * 24 + 22), *range(6 * 24 + 22, 7 * 24)}


def test_prices_jump_over_the_weekend_and_at_no_other_time() -> None:
    table = SyntheticSource(count=2000).history()
    jump = (table["open"] != table["close"].shift()).to_numpy()[1:]
    pause = (table["time"].diff() > pd.Timedelta("1h")).to_numpy()[1:]
    np.testing.assert_allclose(table["open"].to_numpy()[1:][~pause], table["close"].to_numpy()[:-1][~pause], rtol=1e-12)
    assert jump[pause].all()
    assert pause.sum() == 16


def test_volatility_clusters_and_has_the_size_that_was_asked_for() -> None:
    table = SyntheticSource(count=60_000, volatility=0.002, seed=1).history()
    returns = np.log(table["close"] / table["open"]).to_numpy()
    assert abs(returns.std() / 0.002 - 1) < 0.1
    squared = pd.Series(returns**2)
    assert squared.autocorr(1) > 0.1
    assert abs(pd.Series(returns).autocorr(1)) < 0.02


def test_the_range_is_that_of_brownian_motion() -> None:
    """Parkinson (1980): the mean squared log range of a driftless Brownian motion is 4 ln 2 times its variance."""
    table = SyntheticSource(count=60_000, seed=2).history()
    squared_range = np.log(table["high"] / table["low"]) ** 2
    squared_return = np.log(table["close"] / table["open"]) ** 2
    assert abs(squared_range.mean() / squared_return.mean() / (4 * np.log(2)) - 1) < 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "count must be at least 1, got 0"),
        ({"interval": "7h"}, "interval must divide the trading week of 120 hours, got 7h"),
        ({"symbols": ["A", "A"]}, "symbols must be one or more different names"),
        ({"symbols": []}, "symbols must be one or more different names"),
        ({"volatility": 0.0}, "volatility must be between 0 and 0.1"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SyntheticSource(**arguments)  # type: ignore[arg-type]


def test_recent_and_fingerprint_follow_the_settings() -> None:
    source = SyntheticSource(["A", "B"], count=50)
    assert source.recent(3).groupby("symbol", observed=True).size().tolist() == [3, 3]
    assert source.fingerprint() != SyntheticSource(["A", "B"], count=51).fingerprint()
