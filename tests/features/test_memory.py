"""The bars in which recursive averages forget their start."""

from __future__ import annotations

import math

import numpy as np
import pytest
import talib
import talib.abstract
from scipy import stats

from forecastle.errors import ConfigError
from forecastle.features.library import FUNCTIONS, lookback
from forecastle.features.memory import CHAINS, ENDLESS, REMAINDER, poles, settle


@pytest.mark.parametrize("pole", [0.3, 0.5, 13 / 14, 0.995])
def test_one_smoother_settles_after_the_logarithm_of_the_remainder(pole: float) -> None:
    assert settle((pole,)) == math.ceil(math.log(REMAINDER) / math.log(pole))


@pytest.mark.parametrize("count", [2, 3, 6])
def test_equal_smoothers_settle_with_the_tail_of_the_negative_binomial(count: int) -> None:
    pole = 0.9
    bars = settle((pole,) * count)
    # failures before the count-th success exceed `bars - 1`
    tail = stats.nbinom.sf([bars - 1, bars - 2], count, 1 - pole)
    assert tail[0] <= REMAINDER < tail[1]


def test_unequal_smoothers_settle_with_the_tail_of_their_convolved_weights() -> None:
    chain = (0.9, 0.5, 0.8)
    weights = np.ones(1)
    for pole in chain:
        weights = np.convolve(weights, (1 - pole) * pole ** np.arange(1000))[:1000]
    tail = weights[::-1].cumsum()[::-1]
    assert settle(chain) == int(np.argmax(tail <= REMAINDER))


def test_a_finite_memory_settles_at_once() -> None:
    assert settle(poles("SMA", {"timeperiod": 20})) == 0
    assert settle(poles("BBANDS", {"timeperiod": 20, "matype": 0})) == 0


def test_the_slower_of_two_branches_counts_in_either_order() -> None:
    fast_first = poles("MACD", {"fastperiod": 12, "slowperiod": 26, "signalperiod": 9})
    assert fast_first == (1 - 2 / 27, 0.8)
    assert poles("MACD", {"fastperiod": 26, "slowperiod": 12, "signalperiod": 9}) == fast_first


def test_an_average_chosen_by_number_brings_its_own_memory() -> None:
    assert poles("STOCHF", {"fastd_period": 9, "fastd_matype": 1}) == (0.8,)
    assert poles("STOCHF", {"fastd_period": 9, "fastd_matype": 3}) == (0.8, 0.8)
    with pytest.raises(ConfigError, match=r"fastd_matype must be one of 0, 1, .*, got 11"):
        poles("STOCHF", {"fastd_period": 9, "fastd_matype": 11})


def test_every_function_that_holds_a_recursive_average_has_its_chain() -> None:
    """TA-Lib lengthens the look-back of whatever contains a smoother when its unstable period is raised."""
    smoothers = [name for name in FUNCTIONS if _flagged(name, "unstable")]
    plain = {name: _default_lookback(name) for name in FUNCTIONS}
    try:
        for name in smoothers:
            talib.set_unstable_period(name, 100)
        longer = {name for name in FUNCTIONS if _default_lookback(name) > plain[name]}
    finally:
        for name in smoothers:
            talib.set_unstable_period(name, 0)
    assert len(longer) > 30
    assert longer - ENDLESS <= set(CHAINS)


def test_every_function_that_talib_calls_path_dependent_is_refused_or_has_its_chain() -> None:
    assert {name for name in FUNCTIONS if _flagged(name, "path-dependent")} <= ENDLESS | set(CHAINS)


def _flagged(name: str, words: str) -> bool:
    return any(words in flag for flag in talib.abstract.Function(name).info["function_flags"] or ())


def _default_lookback(name: str) -> int:
    return lookback(name, talib.abstract.Function(name).info["parameters"])
