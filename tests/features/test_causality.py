"""The check catches what looks ahead and what claims too short a warm-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib
from tests.conftest import make_bars

from forecastle.data.bars import Bars
from forecastle.errors import FeatureError
from forecastle.features.causality import Verdict, check
from forecastle.features.returns import LogReturn
from forecastle.features.talib import TALib


@dataclass
class Planted:
    """An indicator made of one function of the bars."""

    function: Callable[[Bars], Any]
    warmup: int = 1
    columns: tuple[str, ...] = ("planted",)
    needs: tuple[str, ...] = ()
    tolerance: float = 1e-9
    may_miss: bool = False

    def compute(self, bars: Bars) -> np.ndarray[Any, Any]:
        return np.asarray(self.function(bars), dtype=np.float64).reshape(len(bars), -1)


def close(bars: Bars) -> pd.Series:
    return pd.Series(bars.close)


def test_a_causal_indicator_with_an_honest_warm_up_passes(bars: Bars) -> None:
    assert check(LogReturn([1, 5]), bars) == (
        Verdict("log_return_1", ahead=0, claimed=6, needed=6),
        Verdict("log_return_5", ahead=0, claimed=6, needed=6),
    )
    assert all(verdict.ok for verdict in check(TALib("RSI"), bars))


def test_what_may_miss_is_not_held_to_be_wrong_where_it_does(bars: Bars) -> None:
    def every_third(bars: Bars) -> pd.Series:
        return close(bars).where(np.floor(bars.close * 1e4) % 3 > 0)

    honest = Planted(every_third, may_miss=True)
    assert np.isnan(honest.compute(bars)).any()
    assert check(honest, bars, points=60)[0].ok
    assert not check(Planted(every_third), bars, points=60)[0].ok
    late = Planted(lambda bars: every_third(bars).shift(3), may_miss=True)
    assert check(late, bars, points=60)[0].needed == 4


def test_a_centred_window_is_caught_with_its_half_width(bars: Bars) -> None:
    centred = Planted(lambda bars: close(bars).rolling(21, center=True, min_periods=1).mean(), warmup=11)
    (verdict,) = check(centred, bars)
    assert not verdict.ok
    assert verdict.ahead == 10


def test_a_forward_shift_is_caught_with_its_length(bars: Bars) -> None:
    (verdict,) = check(Planted(lambda bars: close(bars).shift(-26).ffill()), bars)
    assert verdict.ahead == 26
    (verdict,) = check(Planted(lambda bars: close(bars).shift(-1).ffill()), bars)
    assert verdict.ahead == 1


def test_a_whole_sample_zscore_is_caught(bars: Bars) -> None:
    (verdict,) = check(Planted(lambda bars: (close(bars) - close(bars).mean()) / close(bars).std()), bars)
    assert verdict.ahead > 700
    assert verdict.needed is None


def test_a_back_filled_gap_is_caught(bars: Bars) -> None:
    def back_filled(bars: Bars) -> pd.Series:
        return close(bars).where(np.arange(len(bars)) % 7 == 0).bfill().ffill()

    (verdict,) = check(Planted(back_filled), bars)
    assert 0 < verdict.ahead < 7


def ichimoku_as_drawn(bars: Bars) -> np.ndarray[Any, Any]:
    """Columns as a chart shows them: the lagging line is the close drawn 26 bars back, the cloud is drawn ahead."""
    high, low = pd.Series(bars.high), pd.Series(bars.low)
    fast, slow = ((high.rolling(n).max() + low.rolling(n).min()) / 2 for n in (9, 26))
    cloud = ((fast + slow) / 2).shift(26)
    return np.stack([close(bars).shift(-26).ffill(), cloud], axis=1)


def test_an_ichimoku_whose_lagging_line_is_drawn_back_is_caught_and_its_cloud_is_not(bars: Bars) -> None:
    drawn = Planted(ichimoku_as_drawn, warmup=52, columns=("lagging", "cloud"))
    lagging, cloud = check(drawn, bars)
    assert (lagging.ok, lagging.ahead) == (False, 26)
    assert (cloud.ok, cloud.ahead) == (True, 0)


def test_an_ichimoku_whose_cloud_is_shifted_the_wrong_way_is_caught(bars: Bars) -> None:
    def shifted(bars: Bars) -> pd.Series:
        high, low = pd.Series(bars.high), pd.Series(bars.low)
        return ((high.rolling(52).max() + low.rolling(52).min()) / 2).shift(-26).ffill()

    (verdict,) = check(Planted(shifted, warmup=52), bars)
    assert verdict.ahead == 26


def kalman(observed: np.ndarray[Any, Any], smooth: bool) -> np.ndarray[Any, Any]:
    """Local-level model: the filter's mean at each bar, or with the Rauch-Tung-Striebel pass back over it."""
    means, variances = np.empty(len(observed)), np.empty(len(observed))
    mean, variance = observed[0], 1.0
    for row, value in enumerate(observed):
        gain = (variance + 0.1) / (variance + 1.1)
        mean, variance = mean + gain * (value - mean), (1 - gain) * (variance + 0.1)
        means[row], variances[row] = mean, variance
    if smooth:
        for row in range(len(observed) - 2, -1, -1):
            weight = variances[row] / (variances[row] + 0.1)
            means[row] += weight * (means[row + 1] - means[row])
    return means


