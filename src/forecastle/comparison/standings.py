"""Groups of finished runs that answer one question, read from their folders and held against each other."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forecastle import paths
from forecastle.arrays import FloatArray
from forecastle.comparison.accounts import HOLD, OBJECTIVE, entrants, only_traded_otherwise, trading_scores
from forecastle.comparison.questions import PART, Tried, sort_out, tried
from forecastle.comparison.trials import Luck, luck
from forecastle.errors import ConfigError, RunError, nearest
from forecastle.evaluation.comparison import by_origin
from forecastle.evaluation.contest import Contest, Entrant, hold
from forecastle.evaluation.layout import skill_text
from forecastle.evaluation.ranking import ratio_of
from forecastle.evaluation.score import MODEL, REFERENCE
from forecastle.runs.looks import looks_of
from forecastle.runs.selection import choose
from forecastle.runs.settings import names, varied
from forecastle.runs.store import Run, RunStore

logger = logging.getLogger(__name__)


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
    """

    question: dict[str, str]
    apart: tuple[str, ...]
    contest: Contest
    unscored: dict[str, str]
    tests: dict[str, dict[str, Any]]
    looks: str
    tried: Tried
    traded: Luck | None
    settings: dict[str, dict[str, Any]]

    def notes(self) -> list[str]:
        """What is to be said below the ranking, in sentences: test parts, luck, trials and looks."""
        told = []
        for run, test in self.tests.items():
            score, other = (_number(test[key]) for key in ("score", "baseline"))
            against = f"{self.contest.baseline} {other}"
            if test["skill"]["value"] is not None:
                against = f"skill {skill_text(test['skill'])} against {self.contest.baseline}"
            told.append(f"test part of {run}: {test['objective']} {score}, {against}")
        told += [f"not ranked, without a score: {run[:8]} {name}" for run, name in self.unscored.items()]
        told += [] if self.traded is None else [str(self.traded)]
        told.append(str(self.tried))
        if len(self.contest.places) < len(self.tried.runs):
            told[-1] += f"; only {len(self.contest.places)} of them are ranked here: choosing among all is luckier"
        return [*told, self.looks]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "question": self.question,
            "apart": list(self.apart),
            **self.contest.to_json(),
            "unscored": self.unscored,
            "test": self.tests,
            "looks": self.looks,
            "trials": self.tried.count,
            "traded": None if self.traded is None else self.traded.to_json(),
        }


def contests(
    store: RunStore, words: Sequence[str], baseline: str | None = None, *, every_test: bool = False, sure: bool = True
) -> list[Group]:
    """Rank the runs that are meant, those that answer one question among each other; the largest table comes first.

    Parameters
    ----------
    store
        Where the runs lie.
    words
        Which are meant (`forecastle.runs.selection.choose`).
    baseline
        What skill is measured against; None: the random walk, or buying and holding where accounts are compared.
    every_test
        Show the test scores of every run that has opened its test part, and not of the best one only.
    sure
        Compare losses window by window: tests, intervals, the confidence set. Else scores are ranked and no more.

    Raises
    ------
    ForecastleError
        If no run is meant, a run's folder is damaged, or the baseline is not among those that were scored.
    """
    runs, settings = choose(store, words)
    sorted_out = sort_out(runs, settings)
    if not sorted_out:
        raise RunError(f"none of the {len(runs)} runs that are meant can be read")
    trials = tried(store, sorted_out)
    order = sorted(sorted_out, key=lambda asked: -len(sorted_out[asked]))
    groups = []
    for asked in order:
        apart = tuple(key for (key, value), (_, first) in zip(asked, order[0], strict=True) if value != first)
        members = sorted_out[asked]
        known = {run.id: settings[run.id] for run in members}
        entered = _entered(members, known, baseline, sure=sure)
        scored = [each for each in entered if _score(each) is not None]
        if not scored:
            continue
        contest = hold(scored, _baseline(scored[0], baseline))
        shown = [place.run for place in contest.places] if every_test else [contest.places[0].run]
        opened = {run.id: run.metrics["test"] for run in members if run.id in shown and "test" in run.metrics}
        groups.append(
            Group(
                dict(asked) | _judged_by(scored[0]),
                apart,
                contest,
                {each.run: each.name for each in entered if _score(each) is None},
                {name: _test_scores(scores, contest.baseline) for name, scores in opened.items()},
                looks_of(store.folder, [run.id for run in members]),
                trials[asked],
                luck(members, PART, trials[asked].runs, trials[asked].count) if sure else None,
                known,
            )
        )
    if not groups:
        raise RunError("none of the runs that are meant has a score: their objective is undefined")
    return groups


