from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from forecastle.errors import ConfigError
from forecastle.tracking.mlflow import MlflowTracker
from forecastle.tracking.mlflow_store import MlflowStore
from forecastle.tracking.tracker import RunInfo, Table

pytest.importorskip("mlflow")

CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
INFO = RunInfo(
    id="0a1b2c3d4e5f6071",
    name="model=ridge horizon=5",
    config={"model": {"_target_": "forecastle.models.ridge", "alpha": 1.0}, "horizon": 5, "levels": [0.1, 0.9]},
    group="77aa88bb",
    tags=("model=ridge", "horizon=5", "sweep=55cc66dd", "sweep=77aa88bb"),
    created=CREATED,
)
METRICS = {"validation": {"crps": 0.011, "unit": "log return", "by_step": [0.01, None], "nan": math.nan,
                          "slices": {"hour": [1.0, 2.0]}}}  # fmt: skip


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without runs, since making one takes a second."""
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    assert not MlflowTracker(f"sqlite:///{file}").holds("a")
    assert not file.exists(), "asking makes no store"
    with MlflowStore(f"sqlite:///{file}", "other", None, None).reached():
        return file


@pytest.fixture
def uri(tmp_path: Path, empty: Path) -> str:
    shutil.copy(empty, tmp_path)
    return f"sqlite:///{tmp_path}/mlflow.db"


@pytest.fixture
def finished_run(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / INFO.id
    (folder / "model").mkdir(parents=True)
    for name in ("config.yaml", "metrics.json", "manifest.json", "report.html", "forecast.parquet"):
        (folder / name).write_text(name)
    return folder


def track(tracker: MlflowTracker, folder: Path, info: RunInfo = INFO, metrics: Any = METRICS) -> None:
    tracker.start(info)
    for epoch in range(3):
        tracker.log(epoch, {"train loss (z)": 1.0 / (epoch + 1)})
    tracker.finish(folder, metrics)


def client(uri: str) -> Any:
    """MLflow's own client on the store."""
    with MlflowStore(uri, "forecastle", None, None).reached() as reached:
        return reached


def runs(uri: str) -> dict[str, Any]:
    """All runs of the store by our id."""
    found = client(uri).search_runs([client(uri).get_experiment_by_name("forecastle").experiment_id])
    assert len({run.data.tags["forecastle.run"] for run in found}) == len(found), "a run is there twice"
    return {run.data.tags["forecastle.run"]: run for run in found}


