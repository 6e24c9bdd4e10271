"""What every target in conf/target keeps to; a new YAML there is tested without an edit here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from forecastle.data.bars import Bars
from forecastle.windows.context import Target

CONF = Path(__file__).resolve().parents[2] / "conf" / "target"
HORIZON = 6
LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
SCALE = np.array([1e-8, 0.002, 0.5])


@pytest.fixture(params=sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def target(request: pytest.FixtureRequest) -> Target:
    return instantiate(OmegaConf.load(request.param))


def reshaped(bars: Bars, change: Callable[[np.ndarray], None]) -> Bars:
    """The bars with closes changed in place by `change`, the other prices with them."""
    close = bars.close.copy()
    change(close)
    return replace(bars, open=close, high=close, low=close, close=close)


def test_target_says_what_it_is(target: Target) -> None:
    assert target.name
    assert target.unit
    assert len(target.classes) != 1
    assert target.lower is None or not target.classes


def test_target_is_missing_exactly_where_the_future_is(target: Target, bars: Bars) -> None:
    values = target.compute(bars, HORIZON)
    assert values.shape == (len(bars), HORIZON)
    assert values.dtype == np.float64
    reach = np.arange(len(bars))[:, None] + np.arange(1, HORIZON + 1)
    np.testing.assert_array_equal(np.isnan(values), reach >= len(bars))


def test_target_stays_in_its_range(target: Target, bars: Bars) -> None:
    values = target.compute(bars, HORIZON)
    finite = values[np.isfinite(values)]
    if target.classes:
        assert set(finite.tolist()) == set(range(len(target.classes)))
    if target.lower is not None:
        assert (finite >= target.lower).all()


@pytest.mark.parametrize("row", [0, 57, 400, 799 - HORIZON])
def test_target_depends_on_the_closes_from_its_origin_to_each_step(target: Target, bars: Bars, row: int) -> None:
    values = target.compute(bars, HORIZON)
    for step in range(1, HORIZON + 1):

        def outside(close: np.ndarray, step: int = step) -> None:
            close[:row] *= 1.7
            close[row + step + 1 :] *= np.linspace(0.2, 5, len(close) - row - step - 1)

        np.testing.assert_array_equal(
            target.compute(reshaped(bars, outside), HORIZON)[row, :step], values[row, :step], err_msg=f"step {step}"
        )

        moves = []
        for factor in (0.2, 5.0):

            def inside(close: np.ndarray, step: int = step, factor: float = factor) -> None:
                close[row + step] *= factor

            moves.append(target.compute(reshaped(bars, inside), HORIZON)[row, step - 1])
        assert any(move != values[row, step - 1] for move in moves), f"step {step} does not see its own last bar"


def test_target_does_not_change_when_history_is_cut(target: Target, bars: Bars) -> None:
    np.testing.assert_array_equal(target.compute(bars[300:], HORIZON), target.compute(bars, HORIZON)[300:])
    np.testing.assert_array_equal(
        target.compute(bars[:300], HORIZON)[: 300 - HORIZON], target.compute(bars, HORIZON)[: 300 - HORIZON]
    )


def test_spread_is_finite_and_positive(target: Target) -> None:
    spread = target.spread(SCALE, HORIZON)
    assert spread.shape == (3, HORIZON)
    assert np.isfinite(spread).all()
    assert (spread > 0).all()
    assert np.isfinite(0.5 / np.float32(spread)).all()


def test_random_walk_is_a_law(target: Target) -> None:
    law = target.random_walk(SCALE, HORIZON, LEVELS)
    assert np.isfinite(law).all()
    if target.classes:
        assert law.shape == (3, HORIZON, len(target.classes))
        assert (law >= 0).all()
        np.testing.assert_allclose(law.sum(axis=2), 1, rtol=1e-12)
    else:
        assert law.shape == (3, HORIZON, len(LEVELS))
        assert (np.diff(law, axis=2) > 0).all()
        assert target.lower is None or (law >= target.lower).all()


@pytest.mark.parametrize("period", [1, 2, 5, 24])
def test_carried_value_is_possible_and_read_from_the_stated_history(target: Target, bars: Bars, period: int) -> None:
    count = target.history(HORIZON, period)
    assert count >= 1
    log_close = np.log(bars.close)
    past = np.stack([log_close[:200], log_close[200:400]])
    carried = target.carried(past, HORIZON, period)
    assert carried.shape == (2, HORIZON)
    assert np.isfinite(carried).all()
    assert target.lower is None or (carried >= target.lower).all()
    assert not target.classes or set(carried.ravel().tolist()) <= set(range(len(target.classes)))
    np.testing.assert_array_equal(target.carried(past[:, -count:], HORIZON, period), carried)
    np.testing.assert_array_equal(target.carried(past[1:], HORIZON, period), carried[1:])
