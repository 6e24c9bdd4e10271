"""Wrong input: one line that says what, where and what would be right; an exit code; nothing that looks finished."""

from __future__ import annotations

import errno
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CSV = ("data=csv", "data.path=prices.csv", "indicator=minimal")


def assert_told(outcome: Any, *parts: str, code: int = 2) -> None:
    """One line, which begins with our name and says each of the parts, after no more than log lines."""
    assert outcome.code == code, outcome
    *before, told = outcome.err.splitlines()
    assert [line for line in before if not re.fullmatch(r"run [0-9a-f]{16}: \w+|SYN: none of .*", line)] == []
    assert told.startswith("forecastle: ")
    assert "Traceback" not in outcome.out + outcome.err
    for part in parts:
        assert part in told


def assert_nothing_finished(folder: Path) -> None:
    """No run, whole or in progress."""
    left = [path for path in folder.glob("*") if path.name not in ("sweeps", "looks.jsonl", ".holders")]
    assert left == []


WRONG = {
    "a missing file": (["data=csv", "data.path=price.csv"], ["no such file: price.csv (data.path)"]),
    "no file at all": (["data=csv"], ["data.path must be given: write data.path=…"]),
    "a naive time": ([*CSV], ["prices.csv", "data.timezone"]),
    "a typo in a key": (["horizn=3"], ["unknown key 'horizn'", "did you mean 'horizon'?"]),
    "a typo in a new key": (["+horizn=3"], ["unknown key 'horizn'", "did you mean 'horizon'?"]),
    "a typo in a group": (["modle=ridge"], ["unknown key 'modle'", "did you mean 'model'?"]),
    "a typo in a choice": (["model=rigde"], ["no choice 'rigde'", "did you mean 'ridge'?"]),
    "a typo in one of several choices": (["indicator=[rsi,art]"], ["no choice 'art'", "did you mean 'atr'?"]),
    "a typo in a nested key": (["model.estimator.alhpa=1"], ["'model.estimator.alhpa'"]),
    "a typo in a new nested key": (
        ["+model.estimator.alhpa=1"],
        ["unknown argument 'alhpa'", "did you mean 'alpha'?"],
    ),
    "a typo in a target": (
        ["model.estimator._target_=sklearn.linear_model.Rigde"],
        ["model.estimator", "'sklearn.linear_model.Rigde' not found", "did you mean 'Ridge'?"],
    ),
    "a missing experiment": (["experiment=mine"], ["experiment: no choice 'mine'", "there are: fx_hourly_direction"]),
    "a missing new experiment": (["+experiment=mine"], ["experiment: no choice 'mine'"]),
    "a word without a value": (["ridge"], ["ridge"]),
    "several choices without -m": (["model=ridge,lasso"], ["model=ridge,lasso"]),
    "a text for a number": (["horizon=five"], ["horizon must be int or list[int], got 'five'"]),
    "a fraction for a whole number": (["horizon=1.5"], ["horizon must be int or list[int], got 1.5"]),
    "a horizon of nothing": (["horizon=0"], ["horizon must be at least 1, got 0"]),
    "no threads": (["threads=0"], ["threads must be at least 1, got 0"]),
    "levels in disorder": (["quantile_levels=[.9,.1]"], ["quantile_levels must ascend inside (0, 1)"]),
    "a horizon longer than the data": (
        ["data=synthetic", "data.count=300", "horizon=400", "indicator=log_return"],
        ["horizon", "400"],
    ),
    "a context longer than the data": (
        ["data=synthetic", "data.count=300", "context_length=400", "indicator=log_return"],
        ["context_length", "400"],
    ),
    "fewer bars than the warm-up": (["data=synthetic", "data.count=20"], ["20"]),
    "a split with an empty part": (["split.validation=0", "split.test=0.4"], ["validation"]),
    "a split of more than everything": (["split.train=0.9"], ["train", "0.9"]),
    "dates outside the data": (
        ["split.validation_start='2030-01-01'", "split.test_start='2031-01-01'"],
        ["the test part is empty", "from 2031-01-01T00:00 on", "to 2018-12-22"],
    ),
    "a span without bars": (["start='2030-01-01'"], ["no bars", "2030-01-01"]),
    "a start after the end": (["start='2010-01-01'", "end='2009-01-01'"], ["start must lie before end"]),
    "a start that is no date": (["start=yesterday"], ["yesterday"]),
    "a target outside the prefixes": (
        ["model.estimator._target_=os.system"],
        ["model.estimator", "'os.system' is not allowed: it must begin with one of forecastle., sklearn."],
    ),
    "a target that leads outside the prefixes": (
        ["model.estimator._target_=sklearn.datasets._base.os.system"],
        ["model.estimator", "not allowed: it leads to posix.system"],
    ),
    "a target of another role": (
        ["model._target_=forecastle.windows.split.Holdout"],
        ["model", "is no model: it has no", "fit, predict"],
    ),
    "a regressor for classes": (["target=direction", "model=ridge"], ["Ridge", "direction", "classif"]),
    "a classifier for a number": (["model=logistic"], ["LogisticRegression", "log_return", "regressor"]),
    "an objective that does not fit": (["objective=log_loss"], ["objective", "log_loss"]),
    "an unknown objective": (["objective=crsp"], ["crsp", "did you mean 'crps'?"]),
    "a level of logging that is none": (["log_level=LOUD"], ["log_level must be one of DEBUG, INFO", "'LOUD'"]),
    "an impossible value": (["indicator=rsi", "indicator.rsi.timeperiod=0"], ["timeperiod", "0"]),
    "a group that is chosen twice": (
        ["model=ridge", "model=lasso"],
        ["model is set twice: model=ridge and model=lasso"],
    ),
    "a value that is set twice": (["seed=1", "horizon=3", "+seed=1"], ["seed is set twice: seed=1 and +seed=1"]),
    "a negative seed": (["seed=-1"], ["seed", "-1"]),
    "no indicator": (["~indicator"], ["indicator"]),
    "broken grammar": (["model=[ridge"], ["'model=[ridge' cannot be read, KEY=VALUE is wanted"]),
    "a flag that is none": (["--colour"], ["unrecognized arguments: --colour"]),
    "flags that exclude each other": (["-m", "--cfg", "job"], ["Only one of", "--multirun"]),
    "a typo in a sweep": (["-m", "model=ridge,rigde"], ["no choice 'rigde'", "did you mean 'ridge'?"]),
}


