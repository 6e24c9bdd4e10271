"""The cache of features as a user meets it: `cache=…`, and `forecastle cache`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecastle import launch, pipeline
from forecastle.features import engine
from forecastle.runs.execution import Memory

OWN = """\
import numpy as np
from forecastle.features.returns import LogReturn

class Mine(LogReturn):
    name = "mine"

    def compute(self, bars):
        return super().compute(bars) * 1.0
"""


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by the number of columns with each frame that is computed."""
    made: list[int] = []

    def counted(*arguments: Any, **options: Any) -> Any:
        frame = engine.compute(*arguments, **options)
        made.append(len(frame.columns))
        return frame

    monkeypatch.setattr(pipeline, "compute", counted)
    return made


@pytest.fixture
def forget(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """As if a new process had begun."""
    return lambda: monkeypatch.setattr(launch, "_memory", Memory())


def figures(text: str) -> dict[str, list[str]]:
    """Numbers in each line of `forecastle cache status`, by its first word."""
    return {line.split()[0]: re.findall(r"\d[\d.]*", line) for line in text.splitlines()}


def test_another_model_of_another_process_computes_no_features(
    forecastle: Callable[..., Any], small: list[str], computed: list[int], forget: Callable[[], None], workplace: Path
) -> None:
    assert forecastle("run", *small).code == 0
    forget()
    assert forecastle("run", *small, "model=lasso").code == 0
    assert len(computed) == 1
    assert len(list((workplace / ".cache/forecastle/features").glob("*.npy"))) == 1
    assert (workplace / ".cache/forecastle/features/.gitignore").read_text() == "*\n"


def test_a_run_from_the_cache_has_the_bytes_of_one_without(
    forecastle: Callable[..., Any], small: list[str], computed: list[int], forget: Callable[[], None], workplace: Path
) -> None:
    for output, cache in (("first", "disk"), ("cached", "disk"), ("off", "off")):
        assert forecastle("run", *small, f"output={output}", f"cache={cache}").code == 0
        forget()
    assert len(computed) == 2
    runs = [next(workplace.glob(f"{output}/*/metrics.json")).parent for output in ("first", "cached", "off")]
    assert len({run.name for run in runs}) == 1, "the cache is no part of a run's identity"
    for name in ("metrics.json", "forecast.parquet"):
        assert len({(run / name).read_bytes() for run in runs}) == 1


def test_off_leaves_nothing_on_disk_and_the_runs_of_a_sweep_still_share(
    forecastle: Callable[..., Any], small: list[str], computed: list[int], workplace: Path
) -> None:
    assert forecastle("run", "-m", *small, "cache=off", "model=ridge,lasso,last_value").code == 0
    assert len(computed) == 1
    assert not (workplace / ".cache").exists()


@pytest.mark.parametrize("override", ["indicator.rsi.timeperiod=15", "data.seed=3", "start='2015-01-05'"])
def test_another_parameter_or_other_bars_are_computed(
    forecastle: Callable[..., Any], small: list[str], computed: list[int], override: str
) -> None:
    assert forecastle("run", *small).code == 0
    assert forecastle("run", *small, override).code == 0
    assert len(computed) == 2


def test_a_changed_line_of_a_users_own_indicator_is_computed_and_an_unchanged_one_is_not(
    process: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    words = ("run", *small, "force=true", "allowed_targets=[mine]", "+indicator.own._target_=mine.Mine")
    rates = []
    for text in (OWN, OWN, OWN.replace("1.0", "2.0"), OWN):
        (workplace / "mine.py").write_text(text)
        outcome = process(*words)
        assert outcome.code == 0, outcome.err
        status = figures(process("cache", "status").out)
        rates.append((int(status["hits"][0]), int(status["misses"][0])))
    assert rates == [(0, 1), (1, 1), (1, 2), (2, 2)]


def test_reproduce_takes_nothing_from_the_cache(
    forecastle: Callable[..., Any], small: list[str], computed: list[int], workplace: Path
) -> None:
    assert forecastle("run", *small).code == 0
    assert forecastle("reproduce", "last").code == 0
    assert len(computed) == 2


def test_status_verify_and_clear_tell_of_all_processes(
    forecastle: Callable[..., Any], process: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    for model in ("ridge", "lasso"):
        assert process("run", *small, f"model={model}").code == 0
    outcome = forecastle("cache", "status")
    assert outcome.code == 0
    found = figures(outcome.out)
    assert found["entries"][0] == "1"
    assert found["hits"] == ["1", "0", "1", "50.0"]
    assert found["misses"][0] == "1"
    assert float(found["saved"][0]) >= 0

    assert forecastle("cache", "verify").out == "1 entries read, 0 damaged\n"
    (path,) = (workplace / ".cache/forecastle/features").glob("*.npy")
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    outcome = forecastle("cache", "verify")
    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        f"thrown away: {path.name}: the values are not what was written",
        "1 entries read, 1 damaged",
    ]
    assert process("run", *small, "model=last_value").code == 0
    assert forecastle("cache", "clear").out == "1 entries removed\n"
    assert figures(forecastle("cache", "status").out)["entries"][0] == "0"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["stat"], "no verb 'stat'; did you mean 'status'? (there are: status, clear, verify)"),
        (["clear", "all"], "KEY=VALUE wanted after clear, got 'all'"),
        (["status", "cache=off"], "a cache on disk wanted, got one that keeps nothing there; cache=disk does"),
    ],
)
def test_wrong_words_are_told_in_one_line(forecastle: Callable[..., Any], words: list[str], message: str) -> None:
    outcome = forecastle("cache", *words)
    assert outcome.code == 2
    assert outcome.err == f"forecastle: {message}\n"


def test_the_words_of_the_command_are_shown(forecastle: Callable[..., Any]) -> None:
    assert forecastle("cache", "--help").code == 0
    assert forecastle("cache").code == 2


def test_the_stages_of_dvc_write_the_same_bytes_and_share_the_cache(
    forecastle: Callable[..., Any],
    process: Callable[..., Any],
    small: list[str],
    workplace: Path,
    computed: list[int],
    forget: Callable[[], None],
) -> None:
    assert forecastle("run", *small).code == 0
    assert forecastle("params", *small).code == 0
    for stage in ("bars", "features"):
        outcome = process(stage, module="forecastle.stages")
        assert outcome.code == 0, outcome.err
    status = figures(forecastle("cache", "status").out)
    assert (status["entries"][0], status["hits"][0], status["misses"][0]) == ("1", "1", "1")
    shared = {path.name: path.read_bytes() for path in (workplace / "data/features").iterdir()}
    assert forecastle("cache", "clear", "cache.folder=elsewhere").code == 0
    (workplace / ".cache").rename(workplace / "gone")
    assert process("features", module="forecastle.stages").code == 0
    assert {path.name: path.read_bytes() for path in (workplace / "data/features").iterdir()} == shared
    (workplace / "runs").rename(workplace / "old")
    forget()
    assert forecastle("run", *small).code == 0
    assert len(computed) == 1, "what the stage has computed is what the app finds"
