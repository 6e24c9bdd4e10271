from __future__ import annotations

from pathlib import Path

import pytest

from forecastle.errors import RunError
from forecastle.runs.entry import Job
from forecastle.runs.membership import sweeps_by_run, told_apart, varied_keys
from forecastle.runs.sweep import Limits, SweepRecord


def record(store: Path, name: str, words: list[str], *choices: str) -> SweepRecord:
    made = SweepRecord(store, name)
    made.begin(words, len(choices), Limits())
    for number, chosen in enumerate(choices):
        made.write(Job(number, tuple(chosen.split()), f"{chosen.split()[0][-1]:0>16}"))
    return made


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["-m", "model=ridge,lasso", "horizon=10", "indicator=minimal,core"], ("model", "indicator")),
        (["-m", "season=range(3,9)", "indicator=[core,rsi]", "model.estimator.alpha=choice(1,2)"],
         ("season", "model.estimator.alpha")),
        (["-m", "hydra/launcher=joblib", "~transform", "++model.lags=1,2", "threads=1"], ("model.lags",)),
        (["-m", "model.estimator.alpha=tag(log, interval(0.01, 10))"], ("model.estimator.alpha",)),
    ],
)  # fmt: skip
def test_the_command_says_what_a_sweep_varies(tmp_path: Path, words: list[str], keys: tuple[str, ...]) -> None:
    assert varied_keys(record(tmp_path, "s", words)) == keys


def test_where_the_command_does_not_say_it_the_jobs_do(tmp_path: Path) -> None:
    made = record(tmp_path, "s", ["-m", "experiment=tune"], "alpha=1 horizon=5", "alpha=2 horizon=5")
    assert varied_keys(made) == ("alpha",)


def test_a_search_space_of_a_file_is_varied_beside_what_the_command_varies(tmp_path: Path) -> None:
    made = record(tmp_path, "s", ["-m", "search=ridge", "model=ridge,lasso"], "alpha=1", "alpha=1")
    assert varied_keys(made, ("model.estimator.alpha", "model")) == ("model", "model.estimator.alpha")
    assert varied_keys(record(tmp_path, "t", ["-m", "search=ridge"], "alpha=1"), ("alpha",)) == ("alpha",)


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    made = record(tmp_path, "s", ["-m", "model=ridge,lasso"])
    (made.folder / "sweep.json").write_text("{")
    with pytest.raises(RunError, match=r"sweep\.json is damaged"):
        varied_keys(made)


def test_a_run_belongs_to_every_sweep_that_has_it_and_failed_jobs_to_none(tmp_path: Path) -> None:
    record(tmp_path, "one", ["-m"], "alpha=1", "alpha=2")
    two = record(tmp_path, "two", ["-m"], "alpha=2", "alpha=3")
    two.write(Job(2, ("alpha=4",), None, error="no"))
    found = {run[-1]: [each.id for each in belongs] for run, belongs in sweeps_by_run(tmp_path).items()}
    assert {run: sorted(belongs) for run, belongs in found.items()} == {"1": ["one"], "2": ["one", "two"], "3": ["two"]}


def test_a_setting_that_a_run_lacks_tells_it_not_apart() -> None:
    settings = {"model": "ridge", "policy": None, "levels": [0.1, 0.9]}
    assert told_apart(settings, ("levels", "absent", "policy")) == ("levels=[0.1,0.9]", "policy=null")
