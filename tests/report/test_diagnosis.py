from __future__ import annotations

import numpy as np
from tests.report.drawing import NAMESPACE, of_class

from forecastle.report.diagnosis import calibration_figures
from forecastle.report.forecasts import Forecasts


def make_forecasts(
    target: np.ndarray, values: np.ndarray, levels: tuple[float, ...], classes: tuple[str, ...] = ()
) -> Forecasts:
    count = len(target)
    origin = np.datetime64("2020-01-01", "us") + np.arange(count) * np.timedelta64(1, "D")
    symbol = np.array(["X"] * count, dtype=object)
    steps = tuple(range(1, target.shape[1] + 1))
    path = np.zeros(count, int)
    return Forecasts(symbol, origin, np.zeros(count), target, values, levels, classes, {}, steps, path)


def test_the_first_and_the_last_step_are_shown() -> None:
    random = np.random.default_rng(0)
    target, values = random.normal(size=(50, 3)), np.broadcast_to([-1.0, 0.0, 1.0], (50, 3, 3))
    figures = calibration_figures(make_forecasts(target, values, (0.16, 0.5, 0.84)))
    assert [figure.title for figure in figures] == ["Step 1", "Step 3"]
    assert [
        figure.title for figure in calibration_figures(make_forecasts(target[:, :1], values[:, :1], (0.16, 0.5, 0.84)))
    ] == ["Step 1"]


def test_a_forecast_that_is_too_narrow_leaves_the_band_and_is_told() -> None:
    target = np.where(np.arange(100) % 2, 5.0, -5.0)[:, None]
    values = np.broadcast_to([-1.0, 1.0], (100, 1, 2))
    (figure,) = calibration_figures(make_forecasts(target, values, (0.25, 0.75)))
    assert figure.caption == "3 of 3 bins outside the band."
    assert len(of_class(figure.svg, "line", "worse")) == 3
    assert of_class(figure.svg, "line", "model") == []
    first = of_class(figure.svg, "rect")[0].findtext(NAMESPACE + "title")
    assert first == "from 0 to 25\u202f%: 200\u202f% of what is expected"


def test_many_levels_are_thinned_to_bins_that_can_be_told_apart() -> None:
    levels = tuple(float(level) for level in np.round(np.arange(0.025, 1.0, 0.025), 3))
    values = np.broadcast_to(levels, (200, 1, 39))
    target = np.random.default_rng(0).random((200, 1))
    (figure,) = calibration_figures(make_forecasts(target, values, levels))
    titles = [each.findtext(NAMESPACE + "title") or "" for each in of_class(figure.svg, "rect")]
    assert len(titles) == 20
    assert titles[0].startswith("from 0 to 5\u202f%")
    assert titles[-1].startswith("from 95 to 100\u202f%")


def test_two_classes_get_one_reliability_curve_and_three_get_three() -> None:
    random = np.random.default_rng(0)
    for classes, curves in (
        (("down", "up"), ["Up, step 1"]),
        (("down", "flat", "up"), ["Down, step 1", "Flat, step 1", "Up, step 1"]),
    ):
        values = random.dirichlet(np.ones(len(classes)), (80, 1))
        target = random.integers(0, len(classes), (80, 1)).astype(float)
        figures = calibration_figures(make_forecasts(target, values, (), classes))
        assert [figure.title for figure in figures] == curves
