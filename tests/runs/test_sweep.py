"""The record of a sweep: one file for each job, kept by the command that made it."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecastle.errors import RunError
from forecastle.runs.sweep import Job, SweepRecord, sweep_id

COMMAND = ["model=ridge,lasso", "indicator=minimal"]


def test_the_same_command_is_the_same_sweep_whatever_is_displayed() -> None:
    passive = ["force=true", "log_level=DEBUG", "tracker=wandb", "tracker.mode=online", "hydra/launcher=joblib"]
    passive += ["cache=off", "++cache.folder=elsewhere", "workers=2", "pool=process", "output=kept"]
    assert sweep_id([*COMMAND, *passive, "hydra.launcher.n_jobs=2"]) == sweep_id(COMMAND)
    assert len(sweep_id(COMMAND)) == 8


def test_another_choice_is_another_sweep() -> None:
    for word in ("seed=1", "experiment=night", "+poolish=1", "hydra.sweeper.params=x"):
        assert sweep_id([*COMMAND, word]) != sweep_id(COMMAND)
    assert sweep_id(["model=ridge"]) != sweep_id(["model=lasso"])


def test_jobs_are_read_back_in_their_order(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 12)
    failed = Job(11, ("model=lasso",), None, error="no", traceback="Traceback …\n  line\n")
    done = Job(2, ("model=ridge", "indicator=minimal"), "0123", reused=True)
    record.write(failed)
    record.write(done)
    assert record.total() == 12
    assert record.jobs() == [done, failed]


def test_a_sweep_begun_again_forgets_how_jobs_ended(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 1)
    record.write(Job(0, (), None, error="no"))
    record.begin(COMMAND, 1)
    assert record.jobs() == []
    assert record.folder == tmp_path / "sweeps" / "abc"


def test_a_damaged_record_is_told_in_one_line(tmp_path: Path) -> None:
    record = SweepRecord(tmp_path, "abc")
    record.begin(COMMAND, 1)
    (record.folder / "00000.json").write_text("{")
    with pytest.raises(RunError, match=r"00000\.json is damaged"):
        record.jobs()
