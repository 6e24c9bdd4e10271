from __future__ import annotations

import math

import numpy as np
import pytest

from forecastle.data.bars import Bars
from forecastle.windows.target import FutureRange

LEVELS = np.array([0.025, 0.1, 0.5, 0.9, 0.975])


def test_the_range_holds_highs_lows_and_the_close_at_the_origin(bars: Bars) -> None:
    values = FutureRange().compute(bars[:100], 5, np.ones(100))
    for row in (0, 17, 94):
        for step in range(1, 6):
            ahead = slice(row + 1, row + step + 1)
            top = max(bars.high[ahead].max(), bars.close[row])
            bottom = min(bars.low[ahead].min(), bars.close[row])
            assert values[row, step - 1] == pytest.approx(math.log(top / bottom), rel=1e-10)


def test_the_law_has_the_moments_that_are_known() -> None:
    levels = (np.arange(20_000) + 0.5) / 20_000
    law = FutureRange().random_walk(np.array([1.0]), 1, levels)[0, 0]
    assert law.mean() == pytest.approx(math.sqrt(8 / math.pi), rel=2e-4)  # Feller 1951
    assert np.mean(law**2) == pytest.approx(4 * math.log(2), rel=5e-4)  # Parkinson 1980
    np.testing.assert_allclose(FutureRange().spread(np.array([1.0]), 1), [[math.sqrt(4 * math.log(2))]])


def test_the_law_is_that_of_simulated_walks_and_grows_with_the_root_of_time() -> None:
    random = np.random.default_rng(0)
    count, pieces = 10_000, 2000
    path = np.cumsum(random.normal(0, pieces**-0.5, (count, pieces)), axis=1)
    size = np.maximum(path.max(axis=1), 0) - np.minimum(path.min(axis=1), 0)
    size += 2 * 0.5826 * pieces**-0.5  # extremes between the moments that are watched
    law = FutureRange().random_walk(np.array([1.0, 0.02]), 4, LEVELS)
    below = (size[:, None] <= law[0, 0]).mean(axis=0)
    np.testing.assert_allclose(below, LEVELS, atol=4 * 0.5 / math.sqrt(count))
    np.testing.assert_allclose(law[1, 3], 0.02 * 2 * law[0, 0])


def test_the_carried_range_is_that_of_the_last_closes() -> None:
    past = np.array([[0.0, 0.5, 0.1, 0.4, 0.2]])
    np.testing.assert_allclose(FutureRange().carried(past, 3, 1), [[0.2, 0.3, 0.4]])
