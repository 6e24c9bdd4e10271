"""Ctrl-C in a sweep: once finishes what is in progress, twice stops, and nothing finished is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

WAITING = """\
import os, time
from pathlib import Path
from forecastle.models.baseline import RandomWalk

class Waiting(RandomWalk):
    def fit(self, train, validation=None):
        Path(f"begun-{os.getpid()}-{time.monotonic_ns()}").touch()
        for _ in range(600):
            if not Path("go").exists():
                time.sleep(0.05)
        return super().fit(train, validation)
"""
"""A user's own model, which tells that it is being fitted and waits for a file `go`."""

BY_WORKERS = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
Started = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def waiting(workplace: Path, small: list[str], request: pytest.FixtureRequest) -> list[str]:
    """Overrides that choose a model which waits."""
    module = re.sub(r"\W", "_", request.node.name)
    (workplace / f"{module}.py").write_text(WAITING)
    folder = workplace / "conf" / "model"
    folder.mkdir(parents=True)
    (folder / "waiting.yaml").write_text(f"_target_: {module}.Waiting\n")
    return [*small, f"allowed_targets=[{module}.]"]


@pytest.fixture
def group(workplace: Path) -> Iterator[Started]:
    """Start a command as a terminal does: as a group of processes, all of which a Ctrl-C reaches."""
    groups: list[int] = []

    def call(*words: str) -> subprocess.Popen[str]:
        running = subprocess.Popen(
            [sys.executable, "-m", "forecastle", *words],
            cwd=workplace,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        groups.append(running.pid)
        return running

    yield call
    for each in groups:
        if alive(each):
            os.killpg(each, signal.SIGKILL)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def begun(workplace: Path, count: int) -> None:
    """Wait until so many fits have begun."""
    for _ in range(600):
        if len(list(workplace.glob("begun-*"))) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{len(list(workplace.glob('begun-*')))} fits began, {count} wanted")


def line(stream: Any, word: str) -> str:
    """Read lines until one holds the word."""
    for each in stream:
        if word in each:
            return str(each)
    raise AssertionError(f"no line with {word!r}")


def finished(workplace: Path) -> int:
    return len(list(workplace.glob("runs/*/manifest.json")))


@pytest.mark.parametrize(("more", "at_once"), [((), 1), (BY_WORKERS, 2)], ids=["here", "by workers"])
def test_the_first_finishes_what_is_in_progress_and_says_how_to_go_on(
    forecastle: Callable[..., Any], group: Started, workplace: Path, waiting: list[str], more: Any, at_once: int
) -> None:
    running = group("run", "-m", *waiting, "model=waiting", "seed=1,2,3,4,5", *more)
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
    assert "Traceback" not in err
    assert not alive(running.pid)
    assert list(workplace.glob("runs/.tmp-*")) == []
    (command,) = re.findall(r"`forecastle (.+?)`", told)
    resumed = forecastle(*command.split())
    assert f"5 runs, {5 - at_once} computed, {at_once} reused, 0 failed" in resumed.out
    assert resumed.code == 0


@pytest.mark.parametrize(("more", "at_once"), [((), 1), (BY_WORKERS, 2)], ids=["here", "by workers"])
def test_the_second_stops_now_and_leaves_nothing_half_done(
    group: Started, workplace: Path, waiting: list[str], more: Any, at_once: int
) -> None:
    running = group("run", "-m", *waiting, "model=random_walk,waiting", "horizon=3,4,5", *more)
    begun(workplace, at_once)
    before = finished(workplace)
    os.killpg(running.pid, signal.SIGINT)
    line(running.stderr, "Ctrl-C again stops now")
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=20)
    assert running.returncode == 130, err
    assert err.splitlines()[-1].startswith(f"forecastle: interrupted: {before} of 6 runs of sweep ")
    assert "Traceback" not in err
    assert finished(workplace) == before == 3
    assert not alive(running.pid)
    assert list(workplace.glob("runs/.tmp-*")) == []


def test_a_stop_of_a_container_needs_no_second(group: Started, workplace: Path, waiting: list[str]) -> None:
    running = group("run", "-m", *waiting, "model=random_walk,waiting")
    begun(workplace, 1)
    running.terminate()
    _, err = running.communicate(timeout=20)
    assert running.returncode == 130, err
    assert err.splitlines()[-1].startswith("forecastle: interrupted: 1 of 2 runs of sweep ")
    assert finished(workplace) == 1
