"""Watching a trial: what its fit tells is kept in its study, and a rule may stop it, in whatever process it runs.

A launcher's worker opens the study's storage and finds its own trial there by number. A trial that a killed process
left running and that is tried again tells the same again, which is kept once; so does a finished run that is found
again (`forecastle.runs.watching.tell_again`). A trial is held against those that told the same measure.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import optuna
from optuna.study import StudyDirection
from optuna.trial import Trial, TrialState

from forecastle import paths
from forecastle.errors import Pruned
from forecastle.runs.store import read_json
from forecastle.runs.watching import Measure, Watch
from forecastle.search.opening import kept
from forecastle.search.pruning import Earlier, Rule, rule_of
from forecastle.search.sampler import quiet
from forecastle.search.storage import Storage

MEASURE = "measure"
"""Attribute of a trial: name and direction of what it tells."""


@contextmanager
def watched(folder: Path, number: int) -> Iterator[Watch | None]:
    """What watches a trial while the block runs; None where its study prunes nothing, or the trial has ended before.

    Parameters
    ----------
    folder
        Of the sweep's record.
    number
        Of the trial, which is that of its job.

    Raises
    ------
    RunError
        If the study's storage cannot be used.
    """
    node = read_json(folder / paths.STUDY)
    rule = rule_of(node["pruner"], objectives=1)
    if rule is None:
        yield None
        return
    storage = Storage(folder, node["storage"], node["password_env"])
    with kept(folder) as study:
        with quiet(), storage.told():
            ended = study.get_trials(deepcopy=False)[number].state.is_finished()
        yield None if ended else TrialWatch(study, storage, number, rule, batch=int(node["batch"]))


class TrialWatch:
    """Keeps what the fit of a trial tells, and stops it by a rule.

    Parameters
    ----------
    study
        As its storage keeps it.
    storage
        Where that is, for messages.
    number
        Of the trial, from 0.
    rule
        By which trials are stopped.
    batch
        Trials that are proposed together; the trial is held against those of earlier batches.
    """

    def __init__(self, study: optuna.Study, storage: Storage, number: int, rule: Rule, batch: int) -> None:
        self._study, self._storage, self._number, self._rule = study, storage, number, rule
        self._first = number // batch * batch
        with quiet(), storage.told():
            self._trials = study.get_trials(deepcopy=False)
            self._kept = Trial(study, self._trials[number]._trial_id)
        self._known = max(self._trials[number].intermediate_values, default=-1)
        self._mine: dict[int, float] = {}
        self._measure: Measure | None = None

    def __call__(self, measure: Measure, step: int, value: float) -> None:
        """Keep a value, and judge the trial by it.

        Raises
        ------
        Pruned
            If the rule stops it.
        RunError
            If the study's storage cannot be used.
        """
        lower = value if measure.direction == "min" else -value
        with quiet(), self._storage.told():
            if self._measure is None:
                self._measure = measure
                self._kept.set_user_attr(MEASURE, list(measure[:2]))
            if step > self._known:
                self._kept.report(self._sign * lower, step)
        before = dict.fromkeys(self._mine, lower) if measure.latest else self._mine
        self._mine = {**before, step: lower}
        if self._rule.stops(self._number, self._mine, self._earlier):
            raise Pruned(f"pruned after step {step}: {measure.name} {value:.5g}")

    @property
    def _sign(self) -> int:
        """What turns a value of which lower is better into one of the study's direction, and back."""
        return -1 if self._study.direction == StudyDirection.MAXIMIZE else 1

    @cached_property
    def _earlier(self) -> list[Earlier]:
        """What trials of earlier batches told of the same measure."""
        told = None if self._measure is None else list(self._measure[:2])
        return [
            Earlier(
                each.number,
                {step: self._sign * value for step, value in sorted(each.intermediate_values.items())},
                each.state == TrialState.COMPLETE,
            )
            for each in self._trials[: self._first]
            if each.state in (TrialState.COMPLETE, TrialState.PRUNED) and each.user_attrs.get(MEASURE) == told
        ]
