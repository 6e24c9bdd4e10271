"""A contest of runs: ranked in the right direction, with what is sure of each difference."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from forecastle.evaluation.comparison import differences, superior
from forecastle.evaluation.contest import Entrant, hold
from forecastle.evaluation.layout import WIDTH
from forecastle.evaluation.placing import render_contest


def entrant(name: str, losses: np.ndarray, walk: np.ndarray, direction: str = "min") -> Entrant:
    perfect = 1.0 if direction == "max" else 0.0
    score, base = float(losses.mean()), float(walk.mean())
    scores: dict[str, Any] = {
        "objective": "crps",
        "direction": direction,
        "horizon": 3,
        "scores": {"model": {"crps": score}, "random_walk": {"crps": base}},
        "skill": {"random_walk": {"value": (score - base) / (perfect - base)}},
    }
    return Entrant(f"{name}0000000000", name, scores, {"model": losses, "random_walk": walk})


@pytest.fixture
def field() -> list[Entrant]:
    """A good, a fair and a bad run over 500 origins."""
    random = np.random.default_rng(0)
    walk = 1 + 0.2 * random.random(500)
    good = walk - 0.03 + 0.05 * random.normal(size=500)
    fair = good + 0.0005 + 0.02 * random.normal(size=500)
    bad = walk + 0.1 + 0.05 * random.normal(size=500)
    return [entrant(name, losses, walk) for name, losses in (("bad", bad), ("good", good), ("fair", fair))]


def test_runs_stand_in_the_order_of_their_scores(field: list[Entrant]) -> None:
    contest = hold(field, "random_walk")
    assert [place.name for place in contest.places] == ["good", "fair", "bad"]
    turned = [
        entrant(each.name, 1 - each.losses["model"] / 2, 1 - each.losses["random_walk"] / 2, "max") for each in field
    ]
    assert [place.name for place in hold(turned, "random_walk").places] == ["good", "fair", "bad"]


def test_differences_are_those_of_the_losses_at_each_origin(field: list[Entrant]) -> None:
    contest = hold(field, "random_walk")
    bad, good, fair = (each.losses["model"] for each in field)
    walk = field[0].losses["random_walk"]
    order = np.stack([good, fair, bad], axis=1)
    assert [place.against_baseline for place in contest.places] == differences(order, walk, 3, 0)
    assert contest.places[0].against_best is None
    assert [place.against_best for place in contest.places[1:]] == differences(order, good, 3, 0)[1:]
    assert contest.superior == superior(order, walk, 3, 0)
    assert contest.places[1].confidence > 0.05 > contest.places[2].confidence
    assert contest.chosen.value == pytest.approx(contest.places[0].skill)
    assert 0 < contest.chosen.luck < contest.chosen.value
    assert contest.chosen.low > 0


def test_a_score_to_be_maximised_is_compared_as_its_opposite(field: list[Entrant]) -> None:
    straight = hold(field, "random_walk")
    turned = hold(
        [entrant(each.name, 1 - each.losses["model"], 1 - each.losses["random_walk"], "max") for each in field],
        "random_walk",
    )
    for one, other in zip(straight.places, turned.places, strict=True):
        assert one.against_baseline.value == pytest.approx(other.against_baseline.value)
        assert one.skill == pytest.approx(other.skill)
    assert turned.chosen.luck == pytest.approx(straight.chosen.luck)


def test_without_losses_runs_are_ranked_and_no_more(field: list[Entrant]) -> None:
    bare = [Entrant(each.run, each.name, each.scores, None) for each in field]
    contest = hold(bare, "random_walk")
    assert [place.name for place in contest.places] == ["good", "fair", "bad"]
    assert contest.superior is None
    assert contest.places[0].confidence is None
    text = "\n".join(render_contest(contest))
    assert "behind the" not in text
    assert "part of the lead of the best is luck" in text


def test_few_origins_give_scores_and_no_verdict() -> None:
    walk = np.linspace(1, 1.2, 12)
    contest = hold([entrant("a", walk - 0.1, walk), entrant("b", walk - np.linspace(0, 0.1, 12), walk)], "random_walk")
    plain = contest.to_json()
    json.dumps(plain, allow_nan=False)
    assert plain["superior"] is None
    assert plain["chosen"] is None
    assert plain["places"][1]["against_best"]["low"] is None
    assert max(len(line) for line in render_contest(contest)) <= WIDTH


def test_the_table_says_what_the_ranking_is_worth(field: list[Entrant]) -> None:
    lines = render_contest(hold(field, "random_walk"))
    assert max(len(line) for line in lines) <= WIDTH
    text = " ".join(" ".join(lines).split())
    assert "set: 2 of 3 runs cannot be told from the best" in text
    assert "against random_walk, all 3 together: some run is better (SPA, p < 0.001)" in text
    assert "of which the best of 3 without any difference would show" in text
    row = next(line for line in lines if line.startswith("1 "))
    assert row.split()[1:3] == ["good", "good0000"]
    assert "best" in row


def test_one_run_alone_is_not_compared(field: list[Entrant]) -> None:
    assert render_contest(hold(field[:1], "random_walk"))[-1] == "1 run: nothing to compare"
