"""The page of a comparison as text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.report.rivalry import QUESTION, make_asked

from forecastle.report.comparison import render
from forecastle.report.parallel import MOST_LINES
from forecastle.report.ranked import MOST_ROWS

FACTS = [("command", "forecastle compare last")]
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    asked = make_asked(tmp_path_factory.mktemp("runs"))
    best = asked.contest.places[0].run
    return render([asked], {best: "a%20b/report.html"}, FACTS)


def test_the_page_holds_everything_that_is_asked_of_a_comparison(page: str) -> None:
    for heading in ("Ranking", "Settings", "Skill over time", "Skill by horizon", "Learning curves"):
        assert re.search(rf"<h3[^>]*>{heading}</h3>", page), heading
    assert page.count("<tr data-run=") == 30
    assert page.count('<path class="run') == 30
    assert "all 30 together" in page
    assert "of which the best of 30 without any difference would show" in page
    assert "trials of this question on record: 31" in page
    assert "Functional analysis of variance of a random forest over 30 runs" in page
    for title in ("skill vs random walk", "p vs random walk", "behind the best", "p vs best", "set", "net Sharpe"):
        assert f">{title}</button>" in page
    assert page.count("</svg>") == page.count("<svg")


def test_runs_with_a_page_are_linked_and_the_others_counted(page: str) -> None:
    assert page.count('<a href="a%20b/report.html">') == 1
    assert "29 of these runs have no page of their own yet" in page
    assert "sent elsewhere, this page is whole, but its links lead nowhere" in page


def test_a_page_without_links_says_nothing_of_them(tmp_path: Path) -> None:
    assert "sent elsewhere" not in render([make_asked(tmp_path)], {}, FACTS)


def test_the_page_names_nothing_outside_of_itself(page: str) -> None:
    outside = re.findall(r"(?:https?:)?//[^\s\"'<]+", page.replace("http://www.w3.org/2000/svg", ""))
    assert [each for each in outside if not each.startswith("// ")] == []
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=\"(?!data:)", page)


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    asked = make_asked(tmp_path, count=8, folders=2)
    assert render([asked], {}, FACTS) == render([asked], {}, FACTS)


def test_texts_are_escaped(tmp_path: Path) -> None:
    asked = make_asked(tmp_path, hostile=HOSTILE)
    page = render([asked], {}, [("command", HOSTILE)])
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert '"><script' not in page


def test_few_runs_are_told_to_be_few(tmp_path: Path) -> None:
    page = render([make_asked(tmp_path, count=12, folders=1)], {}, FACTS)
    assert "12 runs are too few to tell which setting matters: at least 20 are wanted." in page
    assert "Importance of the settings" not in page


def test_a_question_apart_says_why(tmp_path: Path) -> None:
    first, second = make_asked(tmp_path / "a", count=6, folders=1), make_asked(tmp_path / "b", count=5, folders=1)
    other = type(second)(
        {**QUESTION, "steps": "1"},
        ("steps", "windows"),
        *(getattr(second, key) for key in ("ranked_by", "part", "scores", "contest", "notes", "settings", "folders")),
    )
    page = render([first, other], {}, FACTS)
    assert "Not ranked with question 1: other steps, windows." in page
    assert page.count('<section class="question"') == 2


def test_a_thousand_runs_make_a_page_of_bounded_size(tmp_path: Path) -> None:
    page = render([make_asked(tmp_path, count=1000, sure=False)], {}, FACTS)
    assert page.count("<tr data-run=") == MOST_ROWS
    assert page.count('<path class="run') == MOST_LINES
    assert f"{1000 - MOST_ROWS} more runs are ranked behind these" in page
    assert len(page) < 700_000


def test_runs_without_forecasts_or_curves_leave_their_sections_out(tmp_path: Path) -> None:
    asked = make_asked(tmp_path, count=6, folders=1)
    best = asked.folders[asked.contest.places[0].run]
    for name in ("forecast.parquet", "curves.csv"):
        (best / name).unlink()
    page = render([asked], {}, FACTS)
    assert "Ranking</h3>" in page
    for heading in ("Skill over time", "Skill by horizon", "Learning curves"):
        assert f"{heading}</h3>" not in page


def test_questions_that_are_left_out_are_counted(tmp_path: Path) -> None:
    page = render([make_asked(tmp_path, count=6, folders=1)], {}, FACTS, [3, 1])
    assert "<h1>10 runs compared</h1>" in page
    assert "2 more questions with 4 runs left out." in page
