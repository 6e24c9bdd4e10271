from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.windows.target import TrendScan


def scanned(closes: np.ndarray, shortest: int) -> float:
    """The label of one stretch of closes, from the origin on, by a regression for each length."""
    horizon = len(closes) - 1
    best = (0.0, 0.0)
    for length in range(min(shortest, horizon), horizon + 1):
        points = np.log(closes[: length + 1])
        if length == 1:
            best = (1.0, points[1] - points[0])
            continue
        fitted = sm.OLS(points, sm.add_constant(np.arange(length + 1.0))).fit()
        if abs(fitted.tvalues[1]) > best[0]:
            best = (abs(fitted.tvalues[1]), fitted.params[1])
    return float(best[1] > 0)


@pytest.mark.parametrize("shortest", [2, 3, 5])
def test_the_label_is_the_sign_of_the_slope_with_the_largest_t(bars: Bars, shortest: int) -> None:
    bars, horizon = bars[:60], 8
    labels = TrendScan(shortest).compute(bars, horizon, np.ones(60))
    for row in range(len(bars) - horizon):
        for step in (1, 2, 3, 5, 8):
            assert labels[row, step - 1] == scanned(bars.close[row : row + step + 1], shortest), (row, step)


def test_a_rise_that_turns_keeps_the_label_of_its_clearer_leg() -> None:
    closes = np.exp(np.array([0, 1, 2, 3, 4, 5, 6, 5.5, 5.2]) / 100)
    past = np.log(np.concatenate([closes, closes]))[None]
    assert TrendScan(3).carried(past, 8, 1)[0, -1] == 1.0


def test_trends_that_are_too_short_are_refused() -> None:
    with pytest.raises(ConfigError, match="shortest must be a trend of at least 2 bars, got 1"):
        TrendScan(1)
