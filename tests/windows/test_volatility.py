from __future__ import annotations

import numpy as np
import pytest

from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.windows.volatility import DECAY, EARLIEST, FLOOR, WARMUP, ewma_volatility


def by_formula(log_close: np.ndarray, decay: float) -> float:
    """The benchmark protocol's own lines, at the last bar."""
    squared = np.diff(log_close)[::-1] ** 2
    weights = decay ** np.arange(len(squared))
    return float(np.sqrt((weights * squared).sum() / weights.sum()))


@pytest.mark.parametrize("decay", [0.94, 0.97, 0.5])
def test_volatility_is_the_riskmetrics_formula_at_every_bar(bars: Bars, decay: float) -> None:
    log_close = np.log(bars.close)
    volatility = ewma_volatility(log_close, decay)
    for row in range(40, len(bars), 37):
        assert volatility[row] == pytest.approx(by_formula(log_close[: row + 1], decay), rel=1e-12)


def test_volatility_of_three_returns_is_what_a_hand_works_out() -> None:
    # returns .1, -.2, .3 with weights .25, .5, 1: (.25*.01 + .5*.04 + .09) / 1.75
    log_close = np.array([0.0, 0.1, -0.1, 0.2])
    assert ewma_volatility(log_close, 0.5)[3] == pytest.approx(np.sqrt(0.1125 / 1.75), rel=1e-12)


def test_first_rows_have_no_volatility(bars: Bars) -> None:
    volatility = ewma_volatility(np.log(bars.close))
    assert EARLIEST == 18
    assert np.isnan(volatility[: EARLIEST - 1]).all()
    assert np.isfinite(volatility[EARLIEST - 1 :]).all()


@pytest.mark.parametrize("count", [0, 1, 2, 17])
def test_too_short_a_series_gives_no_volatility_and_no_error(count: int) -> None:
    volatility = ewma_volatility(np.zeros(count))
    assert volatility.shape == (count,)
    assert np.isnan(volatility).all()


def test_volatility_ignores_future_bars(bars: Bars) -> None:
    log_close = np.log(bars.close)
    changed = log_close.copy()
    changed[301:] += 5
    np.testing.assert_array_equal(ewma_volatility(changed)[:301], ewma_volatility(log_close)[:301])
    assert ewma_volatility(changed)[301] > 10 * ewma_volatility(log_close)[301]


def test_flat_series_has_a_small_positive_volatility() -> None:
    volatility = ewma_volatility(np.full(60, np.log(1.25)))
    np.testing.assert_array_equal(volatility[EARLIEST - 1 :], FLOOR)
    assert np.isfinite(np.float32(0.1 / FLOOR) ** 2)


def test_volatility_after_the_warmup_does_not_show_where_history_began(bars: Bars) -> None:
    log_close = np.log(bars.close)
    full = ewma_volatility(log_close)
    tolerance = 1e-9 * max(full[-1], np.nanstd(full))
    assert WARMUP == 336
    assert abs(ewma_volatility(log_close[-WARMUP:])[-1] - full[-1]) <= tolerance
    assert abs(ewma_volatility(log_close[-WARMUP // 2 :])[-1] - full[-1]) > tolerance


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.5, 1.5, float("nan")])
def test_decay_outside_its_range_is_refused(decay: float) -> None:
    with pytest.raises(ConfigError, match=r"decay must lie inside \(0, 1\), got"):
        ewma_volatility(np.zeros(30), decay)


def test_default_decay_is_that_of_riskmetrics(bars: Bars) -> None:
    log_close = np.log(bars.close)
    assert DECAY == 0.94
    np.testing.assert_array_equal(ewma_volatility(log_close), ewma_volatility(log_close, 0.94))
