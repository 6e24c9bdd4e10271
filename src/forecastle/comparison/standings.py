"""Groups of finished runs that answer one question, read from their folders and held against each other."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from forecastle import paths
from forecastle.arrays import FloatArray
from forecastle.comparison.accounts import OBJECTIVE, entrants, only_traded_otherwise
from forecastle.comparison.group import Group, judged
from forecastle.comparison.questions import PART, sort_out, tried
from forecastle.comparison.trials import luck
from forecastle.errors import ConfigError, RunError, nearest
from forecastle.evaluation.aim import HOLD, UNITS, Aim, scores_by
from forecastle.evaluation.comparison import by_origin
from forecastle.evaluation.contest import Contest, Entrant, hold
from forecastle.evaluation.ranking import ratio_of
from forecastle.evaluation.score import MODEL, REFERENCE
from forecastle.runs.looks import looks_of
from forecastle.runs.selection import choose, sweep_of
from forecastle.runs.settings import names, varied
from forecastle.runs.store import Run, RunStore

logger = logging.getLogger(__name__)


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
    aim = _aim(store, words)
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
        entered = _entered(members, known, baseline, aim, sure=sure)
        scored = [each for each in entered if _score(each) is not None]
        if not scored:
            continue
        own, way = members[0].metrics[PART]["objective"], members[0].metrics[PART]["direction"]
        beside = {name: direction.value for name, direction in aim.objectives.items()} if aim else {}
        beside |= {own: way} if scored[0].scores["objective"] != own else {}
        contest = hold(scored, _baseline(scored[0], baseline), 0, beside, list(aim.objectives) if aim else ())
        shown = [place.run for place in contest.places] if every_test else [contest.places[0].run]
        opened = {run.id: run.metrics["test"] for run in members if run.id in shown and "test" in run.metrics}
        groups.append(
            Group(
                dict(asked) | _judged_by(scored[0], own),
                apart,
                contest,
                aim,
                {each.run: each.name for each in entered if _score(each) is None},
                {name: _test_scores(scores, contest) for name, scores in opened.items()},
                looks_of(store.folder, [each.run for each in entered]),
                trials[asked],
                luck(members, PART, trials[asked].runs, trials[asked].count) if sure else None,
                known,
                sure and len(scored) > 1 and scored[0].losses is None,
            )
        )
    if not groups:
        raise RunError("none of the runs that are meant has a score: their objective is undefined")
    return groups


def _aim(store: RunStore, words: Sequence[str]) -> Aim | None:
    """What the search was after whose runs are meant; None where they are not those of one search."""
    ids = [word for word in words if "=" not in word]
    record = sweep_of(store.folder, ids[0]) if len(ids) == 1 else None
    try:
        return None if record is None else Aim.sought(record.folder)
    except RunError as error:
        logger.warning("the runs' own objective ranks: %s", error)
        return None


def _entered(
    runs: Sequence[Run],
    settings: Mapping[str, Mapping[str, Any]],
    baseline: str | None,
    aim: Aim | None,
    *,
    sure: bool,
) -> list[Entrant]:
    """Runs that take part: by their forecasts, by their accounts, or by what else their search was after.

    Accounts are compared where nothing but trading differs, where they were searched for, or where it is asked for.
    """
    called = names(settings)
    parts = {run.id: run.metrics[PART] for run in runs}
    found: list[Entrant] | None = None
    own = parts[runs[0].id]["objective"]
    sought = aim.first if aim is not None else OBJECTIVE if only_traded_otherwise(varied(settings)) else own
    if baseline == HOLD or (baseline is None and sought == OBJECTIVE):
        found = entrants(runs, called, PART, sure=sure)
    elif aim is not None and sought not in (own, OBJECTIVE) and baseline is None:
        scores = {name: scores_by(part, sought, aim.objectives[sought]) for name, part in parts.items()}
        found = [Entrant(run.id, called[run.id], scores[run.id], None, ratio_of(parts[run.id])) for run in runs]
    if found is None:
        found = _by_forecasts(runs, called, parts, sure=sure)
    if aim is None:
        return [replace(each, figures={own: parts[each.run]["scores"][MODEL][own]}) for each in found]
    return [
        replace(
            each,
            figures={own: parts[each.run]["scores"][MODEL][own], **aim.figures(parts[each.run])},
            broken=aim.broken(parts[each.run]),
        )
        for each in found
    ]


def _by_forecasts(
    runs: Sequence[Run], called: Mapping[str, str], parts: Mapping[str, Any], *, sure: bool
) -> list[Entrant]:
    """Runs that take part by their own objective; one whose forecasts cannot be read is left out."""
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
        near = nearest(wanted or usual, known)
        raise ConfigError(f"baseline: {wanted!r} is not among those scored{near} (there are: {', '.join(known)})")
    return wanted or usual


def _judged_by(entrant: Entrant, own: str) -> dict[str, str]:
    """What ranks in place of the runs' own objective, in words; nothing where that does, which the question tells."""
    name = entrant.scores["objective"]
    if name == own:
        return {}
    return {"objective": " ".join(filter(None, [name, UNITS.get(name)]))}


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


def _test_scores(metrics: Mapping[str, Any], contest: Contest) -> dict[str, Any]:
    """What ranks, on the test part, and the skill with its interval."""
    scores, baseline = judged(metrics, contest.objective, contest.direction), contest.baseline
    objective = scores["objective"]
    return {
        "objective": objective,
        "score": scores["scores"][MODEL][objective],
        "baseline": scores["scores"][baseline][objective],
        "skill": {key: scores["skill"][baseline][key] for key in ("value", "low", "high")},
    }
