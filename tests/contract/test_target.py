"""What every target in conf/target keeps to; a new YAML there is tested without an edit here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from forecastle.data.bars import Bars
from forecastle.windows.context import EventTarget, Target

CONF = Path(__file__).resolve().parents[2] / "conf" / "target"
HORIZON = 6
LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
SCALE = np.array([1e-8, 0.002, 0.5])


@pytest.fixture(params=sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def target(request: pytest.FixtureRequest) -> Target:
    return instantiate(OmegaConf.load(request.param))


def scaled(bars: Bars, factor: np.ndarray) -> Bars:
    """The bars with all prices of each bar times its factor."""
    return replace(bars, **{name: getattr(bars, name) * factor for name in ("open", "high", "low", "close")})


def steady(bars: Bars) -> np.ndarray:
    """A volatility of 1 % at every bar, which is what the bars have."""
    return np.full(len(bars), 0.01)


def test_target_says_what_it_is(target: Target) -> None:
    assert target.name
    assert target.unit
    assert len(target.classes) != 1
    assert target.lower is None or not target.classes


def test_target_is_missing_exactly_where_the_future_is(target: Target, bars: Bars) -> None:
    values = target.compute(bars, HORIZON, steady(bars))
    assert values.shape == (len(bars), HORIZON)
    assert values.dtype == np.float64
    reach = np.arange(len(bars))[:, None] + np.arange(1, HORIZON + 1)
    np.testing.assert_array_equal(np.isnan(values), reach >= len(bars))


def test_target_stays_in_its_range(target: Target, bars: Bars) -> None:
    values = target.compute(bars, HORIZON, steady(bars))
    finite = values[np.isfinite(values)]
    if target.classes:
        assert set(finite.tolist()) == set(range(len(target.classes)))
    if target.lower is not None:
        assert (finite >= target.lower).all()


@pytest.mark.parametrize("row", [0, 57, 400, 799 - HORIZON])
def test_target_depends_on_no_bar_before_its_origin_or_after_its_step(target: Target, bars: Bars, row: int) -> None:
    values = target.compute(bars, HORIZON, steady(bars))
    for step in range(1, HORIZON + 1):
        factor = np.ones(len(bars))
        factor[:row] = 1.7
        factor[row + step + 1 :] = np.linspace(0.2, 5, len(bars) - row - step - 1)
        changed = target.compute(scaled(bars, factor), HORIZON, steady(bars))
        np.testing.assert_allclose(changed[row, :step], values[row, :step], rtol=1e-12, err_msg=f"step {step}")


def test_target_sees_the_last_bar_of_each_step(target: Target, bars: Bars) -> None:
    values = target.compute(bars, HORIZON, steady(bars))
    rows = np.arange(20, 780, 2 * HORIZON)  # so far apart that each window holds one changed bar
    for step in range(1, HORIZON + 1):
        moved = False
        for size in (0.2, 5.0):
            factor = np.ones(len(bars))
            factor[rows + step] = size
            changed = target.compute(scaled(bars, factor), HORIZON, steady(bars))
            moved |= bool((changed[rows, step - 1] != values[rows, step - 1]).any())
        assert moved, f"step {step} does not see its own last bar"


def test_target_does_not_change_when_history_is_cut(target: Target, bars: Bars) -> None:
    np.testing.assert_array_equal(
        target.compute(bars[300:], HORIZON, steady(bars[300:])), target.compute(bars, HORIZON, steady(bars))[300:]
    )
    np.testing.assert_array_equal(
        target.compute(bars[:300], HORIZON, steady(bars[:300]))[: 300 - HORIZON],
        target.compute(bars, HORIZON, steady(bars))[: 300 - HORIZON],
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


def test_span_is_where_the_label_is_settled(target: Target, bars: Bars) -> None:
    if not isinstance(target, EventTarget):
        return  # settled at the last step
    values = target.compute(bars, HORIZON, steady(bars))
    span = target.span(bars, HORIZON, steady(bars))
    assert span.min() == 1
    assert span.max() == HORIZON
    for row in (5, 57, 200, 401, 642):
        factor = np.ones(len(bars))
        factor[row + span[row] + 1 :] = np.linspace(0.2, 5, len(bars) - row - span[row] - 1)
        changed = target.compute(scaled(bars, factor), HORIZON, steady(bars))
        assert changed[row, -1] == values[row, -1]