@pytest.mark.parametrize(("words", "parts"), WRONG.values(), ids=WRONG.keys())
def test_wrong_input_is_told_in_one_line(
    forecastle: Callable[..., Any], candles: Callable[..., Path], workplace: Path, words: list[str], parts: list[str]
) -> None:
    candles(change=lambda table: table.assign(time=table["time"].dt.tz_localize(None)))
    assert_told(forecastle("run", *words), *parts)
    assert_nothing_finished(workplace / "runs")
    assert not (workplace / "runs" / "looks.jsonl").exists(), "no test part was opened"


def _text_in_a_price(table: Any) -> Any:
    close = table["close"].astype("object")
    close[7] = "n/a"
    return table.assign(close=close)


FILES = {
    "an empty table": (lambda table: table.iloc[:0], ["prices.csv", "no rows"]),
    "one row": (lambda table: table.iloc[:1], ["prices.csv"]),
    "a wrong column name": (
        lambda table: table.rename(columns={"close": "closse"}),
        ["prices.csv: no column 'close' for close", "there are time, open, high, low, closse", "data.columns.close"],
    ),
    "a text in a price": (_text_in_a_price, ["prices.csv", "row 8", "close n/a", "quality.types=drop"]),
    "an infinite price": (
        lambda table: table.assign(high=table["high"].where(table.index != 9, float("inf"))),
        ["high"],
    ),
    "a negative price": (lambda table: table.assign(low=table["low"].where(table.index != 9, -1.0)), ["low"]),
    "times in disorder": (lambda table: table.iloc[::-1], ["order"]),
    "a time that occurs twice": (lambda table: table.iloc[[*range(1500), 1499]], ["duplicate"]),
}


@pytest.mark.parametrize(("change", "parts"), FILES.values(), ids=FILES.keys())
def test_a_defect_of_a_file_is_told_in_one_line(
    forecastle: Callable[..., Any],
    candles: Callable[..., Path],
    workplace: Path,
    change: Callable[[Any], Any],
    parts: list[str],
) -> None:
    candles(change=change)
    assert_told(forecastle("run", *CSV), *parts)
    assert_nothing_finished(workplace / "runs")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01\x02" * 100, b"time;open\n"])
def test_a_file_that_holds_no_candles_is_told_in_one_line(
    forecastle: Callable[..., Any], workplace: Path, content: bytes
) -> None:
    (workplace / "prices.csv").write_bytes(content)
    assert_told(forecastle("run", *CSV), "prices.csv")
    (workplace / "prices.parquet").write_bytes(content)
    assert_told(forecastle("run", "data=parquet", "data.path=prices.parquet"), "prices.parquet")
    assert_nothing_finished(workplace / "runs")


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("horizn: 3\n", ["horizn", "did you mean 'horizon'?"]),
        ("model:\n  estimator:\n    alhpa: 3\n", ["alhpa", "did you mean 'alpha'?"]),
        ("defaults:\n  - override /model: rigde\n", ["rigde", "did you mean 'ridge'?"]),
        ("defaults:\n  - override /modle: ridge\n", ["modle", "did you mean 'model'?"]),
        ("horizon: [\n", ["mine.yaml"]),
    ],
)
def test_a_typo_inside_an_experiment_file_is_told_in_one_line(
    forecastle: Callable[..., Any], workplace: Path, body: str, parts: list[str]
) -> None:
    folder = workplace / "conf" / "experiment"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(f"# @package _global_\n{body}")
    assert_told(forecastle("run", "experiment=mine"), *parts)
    assert_nothing_finished(workplace / "runs")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["rnu"], ["no command 'rnu'", "did you mean 'run'?", "there are: run, runs, show"]),
        (["show", "0123"], ["no run '0123' in runs", "forecastle runs"]),
        (["show"], ["usage: forecastle show RUN"]),
        (["runs", "all"], ["usage: forecastle runs; got all"]),
        (["evaluate", "last", "part=test"], ["no run 'last'"]),
        (["evaluate", "last", "part=train"], ["part=test is wanted, got 'part=train'"]),
        (["reproduce", "last"], ["no run 'last'"]),
        (["params", "--chekc"], ["--chekc"]),
        (["params", "--check"], ["params.yaml is missing", "make params"]),
    ],
)
def test_a_wrong_command_is_told_in_one_line(
    forecastle: Callable[..., Any], words: list[str], parts: list[str]
) -> None:
    assert_told(forecastle(*words), *parts)


