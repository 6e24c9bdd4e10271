from __future__ import annotations

import numpy as np
import pytest
from tests.report.drawing import NAMESPACE, of_class, paths, per_cent, texts

from forecastle.report.figure import cumulated_figures, curve_figures, forest_figure, skill_figures
from forecastle.report.forecasts import Forecasts


def make_losses(origin: list[int], model: list[float], baseline: list[float]) -> Forecasts:
    times = np.datetime64("2020-01-01", "us") + np.array(origin) * np.timedelta64(1, "D")
    count = len(origin)
    loss = {"model": np.array(model)[:, None], "random_walk": np.array(baseline)[:, None]}
    return Forecasts(
        np.array(["X"] * count, dtype=object), times, np.zeros(count), np.zeros((count, 1)),
        np.zeros((count, 1, 1)), (0.5,), (), loss, (1,), np.zeros(count, int),
    )  # fmt: skip


def heights(svg: str, style: str) -> list[float]:
    low, high = (float(text.replace("−", "-")) for text in (texts(svg, "y")[0], texts(svg, "y")[-1]))
    return (low + (high - low) * paths(svg, "line", style)[0][0][:, 1]).tolist()


def test_cumulated_gain_sums_the_mean_difference_at_each_origin() -> None:
    forecasts = make_losses([0, 1, 1, 2], [1.0, 1.0, 2.0, 5.0], [2.0, 2.0, 5.0, 1.0])
    (figure,) = cumulated_figures(forecasts, "min", "log return")
    assert figure.title == "Over random walk"
    assert heights(figure.svg, "model") == pytest.approx([1.0, 3.0, -1.0], abs=1e-3)  # +1, +(1+3)/2, −4


def test_cumulated_gain_rises_while_the_model_is_better_whichever_way_the_objective_counts() -> None:
    (figure,) = cumulated_figures(make_losses([0, 1], [1.0, 1.0], [0.0, 0.0]), "max", "")
    assert heights(figure.svg, "model") == pytest.approx([1.0, 2.0], abs=1e-3)


def test_each_baseline_has_its_own_gain_so_that_a_weak_one_hides_nothing() -> None:
    forecasts = make_losses([0, 1], [1.0, 1.0], [1.1, 1.1])
    forecasts.loss["last_value"] = np.array([[1000.0], [1000.0]])
    first, second = cumulated_figures(forecasts, "min", "")
    assert heights(first.svg, "model") == pytest.approx([0.1, 0.2], abs=1e-4)
    assert heights(second.svg, "model") == pytest.approx([999.0, 1998.0], abs=1)


def test_an_objective_that_is_no_mean_has_no_cumulated_gain() -> None:
    forecasts = make_losses([0, 1], [1.0, 1.0], [0.0, 0.0])
    assert cumulated_figures(forecasts, "none", "") == []
    forecasts.loss.clear()
    assert cumulated_figures(forecasts, "min", "") == []


def test_skill_by_step_has_a_bar_on_its_side_of_zero_and_leaves_gaps() -> None:
    (figure,) = skill_figures({"random_walk": {"value": 0.1, "by_step": [0.2, None, -0.1]}}, (1, 5, 24))
    up, down = of_class(figure.svg, "rect", "model"), of_class(figure.svg, "rect", "worse")
    assert [each.findtext(NAMESPACE + "title") for each in up] == ["step 1: +20.0\u202f%"]
    assert [each.findtext(NAMESPACE + "title") for each in down] == ["step 24: −10.0\u202f%"]
    assert per_cent(up[0], "height") == pytest.approx(2 * per_cent(down[0], "height"), abs=2e-4)
    zero = per_cent(of_class(figure.svg, "line", "zero")[0], "y1")
    assert per_cent(down[0], "y") == pytest.approx(zero, abs=2e-4)
    assert "step 5: –" in figure.svg


def test_skill_by_step_is_drawn_for_each_baseline_in_their_order() -> None:
    skill = {name: {"by_step": [0.1, 0.2]} for name in ("other", "last_value", "random_walk")}
    titles = [figure.title for figure in skill_figures(skill, (1, 2))]
    assert titles == ["Against random walk", "Against last value", "Against other"]


@pytest.mark.parametrize("steps", [None, [], [0.3], [None, None]])
def test_skill_by_step_needs_two_steps(steps: list[float] | None) -> None:
    assert skill_figures({"random_walk": {"value": 0.3, "by_step": steps}}, range(1, len(steps or ()) + 1)) == []


def test_the_forest_shows_intervals_and_says_them() -> None:
    figure = forest_figure({"random_walk": {"value": 0.1, "low": -0.1, "high": 0.3}, "last_value": {"value": None}})
    assert figure is not None
    (stroke,) = of_class(figure.svg, "line", "stroke", "model")
    (dot,) = of_class(figure.svg, "circle", "model")
    middle = (per_cent(stroke, "x1") + per_cent(stroke, "x2")) / 2
    assert per_cent(dot, "cx") == pytest.approx(middle)
    assert (
        dot.findtext(NAMESPACE + "title")
        == "random walk: +10.0\u202f%, 95\u202f% interval −10.0\u202f% to +30.0\u202f%"
    )


def test_the_forest_without_intervals_shows_the_skill_alone() -> None:
    figure = forest_figure({"random_walk": {"value": 0.1, "low": None, "high": None}})
    assert figure is not None
    assert of_class(figure.svg, "line", "stroke", "model") == []
    assert len(of_class(figure.svg, "circle", "model")) == 1
    assert forest_figure({}) is None


def test_learning_curves_of_one_measure_share_a_picture() -> None:
    curves = {"train/loss": ([1.0, 2.0], [0.5, 0.4]), "validation/loss": ([1.0, 2.0], [0.6, 0.5]), "lr": ([1.0], [0.1])}
    loss, rate = curve_figures(curves)
    assert [name for name, _, _ in loss.legend] == ["train", "validation"]
    assert rate.title == "Lr"
    assert len(of_class(loss.svg, "path", "line")) == 2
