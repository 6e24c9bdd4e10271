from __future__ import annotations

import numpy as np
import pytest

from forecastle.arrays import SPAN, TIME
from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.windows.target import TripleBarrier

DOWN, FLAT, UP = 0, 1, 2


def candles(*rows: tuple[float, float, float]) -> Bars:
    """Bars of (high, low, close)."""
    high, low, close = np.array(rows).T
    day = np.timedelta64(1, "D").astype(SPAN)
    time = np.datetime64("2020-01-01", "us").astype(TIME) + np.arange(len(rows)) * day
    return Bars("TEST", day, time, close, high, low, close)


def loop(bars: Bars, horizon: int, scale: np.ndarray, up: float, down: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels and spans by walking from bar to bar."""
    labels = np.full((len(bars), horizon), np.nan)
    spans = np.full(len(bars), horizon)
    for t in range(len(bars) - horizon):
        for h in range(1, horizon + 1):
            wide, label, at = scale[t] * h**0.5, FLAT, h
            for k in range(1, h + 1):
                above = np.log(bars.high[t + k] / bars.close[t]) >= up * wide
                below = np.log(bars.low[t + k] / bars.close[t]) <= -down * wide
                if above or below:
                    label = (
                        (UP if bars.close[t + k] > bars.close[t] else DOWN)
                        if above and below
                        else UP
                        if above
                        else DOWN
                    )
                    at = k
                    break
            labels[t, h - 1], spans[t] = label, at
    return labels, spans


@pytest.mark.parametrize(("up", "down"), [(1.0, 1.0), (0.4, 2.0), (1.5, 0.1)])
def test_labels_and_spans_are_those_of_a_walk_from_bar_to_bar(bars: Bars, up: float, down: float) -> None:
    bars = bars[:300]
    scale = np.random.default_rng(1).uniform(0.004, 0.02, len(bars))
    labels, spans = loop(bars, 7, scale, up, down)
    target = TripleBarrier(up, down)
    np.testing.assert_array_equal(target.compute(bars, 7, scale)[:-7], labels[:-7])
    np.testing.assert_array_equal(target.span(bars, 7, scale)[:-7], spans[:-7])
    assert set(np.unique(labels[:-7])) == {DOWN, FLAT, UP}


def test_the_first_touch_decides_and_a_bar_that_touches_both_goes_by_its_close() -> None:
    bars = candles((100, 100, 100), (100.5, 98.9, 99.5), (103, 99, 102))
    scale = np.full(3, 0.01)
    assert TripleBarrier(1, 1).compute(bars, 2, scale)[0].tolist() == [DOWN, UP]  # −1.1 % touches σ, not √2 σ
    both = candles((100, 100, 100), (102, 98, 101), (102, 98, 99))
    assert TripleBarrier(1, 1).compute(both, 1, scale)[:2, 0].tolist() == [UP, DOWN]


@pytest.mark.parametrize(("up", "down"), [(1.0, 1.0), (0.5, 1.5)])
def test_the_law_is_that_of_simulated_walks(up: float, down: float) -> None:
    random = np.random.default_rng(3)
    count, pieces = 20_000, 1000
    path = np.cumsum(random.normal(0, pieces**-0.5, (count, pieces)), axis=1)
    shift = 0.5826 * pieces**-0.5  # barriers watched at times only: Broadie, Glasserman and Kou 1997
    above, below = (np.maximum.accumulate(each, axis=1) for each in (path >= up - shift, path <= shift - down))
    first_up, first_down = (np.count_nonzero(~each, axis=1) for each in (above, below))
    shares = [(first_down < first_up).mean(), (first_up == first_down).mean(), (first_up < first_down).mean()]
    law = TripleBarrier(up, down).random_walk(np.array([0.01]), 3, np.array([0.5]))
    assert law.shape == (1, 3, 3)
    np.testing.assert_allclose(law[0, 2], shares, atol=0.012)
    np.testing.assert_allclose(law.sum(axis=2), 1)


def test_the_law_of_equal_barriers_is_symmetric_and_wide_ones_are_seldom_touched() -> None:
    law = TripleBarrier(1.3, 1.3).random_walk(np.ones(1), 1, np.ones(1))[0, 0]
    assert law[DOWN] == pytest.approx(law[UP], abs=1e-15)
    assert TripleBarrier(9, 9).random_walk(np.ones(1), 1, np.ones(1))[0, 0, FLAT] == pytest.approx(1, abs=1e-15)


def test_the_carried_class_is_that_of_the_last_known_stretch() -> None:
    past = np.zeros((1, 30))
    past[0, 1:] = np.cumsum(np.tile([0.01, -0.01], 15)[:29])
    past[0, -3:] += np.array([0.0, 0.05, 0.05])
    carried = TripleBarrier(1, 1).carried(past, 3, 1)
    assert carried.tolist() == [[FLAT, UP, UP]]


@pytest.mark.parametrize("arguments", [{"up": 0.0}, {"down": -1.0}])
def test_barriers_that_are_no_barriers_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="must be a barrier above 0"):
        TripleBarrier(**arguments)
