"""A group: runs that answer one question, ranked, and all that is told of them, as text, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forecastle.comparison.accounts import OBJECTIVE, trading_scores
from forecastle.comparison.questions import Tried
from forecastle.comparison.trials import Luck
from forecastle.evaluation.aim import Aim, scores_by
from forecastle.evaluation.contest import Contest
from forecastle.evaluation.layout import skill_text
from forecastle.evaluation.metric import Direction
from forecastle.evaluation.score import REFERENCE


@dataclass(frozen=True, eq=False)
class Group:
    """Runs that answer one question.

    Parameters
    ----------
    question
        What they have in common, in words.
    apart
        In what the question differs from that of the first group; empty for the first.
    contest
        Their ranking.
    aim
        What the search of these runs was after, where they are those of one sweep; None: nothing of its own.
    unscored
        Names of the runs without a score, which are not ranked, by their ids.
    tests
        Scores of the test parts that are to be shown, by run id.
    looks
        How often the test part was opened, a line.
    tried
        All that was tried to answer the question.
    traded
        What the best trading result is worth, or None where too few were traded.
    settings
        Of each run, by its id.
    untested
        True where what ranks is not known for each window, so that differences have no test.
    """

    question: dict[str, str]
    apart: tuple[str, ...]
    contest: Contest
    aim: Aim | None
    unscored: dict[str, str]
    tests: dict[str, dict[str, Any]]
    looks: str
    tried: Tried
    traded: Luck | None
    settings: dict[str, dict[str, Any]]
    untested: bool = False

    def notes(self) -> list[str]:
        """What is to be said below the ranking, in sentences: test parts, luck, trials and looks."""
        told = []
        if self.untested:
            told.append(
                f"{self.contest.objective} is not kept for each window: differences in it have no test, no interval "
                "and no confidence set"
            )
            if self.aim is not None:
                told[-1] += f"; baseline={REFERENCE} compares these runs by their own objective"
        for run, test in self.tests.items():
            score, other = (_number(test[key]) for key in ("score", "baseline"))
            against = f"{self.contest.baseline} {other}"
            if test["skill"]["value"] is not None:
                against = f"skill {skill_text(test['skill'])} against {self.contest.baseline}"
            told.append(f"test part of {run}: {test['objective']} {score}, {against}")
        told += [f"not ranked, without a score: {run[:8]} {name}" for run, name in self.unscored.items()]
        told += [] if self.traded is None else [str(self.traded)]
        told.append(str(self.tried))
        ranked = len(self.contest.places)
        if ranked < len(self.tried.runs):
            told[-1] += (
                f"; only {ranked} of them {'is' if ranked == 1 else 'are'} ranked here: choosing among all is luckier"
            )
        return [*told, self.looks]

    @property
    def ranked_by(self) -> str:
        """What ranks, for people."""
        contest = self.contest
        if self.aim is not None and self.aim.first == contest.objective:
            told = self.aim.told
        else:
            told = f"{contest.objective} ({'higher' if contest.direction == 'max' else 'lower'} is better)"
            if self.aim is not None:
                told += f"; search {self.aim.search} was after {' and '.join(self.aim.objectives)}"
        if contest.places[0].front is not None and self.aim is not None:
            told += f"; front: no other run beats it in {' and '.join(self.aim.objectives)} at once"
        return told

    def judged(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """Scores of a part, as what ranks looks at it."""
        return judged(part, self.contest.objective, self.contest.direction)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "question": self.question,
            "apart": list(self.apart),
            "ranked_by": self.ranked_by,
            **self.contest.to_json(),
            "unscored": self.unscored,
            "test": self.tests,
            "looks": self.looks,
            "trials": self.tried.count,
            "finished": len(self.tried.runs),
            "failed": self.tried.failed,
            "pruned": self.tried.pruned,
            "gone": self.tried.gone,
            "notes": self.notes(),
            "traded": None if self.traded is None else self.traded.to_json(),
        }


def rows_of(groups: Sequence[Group]) -> tuple[list[str], list[list[Any]]]:
    """Columns and one row for each run; ``table`` numbers the questions, a missing value is None.

    What is told of a table as a whole stands in each of its rows.
    """
    compared = ("value", "low", "high", "statistic", "p_value")
    asked = ("data", "target", "steps", "split", "windows", "objective")
    beside = list(dict.fromkeys(name for group in groups for place in group.contest.places for name in place.figures))
    columns = ["table", *asked, "ranked_by", "place", "run", "name", "score", "skill", "sharpe", "front", "broken"]
    columns += [f"figure_{name}" for name in beside]
    columns += [f"{which}_{key}" for which in ("baseline", "best") for key in compared]
    columns += ["confidence", "baseline", "baseline_score", "spa_p_value", "luck_of_best", "best_at_least", "trials"]
    columns += ["deflated_sharpe", "backtest_overfitting", "skill_or_luck", "test_score", "looks"]
    rows = []
    for number, group in enumerate(groups, start=1):
        node = group.to_json()
        chosen, traded = node["chosen"] or {}, node["traded"] or {}
        verdict = None if traded.get("probability") is None else "skill" if traded["skill"] else "luck"
        whole = [node["baseline"], node["baseline_score"], node["superior"], chosen.get("luck"), chosen.get("low")]
        whole += [node["trials"], traded.get("probability"), traded.get("overfitting"), verdict]
        for rank, place in enumerate(node["places"], start=1):
            own = [place[key] for key in ("run", "name", "score", "skill", "sharpe", "front")]
            cells = [
                (place[which] or {}).get(key) for which in ("against_baseline", "against_best") for key in compared
            ]
            figures = [place["figures"].get(name) for name in beside]
            asks = [group.question[key] for key in asked]
            test = node["test"].get(place["run"], {}).get("score")
            broken = "; ".join(place["broken"]) or None
            told = [place["confidence"], *whole, test, group.looks]
            rows.append([number, *asks, group.ranked_by, rank, *own, broken, *figures, *cells, *told])
    return columns, rows


def judged(part: Mapping[str, Any], objective: str, direction: str) -> Mapping[str, Any]:
    """Scores of a part, as what ranks looks at it."""
    if part["objective"] == objective:
        return part
    return trading_scores(part) if objective == OBJECTIVE else scores_by(part, objective, Direction(direction))


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.6g}"
