"""The section about folds: a row for each, their skill, and nothing where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.report.drawing import of_class, per_cent

from forecastle.report.folds import folds_figures, folds_table
from forecastle.report.page import write_report

DAY = "2015-0{}-01T00:00:00Z"


def span(month: int, windows: int) -> dict[str, Any]:
    return {"windows": windows, "start": DAY.format(month), "end": DAY.format(month + 1)}


FOLDS = [{"train": span(1, 100 * k), "purged": k, "embargoed": 10 * k, "transform": {}} for k in (1, 2, 3)]
ROWS = [
    {"fold": k, **span(k + 2, 50), "scores": {"model": model, "last_value": 0.3, "random_walk": 0.2}}
    for k, model in enumerate([0.1, 0.2, 0.25])
]
SCORES: dict[str, Any] = {
    "objective": "crps",
    "direction": "min",
    "scores": {"model": {}, "last_value": {}, "random_walk": {}},
    "by_fold": ROWS,
    "over_time": [{**row, "start": DAY.format(5 + at)} for at, row in enumerate(ROWS[:2])],
    "paths": {"count": 1, "mean": {"model": 0.2}, "sd": {"model": None}},
}


def test_each_fold_has_a_row_with_its_training_span_and_its_skill() -> None:
    table = folds_table(FOLDS, SCORES, "test", "ridge")
    assert table is not None
    assert table.head == [
        "fold", "trained on", "windows", "test", "windows", "purged", "embargoed", "ridge", "random walk", "skill",
    ]  # fmt: skip
    first = ["0", "2015-01-01\u00a0… 2015-02-01", "100", "2015-02-01\u00a0… 2015-03-01", "50", "1", "10"]
    assert table.rows[0] == [*first, "0.1000", "0.2000", "+50.0\u202f%"]
    assert [row[-1] for row in table.rows] == ["+50.0\u202f%", "0.0\u202f%", "−25.0\u202f%"]
    assert "Along" not in table.note
    paths = {"count": 2, "mean": {"model": 0.21}, "sd": {"model": 0.01}}
    told = folds_table(FOLDS, {**SCORES, "paths": paths}, "test", "ridge")
    assert told is not None
    assert told.note.endswith("Along 2 paths through all the time: 0.2100 in the mean, standard deviation 0.0100.")


def test_skill_is_drawn_by_fold_and_over_time() -> None:
    folds, time = folds_figures(SCORES)
    assert (folds.title, time.title) == ("By fold, against random walk", "Over time, against random walk")
    heights = [per_cent(box, "height") for box in of_class(folds.svg, "rect")]
    assert heights[0] == 2 * heights[-1] > 0, "skill +50 % and −25 %"
    assert "from 2015-05-01: +50.0\u202f%" in time.svg


def test_a_metric_that_is_maximised_has_its_skill_towards_one() -> None:
    rows = [{**row, "scores": {"model": 0.6, "random_walk": 0.5}} for row in ROWS]
    table = folds_table(FOLDS, {**SCORES, "direction": "max", "by_fold": rows}, "test", "ridge")
    assert table is not None
    assert table.rows[0][-1] == "+20.0\u202f%"


def test_one_fold_has_no_section_and_several_have(tmp_path: Path, run_folder: Path) -> None:
    assert folds_table(FOLDS[:1], {**SCORES, "by_fold": ROWS[:1]}, "test", "ridge") is None
    assert folds_figures({**SCORES, "by_fold": ROWS[:1]}) == []
    assert 'id="folds"' not in write_report(run_folder).read_text()
