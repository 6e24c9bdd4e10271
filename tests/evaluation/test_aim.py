"""What a search was after, read from the scores of a part."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecastle.errors import ConfigError
from forecastle.evaluation.aim import Aim, Constraint, figure, front, measured, scores_by
from forecastle.evaluation.metric import Direction

PART: dict[str, Any] = {
    "objective": "crps",
    "direction": "min",
    "horizon": 5,
    "scores": {"model": {"crps": 0.9, "mae": 1.2}, "random_walk": {"crps": 1.0}, "last_value": {"crps": 1.5}},
    "trading": {
        "sharpe": {"value": 0.8},
        "sortino": None,
        "net": {"bps": 120.0},
        "drawdown": {"largest": 0.1},
        "turnover": 12.0,
        "against": {"buy_and_hold": {"net": {"bps": 50.0}, "sharpe": {"value": 0.5}, "drawdown": 0.2}},
    },
}


def test_a_figure_is_a_score_or_one_of_the_account() -> None:
    told = {name: figure(PART, name) for name in ("crps", "sharpe", "sortino", "net", "drawdown")}
    assert told == {"crps": 0.9, "sharpe": 0.8, "sortino": None, "net": 120.0, "drawdown": 0.1}
    with pytest.raises(ConfigError, match="no metric 'shrpe' is reported; did you mean 'sharpe'"):
        figure(PART, "shrpe")
    with pytest.raises(ConfigError, match="no metric 'sharpe' is reported"):
        figure({key: value for key, value in PART.items() if key != "trading"}, "sharpe")


def test_forecasts_are_measured_against_the_random_walk_and_accounts_against_holding() -> None:
    assert measured(PART, "crps") == ("random_walk", 1.0)
    assert measured(PART, "mae") == ("random_walk", None)
    assert measured(PART, "sharpe") == ("buy_and_hold", 0.5)
    assert measured(PART, "drawdown") == ("buy_and_hold", 0.2)
    assert measured(PART, "turnover") == ("buy_and_hold", None)


def test_scores_by_a_figure_hold_it_for_the_run_and_its_baselines() -> None:
    net = scores_by(PART, "net", Direction.MAX)
    assert net["scores"] == {"model": {"net": 120.0}, "buy_and_hold": {"net": 50.0}}
    assert (net["objective"], net["direction"], net["perfect"], net["horizon"]) == ("net", "max", None, 5)
    crps = scores_by(PART, "crps", Direction.MIN)
    assert {name: each["crps"] for name, each in crps["scores"].items()} == {
        "model": 0.9,
        "random_walk": 1.0,
        "last_value": 1.5,
    }


def test_an_aim_is_what_was_written_down_of_a_study() -> None:
    aim = Aim.of("ab", {"objectives": {"sharpe": "max", "crps": "min"}, "constraints": ["turnover <= 10", "net >= 0"]})
    assert aim.first == "sharpe"
    assert aim.loss(PART) == -0.8
    assert aim.ties(PART) == (0.9,)
    assert Aim({"net": Direction.MAX}, (), "ab").ties(PART) == (0.9,)
    assert aim.broken(PART) == ("turnover <= 10",)
    assert aim.broken({**PART, "trading": {"turnover": None, "net": None}}) == ("turnover <= 10", "net >= 0")


def test_a_bound_is_a_metric_a_sign_and_a_number() -> None:
    bound = Constraint.read(" turnover  <= 10 ")
    assert (bound.text, bound.excess(12.0), bound.excess(8.0)) == ("turnover <= 10", 2.0, -2.0)
    assert Constraint.read("net >= 5").excess(3.0) == 2.0
    with pytest.raises(ConfigError, match="a constraint is a metric, <= or >=, and a number"):
        Constraint.read("turnover < 10")


FIGURES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12)


@given(FIGURES)
def test_the_front_holds_those_that_nobody_beats(values: list[tuple[int, int]]) -> None:
    ways = {"a": Direction.MAX, "b": Direction.MIN}
    found = front([{"a": float(a), "b": float(b)} for a, b in values], ways)
    for (a, b), leads in zip(values, found, strict=True):
        beaten = any((x >= a and y <= b) and (x > a or y < b) for x, y in values)
        assert leads is not beaten
    assert any(found)


def test_who_lacks_a_figure_is_not_on_the_front() -> None:
    assert front([{"a": None, "b": 9.0}, {"b": 3.0}, {"a": 1.0, "b": 1.0}], dict.fromkeys("ab", Direction.MAX)) == [
        False,
        False,
        True,
    ]
