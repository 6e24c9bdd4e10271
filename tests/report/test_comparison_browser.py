"""The page of a comparison in a real, headless Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.report.browsing import visit
from tests.report.rivalry import make_asked

from forecastle.report.comparison import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("comparison")
    asked = make_asked(root / "runs", hostile="<script>alert(1)</script>")
    run = asked.contest.places[0].run
    path = root / "compare.html"
    path.write_text(render([asked], {run: f"runs/{run}/report.html"}, [("command", "compare")]), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_the_screen_asks_for_nothing_and_says_nothing(
    browser: Browser, address: str, width: int, scheme: str
) -> None:
    page, requests, said = visit(browser, address, width, scheme)
    assert requests == [address]
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = page.evaluate(
        """() => [...document.querySelectorAll('svg.chart:not(.parallel) text, h2, h3, h4, p, li')].filter(each => {
            const box = each.getBoundingClientRect();
            return box.width && (box.left < 0 || box.right > window.innerWidth);
        }).map(each => each.textContent)"""
    )
    assert outside == []
    brightness = "Math.max(...getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number))"
    assert (page.evaluate(brightness) > 200) == (scheme == "light")
    page.close()


def test_a_heading_sorts_the_table_by_mouse_and_by_keyboard(browser: Browser, address: str) -> None:
    page, _, said = visit(browser, address, 1280)
    ranks = "[...document.querySelectorAll('tr[data-run] .place')].map(each => Number(each.textContent))"
    assert page.evaluate(ranks) == list(range(1, 31))
    page.get_by_role("button", name="crps").click()
    assert page.evaluate(ranks) == list(range(1, 31))
    page.get_by_role("button", name="crps").click()
    assert page.evaluate(ranks) == list(range(30, 0, -1))
    assert page.locator("th[aria-sort]").count() == 1
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("crps")
    page.get_by_role("button", name="#").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(ranks) == list(range(1, 31))
    page.get_by_role("button", name="p vs best").click()
    assert page.evaluate(ranks)[-1] == 1  # what is not known stands last
    assert said == []
    page.close()


def test_a_run_shows_itself_in_the_picture_and_a_stretch_of_an_axis_keeps_its_runs(
    browser: Browser, address: str
) -> None:
    page, _, said = visit(browser, address, 1280)
    row = page.locator("tr[data-run]").nth(2)
    row.hover()
    run = row.get_attribute("data-run")
    assert page.locator("path.run.shown").get_attribute("data-run") == run
    brush = page.locator("rect.brush").last  # the score
    brush.scroll_into_view_if_needed()
    box = brush.bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 2
    page.mouse.move(x, box["y"] + 1)
    page.mouse.down()
    page.mouse.move(x, box["y"] + 0.25 * box["height"], steps=4)
    page.mouse.up()
    kept = page.locator("tr[data-run]:not(.out)").count()
    assert 0 < kept < 30
    assert page.locator("path.run:not(.out)").count() == kept
    page.mouse.click(x, box["y"] + 0.6 * box["height"])
    assert page.locator(".out").count() == 0
    assert said == []
    page.close()


def test_a_stretch_of_an_axis_keeps_its_runs_by_keyboard(browser: Browser, address: str) -> None:
    page, _, said = visit(browser, address, 1280)
    assert page.get_by_text("use the arrow keys").is_visible()
    brush = page.locator("rect.brush").last  # the score
    brush.focus()
    assert (brush.get_attribute("aria-label") or "").startswith("Keep runs by skill vs")
    assert brush.get_attribute("aria-valuetext") == "all of the axis"
    page.keyboard.press("ArrowUp")
    inside = page.locator("tr[data-run]:not(.out)")
    ranks = [int(each) for each in inside.locator(".place").all_inner_texts()]
    assert 0 < len(ranks) < 30
    assert ranks == list(range(1, len(ranks) + 1)), "the upper quarter of the score holds the best"
    assert page.locator("path.run:not(.out)").count() == len(ranks)
    assert brush.get_attribute("aria-valuetext") == f"{len(ranks)} of 30 runs, from 75 to 100 % of the axis"
    for _ in range(20):
        page.keyboard.press("Shift+ArrowDown")
    assert inside.count() == 30
    for _ in range(30):
        page.keyboard.press("Shift+ArrowUp")
    assert brush.get_attribute("aria-valuetext").endswith("from 95 to 100 % of the axis")  # type: ignore[union-attr]
    for _ in range(30):
        page.keyboard.press("ArrowDown")
    assert brush.get_attribute("aria-valuetext").endswith("from 0 to 5 % of the axis")  # type: ignore[union-attr]
    page.keyboard.press("Escape")
    assert page.locator(".out").count() == 0
    assert said == []
    page.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_heads_of_the_axes_do_not_run_into_each_other(browser: Browser, address: str, width: int) -> None:
    page, _, _ = visit(browser, address, width)
    touching = page.evaluate(
        """() => {
            const heads = [...document.querySelectorAll('svg.parallel text.head')];
            const boxes = heads.map(each => each.getBoundingClientRect());
            return boxes.slice(1).filter((box, number) => box.left < boxes[number].right).length;
        }"""
    )
    assert touching == 0
    page.close()


def test_everything_that_acts_is_reached_by_keyboard_and_named(browser: Browser, address: str) -> None:
    page, _, _ = visit(browser, address, 1280)
    assert page.locator("th button:not([title])").count() == 0
    assert page.locator("[tabindex='0']:not([aria-label])").count() == 0
    assert page.locator("svg[role=img]:not(:has(> title))").count() == 0
    assert page.locator("tbody tr:not(:has(th[scope=row]))").count() == 0
    page.keyboard.press("Tab")
    style = "getComputedStyle(document.activeElement).outlineStyle"
    seen = set()
    for _ in range(12):
        seen.add(page.evaluate("document.activeElement.tagName"))
        assert page.evaluate(style) != "none"
        page.keyboard.press("Tab")
    assert {"A", "BUTTON"} <= seen
    page.close()


def test_the_page_prints_light_and_whole(browser: Browser, address: str) -> None:
    page, _, _ = visit(browser, address, 1280, "dark")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    cut = """() => [...document.querySelectorAll('.scroll')].filter(each =>
        each.scrollWidth > each.clientWidth + 1 || getComputedStyle(each).maxHeight !== 'none').length"""
    assert page.evaluate(cut) == 0
    assert page.pdf().startswith(b"%PDF")
    page.close()


def test_the_page_is_whole_without_scripts(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("tr[data-run]").count() == 30
    assert page.locator("path.run").first.bounding_box() is not None
    assert page.get_by_text("use the arrow keys").count() == 1
    assert not page.get_by_text("use the arrow keys").is_visible(), "nothing is said of what does not work"
    context.close()


def test_lines_of_runs_are_told_apart_without_their_colours(browser: Browser, address: str) -> None:
    page, _, _ = visit(browser, address, 1280)
    drawn = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('[class~="line"][d]')].filter(each =>
            /\\bs[1-5]\\b/.test(each.classList.value)).map(each => {
            const style = getComputedStyle(each);
            return [each.classList.value.match(/s[1-5]/)[0], style.strokeDasharray + style.strokeWidth];
        }))"""
    )
    assert len(drawn) == 5
    assert len(set(drawn.values())) == 5
    page.close()


def test_a_choice_and_its_value_stay_on_one_line(browser: Browser, address: str) -> None:
    page, _, _ = visit(browser, address, 360)
    heights = page.evaluate(
        "[...document.querySelectorAll('.ranking-table .pair')].filter(each => each.textContent.length < 20)"
        ".map(each => each.getBoundingClientRect().height / parseFloat(getComputedStyle(each).fontSize))"
    )
    assert heights
    assert max(heights) < 2
    page.close()
