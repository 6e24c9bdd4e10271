from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.windows.target import Volatility, VolatilityClass


def test_classes_are_thirds_of_the_chi_square_law(bars: Bars) -> None:
    scale = np.random.default_rng(2).uniform(0.005, 0.02, len(bars))
    realised = Volatility().compute(bars, 4, scale)
    share = scipy.stats.chi2.cdf((realised / scale[:, None]) ** 2, np.arange(1, 5))
    expected = np.where(np.isnan(realised), np.nan, np.digitize(share, [1 / 3, 2 / 3]))
    np.testing.assert_array_equal(VolatilityClass().compute(bars, 4, scale), expected)


def test_all_classes_of_a_random_walk_are_equally_likely(bars: Bars) -> None:
    labels = VolatilityClass((0.25, 0.5, 0.75)).compute(bars, 3, np.full(len(bars), 0.01))
    shares = [(labels[:-3] == number).mean(axis=0) for number in range(4)]
    np.testing.assert_allclose(shares, 0.25, atol=0.06)
    law = VolatilityClass((0.1, 0.4)).random_walk(np.ones(2), 3, np.array([0.5]))
    np.testing.assert_allclose(law, np.broadcast_to([0.1, 0.3, 0.6], (2, 3, 3)))


def test_names_tell_low_from_high() -> None:
    assert VolatilityClass((0.5,)).classes == ("low", "high")
    assert VolatilityClass().classes == ("low", "middle", "high")
    assert VolatilityClass((0.2, 0.4, 0.6, 0.8)).classes == ("q1", "q2", "q3", "q4", "q5")


def test_the_carried_class_of_a_calm_end_is_low() -> None:
    past = np.zeros((1, 40))
    past[0, :30] = np.cumsum(np.tile([0.02, -0.02], 15))
    past[0, 30:] = past[0, 29] + 0.0001 * np.arange(1, 11)
    assert VolatilityClass().carried(past, 5, 1).tolist() == [[0.0] * 5]


@pytest.mark.parametrize("limits", [(), (0.5, 0.5), (0.0, 0.5), (0.6, 0.4), (1.0,)])
def test_limits_that_part_nothing_are_refused(limits: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="limits must ascend inside"):
        VolatilityClass(limits)
