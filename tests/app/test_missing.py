"""A feature that is missing at some bars: its windows are left out, or a transform fills it, and both are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecastle.runs.store import RunStore

PLACE = '''\
"""Where in its range a candle closes."""

import numpy as np


class Place:
    """(close - low) / (high - low): not defined where nothing was traded and the range is 0."""

    columns = ("place",)
    warmup = 1
    needs = ()
    tolerance = 1e-9
    may_miss = True

    def compute(self, bars):
        reach = bars.high - bars.low
        return np.divide(bars.close - bars.low, reach, out=np.full(len(bars), np.nan), where=reach > 0)[:, None]
'''

WORDS = ["run", "data=csv", "data.path=prices.csv", "allowed_targets=[places.]", "indicator=[log_return,place]"]
FLAT = slice(60, None, 50)


@pytest.fixture
def place(workplace: Path, candles: Callable[..., Path]) -> None:
    """An indicator of the user's own, and candles of which every fiftieth has no range."""

    def flat(table: Any) -> Any:
        for name in ("open", "high", "low"):
            column = table[name].to_numpy(copy=True)
            column[FLAT] = table["close"].to_numpy()[FLAT]
            table[name] = column
        return table

    candles(change=flat)
    (workplace / "places.py").write_text(PLACE)
    (workplace / "conf" / "indicator").mkdir(parents=True)
    (workplace / "conf" / "indicator" / "place.yaml").write_text("# Place.\nplace:\n  _target_: places.Place\n")


def only_run() -> Any:
    (found,) = RunStore(Path("runs")).all()
    return found


def windows(run: Any) -> int:
    return sum(run.manifest["folds"][0][part]["windows"] for part in ("train", "validation", "test"))


def test_a_transform_fills_what_is_missing_and_windows_stay(place: None, forecastle: Callable[..., Any]) -> None:
    outcome = forecastle(*WORDS, "transform=[impute,standard]")
    assert outcome.code == 0, outcome.err
    run = only_run()
    assert run.manifest["features"]["missing"] == {"place": len(range(1500)[FLAT])}
    assert 10 < run.manifest["folds"][0]["transform"]["impute"]["missing"]["place"] < len(range(1500)[FLAT])
    assert windows(run) > 1300
    assert np.isfinite(run.metrics["test"]["scores"]["model"]["crps"])
    (path,) = run.folder.glob("model/**/transforms.json")
    kept = json.loads(path.read_text())["steps"]
    assert all(np.isfinite(kept["impute"]["median"]))
    assert "nothing was computed" in forecastle(*WORDS, "transform=[impute,standard]").out
    assert "all the same" in forecastle("reproduce", run.id).out


def test_without_one_their_windows_are_left_out_and_a_line_says_how_many(
    place: None, forecastle: Callable[..., Any]
) -> None:
    outcome = forecastle(*WORDS, "context_length=20")
    assert outcome.code == 0, outcome.err
    (line,) = (line for line in outcome.err.splitlines() if "features are missing in their context" in line)
    count = len(range(1500)[FLAT])
    assert f"{20 * count} bars are no origin" in line
    assert line.endswith(f"place {count}")
    filled = forecastle(*WORDS, "context_length=20", "transform=[impute,standard]", "output=filled")
    assert filled.code == 0, filled.err
    (other,) = RunStore(Path("filled")).all()
    assert windows(only_run()) < windows(other) - 500


def test_the_wrong_order_of_transforms_is_told_in_one_line(place: None, forecastle: Callable[..., Any]) -> None:
    outcome = forecastle(*WORDS, "transform=[standard,impute]")
    assert outcome.code == 2
    told = outcome.err.splitlines()[-1]
    assert "finite before transform 'standard'; put one that fills before it (impute)" in told


def test_an_indicator_that_may_miss_passes_the_check(place: None, forecastle: Callable[..., Any]) -> None:
    outcome = forecastle("check", *WORDS[1:])
    assert outcome.code == 0, outcome.out
