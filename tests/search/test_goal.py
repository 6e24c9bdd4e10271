"""Goals: what of a run's validation part a trial is worth, and which bounds it keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forecastle.config.compose import compose
from forecastle.errors import ConfigError
from forecastle.evaluation.metric import Direction
from forecastle.runs.store import Run
from forecastle.search.goal import Goals, goals

PLAIN = ["data=synthetic"]
TRADED = [*PLAIN, "policy=sign"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    part = {
        "scores": {"model": {"crps": 0.5, "hit_rate": 0.6, "information_coefficient": None}},
        "trading": {"sharpe": {"value": 1.5}, "turnover": 40.0, "drawdown": {"largest": 0.2}, "sortino": None},
    }
    better = {"scores": {"model": {"crps": 0.0, "hit_rate": 1.0, "information_coefficient": 1.0}}}
    (tmp_path / "metrics.json").write_text(json.dumps({"validation": part, "test": better}))
    return Run("0" * 16, tmp_path)


def asked(words: list[str], objectives: list[str] | None = None, constraints: tuple[str, ...] = ()) -> Goals:
    return goals([compose(words)], objectives, constraints)


def test_the_objective_of_the_runs_is_that_of_the_search_unless_said() -> None:
    assert asked(PLAIN).objectives == {"crps": Direction.MIN}
    assert asked([*PLAIN, "objective=hit_rate"]).objectives == {"hit_rate": Direction.MAX}
    assert asked([*PLAIN, "target=direction", "model=logistic"]).objectives == {"log_loss": Direction.MIN}


def test_directions_are_those_of_the_metrics() -> None:
    found = asked(TRADED, ["crps", "hit_rate", "sharpe", "drawdown", "net"]).objectives
    assert list(found.values()) == [Direction.MIN, Direction.MAX, Direction.MAX, Direction.MIN, Direction.MAX]


def test_values_are_those_of_the_validation_part_in_the_order_that_was_asked(run: Run) -> None:
    outcome = asked(TRADED, ["sharpe", "crps", "drawdown"]).outcome(run)
    assert (outcome.run, outcome.values, outcome.reason) == ("0" * 16, (1.5, 0.5, 0.2), None)


@pytest.mark.parametrize(
    ("text", "excess"),
    [("turnover <= 30", 10.0), ("turnover<=40", 0.0), ("hit_rate >= 0.5", -0.1), ("sharpe >= 2e0", 0.5)],
)
def test_a_constraint_tells_by_how_much_it_is_broken(run: Run, text: str, excess: float) -> None:
    assert asked(TRADED, None, (text,)).outcome(run).constraints == {text: pytest.approx(excess)}


@pytest.mark.parametrize(
    ("objectives", "constraints", "lost"),
    [(["information_coefficient"], (), "information_coefficient"), (None, ("sortino >= 1",), "sortino")],
)
def test_a_trial_of_which_something_is_undefined_has_no_value(
    run: Run, objectives: Any, constraints: tuple[str, ...], lost: str
) -> None:
    outcome = asked(TRADED, objectives, constraints).outcome(run)
    assert (outcome.values, outcome.reason) == ((), f"{lost} undefined")


@pytest.mark.parametrize("text", ["turnover < 10", "turnover <= many", "10 >= turnover", "turnover <= nan", "", "crps"])
def test_what_is_no_constraint_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="a constraint is a metric, <= or >=, and a number"):
        asked(TRADED, None, (text,))


@pytest.mark.parametrize(
    ("words", "objectives", "message"),
    [
        (PLAIN, ["sharpe"], "sharpe is a figure of traded runs: choose a policy"),
        (TRADED, ["exposure"], "exposure has no better and worse: bound it by constraints"),
        (TRADED, ["crps", "crps"], "crps stands twice"),
        (TRADED, ["sharp"], r"no metric 'sharp' is reported; did you mean 'sharpe'\? \(there are: crps.*sharpe"),
        (PLAIN, ["crsp"], r"did you mean 'crps'\? \(there are: crps.*; with a policy also sharpe, sortino"),
    ],
)
def test_an_objective_that_cannot_be_is_refused(words: list[str], objectives: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        asked(words, objectives)
