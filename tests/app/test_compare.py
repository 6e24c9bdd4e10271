"""`forecastle compare` as a user meets it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

Command = Callable[..., Any]


@pytest.fixture
def swept(forecastle: Command, small: list[str]) -> None:
    """A sweep of two models, and one run of another question whose test part was opened."""
    assert forecastle("run", "-m", *small, "model=ridge,random_walk").code == 0
    assert forecastle("run", *small, "horizon=3").code == 0


def test_runs_of_one_question_are_ranked_and_others_stand_apart(forecastle: Command, swept: None) -> None:
    done = forecastle("compare")
    assert done.code == 0, done.err
    first, second = done.out.split("\n\n")
    assert "model=ridge" in first
    assert "model=random_walk" in first
    assert "2 runs compared: the best of 2 is better by luck alone in part" in first
    assert "none of these runs has opened its test part" in first
    assert second.startswith("not ranked with the first table: other steps, windows")
    assert "1 of these runs opened the test part; it has been opened 1 time by 1 run in all" in second
    assert "test part of " in second


def test_the_numbers_are_those_of_the_runs(forecastle: Command, swept: None) -> None:
    (group,) = json.loads(forecastle("compare", "last", "--json").out)
    walk = next(place for place in group["places"] if place["name"] == "model=random_walk")
    ridge = next(place for place in group["places"] if place["name"] == "model=ridge")
    for place in (walk, ridge):
        scores = json.loads(Path("runs", place["run"], "metrics.json").read_text())["validation"]
        assert place["score"] == scores["scores"]["model"]["crps"]
        assert place["skill"] == scores["skill"]["random_walk"]["value"]
    table = pd.read_parquet(Path("runs", ridge["run"], "forecast.parquet")).query("part == 'validation'")
    gap = (table["loss"] - table["loss_random_walk"]).astype(float).mean()
    assert ridge["against_baseline"]["value"] == pytest.approx(gap, rel=1e-9)
    assert np.sign(gap) == np.sign(-ridge["skill"])
    assert walk["against_baseline"]["value"] == pytest.approx(0, abs=1e-12)


def test_a_table_for_other_programs_has_a_line_for_each_run(forecastle: Command, swept: None) -> None:
    rows = list(csv.DictReader(io.StringIO(forecastle("compare", "--csv").out)))
    assert [(row["table"], row["place"]) for row in rows] == [("1", "1"), ("1", "2"), ("2", "1")]
    assert [row["steps"] for row in rows] == ["1, 2, 3, 4, 5", "1, 2, 3, 4, 5", "1, 2, 3"]
    assert all(float(row["score"]) > 0 for row in rows)
    fast = list(csv.DictReader(io.StringIO(forecastle("compare", "--csv", "--fast").out)))
    assert [row["run"] for row in fast] == [row["run"] for row in rows]
    assert not any(row["confidence"] for row in fast)


def test_the_test_part_is_not_opened_by_a_comparison(forecastle: Command, swept: None) -> None:
    before = Path("runs/looks.jsonl").read_text()
    assert "test part of" not in forecastle("compare", "last", "--test").out
    assert Path("runs/looks.jsonl").read_text() == before


def test_traded_runs_are_judged_by_all_that_were_tried(forecastle: Command, small: list[str]) -> None:
    words = [*small, "policy=sign", "account.costs.spread_bps=1"]
    assert forecastle("run", "-m", *words, "model=ridge,lasso,last_value").code == 0
    (group,) = json.loads(forecastle("compare", "model=ridge", "--json").out)
    assert group["traded"] is None
    (group,) = json.loads(forecastle("compare", "last", "--json").out)
    assert group["traded"]["trials"] == 3
    told = " ".join(forecastle("compare", "last").out.split())
    assert "traded: the best Sharpe ratio is" in told
    assert "the luckiest of 3 trials without skill is expected to show" in told


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--jsn"], "unknown flag '--jsn'; did you mean '--json'"),
        (["baseline=random"], "baseline: 'random' is not among those scored; did you mean 'random_walk'"),
        (["modle=ridge"], "no run has a setting 'modle'; did you mean 'model'"),
        (["model=mlp"], "is meant by 'model=mlp'"),
        (["ffff"], "no run 'ffff'"),
    ],
)
def test_a_mistake_is_told_in_one_line(forecastle: Command, swept: None, words: list[str], message: str) -> None:
    refused = forecastle("compare", *words)
    assert refused.code == 2
    assert message in refused.err
    assert refused.err.count("\n") == 1


def test_a_damaged_run_does_not_hide_the_others(forecastle: Command, swept: None) -> None:
    (group,) = json.loads(forecastle("compare", "last", "--json").out)
    first, second = (place["run"] for place in group["places"])
    Path("runs", second, "metrics.json").write_text("{")
    done = forecastle("compare", "last", "--json")
    assert done.code == 0
    assert [place["run"] for place in json.loads(done.out)[0]["places"]] == [first]
    Path("runs", first, "forecast.parquet").unlink()
    refused = forecastle("compare", first)
    assert refused.code == 2
    assert f"run {first} has no forecasts that can be read" in refused.err


def test_nothing_to_compare_is_told(forecastle: Command) -> None:
    assert "no finished run in runs" in forecastle("compare").err
    assert forecastle("compare", "--help").out.startswith("usage: forecastle compare")
