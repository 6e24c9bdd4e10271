"""Ctrl-C in a sweep: once finishes what is in progress, twice stops, and nothing finished is lost."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.app.conftest import alive, begun

BY_WORKERS = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
BY_SUBMITIT = ("hydra/launcher=submitit_local", "hydra.launcher.n_jobs=2")
BY_RAY = ("hydra/launcher=ray", "hydra.launcher.init.num_cpus=2")
LAUNCHED = [
    pytest.param((), 1, id="here"),
    pytest.param(BY_WORKERS, 2, id="by workers"),
    pytest.param(BY_SUBMITIT, 2, id="by submitit", marks=pytest.mark.slow),
    pytest.param(BY_RAY, 2, id="by Ray", marks=pytest.mark.slow),
]
Started = Callable[..., subprocess.Popen[str]]


def line(stream: Any, word: str) -> str:
    """Read lines until one holds the word."""
    for each in stream:
        if word in each:
            return str(each)
    raise AssertionError(f"no line with {word!r}")


def finished(workplace: Path) -> int:
    return len(list(workplace.glob("runs/*/manifest.json")))


@pytest.mark.parametrize(("more", "at_once"), LAUNCHED)
def test_the_first_finishes_what_is_in_progress_and_says_how_to_go_on(
    forecastle: Callable[..., Any], group: Started, workplace: Path, patient: list[str], more: Any, at_once: int
) -> None:
    running = group("run", "-m", *patient, "model=waiting", "seed=1,2,3,4,5", *more)
    begun(workplace, at_once)
    os.killpg(running.pid, signal.SIGINT)
    line(running.stderr, "Ctrl-C again stops now")
    assert running.poll() is None
    (workplace / "go").touch()
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert finished(workplace) == at_once
    (told,) = (each for each in err.splitlines() if each.startswith("forecastle: "))
    assert told.startswith(f"forecastle: interrupted: {at_once} of 5 runs of sweep ")
    assert f"({at_once} computed, 0 reused, 0 failed, {5 - at_once} left)" in told
    assert "Traceback" not in err
    assert not alive(running.pid)
    assert list(workplace.glob("runs/.tmp-*")) == []
    (command,) = re.findall(r"`forecastle (.+?)`", told)
    resumed = forecastle(*command.split())
    assert f"5 runs, {5 - at_once} computed, {at_once} reused, 0 failed" in resumed.out
    assert resumed.code == 0


@pytest.mark.parametrize(("more", "at_once"), LAUNCHED)
def test_the_second_stops_now_and_leaves_nothing_half_done(
    group: Started, workplace: Path, patient: list[str], more: Any, at_once: int
) -> None:
    running = group("run", "-m", *patient, "model=random_walk,waiting", "horizon=3,4,5", *more)
    begun(workplace, at_once)
    before = finished(workplace)
    os.killpg(running.pid, signal.SIGINT)
    line(running.stderr, "Ctrl-C again stops now")
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=20)
    assert running.returncode == 130, err
    assert err.splitlines()[-1].startswith(f"forecastle: interrupted: {before} of 6 runs of sweep ")
    assert f"({before} computed, 0 reused, 0 failed, {6 - before} left)" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert finished(workplace) == before == 3
    for _ in range(100):  # what Ray began for itself takes a moment to end
        if not alive(running.pid):
            break
        time.sleep(0.1)
    assert not alive(running.pid)
    assert list(workplace.glob("runs/.tmp-*")) == []


def test_a_stop_of_a_container_needs_no_second(group: Started, workplace: Path, patient: list[str]) -> None:
    running = group("run", "-m", *patient, "model=random_walk,waiting")
    begun(workplace, 1)
    running.terminate()
    _, err = running.communicate(timeout=20)
    assert running.returncode == 130, err
    assert err.splitlines()[-1].startswith("forecastle: interrupted: 1 of 2 runs of sweep ")
    assert finished(workplace) == 1


def test_a_terminal_shows_one_line_that_is_rewritten_below_the_jobs(workplace: Path, patient: list[str]) -> None:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 160))
    words = ["run", "-m", *patient, "model=last_value,waiting,random_walk", *BY_WORKERS]
    running = subprocess.Popen(
        [sys.executable, "-m", "forecastle", *words], cwd=workplace, stdout=subprocess.DEVNULL, stderr=theirs
    )
    os.close(theirs)
    shown = ""
    while "2/3 |" not in shown:
        shown += os.read(ours, 4096).decode()
    (workplace / "go").touch()
    with contextlib.suppress(OSError):  # the end of a terminal's other side
        while more := os.read(ours, 4096):
            shown += more.decode()
    os.close(ours)
    assert running.wait(30) == 0
    assert re.search(r"\r\x1b\[2K2/3 \|[^|]+\| [\d.]+ runs a minute, .+ left, best crps [\d.e-]+: model=", shown)
    jobs = [line.rpartition("\x1b[2K")[2] for line in shown.splitlines() if "[" in line and "]" in line]
    assert sorted(line.split(" ")[0] for line in jobs if re.match(r"\[\d/3\]", line)) == ["[1/3]", "[2/3]", "[3/3]"]
    assert shown.endswith("\r\x1b[2K"), "the line is gone when the table comes"


def test_processes_that_fit_folds_finish_too(group: Started, workplace: Path, patient: list[str]) -> None:
    folds = ("split=walk_forward", "split.refit=200", "split.validation=200", "workers=2", "pool=process")
    running = group("run", "-m", *patient, *folds, "model=waiting,random_walk")
    begun(workplace, 2, seconds=90)
    os.killpg(running.pid, signal.SIGINT)
    line(running.stderr, "Ctrl-C again stops now")
    time.sleep(0.5)
    assert running.poll() is None
    (workplace / "go").touch()
    _, err = running.communicate(timeout=90)
    assert running.returncode == 130, err
    assert err.splitlines()[-1].startswith("forecastle: interrupted: 1 of 2 runs of sweep ")
    assert finished(workplace) == 1