def test_no_command_prints_the_usage(forecastle: Callable[..., Any]) -> None:
    outcome = forecastle()
    assert (outcome.code, outcome.err) == (2, "")
    assert outcome.out.startswith("usage: forecastle COMMAND")
    assert forecastle("--help").code == 0


def test_a_level_from_the_environment_is_checked(
    forecastle: Callable[..., Any], small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECASTLE_LOG_LEVEL", "LOUD")
    assert_told(forecastle("run", *small), "log_level must be one of DEBUG, INFO", "'LOUD'")


def test_a_seed_from_the_environment_is_checked(
    forecastle: Callable[..., Any], small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECASTLE_SEED", "lucky")
    assert_told(forecastle("run", *small), "seed must be int, got 'lucky'")


def test_a_damaged_run_is_told_in_one_line_and_can_be_computed_again(
    forecastle: Callable[..., Any], workplace: Path, small: list[str]
) -> None:
    assert forecastle("run", *small).code == 0
    (path,) = workplace.glob("runs/*/manifest.json")
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    assert_told(forecastle("show", path.parent.name), "manifest.json is damaged")
    assert_told(forecastle("reproduce", path.parent.name), "manifest.json is damaged")
    assert "manifest.json is damaged" in forecastle("runs").out
    again = forecastle("run", *small)
    assert again.code == 0
    assert "is damaged (manifest.json is not what a run writes) and is computed again" in again.err
    assert forecastle("show", path.parent.name).code == 0


def test_an_output_that_is_a_file_is_told_in_one_line(
    forecastle: Callable[..., Any], workplace: Path, small: list[str]
) -> None:
    (workplace / "taken").write_text("a file")
    assert_told(forecastle("run", *small, "output=taken"), "taken")
    assert_told(forecastle("run", "-m", *small, "output=taken/below"), "taken")
    assert (workplace / "taken").read_text() == "a file"


@pytest.mark.parametrize("after", [0, 1, 3, 6, 9])
def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    real, calls = os.fsync, []

    def fill(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fill)
    assert_told(forecastle("run", *small), "the disk is full")
    assert_nothing_finished(workplace / "runs")
    monkeypatch.setattr(os, "fsync", real)
    assert forecastle("run", *small).code == 0


def test_a_disk_that_is_full_in_a_sweep_is_told(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    outcome = forecastle("run", "-m", *small, "model=ridge,lasso")
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1].startswith("forecastle: the disk is full")
    assert "Traceback" not in outcome.err
    assert_nothing_finished(workplace / "runs")


LIMITED = """\
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from forecastle.__main__ import main
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))
sys.exit(main(["run", {words}]))
"""


def test_a_file_that_the_system_refuses_to_write_is_told(workplace: Path, small: list[str]) -> None:
    words = ", ".join(map(repr, small))
    script = LIMITED.format(size=20_000, words=words)
    assert resource.RLIMIT_FSIZE is not None
    done = subprocess.run([sys.executable, "-c", script], cwd=workplace, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("forecastle: ")
    assert "File too large" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert_nothing_finished(workplace / "runs")


def test_the_traceback_is_shown_where_it_is_asked_for(
    forecastle: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECASTLE_DEBUG", "1")
    outcome = forecastle("run", "horizon=0")
    assert outcome.code == 2
    assert "Traceback (most recent call last)" in outcome.err
    assert outcome.err.splitlines()[-1] == "forecastle: horizon must be at least 1, got 0"


def test_a_defect_of_ours_is_told_in_one_line(
    forecastle: Callable[..., Any], small: list[str], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forecastle import pipeline

    def broken(*_: object) -> None:
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr(pipeline, "compute_features", broken)
    assert_told(
        forecastle("run", *small), "unexpected RuntimeError: first second (FORECASTLE_DEBUG=1 shows where)", code=3
    )
    assert_nothing_finished(workplace / "runs")


def test_a_full_standard_output_is_told(workplace: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "forecastle", "version"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    assert done.returncode == 2
    assert done.stderr == "forecastle: No space left on device: what was printed could not be written\n"


def test_a_closed_pipe_ends_quietly(start: Callable[..., subprocess.Popen[str]], small: list[str]) -> None:
    running = start("run", "--help")
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    err = running.stderr.read()
    running.wait(60)
    running.stderr.close()
    assert "Traceback" not in err
    assert err == ""
