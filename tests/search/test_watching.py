"""What a trial tells is kept in its study, and stops it by a rule; told in any process, and once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.study import StudyDirection
from optuna.trial import TrialState

from forecastle.errors import Pruned, RunError
from forecastle.runs.watching import Measure
from forecastle.search.pruning import Median
from forecastle.search.storage import Storage
from forecastle.search.watching import MEASURE, TrialWatch, watched

LOSS, SKILL, FOLDS = Measure("loss", "min"), Measure("skill", "max"), Measure("loss", "min", latest=True)
RULE = Median(startup=1)


class Kept:
    """A study in a journal, as several processes see it."""

    def __init__(self, folder: Path, direction: StudyDirection = StudyDirection.MINIMIZE) -> None:
        self.storage = Storage(folder)
        optuna.create_study(storage=self.storage.open(new=True), study_name="s", direction=direction)

    def open(self) -> optuna.Study:
        return optuna.load_study(storage=self.storage.open(new=False), study_name="s")

    def ended(self, values: dict[int, float], measure: Measure = LOSS, state: TrialState = TrialState.COMPLETE) -> None:
        """Add a trial that told some values in its study's direction."""
        trial = self.open().ask()
        trial.set_user_attr(MEASURE, list(measure[:2]))
        for step, value in values.items():
            trial.report(value, step)
        self.open().tell(trial._trial_id, 0.0 if state == TrialState.COMPLETE else None, state=state)

    def watch(self, number: int, batch: int = 1, rule: Any = RULE) -> TrialWatch:
        return TrialWatch(self.open(), self.storage, number, rule, batch)

    def told(self, number: int) -> dict[int, float]:
        return self.open().get_trials()[number].intermediate_values


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_values_are_kept_and_a_worse_trial_is_stopped(kept: Kept) -> None:
    kept.ended({1: 3.0, 2: 2.0})
    kept.open().ask()
    watch = kept.watch(1)
    watch(LOSS, 1, 2.5)
    with pytest.raises(Pruned, match=r"^pruned after step 2: loss 2\.25$"):
        watch(LOSS, 2, 2.25)
    assert kept.told(1) == {1: 2.5, 2: 2.25}
    assert kept.open().get_trials()[1].user_attrs[MEASURE] == ["loss", "min"]


@pytest.mark.parametrize(("measure", "sign"), [(LOSS, -1), (SKILL, 1)])
def test_a_measure_is_turned_into_the_direction_of_the_study(tmp_path: Path, measure: Measure, sign: int) -> None:
    kept = Kept(tmp_path, StudyDirection.MAXIMIZE)
    kept.ended({1: sign * 3.0}, measure)
    kept.open().ask()
    good, bad = (2.0, 4.0) if measure is LOSS else (4.0, 2.0)
    kept.watch(1)(measure, 1, good)
    assert kept.told(1) == {1: sign * good}
    kept.open().tell(1, None, state=TrialState.FAIL)
    kept.open().ask()
    with pytest.raises(Pruned, match=f"{measure.name} {bad:g}"):
        kept.watch(2)(measure, 1, bad)


def test_trials_that_told_something_else_are_no_rivals(kept: Kept) -> None:
    kept.ended({1: 0.0}, Measure("crps", "min"))
    kept.open().ask()
    kept.watch(1)(LOSS, 1, 9.0)


def test_trials_of_the_same_batch_are_no_rivals(kept: Kept) -> None:
    for _ in range(3):
        kept.ended({1: 0.0})
    kept.open().ask()
    kept.watch(3, batch=4)(LOSS, 1, 9.0)
    with pytest.raises(Pruned):
        kept.watch(3, batch=3)(LOSS, 1, 9.0)


def test_failed_trials_are_no_rivals(kept: Kept) -> None:
    kept.ended({1: 0.0}, state=TrialState.FAIL)
    kept.open().ask()
    kept.watch(1)(LOSS, 1, 9.0)


def test_a_trial_that_is_tried_again_tells_the_same_once_and_is_judged_the_same(kept: Kept) -> None:
    kept.ended(dict.fromkeys(range(1, 9), 5.0))
    kept.open().ask()
    first = kept.watch(1)
    for step in (1, 2, 3):
        first(LOSS, step, 4.0 + step / 10)
    again = kept.watch(1)
    for step in (1, 2, 3, 4):
        again(LOSS, step, 4.0 + step / 10)
    assert kept.told(1) == {step: 4.0 + step / 10 for step in (1, 2, 3, 4)}
    kept.open().tell(1, None, state=TrialState.FAIL)
    kept.open().ask()
    killed = kept.watch(2, rule=Median(startup=9))  # as if it had ended between a value and its judgement
    killed(LOSS, 1, 6.0)
    with pytest.raises(Pruned):
        kept.watch(2)(LOSS, 1, 6.0)


def test_of_folds_the_latest_value_counts_and_of_epochs_the_best(kept: Kept) -> None:
    kept.ended({1: 2.0, 2: 2.0})
    kept.open().ask()
    epochs = kept.watch(1)
    epochs(LOSS, 1, 1.0)
    epochs(LOSS, 2, 3.0)
    kept.open().tell(1, None, state=TrialState.FAIL)
    kept.open().ask()
    folds = kept.watch(2)
    folds(FOLDS, 1, 1.0)
    with pytest.raises(Pruned):
        folds(FOLDS, 2, 3.0)


def test_only_a_trial_that_runs_is_watched_and_only_where_something_prunes(kept: Kept, tmp_path: Path) -> None:
    kept.ended({1: 2.0})
    kept.open().ask()
    node = {"name": "s", "storage": None, "password_env": None, "batch": 1, "pruner": {"median": {}}}
    (tmp_path / "study.json").write_text(json.dumps(node))
    with watched(tmp_path, 0) as ended, watched(tmp_path, 1) as running:
        assert ended is None, "nothing can be added to it"
        assert isinstance(running, TrialWatch)
    (tmp_path / "study.json").write_text(json.dumps({**node, "pruner": None}))
    with watched(tmp_path, 1) as nobody:
        assert nobody is None


def test_a_storage_that_is_gone_is_told_in_one_line(kept: Kept, tmp_path: Path, monkeypatch: Any) -> None:
    kept.open().ask()
    watch = kept.watch(0)

    def gone(*given: Any, **more: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(optuna.trial.Trial, "report", gone)
    with pytest.raises(RunError, match="No space left on device") as told:
        watch(LOSS, 1, 1.0)
    assert "\n" not in str(told.value)
