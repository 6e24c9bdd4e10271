"""The ledger of looks: every run that opened a test part, for good."""

from __future__ import annotations

import json
from pathlib import Path

from forecastle.runs.looks import count_looks, note_look


def test_no_ledger_means_no_looks(tmp_path: Path) -> None:
    assert count_looks(tmp_path / "nowhere", "test") == 0


def test_different_runs_are_counted_once_each_for_each_test_part(tmp_path: Path) -> None:
    store = tmp_path / "runs"
    for key, run in (("one", "a"), ("one", "a"), ("one", "b"), ("other", "a")):
        note_look(store, key, run, "forecastle run")
    assert count_looks(store, "one") == 2
    assert count_looks(store, "other") == 1
    assert count_looks(store, "none") == 0


def test_a_look_says_when_which_run_and_why(tmp_path: Path) -> None:
    note_look(tmp_path, "key", "run", "forecastle evaluate")
    (line,) = (tmp_path / "looks.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert (entry["test"], entry["run"], entry["reason"]) == ("key", "run", "forecastle evaluate")
    assert entry["time"].endswith("+00:00")


def test_a_line_cut_short_counts_for_nothing_and_spoils_no_later_look(tmp_path: Path) -> None:
    note_look(tmp_path, "key", "a", "")
    path = tmp_path / "looks.jsonl"
    path.write_text(path.read_text() + '{"time": "2026", "te')
    note_look(tmp_path, "key", "b", "")
    note_look(tmp_path, "key", "c", "")
    assert count_looks(tmp_path, "key") == 3
