"""What every policy in conf/policy keeps to; a new YAML there is tested without an edit here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from forecastle.evaluation.trading.policy import Policy
from forecastle.evaluation.trading.signal import Signal

CONF = Path(__file__).resolve().parents[2] / "conf" / "policy"
COUNT = 200


@pytest.fixture(
    params=[path for path in sorted(CONF.glob("*.yaml")) if path.stem != "none"], ids=lambda path: path.stem
)
def policy(request: pytest.FixtureRequest) -> Policy:
    return instantiate(OmegaConf.load(request.param), _convert_="all")


@pytest.fixture
def signal() -> Signal:
    random = np.random.default_rng(0)
    expected = random.normal(0, 0.002, COUNT)
    expected[::20] = 0.0
    return Signal(
        expected,
        deviation=random.uniform(0.005, 0.05, COUNT),
        scale=random.uniform(0.002, 0.02, COUNT),
        cost=random.uniform(0.0001, 0.003, COUNT),
        step=5,
        bars_per_year=252.0,
    )


def picked(signal: Signal, rows: np.ndarray) -> Signal:
    names = ("expected", "deviation", "scale", "cost")
    return replace(signal, **{name: getattr(signal, name)[rows] for name in names})


def test_positions_are_inside_the_limits_and_on_the_side_of_the_expected_return(policy: Policy, signal: Signal) -> None:
    position = policy.positions(signal)
    assert position.shape == (COUNT,)
    decided = ~np.isnan(position)
    assert decided.any()
    low, high = policy.limits
    assert ((position[decided] >= low) & (position[decided] <= high)).all()
    assert (position[decided] * signal.expected[decided] >= 0).all()
    assert (position[decided] != 0).any()


def test_each_decision_is_made_from_its_own_forecast_alone(policy: Policy, signal: Signal) -> None:
    rows = np.random.default_rng(1).permutation(COUNT)[:80]
    np.testing.assert_array_equal(policy.positions(picked(signal, rows)), policy.positions(signal)[rows])


def test_nothing_expected_is_nothing_held_or_no_decision(policy: Policy, signal: Signal) -> None:
    position = policy.positions(replace(signal, expected=np.zeros(COUNT)))
    assert (np.isnan(position) | (position == 0)).all()
