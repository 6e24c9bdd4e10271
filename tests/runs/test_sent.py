from __future__ import annotations

from pathlib import Path

from forecastle.runs.sent import Sending, note_sending, sendings

NODE = {"_target_": "forecastle.tracking.files.FilesTracker"}


def test_the_latest_sending_to_each_place_counts(tmp_path: Path) -> None:
    for run, place, content in [("a", "x", "1"), ("a", "y", "1"), ("b", "x", "1"), ("a", "x", "2")]:
        note_sending(tmp_path / "runs", Sending(run, place, content, NODE))
    found = sendings(tmp_path / "runs")
    assert {key: each.content for key, each in found.items()} == {("x", "a"): "2", ("y", "a"): "1", ("x", "b"): "1"}
    assert found["x", "a"] == Sending("a", "x", "2", NODE)
    assert sorted(sendings(tmp_path / "runs", "a")) == [("x", "a"), ("y", "a")]


def test_no_ledger_means_that_nothing_was_sent(tmp_path: Path) -> None:
    assert sendings(tmp_path) == {}


def test_a_line_that_was_cut_short_hides_no_other(tmp_path: Path) -> None:
    note_sending(tmp_path, Sending("a", "x", "1", NODE))
    with (tmp_path / "tracked.jsonl").open("a") as stream:
        stream.write('{"run": "b", "pla')
    note_sending(tmp_path, Sending("c", "x", "1", NODE))
    assert sorted(sendings(tmp_path)) == [("x", "a"), ("x", "c")]
