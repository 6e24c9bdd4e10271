"""Data without volume: what needs it is left out with a line, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WORDS = ("run", "data=csv", "data.path=prices.csv", "model=last_value")


@pytest.fixture
def without(candles: Callable[..., Path]) -> Path:
    return candles(change=lambda table: table.drop(columns="volume"))


def manifest(workplace: Path) -> dict[str, Any]:
    (path,) = workplace.glob("runs/*/manifest.json")
    return json.loads(path.read_text())


def test_what_needs_volume_is_left_out_with_a_line_in_the_log(
    forecastle: Callable[..., Any], workplace: Path, without: Path
) -> None:
    outcome = forecastle(*WORDS)
    assert outcome.code == 0
    features = manifest(workplace)["features"]
    assert sorted(features["left_out"]) == ["obv", "volume_zscore"]
    assert not [name for name in features["columns"] if name.startswith(("obv", "volume"))]
    (log,) = (path.read_text() for path in workplace.glob("runs/*/run.log"))
    for text in (outcome.err, log):
        (line,) = (line for line in text.splitlines() if "volume" in line)
        assert "obv" in line
        assert "volume_zscore" in line


def test_every_run_of_a_sweep_says_what_was_left_out(
    forecastle: Callable[..., Any], workplace: Path, without: Path
) -> None:
    assert forecastle("run", "-m", *WORDS[1:3], "model=last_value,random_walk").code == 0
    found = [json.loads(path.read_text())["features"]["left_out"] for path in workplace.glob("runs/*/manifest.json")]
    assert [sorted(each) for each in found] == [["obv", "volume_zscore"]] * 2


def test_with_volume_nothing_is_left_out(
    forecastle: Callable[..., Any], workplace: Path, candles: Callable[..., Path]
) -> None:
    candles()
    assert forecastle(*WORDS).code == 0
    features = manifest(workplace)["features"]
    assert not features["left_out"]
    assert [name for name in features["columns"] if name.startswith("obv")]


def test_missing_inputs_may_be_refused(forecastle: Callable[..., Any], workplace: Path, without: Path) -> None:
    outcome = forecastle(*WORDS, "missing_inputs=refuse")
    assert outcome.code == 2
    told = outcome.err.splitlines()[-1]
    assert told.startswith("forecastle: ")
    assert "volume" in told
    assert "obv" in told
    assert not list(workplace.glob("runs/*/manifest.json"))


def test_nothing_but_volume_indicators_is_refused(
    forecastle: Callable[..., Any], workplace: Path, without: Path
) -> None:
    outcome = forecastle(*WORDS, "indicator=obv")
    assert outcome.code == 2
    assert "volume" in outcome.err.splitlines()[-1]