def test_a_run_is_read_back_by_mlflows_own_client(uri: str, finished_run: Path) -> None:
    tracker = MlflowTracker(uri)
    assert not tracker.holds(INFO.id)
    track(tracker, finished_run)
    assert tracker.holds(INFO.id)
    found = runs(uri)
    run, sweep = found[INFO.id], found["sweep-77aa88bb"]
    assert run.info.status == sweep.info.status == "FINISHED"
    assert run.info.start_time == run.info.end_time == int(CREATED.timestamp() * 1000)
    assert run.data.params == {
        "model._target_": "forecastle.models.ridge", "model.alpha": "1.0", "horizon": "5", "levels": "[0.1, 0.9]"
    }  # fmt: skip
    assert run.data.metrics.pop("validation/nan") != 0
    assert run.data.metrics == {
        "validation/crps": 0.011, "validation/by_step/1": 0.01, "train loss _z_": pytest.approx(1 / 3)
    }  # fmt: skip
    curve = client(uri).get_metric_history(run.info.run_id, "train loss _z_")
    assert [(point.step, point.value) for point in curve] == [(0, 1.0), (1, 0.5), (2, pytest.approx(1 / 3))]
    told = {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")}
    assert told == {
        "forecastle.run": INFO.id, "forecastle.sweep": "55cc66dd 77aa88bb", "model": "ridge", "horizon": "5"
    }  # fmt: skip
    assert run.data.tags["mlflow.runName"] == INFO.name
    assert run.data.tags["mlflow.parentRunId"] == sweep.info.run_id
    assert sweep.data.tags["mlflow.runName"] == "sweep 77aa88bb"
    kept = {file.path for file in client(uri).list_artifacts(run.info.run_id)}
    assert kept == {"config.yaml", "metrics.json", "manifest.json", "report.html"}
    assert Path(client(uri).download_artifacts(run.info.run_id, "report.html")).read_text() == "report.html"


def test_a_run_told_of_again_is_brought_up_to_date(uri: str, finished_run: Path) -> None:
    track(MlflowTracker(uri), finished_run)
    first = runs(uri)[INFO.id]
    (finished_run / "report.html").write_text("drawn anew")
    moved = RunInfo(INFO.id, "other", INFO.config, "99", ("model=ridge", "sweep=99"), CREATED)
    track(MlflowTracker(uri), finished_run, moved, {**METRICS, "test": {"crps": 0.5}})
    run = runs(uri)[INFO.id]
    assert run.info.run_id == first.info.run_id
    assert run.data.metrics["test/crps"] == 0.5
    assert run.data.tags["mlflow.parentRunId"] == runs(uri)["sweep-99"].info.run_id
    assert len(client(uri).get_metric_history(run.info.run_id, "train loss _z_")) == 3, "points are there once"
    assert Path(client(uri).download_artifacts(run.info.run_id, "report.html")).read_text() == "drawn anew"


def test_a_killed_run_is_finished_when_it_is_told_again(uri: str, finished_run: Path) -> None:
    left = MlflowTracker(uri)
    left.start(INFO)
    left.log(0, {"loss": 1.0})
    assert runs(uri)[INFO.id].info.status == "RUNNING"
    track(MlflowTracker(uri), finished_run)
    assert runs(uri)[INFO.id].info.status == "FINISHED"


def test_an_aborted_run_is_marked_failed(uri: str) -> None:
    tracker = MlflowTracker(uri)
    tracker.start(INFO)
    tracker.abort()
    assert runs(uri)[INFO.id].info.status == "FAILED"
    tracker.abort()


def test_a_pruned_run_is_killed_and_tagged_with_what_it_told_and_may_be_finished_later(
    uri: str, finished_run: Path
) -> None:
    tracker = MlflowTracker(uri)
    tracker.start(INFO)
    tracker.log(1, {"live/loss": 0.5})
    tracker.abort(pruned=True)
    run = runs(uri)[INFO.id]
    assert (run.info.status, run.data.tags["forecastle.pruned"]) == ("KILLED", "true")
    assert run.data.metrics == {"live/loss": 0.5}
    track(tracker, finished_run)
    run = runs(uri)[INFO.id]
    assert (run.info.status, "forecastle.pruned" in run.data.tags) == ("FINISHED", False)


def test_a_deleted_run_is_not_held(uri: str, finished_run: Path) -> None:
    tracker = MlflowTracker(uri)
    track(tracker, finished_run)
    client(uri).delete_run(runs(uri)[INFO.id].info.run_id)
    assert not tracker.holds(INFO.id)


def test_a_comparison_is_a_table_below_its_sweep(uri: str, finished_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = MlflowTracker(uri)
    track(tracker, finished_run)
    info = RunInfo("compare-77aa88bb", "comparison of sweep 77aa88bb", {}, "77aa88bb", ("comparison",))
    for score in (0.5, 0.25):
        tracker.compare(info, Table(("run", "score"), (("a", score), ("b", None))))
    assert tracker.holds("compare-77aa88bb")
    run = runs(uri)["compare-77aa88bb"]
    assert run.data.tags["mlflow.parentRunId"] == runs(uri)["sweep-77aa88bb"].info.run_id
    assert json.loads(Path(client(uri).download_artifacts(run.info.run_id, "comparison.json")).read_text()) == {
        "columns": ["run", "score"], "data": [["a", 0.25], ["b", None]]
    }  # fmt: skip
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    table = client(uri).load_table(run.info.experiment_id, "comparison.json", run_ids=[run.info.run_id])
    assert table["run"].tolist() == ["a", "b"], "MLflow itself knows that it is a table"


def test_more_than_mlflow_takes_at_once_is_told_in_parts(uri: str, tmp_path: Path) -> None:
    info = RunInfo("big", "big", {**{f"p{n}": n for n in range(250)}, "long": "x" * 9000, "k" * 300: 1})
    tracker = MlflowTracker(uri)
    tracker.start(info)
    for step in range(1200):
        tracker.log(step, {"loss": float(step)})
    tracker.finish(tmp_path, {"test": {"many": [float(n) for n in range(1500)]}})
    run = runs(uri)["big"]
    assert len(run.data.params) == 252
    assert (len(run.data.params["long"]), run.data.params["k" * 250]) == (6000, "1")
    assert len(run.data.metrics) == 1501
    assert len(client(uri).get_metric_history(run.info.run_id, "loss")) == 1200


def test_processes_that_write_a_new_file_at_once_lose_nothing(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    script = (
        "import sys; from pathlib import Path; from forecastle.tracking.mlflow import MlflowTracker\n"
        "from forecastle.tracking.tracker import RunInfo\n"
        "tracker = MlflowTracker(sys.argv[1])\n"
        "for number in range(8):\n"
        "    shared = number % 2\n"
        "    tracker.start(RunInfo(f'{number}-' + ('both' if shared else sys.argv[2]), 'run', {'n': number}, '77'))\n"
        "    tracker.log(1, {'loss': number}); tracker.finish(Path('.'), {'test': {'score': number}})\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", script, uri, name], stderr=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    assert [process.communicate(timeout=120)[1] for process in started] == ["", ""]
    found = runs(uri)
    assert len(found) == 4 + 4 + 4 + 1, "of each process alone, of both, and the sweep"
    assert all(run.data.metrics["test/score"] == int(name[0]) for name, run in found.items() if name != "sweep-77")


def test_tracking_prints_nothing(uri: str, finished_run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    track(MlflowTracker(uri), finished_run)
    assert capfd.readouterr() == ("", "")


def test_making_the_tracker_imports_nothing() -> None:
    script = (
        "import sys; from forecastle.tracking.mlflow import MlflowTracker; MlflowTracker()\n"
        "print([name for name in ('mlflow', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_a_missing_package_is_told_before_any_work(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path = [path for path in sys.path if 'site-packages' not in path]\n"
        f"sys.path += [{str(Path(__file__).parents[2] / 'src')!r}]\n"
        "from forecastle.errors import MissingExtraError\n"
        "from forecastle.tracking.mlflow import MlflowTracker\n"
        "try:\n    MlflowTracker()\nexcept MissingExtraError as error:\n    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert told.stdout == (
        "tracker=mlflow needs the package mlflow, which is not installed: pip install 'forecastle[mlflow]'\n"
    )


@pytest.mark.parametrize("uri", ["postgresql://me:hidden@host/db", "mysql://me@host/db?password=hidden"])
def test_a_password_in_the_uri_is_refused_and_not_shown(uri: str) -> None:
    with pytest.raises(ConfigError, match="uri must hold no password") as told:
        MlflowTracker(uri)
    assert "hidden" not in str(told.value)


def test_a_password_of_the_environment_is_used_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MlflowStore("postgresql://me@127.0.0.1:9/db", "forecastle", None, "DB_SECRET")
    with pytest.raises(ConfigError, match="DB_SECRET is not set"), store.reached():
        pass
    monkeypatch.setenv("DB_SECRET", "hid/den")
    assert store._with("hid/den") == "postgresql://me:hid%2Fden@127.0.0.1:9/db"
    with pytest.raises(Exception, match="Connection refused") as told, store.reached():
        pass
    assert "hid" not in str(told.value)
    assert "hid" not in store.place


def test_what_is_no_uri_is_told() -> None:
    with pytest.raises(ConfigError, match="uri must be one of MLflow's, such as sqlite:///"):
        MlflowTracker("mlflow.db")
