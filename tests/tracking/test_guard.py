from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from forecastle.errors import RunError
from forecastle.tracking.files import FilesTracker
from forecastle.tracking.guard import Guarded
from forecastle.tracking.tracker import RunInfo, Table, Tracker

INFO = RunInfo("0a1b", "ridge", {"horizon": 5})


class Recorder:
    """Writes down what it is told and fails where it is asked to."""

    wants_report = False
    place = "here"

    def __init__(self, fails_at: str = "") -> None:
        self.fails_at = fails_at
        self.heard: list[str] = []

    def _hear(self, what: str) -> None:
        self.heard.append(what)
        if what == self.fails_at:
            raise OSError("no space\n  left")

    def start(self, info: RunInfo) -> None:
        self._hear("start")

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._hear("log")

    def finish(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        self._hear("finish")

    def abort(self, *, pruned: bool = False) -> None:
        self._hear("pruned" if pruned else "abort")

    def holds(self, identity: str) -> bool:
        self._hear("holds")
        return False

    def compare(self, info: RunInfo, table: Table) -> None:
        self._hear("compare")


def run(tracker: Tracker) -> None:
    tracker.start(INFO)
    tracker.log(0, {"loss": 1.0})
    tracker.log(1, {"loss": 0.5})
    tracker.finish(Path("runs/0a1b"), {"test": {"crps": 0.1}})


def test_a_tracker_that_works_hears_everything(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    run(Guarded(recorder))
    assert recorder.heard == ["start", "log", "log", "finish"]
    assert caplog.records == []


@pytest.mark.parametrize(
    ("fails_at", "heard"),
    [("start", ["start"]), ("log", ["start", "log"]), ("finish", ["start", "log", "log", "finish"])],
)
def test_a_failing_tracker_is_told_once_and_left_alone(
    fails_at: str, heard: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(fails_at)
    guarded = Guarded(recorder)
    run(guarded)
    guarded.abort()
    assert recorder.heard == heard
    assert isinstance(guarded.error, OSError)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        f"Recorder failed at {fails_at} and is not told the rest of this run: OSError: no space left"
    )


def test_the_next_run_gives_a_failed_tracker_another_chance() -> None:
    recorder = Recorder("log")
    guarded = Guarded(recorder)
    run(guarded)
    recorder.fails_at = ""
    recorder.heard.clear()
    run(guarded)
    assert recorder.heard == ["start", "log", "log", "finish"]
    assert guarded.error is None


def test_a_comparison_that_cannot_be_shown_is_told(caplog: pytest.LogCaptureFixture) -> None:
    guarded = Guarded(Recorder("compare"))
    guarded.compare(INFO, Table((), ()))
    assert "failed at compare" in caplog.text
    assert isinstance(guarded.error, OSError)


def test_what_cannot_be_asked_is_taken_to_be_there() -> None:
    assert not Guarded(Recorder()).holds("0a1b")
    assert Guarded(Recorder("holds")).holds("0a1b")
    with pytest.raises(RunError, match="here cannot be asked what it has: no space left"):
        Guarded(Recorder("holds"), strict=True).holds("0a1b")


def test_a_failing_abort_does_not_hide_why_the_run_failed(caplog: pytest.LogCaptureFixture) -> None:
    guarded = Guarded(Recorder("abort"))
    guarded.start(INFO)
    guarded.abort()
    assert "failed at abort" in caplog.text


def test_ctrl_c_passes_through_the_guard() -> None:
    class Interrupted(Recorder):
        def log(self, step: int, values: Mapping[str, float]) -> None:
            raise KeyboardInterrupt

    guarded = Guarded(Interrupted())
    guarded.start(INFO)
    with pytest.raises(KeyboardInterrupt):
        guarded.log(0, {"loss": 1.0})


def test_the_files_tracker_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(FilesTracker())
    FilesTracker().abort()
    assert list(tmp_path.iterdir()) == []
