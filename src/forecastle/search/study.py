"""A study: trials proposed batch by batch, kept where a kill cannot hurt them, and proposed again the same.

What proposes is a mirror of the study in memory. When a study is gone on with, the mirror lives through it once more:
batch for batch the sampler, seeded by the study's seed and the batch's number, proposes what it proposed then, and is
told what is known. So the trials of a study that was killed are those of an undisturbed one, whatever state a sampler
has, and what was left running is tried again in its place.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from forecastle.errors import RunError
from forecastle.evaluation.metric import Direction
from forecastle.search.goal import Goals, Outcome
from forecastle.search.pruning import Rule
from forecastle.search.sampler import make, points, quiet
from forecastle.search.space import Space
from forecastle.search.storage import Storage

RUN, REASON, HOST, PID = "run", "reason", "host", "pid"
"""Attributes of a trial: the id of its run, why it has no value, and the process that proposed it."""


@dataclass(frozen=True)
class Plan:
    """How a space is searched.

    Parameters
    ----------
    sampler
        One of `forecastle.search.sampler.SAMPLERS`.
    trials
        Their number.
    batch
        How many are proposed at once, before any of them is known.
    seed
        Of the sampler.
    pruner
        By which rule trials are stopped on the way; None: none is.
    """

    sampler: str
    trials: int
    batch: int
    seed: int
    pruner: Rule | None = None


class Study:
    """A study that this process alone is at work on.

    Parameters
    ----------
    name
        What its storage knows it by.
    storage
        Where it is kept.
    space, plan, goals
        What is searched, how, and for what.
    new
        Whether it begins; else it has to be there.

    Raises
    ------
    RunError
        If it is not there, or its storage is gone, locked or damaged.
    """

    def __init__(self, name: str, storage: Storage, space: Space, plan: Plan, goals: Goals, *, new: bool) -> None:
        self.space, self.plan, self._storage = space, plan, storage
        self._distributions = {name: each.distribution() for name, each in space.items()}
        directions = [_DIRECTIONS[direction] for direction in goals.objectives.values()]
        with quiet(), storage.told():
            kept = storage.open(new=new)
            if new:
                self._kept = optuna.create_study(
                    storage=kept, study_name=name, directions=directions, load_if_exists=True
                )
            else:
                self._kept = optuna.load_study(storage=kept, study_name=name)
            self._kept.sampler = optuna.samplers.RandomSampler()  # proposes nothing
            self._mirror = optuna.create_study(directions=directions)
            self._trials = self._kept.get_trials(deepcopy=False)
        self._points = points(space)

    @property
    def begun(self) -> int:
        """Number of the trials that have been proposed."""
        return len(self._trials)

    def stale(self) -> dict[tuple[str, int], list[int]]:
        """Numbers of the trials that were left running, by host and process."""
        found: dict[tuple[str, int], list[int]] = {}
        for trial in self._trials:
            if not trial.state.is_finished():
                owner = str(trial.user_attrs.get(HOST)), int(trial.user_attrs.get(PID, 0))
                found.setdefault(owner, []).append(trial.number)
        return found

    def batches(self) -> Iterator[Batch]:
        """The batches of trials in order; the next is proposed once all of the last one are known."""
        for number, first in enumerate(range(0, self.plan.trials, self.plan.batch)):
            with quiet(), self._storage.told():
                batch = self._propose(number, first)
            yield batch
            if not batch.known:
                return  # some were left out: what would be proposed next hangs on them
            with quiet():
                self._reflect(batch)

    def _propose(self, number: int, first: int) -> Batch:
        """The trials of a batch, each kept before any of them is run."""
        self._mirror.sampler = make(self.plan.sampler, self.plan.seed, number)
        asked: list[Trial] = []
        for _ in range(min(self.plan.batch, self.plan.trials - first)):
            if self.plan.sampler == "grid":
                self._mirror.enqueue_trial(next(self._points))
            asked.append(self._mirror.ask(self._distributions))
        owner = {HOST: platform.node(), PID: os.getpid()}
        for trial in asked:
            if trial.number < len(self._trials):
                self._check(self._trials[trial.number], trial, owner)
            else:
                fresh = create_trial(
                    state=TrialState.RUNNING,
                    params=trial.params,
                    distributions=self._distributions,
                    user_attrs=owner,
                )
                self._kept.add_trial(fresh)
                self._trials = self._kept.get_trials(deepcopy=False)
        return Batch(self, asked)

    def _check(self, before: FrozenTrial, now: Trial, owner: dict[str, Any]) -> None:
        """Refuse to go on with another proposal than that of before, and take a trial that was left running over."""
        if before.params != now.params:
            raise RunError(
                f"trial {before.number + 1} of study {self._kept.study_name} was {before.params} and is {now.params} "
                "now: its storage was changed, or Optuna was"
            )
        if not before.state.is_finished():
            for key, value in owner.items():
                self.handle(before.number).set_user_attr(key, value)

    def handle(self, number: int) -> Trial:
        """The kept trial of a number, as Optuna lets it be written to."""
        return Trial(self._kept, self._trials[number]._trial_id)

    def finished(self, number: int) -> bool:
        """Whether a trial has ended."""
        return number < len(self._trials) and self._trials[number].state.is_finished()

    def words(self, trial: Trial) -> list[str]:
        """The overrides that make a trial."""
        return [f"{each.key}={each.word(trial.params[name])}" for name, each in self.space.items()]

    def tell(self, number: int, outcome: Outcome) -> None:
        """Write down what became of a trial."""
        with quiet(), self._storage.told():
            handle = self.handle(number)
            for key, value in {RUN: outcome.run, REASON: outcome.reason}.items():
                if value is not None:
                    handle.set_user_attr(key, value)
            for text, excess in outcome.constraints.items():
                handle.set_constraint(text, excess)
            ended = TrialState.PRUNED if outcome.pruned else TrialState.FAIL
            state = TrialState.COMPLETE if outcome.values else ended
            self._kept.tell(number, outcome.values or None, state=state)
            self._trials = self._kept.get_trials(deepcopy=False)

    def _reflect(self, batch: Batch) -> None:
        """Tell the mirror what is known of a batch."""
        for trial in batch.trials:
            known = self._trials[trial.number]
            for step, value in known.intermediate_values.items():
                trial.report(value, step)
            for text, excess in known.constraints.items():
                trial.set_constraint(text, excess)
            complete = known.state == TrialState.COMPLETE
            self._mirror.tell(trial, known.values if complete else None, state=known.state)


@dataclass(frozen=True)
class Batch:
    """Trials that were proposed together.

    Parameters
    ----------
    study
        Theirs.
    trials
        As the mirror proposed them, in order.
    """

    study: Study
    trials: list[Trial]

    @property
    def known(self) -> bool:
        """Whether all of them have ended."""
        return all(self.study.finished(trial.number) for trial in self.trials)

    @property
    def first(self) -> int:
        """Number of the first."""
        return self.trials[0].number

    def words(self) -> list[list[str]]:
        """The overrides that make each of them."""
        return [self.study.words(trial) for trial in self.trials]


_DIRECTIONS = {Direction.MIN: StudyDirection.MINIMIZE, Direction.MAX: StudyDirection.MAXIMIZE}
