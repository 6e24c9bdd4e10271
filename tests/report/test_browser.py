"""The page in a real, headless Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.report.browsing import visit
from tests.report.conftest import make_run

from forecastle.report.page import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = {
    "plain": {},
    "sweep": {"parts": ("validation",), "symbols": ("EURUSD", "AUDJPY")},
    "classes": {"target": "direction"},
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of the reports by name."""
    root = tmp_path_factory.mktemp("reports")
    return {name: write_report(make_run(root / name, **choice)).as_uri() for name, choice in NAMES.items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [360, 1280])
def test_a_report_fits_the_screen_asks_for_nothing_and_says_nothing(
    browser: Browser, reports: dict[str, str], name: str, width: int
) -> None:
    page, requests, said = visit(browser, reports[name], width)
    assert requests == [reports[name]]
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.evaluate("window.scrollTo(1000, 0)")
    assert page.evaluate("window.scrollX") == 0
    page.close()


def test_wide_tables_scroll_inside_their_box_on_a_phone(browser: Browser, reports: dict[str, str]) -> None:
    page, _, _ = visit(browser, reports["plain"], 360)
    box = page.locator("#scores .scroll").first
    assert box.evaluate("each => each.scrollWidth > each.clientWidth")
    assert box.evaluate("each => { each.scrollLeft = 200; return each.scrollLeft }") > 0
    assert page.locator("#scores caption span").first.bounding_box()["x"] >= 0  # the caption stays in sight
    page.close()


def test_score_tables_fit_a_screen_of_1280_pixels(browser: Browser, reports: dict[str, str]) -> None:
    page, _, _ = visit(browser, reports["plain"], 1280)
    hidden = page.locator("#scores .scroll").evaluate_all(
        "boxes => boxes.map(each => each.scrollWidth - each.clientWidth)"
    )
    assert hidden == [0] * len(hidden) != []
    page.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_charts_have_room_and_their_letters_lie_on_the_page(
    browser: Browser, reports: dict[str, str], width: int
) -> None:
    page, _, _ = visit(browser, reports["plain"], width)
    charts = page.locator("svg.chart")
    assert charts.count() >= 8
    for chart in charts.all():
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] > 150
        assert box["height"] > 80
    outside = page.evaluate(
        """() => [...document.querySelectorAll('svg.chart text')].filter(each => {
            const box = each.getBoundingClientRect();
            return box.width && (box.left < 0 || box.right > window.innerWidth);
        }).map(each => each.textContent)"""
    )
    assert outside == []
    page.close()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [360, 800, 1280])
def test_labels_of_an_axis_do_not_run_into_each_other(
    browser: Browser, reports: dict[str, str], name: str, width: int
) -> None:
    page, _, _ = visit(browser, reports[name], width)
    touching = page.evaluate(
        """() => [...document.querySelectorAll('svg.chart')].flatMap(chart => {
            const boxes = [...chart.querySelectorAll('text.x')].map(each => each.getBoundingClientRect())
                .filter(box => box.width);
            return boxes.slice(1).filter((box, number) => box.left < boxes[number].right).map(box => box.left);
        })"""
    )
    assert touching == []
    page.close()


def test_dark_mode_is_followed(browser: Browser, reports: dict[str, str]) -> None:
    brightness = "Math.max(...getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number))"
    stroke = "getComputedStyle(document.querySelector('path.line.actual')).stroke"
    seen = {}
    for scheme in ("light", "dark"):
        page, _, said = visit(browser, reports["plain"], 1280, scheme)
        seen[scheme] = (page.evaluate(brightness), page.evaluate(stroke))
        assert said == []
        page.close()
    assert seen["light"][0] > 200
    assert seen["dark"][0] < 60
    assert seen["light"][1] != seen["dark"][1]


def test_the_page_prints_light_and_whole(browser: Browser, reports: dict[str, str]) -> None:
    page, _, _ = visit(browser, reports["plain"], 1280, "dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    page.set_viewport_size({"width": 794, "height": 1123})  # A4
    cut = (
        "() => [...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth + 1).length"
    )
    assert page.evaluate(cut) == 0
    assert page.pdf().startswith(b"%PDF")
    page.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_lines_fill_the_plot_at_every_width(browser: Browser, reports: dict[str, str], width: int) -> None:
    page, _, _ = visit(browser, reports["plain"], width)
    plot = page.locator("#forecasts svg.chart").first.bounding_box()
    line = page.locator("#forecasts path.line.actual").first.bounding_box()
    assert plot is not None
    assert line is not None
    assert line["width"] == pytest.approx(plot["width"], abs=4)
    assert plot["height"] / 4 < line["height"] <= plot["height"]
    page.close()


def test_marks_are_painted(browser: Browser, reports: dict[str, str]) -> None:
    page, _, _ = visit(browser, reports["plain"], 1280)
    figure = page.locator("#forecasts figure").first
    with_marks = figure.screenshot()
    page.add_style_tag(content="path, circle, rect { visibility: hidden }")
    assert figure.screenshot() != with_marks
    page.close()