def test_a_kalman_smoother_is_caught_and_its_filter_is_not(bars: Bars) -> None:
    (smoother,) = check(Planted(lambda bars: kalman(bars.close, smooth=True), warmup=120), bars)
    (filtered,) = check(Planted(lambda bars: kalman(bars.close, smooth=False), warmup=120), bars)
    assert smoother.ahead > 20
    assert filtered.ok


def test_a_smoother_in_place_of_a_filter_is_caught(bars: Bars) -> None:
    def both_ways(bars: Bars) -> pd.Series:
        return close(bars)[::-1].ewm(alpha=0.2).mean()[::-1]

    (verdict,) = check(Planted(both_ways), bars)
    assert verdict.ahead > 20


def test_a_leak_in_the_volume_alone_is_caught(bars: Bars) -> None:
    (verdict,) = check(Planted(lambda bars: pd.Series(bars.volume).shift(-2).ffill()), bars)
    assert verdict.ahead == 2


def test_a_leak_that_cutting_cannot_show_is_caught_by_changing_the_future(bars: Bars) -> None:
    """It looks ahead in samples of full length only, and agrees there with every cut."""
    end = bars.close[-1]

    def peek(bars: Bars) -> np.ndarray[Any, Any]:
        return np.full(len(bars), len(bars) == 800 and bars.close[-1] != end)

    (verdict,) = check(Planted(peek), bars)
    assert verdict.ahead > 700


def test_a_leak_that_changing_the_future_cannot_show_is_caught_by_cutting(bars: Bars) -> None:
    """It knows how long the sample will be, whatever happens in it."""
    (verdict,) = check(Planted(lambda bars: np.arange(len(bars)) / len(bars)), bars)
    assert verdict.ahead > 700


def test_a_claim_that_is_too_short_is_answered_with_what_is_needed(bars: Bars) -> None:
    (verdict,) = check(Planted(lambda bars: close(bars).rolling(30, min_periods=1).mean(), warmup=10), bars)
    assert verdict == Verdict("planted", ahead=0, claimed=10, needed=30)
    assert not verdict.ok


def test_talibs_own_look_back_is_too_short_a_claim_for_a_recursive_average() -> None:
    bars = make_bars(1500, seed=2)
    rsi = Planted(lambda bars: talib.RSI(bars.close, timeperiod=14), warmup=15)
    (verdict,) = check(rsi, bars)
    # the closed form gives 388 for a remainder of 1e-12; 1e-9 of the standard deviation is reached earlier
    assert verdict.needed is not None
    assert 200 < verdict.needed <= TALib("RSI", timeperiod=14).warmup


def test_a_running_total_never_has_enough_history(bars: Bars) -> None:
    (verdict,) = check(Planted(lambda bars: talib.OBV(bars.close, bars.volume), warmup=20), bars)
    assert verdict == Verdict("planted", ahead=0, claimed=20, needed=None)


def test_each_column_is_judged_by_itself(bars: Bars) -> None:
    mixed = Planted(lambda bars: np.stack([bars.close, close(bars).shift(-3).ffill()], 1), columns=("good", "bad"))
    good, bad = check(mixed, bars)
    assert (good.ok, good.column) == (True, "good")
    assert (bad.ok, bad.column, bad.ahead) == (False, "bad", 3)


def test_too_few_bars_are_refused() -> None:
    with pytest.raises(FeatureError, match="at least 398 bars wanted to try a warm-up of 388, got 390"):
        check(TALib("RSI"), make_bars(390))
