"""Logging: a console for people, a log in the run's folder, and no line twice."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecastle import logs
from forecastle.errors import ConfigError
from forecastle.models.baseline import RandomWalk

LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z (DEBUG|INFO|WARNING) +(forecastle(?:\.\w+)+): (.+)")


@pytest.fixture
def logger() -> logging.Logger:
    """A logger of a module of ours."""
    return logging.getLogger("forecastle.features.test")


def test_the_log_of_a_run_holds_time_level_and_module(
    forecastle: Callable[..., Any], workplace: Path, small: list[str]
) -> None:
    forecastle("run", *small)
    (path,) = workplace.glob("runs/*/run.log")
    lines = path.read_text().splitlines()
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found), lines
    assert found[0] is not None
    assert found[0][3] == "forecastle.keeping"
    assert found[0][4] == f"run {path.parent.name}: ridge"


def test_a_split_of_shares_that_is_not_adjusted_is_told(
    forecastle: Callable[..., Any], workplace: Path, shared_data: Path, small: list[str]
) -> None:
    path = shared_data / "equity" / "aapl_daily.parquet"
    words = [
        "data=parquet",
        f"data.path={path}",
        "data.timezone=America/New_York",
        "start=2012-01-01",
        "end=2018-01-01",
    ]
    err = forecastle("run", *(word for word in small if not word.startswith("data")), *words).err
    assert "1 opens are far from the close before, first 2014-06-09T04:00:00Z: are splits adjusted?" in err


def test_two_runs_in_one_process_log_each_line_once_and_apart(
    forecastle: Callable[..., Any], workplace: Path, small: list[str]
) -> None:
    outcomes = [forecastle("run", *small, f"model={model}") for model in ("ridge", "lasso")]
    for outcome in outcomes:
        assert len(re.findall(r"^run [0-9a-f]{16}: ", outcome.err, re.MULTILINE)) == 1
    for path in workplace.glob("runs/*/run.log"):
        text = path.read_text()
        assert text.count(": run ") == 1
        assert f"run {path.parent.name}: " in text
    ours = logging.getLogger("forecastle")
    streams = [handler for handler in ours.handlers if type(handler).__module__ != "_pytest.logging"]
    assert [type(handler).__name__ for handler in streams] == ["_Console"], "no file is still open"
    assert not ours.propagate


def test_levels_below_the_consoles_stand_in_the_log_only(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, logger: logging.Logger
) -> None:
    logs.configure("WARNING")
    logs.configure("warning")
    with logs.run_log(tmp_path / "run.log"):
        logger.debug("for the file")
        logger.warning("for both")
    logger.warning("after the run")
    assert capsys.readouterr().err == "for both\nafter the run\n"
    found = [LINE.fullmatch(line) for line in (tmp_path / "run.log").read_text().splitlines()]
    assert [each and each.groups()[1:] for each in found] == [
        ("DEBUG", "forecastle.features.test", "for the file"),
        ("WARNING", "forecastle.features.test", "for both"),
    ]


def test_a_log_is_closed_after_an_error(tmp_path: Path, logger: logging.Logger) -> None:
    logs.configure("WARNING")
    before = list(logging.getLogger("forecastle").handlers)
    with pytest.raises(ValueError, match="no"), logs.run_log(tmp_path / "run.log"):
        raise ValueError("no")
    assert logging.getLogger("forecastle").handlers == before


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"log_level must be one of DEBUG, .*, got 'WARN'; did you mean 'WARNING'"):
        logs.configure("WARN")


@pytest.mark.parametrize(("level", "shown"), [("INFO", 1), ("WARNING", 0), ("error", 0), ("DEBUG", 1)])
def test_the_level_comes_from_the_environment_or_the_configuration(
    forecastle: Callable[..., Any], small: list[str], monkeypatch: pytest.MonkeyPatch, level: str, shown: int
) -> None:
    told = forecastle("run", *small, f"log_level={level}", "output=one")
    monkeypatch.setenv("FORECASTLE_LOG_LEVEL", level)
    environment = forecastle("run", *small, "output=two")
    for outcome in (told, environment):
        assert outcome.code == 0
        assert len(re.findall(r"^run [0-9a-f]{16}: ", outcome.err, re.MULTILINE)) == shown


def test_no_progress_bar_is_shown_in_a_pipe(process: Callable[..., Any], small: list[str]) -> None:
    outcome = process("run", "-m", *small, "model=ridge,lasso")
    assert outcome.code == 0
    assert "\r" not in outcome.err + outcome.out
    assert "\x1b" not in outcome.err + outcome.out
    assert "%|" not in outcome.err


def test_progress_is_shown_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    items = [1, 2, 3]
    assert logs.progress(items, 3, "bars") is items
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert logs.progress(items, 3, "bars") is not items
    assert list(logs.progress(items, 3, "bars")) == items


def test_no_bar_is_shown_below_one_that_another_draws_or_for_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [1, 2, 3]
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert logs.shows_progress()
    with logs.line_of("sweep"):
        assert not logs.shows_progress()
        assert logs.progress(items, 3, "bars") is items
    with logs.collected():
        assert not logs.shows_progress()
    assert logs.shows_progress()


def test_the_jobs_of_a_sweep_draw_no_bars_of_their_own(
    forecastle: Callable[..., Any], small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    fit = RandomWalk.fit

    def watched(self: RandomWalk, *sets: Any) -> RandomWalk:
        with monkeypatch.context() as patch:
            patch.setattr("sys.stderr.isatty", lambda: True)
            seen.append(logs.shows_progress())
        return fit(self, *sets)

    monkeypatch.setattr(RandomWalk, "fit", watched)
    assert forecastle("run", "-m", *small, "model=random_walk", "horizon=1,2").code == 0
    assert set(seen) == {False}
    assert not logs._drawn
    assert forecastle("run", *small, "model=random_walk", "horizon=3").code == 0
    assert seen[-1]
