from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.report.conftest import make_run

import forecastle.report
from forecastle.errors import RunError
from forecastle.report.page import write_report

ROGUE = '<script>alert("x")</script>'
VOID = {"meta", "link", "br", "img", "input"}
Edit = Callable[[Path, Callable[[Any], None]], None]


class Outline(HTMLParser):
    """Tags that are open, in order to find what is not closed, and what the page consists of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = dict(attrs)
        self.ids += [str(values["id"])] if "id" in values else []
        self.links += [str(values[name]) for name in ("href", "src") if name in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def write(folder: Path) -> str:
    path = write_report(folder)
    assert path == folder / "report.html"
    return path.read_text(encoding="utf-8")


@pytest.fixture(params=["log_return", "volatility", "direction"])
def page(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return write(make_run(tmp_path, target=request.param, symbols=("EURUSD", "AUDJPY"), windows=80))


def test_the_page_is_well_formed(page: str) -> None:
    outline = Outline(page)
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    for svg in re.findall(r"<svg xmlns.*?</svg>(?=</div>)", page, re.DOTALL):
        ElementTree.fromstring(svg)


def test_the_page_needs_nothing_else(page: str) -> None:
    outline = Outline(page)
    assert not {"script", "img", "iframe", "object"} & set(outline.tags)
    assert [link for link in outline.links if not link.startswith("#")] == ["data:,"]
    assert "url(" not in page
    assert "@import" not in page
    assert re.findall(r"https?://[^\"]*", page.replace('xmlns="http://www.w3.org/2000/svg"', "")) == []


def test_headings_stand_in_order_and_links_lead_somewhere(page: str) -> None:
    outline = Outline(page)
    levels = [int(tag[1]) for tag in outline.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert {link[1:] for link in outline.links if link.startswith("#")} == set(outline.ids)


def test_every_table_has_a_caption_and_every_chart_a_title(page: str) -> None:
    tags = Outline(page).tags
    assert tags.count("table") == tags.count("caption") > 0
    charts = re.findall(r'role="img"><title>[^<]+</title>', page)
    assert len(charts) == page.count('role="img"') > 0


def test_the_page_is_the_same_each_time(run_folder: Path) -> None:
    assert write(run_folder) == write(run_folder)


def test_writing_leaves_the_page_and_nothing_else(run_folder: Path) -> None:
    before = {path.name for path in run_folder.iterdir()}
    write(run_folder)
    assert {path.name for path in run_folder.iterdir()} == before | {"report.html"}


def test_every_text_of_config_and_data_is_escaped(tmp_path: Path, edit: Edit) -> None:
    folder = make_run(tmp_path, symbols=(ROGUE, "B"), windows=40)

    def poison(content: Any) -> None:
        """Put the rogue text in place of every text, as a key too."""
        nodes = list(content.values()) if isinstance(content, dict) else list(content)
        for node in nodes:
            if isinstance(node, (dict, list)):
                poison(node)
        if isinstance(content, dict):
            for key in [key for key, value in content.items() if isinstance(value, str)]:
                content[key] = ROGUE
            if not set(content) & {"scores", "manifest", "columns", "value", "name", "count"}:
                content[ROGUE] = dict(content) if all(isinstance(each, dict) for each in nodes) else ROGUE
        else:
            content[:] = [ROGUE if isinstance(each, str) else each for each in content]

    edit(folder / "manifest.json", poison)
    edit(folder / "quality.json", poison)
    edit(folder / "metrics.json", lambda metrics: metrics["test"].update(objective=ROGUE, unit=ROGUE))
    (folder / "config.yaml").write_text(f"symbol: {ROGUE}\n</pre>{ROGUE}")
    (folder / "curves.csv").write_text(f'name,step,value\n"{ROGUE.replace(chr(34), chr(34) * 2)}",1,2\n')
    page = write(folder)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 20
    assert Outline(page).open == []


def test_a_run_of_a_sweep_says_that_its_test_part_was_not_opened(tmp_path: Path) -> None:
    page = write(make_run(tmp_path, parts=("validation",)))
    assert "Test part not opened." in page
    assert "forecastle evaluate 3f9c1d7ab2e04516 part=test" in page
    assert "On the validation part, ridge" in page


def test_a_run_of_metrics_and_manifest_alone_has_a_page(run_folder: Path, edit: Edit) -> None:
    for name in ("forecast.parquet", "quality.json", "config.yaml", "curves.csv"):
        (run_folder / name).unlink()
    edit(run_folder / "manifest.json", lambda manifest: manifest.clear())
    outline = Outline(write(run_folder))
    assert set(outline.ids) == {"scores", "horizon"}


def test_forecasts_without_losses_have_no_cumulated_skill(run_folder: Path) -> None:
    import pandas as pd

    path = run_folder / "forecast.parquet"
    table = pd.read_parquet(path)
    table.drop(columns=[name for name in table if name.startswith("loss")]).to_parquet(path)
    assert "time" not in Outline(write(run_folder)).ids


def test_scores_that_are_not_defined_are_dashes(run_folder: Path, edit: Edit) -> None:
    def forget(metrics: Any) -> None:
        part = metrics["test"]
        for values in part["scores"].values():
            values.update(dict.fromkeys(values))
        part.update(skill={}, by_step={}, by_symbol={}, interval={})

    edit(run_folder / "metrics.json", forget)
    page = write(run_folder)
    assert "is not defined" in page
    assert "horizon" not in Outline(page).ids


def test_only_the_first_symbols_are_drawn_and_the_page_says_so(tmp_path: Path) -> None:
    page = write(make_run(tmp_path, symbols=tuple("FEDCBA"), windows=30))
    assert "The first 4 of 6 symbols are shown." in page
    assert re.findall(r"<title>Forecasts of (\w)", page) == ["F", "E", "D", "C"]


def test_a_thousand_windows_make_a_small_page(tmp_path: Path) -> None:
    assert len(write(make_run(tmp_path, windows=1000)).encode()) < 200_000


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"must hold metrics\.json"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def _palettes() -> dict[str, dict[str, str]]:
    css = (Path(forecastle.report.__file__).parent / "page.css").read_text()
    light, dark, paper = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    find = re.compile(r"--(\w+): (#[0-9a-f]{6})")
    return {name: dict(find.findall(block)) for name, block in (("light", light), ("dark", dark), ("print", paper))}


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_texts_and_lines_can_be_told_from_the_page(scheme: str) -> None:
    colours = _palettes()[scheme]
    for name in ("ink", "soft", "blue"):
        for ground in ("page", "raised"):
            assert _contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for name in ("blue", "orange", "green", "purple", "red", "teal", "good", "bad"):
        assert _contrast(colours[name], colours["page"]) >= 3.0, name
