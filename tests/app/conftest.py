"""The program as a user meets it: a folder of one's own, commands, and what they print."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from forecastle import launch
from forecastle.__main__ import main
from forecastle.config.compose import conf_folder
from forecastle.data.synthetic import SyntheticSource
from forecastle.runs.execution import Memory

REPOSITORY = conf_folder().parent

SMALL = ("data=synthetic", "data.count=1500", "indicator=minimal")
"""Overrides of an experiment that takes a twentieth of a second."""


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


def otherwise(words: Sequence[str], *more: str) -> list[str]:
    """Overrides with some set otherwise, or added: a command may set a key once."""
    keys = {word.partition("=")[0] for word in more}
    return [*(word for word in words if word.partition("=")[0] not in keys), *more]


@dataclass(frozen=True)
class Outcome:
    """What a command did: its exit code and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def small() -> list[str]:
    return list(SMALL)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, no settings from outside, and nothing remembered from another test."""
    for name in [name for name in os.environ if name.startswith(("FORECASTLE_", "HYDRA_", "WANDB_"))]:
        monkeypatch.delenv(name)
    folder = tmp_path / "workplace"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(launch, "_memory", Memory())
    return folder


@pytest.fixture
def forecastle(workplace: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command in this process."""

    def call(*words: str) -> Outcome:
        capsys.readouterr()
        code = main(words)
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return call


@contextmanager
def interruptible() -> Iterator[None]:
    """Let processes that are started meanwhile hear SIGINT, also where the tests run in the background and do not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.fixture
def start(workplace: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start a process of Python in the workplace, with settings of its own beside ours."""

    def call(*words: str, module: str = "forecastle", **environment: str) -> subprocess.Popen[str]:
        plain = {
            name: value for name, value in os.environ.items() if name not in ("PYTHONHASHSEED", "PYTHONUNBUFFERED")
        }
        with interruptible():
            return subprocess.Popen(
                [sys.executable, "-m", module, *words],
                cwd=workplace,
                env={**plain, **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

    return call


@pytest.fixture
def process(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., Outcome]:
    """Run a command in a process of its own."""

    def call(*words: str, **options: Any) -> Outcome:
        running = start(*words, **options)
        out, err = running.communicate(timeout=120)
        return Outcome(running.returncode, out, err)

    return call


@pytest.fixture
def candles(workplace: Path) -> Callable[..., Path]:
    """Write candles to a CSV file of the workplace, after a change where one is given."""

    def write(name: str = "prices.csv", change: Callable[[Any], Any] | None = None, count: int = 1500) -> Path:
        table = SyntheticSource(count=count).history().drop(columns="symbol")
        path = workplace / name
        (change(table) if change else table).to_csv(path, index=False)
        return path

    return write


@pytest.fixture
def checkout(tmp_path: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the repository in the workplace, under git, with DVC at hand."""
    for name in ("src", "conf"):
        shutil.copytree(REPOSITORY / name, workplace / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "params.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(REPOSITORY / name, workplace)
    shutil.copytree(REPOSITORY / ".dvc", workplace / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in (("NAME", "A"), ("EMAIL", "a@example.org")):
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", *command], cwd=workplace, check=True)
    return workplace


def tool(*words: str) -> str:
    """Output of a command that has to end well."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def patient(workplace: Path, small: list[str], request: pytest.FixtureRequest) -> list[str]:
    """Overrides that choose a model which waits."""
    module = re.sub(r"\W", "_", request.node.name)
    (workplace / f"{module}.py").write_text(WAITING)
    folder = workplace / "conf" / "model"
    folder.mkdir(parents=True)
    (folder / "waiting.yaml").write_text(f"_target_: {module}.Waiting\n")
    return [*small, f"allowed_targets=[{module}.]"]


@pytest.fixture
def group(workplace: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command as a terminal does: as a group of processes, all of which a Ctrl-C reaches."""
    groups: list[int] = []

    def call(*words: str) -> subprocess.Popen[str]:
        with interruptible():
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


def begun(workplace: Path, count: int, seconds: float = 30) -> None:
    """Wait until so many fits have begun."""
    for _ in range(int(seconds / 0.05)):
        if len(list(workplace.glob("begun-*"))) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{len(list(workplace.glob('begun-*')))} fits began, {count} wanted")
