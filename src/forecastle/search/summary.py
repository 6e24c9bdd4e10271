"""What a study has found, for people: its best trial, or the trials that no other beats in everything."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

from forecastle import paths
from forecastle.evaluation.layout import WIDTH
from forecastle.runs.entry import Job
from forecastle.runs.store import read_json
from forecastle.runs.sweep import SweepRecord
from forecastle.search.opening import kept


def summarise(record: SweepRecord) -> tuple[str, bool]:
    """Lines about the best of a search, on the validation part, and whether there is one.

    Parameters
    ----------
    record
        Of its sweep.

    Raises
    ------
    RunError
        If the study's storage cannot be used.
    """
    node = read_json(record.folder / paths.STUDY)
    names, bounds = list(node["objectives"]), node["constraints"]
    with kept(record.folder) as study:
        if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            return "no trial has a value", False
        best = _first_of_equals(study.best_trials)
    jobs = {job.number: job for job in record.jobs()}
    keeping = f" that keeps {' and '.join(bounds)}" if bounds else ""
    if not best:
        return _wrapped(f"no trial{keeping}"), False
    if len(names) == 1:
        return _wrapped(f"best{keeping}: {_line(best[0], names, node['space'], jobs)}"), True
    which = f" that keep {' and '.join(bounds)} and" if bounds else ""
    head = f"trials{which} that no other beats in {' and '.join(names)} at once:"
    return "\n".join(
        [_wrapped(head), *(_wrapped(f"  {_line(each, names, node['space'], jobs)}") for each in best)]
    ), True


def _first_of_equals(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials in order; of those with equal values the first, which the others mostly repeat."""
    found: dict[tuple[float, ...], FrozenTrial] = {}
    for trial in sorted(trials, key=lambda each: each.number):
        found.setdefault(tuple(trial.values), trial)
    return list(found.values())


def _line(trial: FrozenTrial, names: Sequence[str], space: dict[str, str], jobs: dict[int, Job]) -> str:
    values = ", ".join(f"{name} {value:.5g}" for name, value in zip(names, trial.values, strict=True))
    chosen = [word for word in jobs[trial.number].choices if word.partition("=")[0].lstrip("+") in space]
    return f"trial {trial.number + 1}, run {jobs[trial.number].run}, {values}: {' '.join(chosen)}"


def _wrapped(text: str) -> str:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return "\n".join(textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False))
