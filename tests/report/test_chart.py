from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.drawing import NAMESPACE, of_class, parse, paths, per_cent, texts

from forecastle.report.axis import Axis, number_axis
from forecastle.report.chart import MOST_POINTS, Band, Boxes, Dots, Line, Mark, Strokes, draw, legend, thin

X = Axis(0.0, 10.0, ((0.0, "0"), (10.0, "10")), "time")
Y = Axis(-1.0, 3.0, ((-1.0, "−1"), (3.0, "3")), "price")
ROGUE = '<script>alert("x")</script>&'


def test_a_chart_is_well_formed_and_escapes_every_text() -> None:
    one = np.ones(1)
    marks: list[Mark] = [
        Line(ROGUE, ROGUE, one, one),
        Band(ROGUE, ROGUE, one, one, one),
        Boxes(ROGUE, ROGUE, one, one, one, one, (ROGUE,)),
        Dots(ROGUE, ROGUE, one, one, (ROGUE,)),
        Strokes(ROGUE, ROGUE, one, one, one, one),
    ]
    axis = Axis(0.0, 2.0, ((1.0, ROGUE),), ROGUE)
    svg = draw(marks, axis, axis, title=ROGUE, description=ROGUE, shape=ROGUE)
    root = parse(svg)
    assert "<script" not in svg
    assert root.findtext(NAMESPACE + "title") == ROGUE
    assert texts(svg, "x") == [ROGUE]


def test_a_chart_says_what_it_shows() -> None:
    root = parse(draw([], X, Y, title="Prices", description="rising"))
    assert root.get("role") == "img"
    assert [root[0].text, root[1].text] == ["Prices", "rising"]


def test_a_line_passes_through_its_points() -> None:
    svg = draw([Line("", "model", np.array([0.0, 5.0, 10.0]), np.array([-1.0, 3.0, 1.0]))], X, Y, title="")
    assert paths(svg, "line", "model")[0][0] == pytest.approx(np.array([[0, 0], [0.5, 1], [1, 0.5]]))


def test_a_gap_parts_a_line_and_a_point_alone_stays_visible() -> None:
    y = np.array([0.0, 1.0, np.nan, 2.0, np.nan, 1.0, 0.0])
    svg = draw([Line("", "model", np.arange(7.0), y)], X, Y, title="")
    assert [len(piece) for piece in paths(svg, "line")[0]] == [2, 1, 2]
    assert of_class(svg, "path")[0].get("d", "").count("l0 0") == 1  # round caps make a dot of it


@pytest.mark.parametrize("values", [[], [np.nan, np.nan]])
def test_a_line_without_points_draws_nothing(values: list[float]) -> None:
    svg = draw([Line("", "model", np.arange(float(len(values))), np.array(values))], X, Y, title="")
    assert of_class(svg, "path") == []


def test_a_constant_series_lies_inside_the_plot() -> None:
    y = np.full(20, 7.5)
    svg = draw([Line("", "model", np.arange(20.0), y)], number_axis(np.arange(20.0)), number_axis(y), title="")
    heights = paths(svg, "line")[0][0][:, 1]
    assert len(set(heights.tolist())) == 1
    assert 0 < heights[0] < 1


def test_a_band_goes_forth_above_and_back_below() -> None:
    x = np.array([0.0, 10.0, 10.0])
    mark = Band("", "band95", x, np.array([-1.0, 0.0, np.nan]), np.array([1.0, 3.0, np.nan]))
    (piece,) = paths(draw([mark], X, Y, title=""), "band95")[0]
    assert piece == pytest.approx(np.array([[0, 0.5], [1, 1], [1, 0.25], [0, 0]]))


def test_boxes_stand_on_zero_and_hang_below_it() -> None:
    left, right = np.array([1.0, 3.0, 5.0]), np.array([2.0, 4.0, 6.0])
    mark = Boxes("", "model", left, right, np.zeros(3), np.array([2.0, -1.0, np.nan]), ("a", "b", "c"))
    up, down = of_class(draw([mark], X, Y, title=""), "rect")
    assert [per_cent(up, name) for name in ("x", "y", "width", "height")] == pytest.approx([0.1, 0.25, 0.1, 0.5])
    assert [per_cent(down, name) for name in ("x", "y", "width", "height")] == pytest.approx([0.3, 0.75, 0.1, 0.25])
    assert [each.findtext(NAMESPACE + "title") for each in (up, down)] == ["a", "b"]


def test_dots_and_strokes_leave_out_what_is_not_known() -> None:
    gap, known = np.array([1.0, np.nan]), np.array([1.0, 2.0])
    svg = draw([Dots("", "model", known, gap), Strokes("", "zero", known, gap, known, known)], X, Y, title="")
    assert len(of_class(svg, "circle")) == 1
    assert len(of_class(svg, "line", "stroke")) == 1


def test_axis_labels_stand_at_their_ticks() -> None:
    svg = draw([], X, Y, title="")
    assert texts(svg, "y") == ["−1", "3"]
    assert [per_cent(each, "y") for each in of_class(svg, "text", "y")] == [1.0, 0.0]
    assert [per_cent(each, "x") for each in of_class(svg, "text", "x")] == [0.0, 1.0]
    assert texts(svg, "label") == ["price", "time"]


def test_a_legend_names_each_mark_once() -> None:
    one = np.ones(1)
    marks: list[Mark] = [
        Line("a", "s1", one, one),
        Line("a", "s1", one, one),
        Dots("", "s2", one, one),
        Dots("b", "s2", one, one),
    ]
    assert legend(marks) == [("a", "s1", "line"), ("b", "s2", "dots")]


@given(st.lists(st.floats(-1e6, 1e6) | st.just(np.nan), min_size=0, max_size=400), st.integers(8, 90))
def test_thinning_keeps_extremes_ends_and_order(values: list[float], most: int) -> None:
    array = np.array(values)
    index = thin(array, most)
    assert len(index) <= max(most, 0)
    assert (np.diff(index) > 0).all()
    if len(values):
        assert {0, len(values) - 1} <= set(index.tolist())
    if np.isfinite(array).any():
        assert np.nanmin(array[index]) == np.nanmin(array)
        assert np.nanmax(array[index]) == np.nanmax(array)
    assert np.isnan(array[index]).any() == np.isnan(array).any()


def test_a_long_line_is_thinned_and_shows_its_spike() -> None:
    y = np.sin(np.arange(50_000) / 400.0)
    y[31_234] = 3.0
    svg = draw([Line("", "model", np.arange(50_000.0), y)], number_axis([0.0, 50_000.0]), Y, title="")
    (piece,) = paths(svg, "line")[0]
    assert len(piece) <= MOST_POINTS
    assert piece[:, 1].max() == 1.0
    assert len(svg) < 10_000
