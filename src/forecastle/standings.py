"""Groups of finished runs that answer one question, read from their folders and held against each other."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from forecastle import paths
from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, RunError, nearest
from forecastle.evaluation.comparison import by_origin
from forecastle.evaluation.contest import Contest, Entrant, hold
from forecastle.evaluation.score import MODEL, REFERENCE
from forecastle.runs.looks import looks_of
from forecastle.runs.selection import choose, names
from forecastle.runs.settings import settings_of
from forecastle.runs.store import Run, RunStore
from forecastle.trials import Luck, luck

logger = logging.getLogger(__name__)

PART = "validation"
"""What choices are made on."""


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
    tests
        Scores of the test parts that are to be shown, by run id.
    looks
        How often the test part was opened, a line.
    traded
        What the best trading result is worth, or None where too few were traded.
    """

    question: dict[str, str]
    apart: tuple[str, ...]
    contest: Contest
    tests: dict[str, dict[str, Any]]
    looks: str
    traded: Luck | None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "question": self.question,
            "apart": list(self.apart),
            **self.contest.to_json(),
            "test": self.tests,
            "looks": self.looks,
            "traded": None if self.traded is None else self.traded.to_json(),
        }


def contests(
    store: RunStore, words: Sequence[str], baseline: str = REFERENCE, *, every_test: bool = False, sure: bool = True
) -> list[Group]:
    """Rank the runs that are meant, those that answer one question among each other; the largest table comes first.

    Parameters
    ----------
    store
        Where the runs lie.
    words
        Which are meant (`forecastle.runs.selection.choose`).
    baseline
        What skill is measured against.
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
    sorted_out: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in runs:
        try:
            asked = tuple(_question(run, settings[run.id]).items())
        except (RunError, KeyError) as error:  # one damaged run is no reason to tell nothing of the others
            logger.warning("run %s is left out: %s", run.id, error)
            continue
        sorted_out.setdefault(asked, []).append(run)
    if not sorted_out:
        raise RunError(f"none of the {len(runs)} runs that are meant can be read")
    groups: list[Group] = []
    order = sorted(sorted_out.items(), key=lambda each: -len(each[1]))
    first = dict(order[0][0])
    for question, members in order:
        apart = tuple(key for key, value in question if first[key] != value)
        called = names({run.id: settings[run.id] for run in members})
        entrants = [_entrant(run, called[run.id], sure=sure) for run in members]
        known = entrants[0].scores["skill"]
        if baseline not in known:
            raise ConfigError(f"baseline: {baseline!r} is not among those scored{nearest(baseline, known)}")
        scored = [each for each in entrants if _score(each) is not None]
        if not scored:
            continue
        contest = hold(scored, baseline)
        shown = [place.run for place in contest.places] if every_test else [contest.places[0].run]
        opened = {run.id: run.metrics["test"] for run in members if run.id in shown and "test" in run.metrics}
        tests = {name: _test_scores(scores, baseline) for name, scores in opened.items()}
        looks = looks_of(store.folder, [run.id for run in members])
        traded = luck(members, PART, _trials(store, question)) if sure and _were_traded(members) else None
        groups.append(Group(dict(question), apart, contest, tests, looks, traded))
    if not groups:
        raise RunError("none of the runs that are meant has a score: their objective is undefined")
    return groups


def _were_traded(runs: Sequence[Run]) -> bool:
    return sum((run.folder / paths.EQUITY).is_file() for run in runs) > 1


def _trials(store: RunStore, question: tuple[tuple[str, str], ...]) -> int:
    """How many runs of the store answer a question, whether they are meant or not."""
    count = 0
    for run in store.all():
        with suppress(RunError):
            count += tuple(_question(run, settings_of(run)).items()) == question
    return count


def _question(run: Run, settings: Mapping[str, Any]) -> dict[str, str]:
    """What runs must share to be ranked among each other."""
    part, manifest = run.metrics[PART], run.manifest
    return {
        "data": f"{manifest['data']} {', '.join(manifest['symbols'])} (bars {manifest['bars'][:8]})",
        "target": f"{part['target']}{_arguments(settings, 'target')}",
        "steps": ", ".join(map(str, part["steps"])),
        "split": f"{settings.get('split')}{_arguments(settings, 'split')}",
        "objective": f"{part['objective']} in {part['unit']}",
        "quantile levels": str(settings.get("quantile_levels")),
        "windows": f"{part['windows']} from {part['start']} to {part['end']}",
    }


def _arguments(settings: Mapping[str, Any], group: str) -> str:
    """Arguments of a group, ``(up=1.0, down=1.0)``, or nothing."""
    told = [
        f"{key.removeprefix(f'{group}.')}={value}"
        for key, value in settings.items()
        if key.startswith(f"{group}.") and key != f"{group}._target_" and value is not None
    ]
    return f" ({', '.join(told)})" if told else ""


def _score(entrant: Entrant) -> float | None:
    value: float | None = entrant.scores["scores"][MODEL][entrant.scores["objective"]]
    return value


def _entrant(run: Run, name: str, *, sure: bool) -> Entrant:
    return Entrant(run.id, name, run.metrics[PART], _losses(run) if sure else None)


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


def _test_scores(scores: Mapping[str, Any], baseline: str) -> dict[str, Any]:
    """The objective on the test part, with its interval, and the skill."""
    objective = scores["objective"]
    return {
        "objective": objective,
        "score": scores["scores"][MODEL][objective],
        "baseline": scores["scores"][baseline][objective],
        "skill": {key: scores["skill"][baseline][key] for key in ("value", "low", "high")},
    }
