from __future__ import annotations

import numpy as np
import pytest
from tests.report.drawing import NAMESPACE, of_class

from forecastle.report.coverage import coverage, coverage_figure, coverage_table
from forecastle.report.forecasts import Forecasts


def make_forecasts(target: np.ndarray, regime: np.ndarray | None = None) -> Forecasts:
    """Forecasts of the interval from −1 to 1, said to hold 80 %."""
    count, horizon = target.shape
    return Forecasts(
        symbol=np.array(["X"] * count, dtype=object),
        origin=np.datetime64("2020-01-01", "us") + np.arange(count) * np.timedelta64(1, "D"),
        log_close=np.zeros(count),
        target=target,
        values=np.broadcast_to([-1.0, 1.0], (count, horizon, 2)),
        levels=(0.1, 0.9),
        classes=(),
        loss={},
        steps=tuple(range(1, horizon + 1)),
        path=np.zeros(count, int),
        regime=regime,
    )


BAND = [(0.8, 0, 1)]


def test_coverage_counts_both_ends_as_inside() -> None:
    target = np.array([[-1.0, 0.0], [1.0, 3.0], [2.0, np.nan]])
    assert coverage(make_forecasts(target), 0, 1) == pytest.approx([2 / 3, 1 / 3])


def test_the_table_tells_steps_regimes_and_how_wide_the_interval_is() -> None:
    target = np.array([[0.0, 2.0], [0.0, 0.0], [2.0, 2.0], [0.0, 0.0]])
    scores = {"scores": {"model": {"width_80": 0.9}, "random_walk": {"width_80": 1.2}}}
    table = coverage_table(make_forecasts(target, np.array([0, 0, 2, -1])), BAND, scores)
    assert table is not None
    assert table.head == ["", "step 1", "step 2", "all steps", "calm times", "wild times"]
    shares = [cell.replace("\u202f%", "") for cell in table.rows[0][1:]]
    assert shares == ["75.0", "50.0", "62.5", "75.0", "0.0"]
    assert table.note.startswith("The 80\u202f% interval is 0.750 times as wide as the random walk’s. Calm")


def test_a_run_without_regimes_and_widths_has_a_plain_table() -> None:
    table = coverage_table(make_forecasts(np.zeros((3, 1))), BAND, {})
    assert table is not None
    assert (table.head, table.note) == (["", "step 1"], "")
    assert coverage_table(make_forecasts(np.zeros((3, 1))), [], {}) is None


def test_the_picture_has_a_dot_for_each_step_and_none_is_drawn_of_one_step() -> None:
    target = np.where(np.arange(300)[:, None] < [[240, 150]], 0.0, 5.0)
    figure = coverage_figure(make_forecasts(target), BAND)
    assert figure is not None
    told = [each.findtext(NAMESPACE + "title") for each in of_class(figure.svg, "circle")]
    assert told == ["80\u202f% at step 1: 80.0\u202f%", "80\u202f% at step 2: 50.0\u202f%"]
    assert coverage_figure(make_forecasts(target[:, :1]), BAND) is None
    assert coverage_figure(make_forecasts(target), []) is None
