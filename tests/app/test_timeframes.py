"""Timeframes, pools and indicators that fail, as a user asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.app.conftest import otherwise

BROKEN = """\
from forecastle.features.returns import LogReturn

class Broken(LogReturn):
    name = "broken"

    def compute(self, bars):
        raise ZeroDivisionError("oh")
"""


def features(workplace: Path) -> dict[str, Any]:
    (path,) = workplace.glob("runs/*/manifest.json")
    found: dict[str, Any] = json.loads(path.read_text())["features"]
    return found


def test_an_indicator_is_asked_for_on_timeframes_without_a_plus(
    forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    outcome = forecastle("run", *small, "data.interval=1h", "indicator.log_return.timeframes=[1h,4h,1d]")
    assert outcome.code == 0, outcome.err
    columns = features(workplace)["columns"]
    assert {"log_return_1@1h", "log_return_1@4h", "log_return_1@1d"} <= set(columns)
    assert [name for name in columns if name.startswith("rsi")] == ["rsi_14"]


def test_all_indicators_go_on_timeframes_and_can_be_listed_and_checked_there(
    forecastle: Callable[..., Any], small: list[str]
) -> None:
    words = ("data=synthetic", "data.count=3000", "data.interval=1h", "indicator=log_return", "timeframes=[1h,4h]")
    checked = forecastle("check", *words)
    assert checked.code == 0, checked.out
    assert "log_return_1@4h" in checked.out
    own = forecastle("indicators", "indicator=log_return", "indicator.log_return.timeframes=[4h]")
    assert own.code == 0


def test_a_sweep_over_timeframes(forecastle: Callable[..., Any], small: list[str], workplace: Path) -> None:
    outcome = forecastle("run", "-m", *small, "data.interval=1h", "indicator.log_return.timeframes=[1h],[4h]")
    assert outcome.code == 0, outcome.err
    assert len(list(workplace.glob("runs/*/manifest.json"))) == 2


def test_wrong_timeframes_are_told_in_one_line(forecastle: Callable[..., Any], small: list[str]) -> None:
    outcome = forecastle("run", *small, "data.interval=1h", "timeframes=[90min]")
    assert outcome.code == 2
    told = "forecastle: indicator.log_return: timeframes: multiples of the bars' interval 1h wanted, got 90min"
    assert outcome.err.splitlines()[-1] == told
    outcome = forecastle("run", *small, "indicator.rsi.timeframes=1h")
    assert outcome.code == 2
    assert "indicator.rsi.timeframes must be list[str], got '1h'" in outcome.err


def test_an_indicator_that_fails_stops_the_run_or_is_left_out_and_reported(
    forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    (workplace / "mine_broken.py").write_text(BROKEN)
    words = (*small, "allowed_targets=[mine_broken]", "+indicator.own._target_=mine_broken.Broken")
    stopped = forecastle("run", *words)
    assert stopped.code == 2
    assert "indicator 'own' failed: ZeroDivisionError: oh" in stopped.err
    assert not list(workplace.glob("runs/*/manifest.json"))
    outcome = forecastle("run", *words, "on_error=leave_out")
    assert outcome.code == 0, outcome.err
    found = features(workplace)
    assert "indicator 'own' failed: ZeroDivisionError: oh" in found["left_out"]["own"]
    assert not [name for name in found["columns"] if name.startswith("broken")]


def test_workers_change_no_byte(forecastle: Callable[..., Any], small: list[str], workplace: Path) -> None:
    for output, options in (("one", ()), ("two", ("workers=2",)), ("three", ("workers=2", "pool=process"))):
        words = otherwise(small, "indicator=core", "cache=off", f"output={output}", *options)
        assert forecastle("run", *words).code == 0
    paths = [next(workplace.glob(f"{output}/*/metrics.json")) for output in ("one", "two", "three")]
    assert len({path.parent.name for path in paths}) == 1
    assert len({path.read_bytes() for path in paths}) == 1
