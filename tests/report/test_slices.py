from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.report.drawing import NAMESPACE, of_class, per_cent, texts

from forecastle.report.slices import slice_figures


def cell(value: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    return {"windows": 40, "model": 1.0, "random_walk": 1.1, "value": value, "low": low, "high": high}


WEEK = {
    "Mon": cell(0.05, 0.01, 0.09),
    "Tue": cell(0.01, -0.02, 0.04),
    "Wed": cell(-0.05, -0.09, -0.01),
    "Thu": cell(0.02, None, None),
}


def test_each_slice_is_a_dot_whose_colour_tells_on_which_side_of_zero_it_lies_for_sure() -> None:
    (figure,) = slice_figures({"weekday": WEEK})
    assert figure.title == "By weekday"
    dots = {
        (each.findtext(NAMESPACE + "title") or "").partition(":")[0]: set((each.get("class") or "").split()) - {"dot"}
        for each in of_class(figure.svg, "circle")
    }
    assert dots == {"Mon": {"model"}, "Tue": {"consistency"}, "Wed": {"worse"}, "Thu": {"consistency"}}
    told = [each.findtext(NAMESPACE + "title") or "" for each in of_class(figure.svg, "circle", "model")]
    assert told == ["Mon: +5.0\u202f%, +1.0\u202f% to +9.0\u202f%, 40 windows"]
    assert {name for name, _, _ in figure.legend} == {"interval holds 0", "all above 0", "all below 0"}


def test_intervals_stand_above_their_slice() -> None:
    (figure,) = slice_figures({"weekday": WEEK})
    (stroke,) = of_class(figure.svg, "line", "model")
    (dot,) = of_class(figure.svg, "circle", "model")
    assert per_cent(stroke, "x1") == per_cent(stroke, "x2") == per_cent(dot, "cx")
    ends = sorted(per_cent(stroke, name) for name in ("y1", "y2"))
    assert np.mean(ends) == pytest.approx(per_cent(dot, "cy"), abs=1e-3)


def test_of_many_slices_every_third_is_named() -> None:
    hours = {f"{hour:02d} h": cell(0.0, -0.1, 0.1) for hour in range(24)}
    (figure,) = slice_figures({"hour": hours})
    assert texts(figure.svg, "x") == [f"{hour:02d} h" for hour in range(0, 24, 3)]


def test_what_has_no_skill_at_all_has_no_figure() -> None:
    assert slice_figures({"year": {"2011": cell(None, None, None)}}) == []
    assert slice_figures({}) == []
