from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from forecastle.errors import ConfigError, MissingExtraError
from forecastle.tracking.tracker import RunInfo, Table
from forecastle.tracking.wandb import FINISHED, WandbTracker

pytest.importorskip("wandb")

INFO = RunInfo(
    id="0a1b2c3d4e5f6071",
    name="ridge on sp500",
    config={"model": {"_target_": "forecastle.models.ridge", "alpha": 1.0}, "horizon": 5, "indicator": ["rsi", "atr"]},
    group="sweep-77",
    tags=("model=ridge", "indicator=core"),
)
METRICS = {
    "validation": {"model": {"crps": 0.011, "by_step": [0.01, 0.012]}, "baselines": {"last_value": {"crps": 0.013}}},
    "test": {"model": {"crps": 0.0125}},
    "skill": {"last_value": 0.04},
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Refuse every connection but one within this machine, and keep W&B's settings out of the real home."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        assert self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1", "localhost"), address
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "home" / "netrc"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)


@pytest.fixture
def finished_run(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / INFO.id
    (folder / "model" / "parts").mkdir(parents=True)
    (folder / "model" / "model.skops").write_bytes(b"weights")
    (folder / "model" / "parts" / "scaler.json").write_text("{}")
    (folder / "report.html").write_text("<!doctype html><title>run</title>")
    return folder


def track(tracker: WandbTracker, folder: Path, info: RunInfo = INFO) -> None:
    tracker.start(info)
    for epoch in range(3):
        tracker.log(epoch, {"train_loss": 1.0 / (epoch + 1)})
    tracker.log(0, {"refit_loss": 0.25})
    tracker.finish(folder, METRICS)


def inspect(path: Path, *flags: str) -> str:
    """What W&B's own command reads from an offline run."""
    command = [str(Path(sys.executable).parent / "wandb"), "leet", "inspect", "--json", *flags, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def records(path: Path, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in inspect(path).splitlines()]
    return [line[kind] for line in lines if line["type"] == kind]


def test_an_offline_run_is_read_back_by_wandb_itself(tmp_path: Path, finished_run: Path) -> None:
    track(WandbTracker(folder=str(tmp_path)), finished_run)
    (offline,) = (tmp_path / "wandb").glob("offline-run-*")

    summary = json.loads(inspect(offline, "--summary"))
    assert summary["run_id"] == INFO.id
    assert summary["name"] == INFO.name
    assert summary["project"] == "forecastle"
    assert summary["state"] == "finished"
    assert summary["exit_code"] == 0
    assert sorted(summary["tags"]) == sorted(INFO.tags)
    assert summary["config"] == INFO.config
    assert (
        summary["summary"].items()
        >= {
            "validation/model/crps": 0.011,
            "validation/model/by_step/1": 0.01,
            "validation/model/by_step/2": 0.012,
            "validation/baselines/last_value/crps": 0.013,
            "test/model/crps": 0.0125,
            "skill/last_value": 0.04,
        }.items()
    )

    (run,) = records(offline, "run")
    assert run["run_group"] == "sweep-77"

    history = [record["item"] for record in records(offline, "history")]
    assert [(point["step"], point["train_loss"]) for point in history if "train_loss" in point] == [
        (0, 1.0),
        (1, 0.5),
        (2, pytest.approx(1 / 3)),
    ]
    assert [(point["step"], point["refit_loss"]) for point in history if "refit_loss" in point] == [(0, 0.25)]

    sent = {artifact["type"]: artifact for artifact in records(offline, "artifact")}
    assert sent["model"]["name"] == f"model-{INFO.id}"
    assert {entry["path"] for entry in sent["model"]["manifest"]["contents"]} == {"model.skops", "parts/scaler.json"}
    assert {entry["path"] for entry in sent["report"]["manifest"]["contents"]} == {"report.html"}
    for artifact in sent.values():
        assert all(Path(entry["local_path"]).is_file() for entry in artifact["manifest"]["contents"])


def test_a_run_told_of_again_replaces_its_offline_copy(tmp_path: Path, finished_run: Path) -> None:
    tracker = WandbTracker(folder=str(tmp_path))
    assert not tracker.holds(INFO.id)
    track(tracker, finished_run)
    assert tracker.holds(INFO.id)
    tracker.start(INFO)
    tracker.finish(finished_run, {"test": {"crps": 0.5}})
    (offline,) = (tmp_path / "wandb").glob("offline-run-*")
    assert json.loads(inspect(offline, "--summary"))["summary"]["test/crps"] == 0.5


def test_an_offline_copy_that_wandb_has_uploaded_stays(tmp_path: Path, finished_run: Path) -> None:
    uploaded = tmp_path / "wandb" / f"offline-run-20200101_000000-{INFO.id}"
    uploaded.mkdir(parents=True)
    (uploaded / f"run-{INFO.id}.wandb").write_bytes(b"a log")
    (uploaded / f"run-{INFO.id}.wandb.synced").touch()
    track(WandbTracker(folder=str(tmp_path)), finished_run)
    assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == 2
    assert uploaded.is_dir()


def test_a_comparison_is_a_table_and_an_artifact(tmp_path: Path) -> None:
    tracker = WandbTracker(folder=str(tmp_path))
    rows = (("a", 0.5, None), ("b", 0.25, True))
    tracker.compare(RunInfo("compare-77", "comparison of sweep 77", {}, "77"), Table(("run", "score", "best"), rows))
    assert tracker.holds("compare-77")
    (offline,) = (tmp_path / "wandb").glob("offline-run-*")
    (run,) = records(offline, "run")
    assert (run["run_group"], run["job_type"]) == ("77", "comparison")
    sent = {artifact["type"]: artifact for artifact in records(offline, "artifact")}
    (entry,) = [each for each in sent["comparison"]["manifest"]["contents"] if each["path"] == "comparison.table.json"]
    table = json.loads(Path(entry["local_path"]).read_text())
    assert table["columns"] == ["run", "score", "best"]
    assert [tuple(row) for row in table["data"]] == list(rows)


def test_a_place_tells_where_runs_go_and_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert WandbTracker(folder=str(tmp_path)).place == f"wandb forecastle offline in {tmp_path}"
    assert WandbTracker("mine", "online", "team").place == "wandb team/mine at api.wandb.ai"
    monkeypatch.setenv("WANDB_BASE_URL", "https://me:hidden@wandb.house:8080")
    assert WandbTracker("mine", "online").place == "wandb mine at wandb.house"
    assert WandbTracker("mine", "online", "team").holds("anything"), "what is online cannot be seen from here"


def test_what_a_killed_run_left_is_replaced_and_other_runs_stay(tmp_path: Path, finished_run: Path) -> None:
    for name in (INFO.id, f"other-{INFO.id}"):
        left = tmp_path / "wandb" / f"offline-run-20200101_000000-{name}"
        left.mkdir(parents=True)
        (left / f"run-{name}.wandb").write_bytes(b"half a log")
    track(WandbTracker(folder=str(tmp_path)), finished_run)
    logs = sorted(file.name for file in (tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))
    assert logs == [f"run-{INFO.id}.wandb", f"run-other-{INFO.id}.wandb"]
    assert len(list((tmp_path / "wandb").glob(f"offline-run-*/{FINISHED}"))) == 1


def test_several_runs_follow_one_another_in_one_process(tmp_path: Path, finished_run: Path) -> None:
    tracker = WandbTracker(folder=str(tmp_path))
    for number in range(3):
        track(tracker, finished_run, RunInfo(f"run{number}", "variant", {"alpha": number}))
    found = [json.loads(inspect(path, "--summary")) for path in sorted((tmp_path / "wandb").glob("offline-run-*"))]
    assert sorted((run["run_id"], run["config"]["alpha"]) for run in found) == [("run0", 0), ("run1", 1), ("run2", 2)]


def test_an_aborted_run_is_marked_failed_and_may_be_tracked_again(tmp_path: Path, finished_run: Path) -> None:
    tracker = WandbTracker(folder=str(tmp_path))
    tracker.start(INFO)
    tracker.log(0, {"train_loss": 1.0})
    tracker.abort()
    (offline,) = (tmp_path / "wandb").glob("offline-run-*")
    assert json.loads(inspect(offline, "--summary"))["exit_code"] == 1
    track(tracker, finished_run)
    (offline,) = (tmp_path / "wandb").glob("offline-run-*")
    assert json.loads(inspect(offline, "--summary"))["exit_code"] == 0


def test_a_pruned_run_is_tagged(tmp_path: Path) -> None:
    tracker = WandbTracker(folder=str(tmp_path))
    tracker.start(INFO)
    tracker.abort(pruned=True)
    (offline,) = (tmp_path / "wandb").glob("offline-run-*")
    assert records(offline, "run")[-1]["tags"][-1] == "pruned"


def test_tracking_prints_nothing_and_connects_to_nothing(
    tmp_path: Path, finished_run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tracker = WandbTracker(folder=str(tmp_path / "not" / "there" / "yet"))
    tracker.start(INFO)
    tracker.log(0, {"train_loss": 1.0})
    helpers = psutil.Process().children(recursive=True)
    assert helpers, "W&B's own process is expected to run beside this one"
    for helper in helpers:
        assert [each for each in helper.net_connections("inet") if each.raddr and each.raddr.ip[:4] != "127."] == []
    tracker.finish(finished_run, METRICS)
    assert capfd.readouterr() == ("", "")


def test_a_long_tag_is_shortened_to_what_wandb_accepts(tmp_path: Path, finished_run: Path) -> None:
    tag = "indicator=" + ",".join(f"member_{number}" for number in range(20))
    track(WandbTracker(folder=str(tmp_path)), finished_run, RunInfo("long", "long", {}, tags=(tag,)))
    (offline,) = (tmp_path / "wandb").glob("offline-run-*")
    assert json.loads(inspect(offline, "--summary"))["tags"] == [tag[:63] + "…"]


def test_a_report_drawn_anew_leaves_the_sent_one_as_it_was(tmp_path: Path, finished_run: Path) -> None:
    track(WandbTracker(folder=str(tmp_path)), finished_run)
    (finished_run / "report.html").write_text("drawn anew")
    (offline,) = (tmp_path / "wandb").glob("offline-run-*")
    (report,) = (each for each in records(offline, "artifact") if each["type"] == "report")
    (entry,) = report["manifest"]["contents"]
    assert Path(entry["local_path"]).read_text() == "<!doctype html><title>run</title>"


def test_a_model_that_the_run_gives_away_can_be_uploaded_still(tmp_path: Path, finished_run: Path) -> None:
    track(WandbTracker(folder=str(tmp_path)), finished_run)
    (finished_run / "model" / "model.skops").unlink()
    (offline,) = (tmp_path / "wandb").glob("offline-run-*")
    (model,) = (each for each in records(offline, "artifact") if each["type"] == "model")
    found = {each["path"]: Path(each["local_path"]).read_bytes() for each in model["manifest"]["contents"]}
    assert found == {"model.skops": b"weights", "parts/scaler.json": b"{}"}


def test_a_run_without_report_or_model_is_tracked(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    track(WandbTracker(folder=str(tmp_path)), tmp_path / "bare")
    (offline,) = (tmp_path / "wandb").glob("offline-run-*")
    assert records(offline, "artifact") == []
    assert (offline / FINISHED).exists()


def test_online_without_a_login_is_told_and_not_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"W&B wants a login to be sent anything, got none: run `wandb login`"):
        WandbTracker(mode="online", folder=str(tmp_path)).start(INFO)


def test_a_mistyped_mode_is_told_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"mode must be one of offline, online, got 'ofline'; did you mean 'offline'"):
        WandbTracker(mode="ofline")


@pytest.mark.parametrize("plain_folder", [False, True], ids=["nothing", "a folder of offline runs"])
def test_a_missing_wandb_is_told_before_any_work(tmp_path: Path, plain_folder: bool) -> None:
    if plain_folder:
        (tmp_path / "wandb").mkdir()
    script = (
        "import sys; sys.path = [path for path in sys.path if 'site-packages' not in path]\n"
        f"sys.path += [{str(tmp_path)!r}, {str(Path(__file__).parents[2] / 'src')!r}]\n"
        "import importlib; importlib.invalidate_caches()\n"
        "from forecastle.errors import MissingExtraError\n"
        "from forecastle.tracking.wandb import WandbTracker\n"
        "try:\n    WandbTracker()\nexcept MissingExtraError as error:\n    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert told.stdout.endswith("pip install 'forecastle[wandb]'\n"), (told.stdout, told.stderr)
    assert issubclass(MissingExtraError, Exception)


def test_making_the_tracker_imports_nothing() -> None:
    script = (
        "import sys; from forecastle.tracking.wandb import WandbTracker; WandbTracker(); print('wandb' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout == "False\n"
    )
