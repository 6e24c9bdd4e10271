"""The ledger of looks: every run that opened a test part, for good."""

from __future__ import annotations

import json
from pathlib import Path

from forecastle.runs.looks import TestPart, count_looks, count_overlaps, look, note_look


def test_no_ledger_means_no_looks(tmp_path: Path) -> None:
    assert count_looks(tmp_path / "nowhere", "test") == 0


def test_different_runs_are_counted_once_each_for_each_test_part(tmp_path: Path) -> None:
    store = tmp_path / "runs"
    for key, run in (("one", "a"), ("one", "a"), ("one", "b"), ("other", "a")):
        note_look(store, TestPart(key), run, "forecastle run")
    assert count_looks(store, "one") == 2
    assert count_looks(store, "other") == 1
    assert count_looks(store, "none") == 0


def test_a_look_says_when_which_run_and_why(tmp_path: Path) -> None:
    note_look(tmp_path, TestPart("key"), "run", "forecastle evaluate")
    (line,) = (tmp_path / "looks.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert (entry["test"], entry["run"], entry["reason"]) == ("key", "run", "forecastle evaluate")
    assert entry["time"].endswith("+00:00")


def test_a_line_cut_short_counts_for_nothing_and_spoils_no_later_look(tmp_path: Path) -> None:
    note_look(tmp_path, TestPart("key"), "a", "")
    path = tmp_path / "looks.jsonl"
    path.write_text(path.read_text() + '{"time": "2026", "te')
    note_look(tmp_path, TestPart("key"), "b", "")
    note_look(tmp_path, TestPart("key"), "c", "")
    assert count_looks(tmp_path, "key") == 3


def test_runs_that_saw_some_of_the_same_period_are_told_whatever_they_asked(tmp_path: Path) -> None:
    first = TestPart("one", ("A",), "2015-01-01T00:00:00Z", "2016-01-01T00:00:00Z")
    later = TestPart("two", ("A", "B"), "2015-06-01T00:00:00Z", "2017-01-01T00:00:00Z")
    other = TestPart("three", ("C",), "2015-06-01T00:00:00Z", "2017-01-01T00:00:00Z")
    after = TestPart("four", ("A",), "2017-01-01T00:00:00Z", "2018-01-01T00:00:00Z")
    parts = {"a": first, "b": later, "c": other, "d": after}
    told = [look(tmp_path, part, name, "")["text"] for name, part in parts.items()]
    assert told[0] == "this test part has been opened by 1 run, this one"
    assert told[1].endswith("by 1 run, this one; 2 runs have seen some of its period of A, B")
    assert told[2] == told[3] == told[0]
    assert [count_overlaps(tmp_path, part) for part in parts.values()] == [2, 2, 1, 1]
