"""What runs were asked, and how often it was tried."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from forecastle.comparison.questions import Tried, sort_out, tried
from forecastle.runs.entry import Job
from forecastle.runs.settings import settings_of
from forecastle.runs.store import Run, RunStore
from forecastle.runs.sweep import Limits, SweepRecord


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """Three runs of one question, one of another, and one that is damaged."""
    kept = RunStore(tmp_path / "runs")
    for number, horizon in enumerate([5, 5, 5, 3, 5]):
        folder = kept.folder / f"{'abcde'[number]}{number:015x}"
        folder.mkdir(parents=True)
        part = {
            "target": "log_return",
            "steps": list(range(1, horizon + 1)),
            "objective": "crps",
            "unit": "log return",
            "windows": 100,
            "start": "2020-01-01",
            "end": "2021-01-01",
        }
        manifest = {"created": f"2026-01-0{number + 1}", "data": "sp500", "symbols": ["SP500"], "bars": "1ca72873ba71"}
        manifest |= {"id": folder.name, "name": "ridge", "config_hash": "c", "code": "d", "versions": {}}
        (folder / "metrics.json").write_text(json.dumps({"validation": part}))
        (folder / "manifest.json").write_text(json.dumps(manifest))
        (folder / "config.yaml").write_text(f"split:\n  train: 0.6\nhorizon: {horizon}\nchoices:\n  split: holdout\n")
    (kept.folder / f"e{4:015x}" / "metrics.json").write_text("{")
    return kept


def known(store: RunStore, letters: str) -> list[Run]:
    return [run for run in store.all() if run.id[0] in letters]


def test_runs_are_sorted_by_what_they_were_asked_and_damaged_ones_left_out(
    store: RunStore, caplog: pytest.LogCaptureFixture
) -> None:
    runs = known(store, "abcde")
    found = sort_out(runs, {run.id: settings_of(run) for run in runs})
    assert ["".join(run.id[0] for run in each) for each in found.values()] == ["abc", "d"]
    first, second = (dict(each) for each in found)
    assert {key for key in first if first[key] != second[key]} == {"steps"}
    assert first["split"] == "holdout (train=0.6)"
    assert "is left out" in caplog.text


def test_all_that_was_tried_counts_whether_it_is_looked_at_or_not(store: RunStore) -> None:
    record = SweepRecord(store.folder, "5eed0001")
    record.begin(["model=ridge,lasso"], 4, Limits())
    record.write(Job(0, ("model=ridge",), f"b{1:015x}"))
    record.write(Job(1, ("model=lasso",), None, error="no"))
    record.write(Job(2, ("model=mlp",), None, pruned="behind the median"))
    other = SweepRecord(store.folder, "5eed0002")
    other.begin(["model=bad"], 1, Limits())
    other.write(Job(0, ("model=bad",), None, error="no"))
    runs = known(store, "ad")
    found = tried(store, sort_out(runs, {run.id: settings_of(run) for run in runs}))
    first, second = found.values()
    assert ["".join(run.id[0] for run in each.runs) for each in (first, second)] == ["abc", "d"]
    assert (first.failed, first.pruned, first.count) == (1, 1, 5)
    assert second.count == 1
    assert str(first) == "trials of this question on record: 5 (3 finished, 1 failed, 1 pruned)"
    assert str(Tried(first.runs, 0, 0)) == "trials of this question on record: 3"


def test_runs_that_were_removed_or_damaged_stay_trials_of_their_sweep(store: RunStore) -> None:
    for name in ("5eed0001", "5eed0002"):  # two sweeps that share their runs
        record = SweepRecord(store.folder, name)
        record.begin(["model=ridge,lasso"], 4, Limits())
        for number, run in enumerate([f"a{0:015x}", f"b{1:015x}", f"c{2:015x}", f"e{4:015x}"]):
            record.write(Job(number, (f"model=m{number}",), run))
    runs = known(store, "ab")
    asked = sort_out(runs, {run.id: settings_of(run) for run in runs})
    (whole,) = tried(store, asked).values()
    assert (len(whole.runs), whole.gone, whole.count) == (3, 1, 4), "the damaged one was a trial, too"
    shutil.rmtree(store.folder / f"c{2:015x}")
    (rest,) = tried(store, asked).values()
    assert (len(rest.runs), rest.gone, rest.count) == (2, 2, 4), "who removes a run has looked at it all the same"
    assert str(rest) == "trials of this question on record: 4 (2 finished, 2 no longer there)"
