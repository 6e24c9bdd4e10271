"""The progress of a sweep: what is read from its ledger, and what is drawn of it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from forecastle.runs.entry import Job
from forecastle.runs.sweep import Limits, SweepRecord
from forecastle.sweeps.progress import Progress, _span


def sweep(store: Path, total: int = 8) -> SweepRecord:
    record = SweepRecord(store, "abc")
    record.begin(["-m"], total, Limits())
    return record


def kept(record: SweepRecord, number: int, value: float | None, name: str = "crps", direction: str = "min") -> str:
    """A job with a run that has this score; its id."""
    run = f"{number:016x}"
    (record.store / run).mkdir()
    part = {"objective": name, "direction": direction, "scores": {"model": {name: value}}}
    (record.store / run / "metrics.json").write_text(json.dumps({"validation": part}))
    record.write(Job(number, ("indicator=core", f"horizon={number}"), run))
    return run


def looked(record: SweepRecord, known: dict[int, str] | None = None, seconds: float = 60.0) -> Progress:
    progress = Progress(record, known or {}, began=time.time() - seconds)
    progress.look()
    return progress


def test_what_has_ended_is_counted_with_its_pace_and_the_time_left(tmp_path: Path) -> None:
    record = sweep(tmp_path)
    for number in range(3):
        kept(record, number, 1.0)
    record.write(Job(5, ("horizon=5",), None, error="no"))
    record.write(Job(6, ("horizon=6",), None, pruned="worse than the others"))
    line = looked(record, seconds=300).line()
    assert line.startswith("5 of 8 done, 1.0 runs a minute, 3 min 00 s left, 1 failed, 1 pruned, best crps 1: ")


def test_what_was_known_before_counts_as_done_but_not_as_pace(tmp_path: Path) -> None:
    record = sweep(tmp_path)
    known = {number: kept(record, number, 2.0 - number) for number in range(2)}
    for number in known:
        os.utime(record.folder / f"{number:05d}.json", (0, 0))
    progress = looked(record, known)
    assert progress.line() == f"2 of 8 done, best crps 1: horizon=1 ({known[1][:8]})"
    kept(record, 2, 3.0)
    progress.look()
    assert progress.line().startswith("3 of 8 done, 1.0 runs a minute, 5 min 00 s left, best crps 1: horizon=1")


@pytest.mark.parametrize(("direction", "best"), [("min", 1), ("max", 2)])
def test_the_best_follows_the_direction_and_names_what_varies(tmp_path: Path, direction: str, best: int) -> None:
    record = sweep(tmp_path)
    for number, value in enumerate([0.5, 0.25, 0.75, None]):
        kept(record, number, value, direction=direction)
    kept(record, 4, -9.0 if direction == "min" else 9.0, name="another", direction=direction)
    progress = looked(record)
    assert progress.best is not None
    assert progress.best.choices == ("indicator=core", f"horizon={best}")
    assert f"horizon={best} (" in progress.line()
    assert "indicator" not in progress.line()


def test_the_best_of_a_search_is_that_of_what_it_is_after(tmp_path: Path) -> None:
    record = sweep(tmp_path)
    study = {"objectives": {"sharpe": "max"}, "constraints": ["turnover <= 10"]}
    (record.folder / "study.json").write_text(json.dumps(study))
    for number, (sharpe, turnover) in enumerate([(0.5, 5.0), (1.5, 5.0), (9.0, 50.0), (None, 5.0)]):
        path = tmp_path / kept(record, number, number / 10) / "metrics.json"
        node = json.loads(path.read_text())
        ratio = None if sharpe is None else {"value": sharpe}
        node["validation"]["trading"] = {"sharpe": ratio, "turnover": turnover}
        path.write_text(json.dumps(node))
    assert "best sharpe 1.5: horizon=1" in looked(record).line()


def test_a_run_that_is_gone_or_a_damaged_record_is_passed_over(tmp_path: Path) -> None:
    record = sweep(tmp_path)
    (tmp_path / kept(record, 0, 0.1) / "metrics.json").unlink()
    kept(record, 1, 0.5)
    (record.folder / "00002.json").write_text("{")
    progress = looked(record)
    assert progress.best is not None
    assert progress.best.value == 0.5


def test_each_run_is_opened_once_and_only_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecastle.sweeps.progress.READ", 2)
    record = sweep(tmp_path)
    for number in range(5):
        kept(record, number, 5.0 - number)
    progress = looked(record)
    assert (len(progress.ended), len(progress.waiting)) == (5, 3)
    for _ in range(2):
        progress.look()
    assert progress.waiting == []
    assert progress.best is not None
    assert progress.best.value == 1.0


@pytest.mark.parametrize("width", [30, 60, 200])
def test_the_bar_fits_the_terminal(tmp_path: Path, width: int) -> None:
    record = sweep(tmp_path)
    for number in range(4):
        kept(record, number, 1.0)
    bar = looked(record).bar(width)
    assert len(bar) < width
    assert bar.startswith("4/8 |")
    assert ("best crps" in bar) == (width == 200)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")]
)
def test_a_time_is_told_for_people(seconds: float, text: str) -> None:
    assert _span(seconds) == text


def test_the_only_run_so_far_is_told_by_its_id(tmp_path: Path) -> None:
    record = sweep(tmp_path)
    run = kept(record, 0, 0.5)
    assert looked(record).numbers().endswith(f"best crps 0.5: run {run[:8]}")
