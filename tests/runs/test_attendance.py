"""Attendance: who is at work on a folder is known to others for as long as the process lives."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from forecastle.runs.attendance import attend, is_attended, is_locked, locked

HOLD = (
    "import sys, time; from pathlib import Path; from forecastle.runs.attendance import attend\n"
    "with attend(Path(sys.argv[1]), print): sys.stdout.flush(); time.sleep(60)"
)


def test_a_folder_is_attended_while_one_of_several_is_at_work(tmp_path: Path) -> None:
    told: list[bool] = []
    assert not is_attended(tmp_path / "new")
    with attend(tmp_path / "new", told.append):
        with attend(tmp_path / "new", told.append):
            assert is_attended(tmp_path / "new")
        assert is_attended(tmp_path / "new")
    assert not is_attended(tmp_path / "new")
    assert told == [True, False], "the first is alone"


def test_a_process_that_was_killed_attends_nothing(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "True\n"
    assert is_attended(tmp_path)
    other.kill()
    other.communicate()
    assert not is_attended(tmp_path)


def test_who_only_looks_keeps_nobody_from_being_alone(tmp_path: Path) -> None:
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.002):
            is_attended(tmp_path)

    looking = threading.Thread(target=look)
    looking.start()
    told: list[bool] = []
    for _ in range(50):
        with attend(tmp_path, told.append):
            pass
    over.set()
    looking.join()
    assert all(told)


def test_a_lock_is_seen_and_a_file_that_is_not_there_has_none(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    with locked(path):
        assert is_locked(path)
    assert not is_locked(path)