def rows_of(groups: Sequence[Group]) -> tuple[list[str], list[list[Any]]]:
    """Columns and one row for each run; ``table`` numbers the questions, a missing value is None."""
    compared = ("value", "low", "high", "p_value")
    asked = ("data", "target", "steps", "objective")
    columns = ["table", *asked, "place", "run", "name", "score", "skill", "sharpe"]
    columns += [f"{which}_{key}" for which in ("baseline", "best") for key in compared]
    rows = []
    for number, group in enumerate(groups, start=1):
        for rank, place in enumerate(group.contest.to_json()["places"], start=1):
            own = [place[key] for key in ("run", "name", "score", "skill", "sharpe")]
            cells = [
                (place[which] or {}).get(key) for which in ("against_baseline", "against_best") for key in compared
            ]
            rows.append([number, *(group.question[key] for key in asked), rank, *own, *cells, place["confidence"]])
    return [*columns, "confidence"], rows


def _entered(
    runs: Sequence[Run], settings: Mapping[str, Mapping[str, Any]], baseline: str | None, *, sure: bool
) -> list[Entrant]:
    """Runs that take part: by their forecasts, or by their accounts where nothing else differs or it is asked for."""
    called = names(settings)
    if baseline == HOLD or (baseline is None and only_traded_otherwise(varied(settings))):
        accounts = entrants(runs, called, PART, sure=sure)
        if accounts is not None:
            return accounts
    parts = {run.id: run.metrics[PART] for run in runs}
    found = []
    for run in runs:
        try:
            losses = _losses(run) if sure else None
        except RunError as error:
            if len(runs) == 1:
                raise
            logger.warning("run %s is left out: %s", run.id, error)
            continue
        found.append(Entrant(run.id, called[run.id], parts[run.id], losses, ratio_of(parts[run.id])))
    if not found:
        raise RunError(f"none of the {len(runs)} runs that are meant has forecasts that can be read")
    return found


def _baseline(entrant: Entrant, wanted: str | None) -> str:
    """What skill is measured against."""
    known = entrant.scores["skill"]
    usual = HOLD if HOLD in known else REFERENCE
    if wanted == HOLD and HOLD not in known:
        raise ConfigError(
            f"baseline: {HOLD} wants runs that all were traded (policy=sign, say), got some that were not"
        )
    if (wanted or usual) not in known:
        raise ConfigError(f"baseline: {wanted!r} is not among those scored{nearest(wanted or usual, known)}")
    return wanted or usual


def _judged_by(entrant: Entrant) -> dict[str, str]:
    """What ranks accounts, in words; nothing for forecasts, whose question tells it."""
    if entrant.scores["objective"] != OBJECTIVE or HOLD not in entrant.scores["skill"]:
        return {}
    return {"objective": f"{OBJECTIVE} ratio per year, net of costs"}


def _score(entrant: Entrant) -> float | None:
    value: float | None = entrant.scores["scores"][MODEL][entrant.scores["objective"]]
    return value


def _losses(run: Run) -> dict[str, FloatArray] | None:
    """Mean objective of the model and of each baseline at each origin; None where it is no mean over windows."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = run.folder / paths.FORECAST
    try:
        names = [name for name in pq.read_schema(path).names if name == "loss" or name.startswith("loss_")]
        table = pq.read_table(path, columns=["part", "origin", *names])
    except (pa.ArrowException, OSError) as error:
        raise RunError(f"run {run.id} has no forecasts that can be read: {' '.join(str(error).split())}") from error
    if not names:
        return None
    table = table.filter(pc.equal(table["part"].cast("string"), PART))
    origin = table["origin"].to_numpy().astype("datetime64[us]")
    return {
        MODEL if name == "loss" else name.removeprefix("loss_"): by_origin(table[name].to_numpy()[:, None], origin)
        for name in names
    }


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.6g}"


def _test_scores(metrics: Mapping[str, Any], baseline: str) -> dict[str, Any]:
    """The objective on the test part, with its interval, and the skill."""
    scores = trading_scores(metrics) if baseline == HOLD else metrics
    objective = scores["objective"]
    return {
        "objective": objective,
        "score": scores["scores"][MODEL][objective],
        "baseline": scores["scores"][baseline][objective],
        "skill": {key: scores["skill"][baseline][key] for key in ("value", "low", "high")},
    }
