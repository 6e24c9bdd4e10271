from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from forecastle.errors import ConfigError, ModelError
from forecastle.evaluation.trading.policy import Kelly, Rule, Sign, Threshold, VolatilityTargeted
from forecastle.evaluation.trading.signal import Signal

EXPECTED = np.array([0.004, 0.001, 0.0, -0.0005, -0.006])


def make_signal(**changes: Any) -> Signal:
    given: dict[str, Any] = {
        "expected": EXPECTED,
        "deviation": np.full(5, 0.05),
        "scale": np.full(5, 0.01),
        "cost": np.full(5, 0.002),
        "step": 5,
        "bars_per_year": 252.0,
    }
    return Signal(**{**given, **changes})


def test_sign_takes_the_whole_limit_of_its_side() -> None:
    assert Sign().positions(make_signal()).tolist() == [1, 1, 0, -1, -1]
    assert Sign(limits=[0, 2]).positions(make_signal()).tolist() == [2, 2, 0, 0, 0]


def test_threshold_trades_only_what_is_worth_its_costs() -> None:
    np.testing.assert_array_equal(Threshold().positions(make_signal()), [1, np.nan, np.nan, np.nan, -1])
    np.testing.assert_array_equal(Threshold(multiple=2.5).positions(make_signal()), [*[np.nan] * 4, -1])
    np.testing.assert_array_equal(Threshold(multiple=0).positions(make_signal()), [1, 1, np.nan, -1, -1])


def test_volatility_targeting_holds_less_where_the_market_is_wild() -> None:
    scale = np.array([0.01, 0.02, 0.01, 0.001, 0.04])
    wanted = np.array([1, 1, 0, -1, -1]) * 0.1 / (scale * np.sqrt(252))
    wanted[3] = -1.0  # the limit
    found = VolatilityTargeted(volatility=0.1).positions(make_signal(scale=scale))
    np.testing.assert_allclose(found, wanted)


def test_volatility_targeting_of_a_price_that_does_not_move_takes_the_limit() -> None:
    assert VolatilityTargeted().positions(make_signal(scale=np.zeros(5))).tolist() == [1, 1, 0, -1, -1]


def test_kelly_maximises_the_expected_growth_of_a_normal_law() -> None:
    """Against a brute-force maximum of the mean log growth of many small steps, drift of the *log* price put in."""
    mean, deviation = 0.0004, 0.02
    fractions = np.linspace(0, 2, 401)
    growth = fractions * mean - 0.5 * fractions**2 * deviation**2  # Itô, without the drift ½σ² of the price
    best = fractions[np.argmax(growth)]
    found = Kelly(fraction=1.0, limits=[-3, 3]).positions(
        make_signal(expected=np.full(5, mean), deviation=np.full(5, deviation))
    )
    np.testing.assert_allclose(found, best, atol=0.005)
    half = Kelly(fraction=0.5).positions(make_signal(expected=np.full(5, mean), deviation=np.full(5, deviation)))
    np.testing.assert_allclose(half, best / 2, atol=0.005)


def test_kelly_refuses_points_and_skips_a_single_one() -> None:
    with pytest.raises(ModelError, match="policy kelly needs a distribution, got a point forecast"):
        Kelly().positions(make_signal(deviation=np.zeros(5)))
    one = make_signal(deviation=np.array([0.0, 0.05, 0.05, 0.05, 0.05]))
    assert Kelly().positions(one)[0] == 0


@pytest.mark.parametrize("rule", [Sign(), Threshold(multiple=0), VolatilityTargeted(), Kelly()])
def test_every_policy_mirrors_a_mirrored_forecast(rule: Rule) -> None:
    up, down = rule.positions(make_signal()), rule.positions(make_signal(expected=-EXPECTED))
    np.testing.assert_allclose(up, -down)
    inside = up[~np.isnan(up)]
    assert (np.abs(inside) <= 1).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sign(step=0), "step must be at least 1, got 0"),
        (lambda: Sign(limits=[1, -1]), "limits must be a lowest and a highest position around 0, got"),
        (lambda: Sign(limits=[-1]), "limits must be a lowest and a highest position"),
        (lambda: Sign(limits=[0, 0]), "limits must leave room for a position"),
        (lambda: Sign(hysteresis=-0.1), "hysteresis must be at least 0, got -0.1"),
        (lambda: Threshold(multiple=-1), "multiple must be at least 0, got -1"),
        (lambda: VolatilityTargeted(volatility=0), "volatility must be above 0, got 0"),
        (lambda: Kelly(fraction=1.5), "fraction must be above 0 and at most 1, got 1.5"),
    ],
)
def test_values_that_cannot_be_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
