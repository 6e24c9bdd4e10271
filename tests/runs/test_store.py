"""The store: a run is there whole or not at all, and is found by the beginning of its id."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from forecastle.errors import RunError
from forecastle.runs.process import process
from forecastle.runs.store import Run, RunStore, read_json, replace_folder, write_json, write_text

MADE = {"name": "ridge", "data": "sp500", "config_hash": "c", "bars": "b", "code": "d", "versions": {}}
"""What a manifest tells beside the id and the time."""

ONE, TWO, THREE = "aa00000000000001", "aa00000000000002", "bb00000000000003"


def finish(
    store: RunStore, identity: str, created: str = "2026-01-01", value: float = 1.0, *, replace: bool = False
) -> Path:
    with store.create(identity, replace=replace) as folder:
        write_json(folder / "metrics.json", {"validation": value})
        write_json(folder / "manifest.json", {**MADE, "id": identity, "created": created})
    return store.folder / identity


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


def _stop(store: RunStore, error: BaseException) -> None:
    """Meet an error when a run is all but finished."""
    with store.create(ONE) as folder:
        write_json(folder / "metrics.json", {"validation": 2.0})
        write_json(folder / "manifest.json", {"id": ONE})
        raise error


def names(store: RunStore) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir())


def test_a_finished_run_is_found_with_its_metrics(store: RunStore) -> None:
    assert store.find(ONE) is None
    assert finish(store, ONE, value=0.1) == store.folder / ONE
    found = store.find(ONE)
    assert found == Run(ONE, store.folder / ONE, reused=True)
    assert found.metrics == {"validation": 0.1}
    assert names(store) == [ONE]


@pytest.mark.parametrize("error", [ValueError("a defect"), KeyboardInterrupt(), SystemExit(3)])
def test_an_exception_leaves_nothing(store: RunStore, error: BaseException) -> None:
    with pytest.raises(type(error)):
        _stop(store, error)
    assert store.find(ONE) is None
    assert names(store) == []


def test_an_exception_leaves_the_earlier_run_of_the_same_id(store: RunStore) -> None:
    finish(store, ONE, value=1.0)
    with pytest.raises(ValueError, match="a defect"):
        _stop(store, ValueError("a defect"))
    assert Run(ONE, store.folder / ONE).metrics == {"validation": 1.0}


def test_a_run_in_progress_is_not_there_yet(store: RunStore) -> None:
    with store.create(ONE) as folder:
        write_json(folder / "manifest.json", {"id": ONE, "created": "2026"})
        assert store.find(ONE) is None
        assert store.all() == []
        with pytest.raises(RunError, match="no run 'aa'"):
            store.get("aa")
    assert store.find(ONE) is not None


def test_a_run_that_another_process_finished_meanwhile_stays(store: RunStore) -> None:
    with store.create(ONE) as folder:
        write_json(folder / "metrics.json", {"validation": 2.0})
        write_json(folder / "manifest.json", {"id": ONE})
        finish(store, ONE, value=1.0)
    assert Run(ONE, store.folder / ONE).metrics == {"validation": 1.0}
    assert names(store) == [ONE]


def test_what_stands_in_the_place_of_a_run_and_is_none_gives_way(store: RunStore) -> None:
    (store.folder / ONE / "model").mkdir(parents=True)
    finish(store, ONE, value=1.0)
    assert store.get(ONE).metrics == {"validation": 1.0}
    assert not (store.folder / ONE / "model").exists()


def test_a_run_computed_again_takes_the_place_of_the_earlier_one(store: RunStore) -> None:
    finish(store, ONE, value=1.0)
    (store.folder / ONE / "report.html").write_text("old")
    finish(store, ONE, value=2.0, replace=True)
    assert Run(ONE, store.folder / ONE).metrics == {"validation": 2.0}
    assert not (store.folder / ONE / "report.html").exists()
    assert names(store) == [ONE]


def test_what_a_killed_process_left_is_swept_out_and_what_a_living_one_writes_is_not(store: RunStore) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    machine = process().partition("@")[2]
    left = store.folder / f".tmp-{ended.pid}@{machine}-{ONE}-x"
    living = store.folder / f".tmp-{os.getppid()}@{machine}-{ONE}-x"
    elsewhere = store.folder / f".tmp-{ended.pid}@00000000-{ONE}-x"  # who knows what lives on another machine
    for folder in (left, living, elsewhere):
        (folder / "model").mkdir(parents=True)
        (folder / "manifest.json").write_text("{}")
    finish(store, TWO)
    assert names(store) == sorted([TWO, living.name, elsewhere.name])


def _finish_often(folder: Path, number: int, replace: bool, barrier: multiprocessing.synchronize.Barrier) -> None:
    store = RunStore(folder)
    for _ in range(25):
        barrier.wait(20)
        finish(store, ONE, value=float(number), replace=replace)


@pytest.mark.parametrize("replace", [False, True])
def test_processes_that_finish_the_same_run_at_once_leave_one_whole_run(store: RunStore, replace: bool) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(3)
    workers = [
        context.Process(target=_finish_often, args=(store.folder, number, replace, barrier)) for number in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert names(store) == [ONE]
    found = store.get(ONE)
    assert found.metrics["validation"] in (0.0, 1.0, 2.0)
    assert found.manifest["id"] == ONE


def test_a_folder_does_not_take_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "place").write_text("a file")
    with pytest.raises(NotADirectoryError):
        replace_folder(tmp_path / "new", tmp_path / "place")
    assert (tmp_path / "place").read_text() == "a file"


def test_runs_are_found_by_the_beginning_of_their_id(store: RunStore) -> None:
    for identity in (ONE, TWO, THREE):
        finish(store, identity)
    assert store.get("bb").id == THREE
    assert store.get(ONE).id == ONE
    assert store.get(f"runs/{THREE}/").id == THREE
    with pytest.raises(RunError, match=f"'aa' begins 2 runs: {ONE}, {TWO}"):
        store.get("aa")
    with pytest.raises(RunError, match=r"no run 'cc' in .*runs \(3 runs there; see `forecastle runs`\)"):
        store.get("cc")
    with pytest.raises(RunError, match="no run ''"):
        store.get("")


def test_runs_stand_in_the_order_in_which_they_were_finished(store: RunStore) -> None:
    for identity, created in ((TWO, "2026-01-03"), (ONE, "2026-01-02"), (THREE, "2026-01-01")):
        finish(store, identity, created)
    assert [run.id for run in store.all()] == [THREE, ONE, TWO]
    assert store.get("last").id == TWO


def test_last_of_no_runs_is_unknown(store: RunStore) -> None:
    assert store.all() == []
    with pytest.raises(RunError, match="no run 'last'"):
        store.get("last")


def test_one_damaged_run_does_not_hide_the_others(store: RunStore) -> None:
    finish(store, ONE)
    finish(store, TWO)
    (store.folder / TWO / "manifest.json").write_text('{"id": ')
    assert [run.id for run in store.all()] == [TWO, ONE]
    assert store.get("last").id == ONE
    with pytest.raises(RunError, match=r"manifest\.json is damaged: Expecting value"):
        _ = store.get(TWO).manifest


def test_a_damaged_or_missing_json_file_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    with pytest.raises(RunError, match=r"metrics\.json is missing"):
        read_json(path)
    for content in (b"", b"[1]", b"\xff\xfe", b'{"a": 1'):
        path.write_bytes(content)
        with pytest.raises(RunError, match=r"^\S*metrics\.json is damaged: [^\n]*$"):
            read_json(path)


def test_not_a_number_is_refused_and_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, {"a": 1.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1.5}
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.json"
    write_text(path, "before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_curves_are_read_by_step(tmp_path: Path) -> None:
    (tmp_path / "curves.csv").write_text("name,step,value\nloss,1,0.5\nloss,2,0.25\ntrain,1,0.75\n")
    assert Run(ONE, tmp_path).curves() == {1: {"loss": 0.5, "train": 0.75}, 2: {"loss": 0.25}}


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(RunError, match=r"runs are kept in a folder, but .*/runs is a file \(output, or FORECASTLE_OUT"):
        RunStore(tmp_path / "runs")


def whole(store: RunStore) -> Run:
    """A run with all the files that a run has, as small as they can be."""
    with store.create(ONE) as folder:
        write_json(folder / "metrics.json", {"validation": {"trading": {}}})
        write_json(folder / "manifest.json", {**MADE, "id": ONE, "created": "2026"})
        for name in ("config.yaml", "quality.json", "curves.csv"):
            (folder / name).write_text("x")
        for name in ("forecast.parquet", "equity.parquet"):
            pyarrow.parquet.write_table(pyarrow.table({"value": [1.0]}), folder / name)
    return store.get(ONE)


def test_a_run_whose_files_are_all_there_is_whole(store: RunStore) -> None:
    assert whole(store).damage is None


@pytest.mark.parametrize("name", ["config.yaml", "quality.json", "curves.csv", "forecast.parquet", "equity.parquet"])
def test_a_run_with_a_file_that_is_missing_or_empty_is_not_whole(store: RunStore, name: str) -> None:
    path = whole(store).folder / name
    path.write_bytes(b"")
    assert store.get(ONE).damage == f"{name} is empty"
    path.unlink()
    assert store.get(ONE).damage == f"{name} is missing"


@pytest.mark.parametrize("change", [lambda raw: raw[:-1], lambda raw: raw[40:], lambda raw: raw[:4] + raw[-40:]])
def test_a_table_that_is_cut_short_is_seen_at_its_ends(store: RunStore, change: Callable[[bytes], bytes]) -> None:
    path = whole(store).folder / "forecast.parquet"
    path.write_bytes(change(path.read_bytes()))
    assert store.get(ONE).damage == "forecast.parquet is no whole Parquet file"


@pytest.mark.parametrize("name", ["manifest.json", "metrics.json"])
@pytest.mark.parametrize("content", ["{}", "[]", "{", '{"id": "x"}'])
def test_a_manifest_or_metrics_that_tell_nothing_are_damage_and_one_error(
    store: RunStore, name: str, content: str
) -> None:
    path = whole(store).folder / name
    path.write_text(content)
    found = store.get(ONE)
    assert found.damage == f"{name} is not what a run writes"
    with pytest.raises(RunError, match=f"{name} is damaged: "):
        _ = found.manifest if name == "manifest.json" else found.metrics
