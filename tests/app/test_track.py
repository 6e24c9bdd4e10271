"""Runs that are told to a tracker: tagged, grouped, sent later in bulk, once each, and renewed."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.app.conftest import SMALL
from tests.tracking.test_wandb import records

from forecastle.__main__ import main
from forecastle.config.compose import compose
from forecastle.errors import ConfigError, ForecastleError, Pruned
from forecastle.keeping import attempt
from forecastle.runs.store import Run
from forecastle.runs.watching import Measure
from forecastle.tracking.mlflow_store import MlflowStore
from forecastle.tracking.tracker import RunInfo, Table

Command = Callable[..., Any]


class Notebook:
    """A tracker that writes what it hears into a file of the current folder, and fails for some runs."""

    wants_report = False
    place = "a notebook"

    def __init__(self, unlucky: list[str] | None = None, login: bool = True) -> None:
        self._unlucky = unlucky or []
        self._login = login
        self._info: RunInfo | None = None
        self._points: list[Any] = []

    @staticmethod
    def pages() -> list[dict[str, Any]]:
        path = Path("notebook.jsonl")
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def holds(self, identity: str) -> bool:
        return identity in [page["id"] for page in self.pages()]

    def start(self, info: RunInfo) -> None:
        if not self._login:
            raise ConfigError("a login is wanted")
        self._info, self._points = info, []

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._points.append([step, dict(values), len(list(Path("runs").glob("*/manifest.json")))])

    def finish(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        assert self._info is not None
        if any(name in self._info.name for name in self._unlucky):
            raise OSError("the line is dead")
        self._write(self._info, parts=sorted(metrics), points=self._points, horizon=self._info.config["horizon"])

    def abort(self, *, pruned: bool = False) -> None:
        assert self._info is not None
        self._write(self._info, aborted=True, pruned=pruned)

    def compare(self, info: RunInfo, table: Table) -> None:
        self._write(info, columns=table.columns, rows=table.rows)

    def _write(self, info: RunInfo, **more: Any) -> None:
        with Path("notebook.jsonl").open("a") as stream:
            told = {"id": info.id, "name": info.name, "group": info.group, "tags": info.tags, **more}
            stream.write(json.dumps(told) + "\n")


@pytest.fixture
def notebook(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Words that choose the notebook, whose settings are given."""
    import forecastle.tracking.files

    monkeypatch.setattr(Notebook, "__module__", "forecastle.tracking.files")
    monkeypatch.setattr(forecastle.tracking.files, "Notebook", Notebook, raising=False)
    (workplace / "conf" / "tracker").mkdir(parents=True)
    (workplace / "conf" / "tracker" / "notebook.yaml").write_text(
        "_target_: forecastle.tracking.files.Notebook\nunlucky: []\nlogin: true\n"
    )
    return lambda *more: ["tracker=notebook", *more]


SWEEP = (*SMALL, "model=ridge,lasso", "horizon=3,4", "season=6")


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs in which a sweep of four lies that no tracker has heard of."""
    folder = tmp_path_factory.mktemp("swept")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["run", "-m", *SWEEP]) == 0
    return folder / "runs"


@pytest.fixture
def swept(computed: Path, notebook: Command) -> str:
    """Id of the sweep, whose runs lie in the workplace."""
    shutil.copytree(computed, "runs")
    return sweep()


def sweep() -> str:
    (record,) = Path("runs/sweeps").glob("*/sweep.json")
    return record.parent.name


def test_a_sweeps_runs_are_sent_grouped_and_tagged_by_what_varies(
    forecastle: Command, swept: str, notebook: Command
) -> None:
    done = forecastle("track", "push", "last", *notebook())
    assert done.code == 0
    assert done.out.splitlines() == [
        "a notebook: 4 sent, 0 there as they stand, 0 failed",
        f"comparison of sweep {swept}: sent",
    ]
    *runs, comparison = Notebook.pages()
    assert {page["group"] for page in runs} == {swept}
    assert sorted(page["tags"] for page in runs) == sorted(
        [f"model={model}", f"horizon={horizon}", f"sweep={swept}"] for model in ("ridge", "lasso") for horizon in (3, 4)
    )
    assert all(page["name"] == " ".join(page["tags"][:2]) for page in runs)
    assert all(page["horizon"] == int(page["tags"][1][-1]) for page in runs)
    assert sorted(page["id"] for page in runs) == sorted(
        path.parent.name for path in Path("runs").glob("*/manifest.json")
    )
    assert comparison["id"] == f"compare-{swept}"
    columns, *rows = csv.reader(io.StringIO(forecastle("compare", "last", "--csv").out))
    assert comparison["columns"] == columns
    assert [["" if cell is None else str(cell) for cell in row] for row in comparison["rows"]] == rows


def test_pushing_again_sends_nothing_and_what_is_gone_there_is_sent_again(
    forecastle: Command, swept: str, notebook: Command
) -> None:
    forecastle("track", "push", "last", *notebook())
    again = forecastle("track", "push", "last", *notebook())
    assert "0 sent, 4 there as they stand, 0 failed" in again.out
    assert "there as it stands" in again.out
    kept = Path("notebook.jsonl").read_text().splitlines()
    assert len(kept) == 5
    Path("notebook.jsonl").write_text("\n".join(kept[1:]) + "\n")
    assert "1 sent, 3 there as they stand" in forecastle("track", "push", *notebook("--no-table")).out


def test_one_run_that_fails_stops_no_other_and_is_sent_the_next_time(
    forecastle: Command, swept: str, notebook: Command
) -> None:
    first = forecastle("track", "push", "last", *notebook("tracker.unlucky=[lasso]", "--no-table"))
    assert first.code == 1
    assert "2 sent, 0 there as they stand, 2 failed" in first.out
    assert first.err.count("OSError: the line is dead") == 2
    second = forecastle("track", "push", "last", *notebook("--no-table"))
    assert second.code == 0
    assert "2 sent, 2 there as they stand, 0 failed" in second.out
    assert len({page["id"] for page in Notebook.pages()}) == len(Notebook.pages()) == 4


def test_a_push_gives_up_where_nothing_can_be_sent(forecastle: Command, swept: str, notebook: Command) -> None:
    done = forecastle("track", "push", *notebook("tracker.login=false"))
    assert done.code == 2
    assert done.err == "forecastle: a login is wanted (0 of 4 runs sent)\n"
    dead = forecastle("track", "push", *notebook("tracker.unlucky=[lasso,ridge]"))
    assert "0 sent, 0 there as they stand, 3 failed, 1 not tried" in dead.out


def test_a_damaged_run_is_told_and_the_others_are_sent(forecastle: Command, swept: str, notebook: Command) -> None:
    path = sorted(Path("runs").glob("*/metrics.json"))[0]
    path.write_text("{")
    done = forecastle("track", "push", *notebook())
    assert done.code == 1
    assert f"run {path.parent.name} is not sent: {path} is damaged" in done.out
    assert "3 sent, 0 there as they stand, 1 failed" in done.out


def test_status_tells_what_is_there_and_what_changed_since(forecastle: Command, swept: str, notebook: Command) -> None:
    assert forecastle("track", "status", *notebook()).out == "a notebook: 4 never sent\n"
    forecastle("track", "push", "model=ridge", *notebook())
    assert forecastle("track", "status", *notebook()).out == "a notebook: 2 never sent, 2 there as they stand\n"
    forecastle("track", "push", *notebook())
    path = sorted(Path("runs").glob("*/metrics.json"))[0]
    scored = json.loads(path.read_text())
    scored["validation"]["scores"]["model"]["crps"] += 1
    path.write_text(json.dumps(scored))
    assert forecastle("track", "status").out == (
        "wandb forecastle at api.wandb.ai: 4 never sent\na notebook: 1 changed since, 3 there as they stand\n"
    )


def test_what_is_gone_from_where_it_was_sent_is_told_so(forecastle: Command, swept: str, notebook: Command) -> None:
    forecastle("track", "push", *notebook("--no-table"))
    Path("notebook.jsonl").write_text("".join(Path("notebook.jsonl").read_text().splitlines(keepends=True)[1:]))
    assert "a notebook: 1 gone, 3 there as they stand" in forecastle("track", "status").out
    Path("notebook.jsonl").write_text("no page")
    assert "a notebook: 4 out of reach" in forecastle("track", "status").out
    refused = forecastle("track", "push", *notebook())
    assert refused.code == 2
    assert refused.err.startswith("forecastle: a notebook cannot be asked what it has: Expecting value")
    assert refused.err.endswith("(0 of 4 runs sent)\n")


def test_opening_the_test_part_renews_a_run_that_was_sent(forecastle: Command, swept: str, notebook: Command) -> None:
    forecastle("track", "push", "last", *notebook())
    best, *others = sorted(page["id"] for page in Notebook.pages() if page["group"] and "rows" not in page)
    assert forecastle("evaluate", best, "part=test").code == 0
    *_, last = Notebook.pages()
    assert (last["id"], last["parts"]) == (best, ["test", "validation"])
    assert "0 sent, 4 there as they stand" in forecastle("track", "push", "last", *notebook("--no-table")).out
    assert [page["id"] for page in Notebook.pages()].count(others[0]) == 1


def test_a_place_that_cannot_be_told_of_a_change_is_warned_of(
    forecastle: Command, swept: str, notebook: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    forecastle("track", "push", "last", *notebook("--no-table"))
    name = Notebook.pages()[0]["id"]
    monkeypatch.setattr(Notebook, "place", "a notebook elsewhere")
    done = forecastle("evaluate", name, "part=test")
    assert done.code == 0
    assert f"a notebook is not told of the change: run {name} was sent from another folder" in done.err
    assert len(Notebook.pages()) == 4


def test_a_sweep_that_is_tracked_while_it_runs_needs_no_push(forecastle: Command, notebook: Command) -> None:
    assert forecastle("run", "-m", *SWEEP, *notebook()).code == 0
    assert len(Notebook.pages()) == 4
    assert {(page["group"], page["tags"][-1]) for page in Notebook.pages()} == {(sweep(), f"sweep={sweep()}")}
    assert "0 sent, 4 there as they stand" in forecastle("track", "push", "last", *notebook()).out


def test_a_run_that_a_wider_sweep_takes_over_moves_to_its_group(
    forecastle: Command, swept: str, small: list[str], notebook: Command
) -> None:
    forecastle("track", "push", "last", *notebook("--no-table"))
    forecastle("run", "-m", *small, "model=ridge,lasso,random_walk", "horizon=3", "season=6", *notebook())
    *_, ridge, lasso, walk = Notebook.pages()
    assert ridge["group"] == lasso["group"] == walk["group"] != swept
    assert ridge["tags"] == ["model=ridge", f"sweep={swept}", f"sweep={ridge['group']}"]
    assert walk["tags"] == ["model=random_walk", f"sweep={walk['group']}"]


def test_a_run_alone_is_named_by_model_and_data(forecastle: Command, small: list[str], notebook: Command) -> None:
    assert forecastle("run", *small, "model=ridge", *notebook()).code == 0
    (page,) = Notebook.pages()
    assert (page["name"], page["group"]) == ("ridge on synthetic", None)
    assert page["tags"] == ["model=ridge", "data=synthetic", "target=log_return"]
    assert page["parts"] == ["test", "validation"]


EPOCHS = ("model=mlp", "trainer.max_epochs=3")


def test_a_fit_is_followed_while_it_runs_and_its_numbers_stay(
    forecastle: Command, small: list[str], notebook: Command
) -> None:
    assert forecastle("run", *small, *EPOCHS, *notebook()).code == 0
    (page,) = Notebook.pages()
    live = [(step, finished) for step, values, finished in page["points"] if "live/validation/loss" in values]
    assert live == [(step, 0) for step in range(1, len(live) + 1)], "told before the run was finished"
    assert len(live) >= 3
    curves = [(step, values) for step, values, finished in page["points"] if finished]
    assert dict(curves) == Run(page["id"], Path("runs", page["id"])).curves()
    followed = Path("runs", page["id"], "metrics.json").read_text()
    assert forecastle("run", *small, *EPOCHS, "output=alone").code == 0
    assert Path("alone", page["id"], "metrics.json").read_text() == followed
    assert "0 sent, 1 there as they stand" in forecastle("track", "push", *notebook()).out


def test_a_run_that_is_stopped_on_the_way_is_told_so_and_one_that_never_began_is_not(
    workplace: Path, small: list[str], notebook: Command
) -> None:
    def stop(measure: Measure, step: int, value: float) -> None:
        raise Pruned("enough")

    for words in ((*EPOCHS, "split.train=0.999"), EPOCHS):
        with pytest.raises(ForecastleError):
            attempt(compose([*small, *words, *notebook()]), wait=True, watch=stop)
    (page,) = Notebook.pages()
    assert (page["aborted"], page["pruned"]) == (True, True)
    assert (page["name"], page["tags"][0]) == ("mlp on synthetic", "model=mlp")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["pusk"], "no verb 'pusk'; did you mean 'push'? (there are: push, status)"),
        (["push", "--tabel"], "unknown flag '--tabel' of track push; did you mean '--table'?"),
        (["status", "--table"], "unknown flag '--table' of track status"),
        (["push", "tracker=files"], "tracker=files sends nothing anywhere"),
        (["push", "tracker=wandp"], "tracker: no choice 'wandp'; did you mean 'wandb'?"),
        (["push", "no-such-run"], "no run 'no-such-run' in runs"),
    ],
)
def test_a_mistake_is_told_in_one_line(forecastle: Command, swept: str, words: list[str], told: str) -> None:
    done = forecastle("track", *words)
    assert done.code == 2
    assert told in done.err
    assert done.err.count("\n") == 1


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """W&B's settings where nobody has logged in."""
    pytest.importorskip("wandb")
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(Path.cwd() / "home"))
    monkeypatch.setenv("NETRC", str(Path.cwd() / "home" / "netrc"))
    for name in ("API_KEY", "MODE"):
        monkeypatch.delenv(f"WANDB_{name}", raising=False)
    return monkeypatch


def test_a_push_without_a_login_says_what_to_do(forecastle: Command, swept: str, nobody: pytest.MonkeyPatch) -> None:
    done = forecastle("track", "push", "last")
    assert done.code == 2
    assert done.err == (
        "forecastle: W&B wants a login to be sent anything, got none: run `wandb login` or set WANDB_API_KEY, or keep "
        "files for `wandb sync` by tracker.mode=offline (0 of 4 runs sent)\n"
    )


def test_the_mode_of_wandbs_own_variable_is_that_of_a_push_unless_it_says_another(
    forecastle: Command, swept: str, nobody: pytest.MonkeyPatch
) -> None:
    nobody.setenv("WANDB_MODE", "offline")
    done = forecastle("track", "push", "last", "horizon=4", "--no-table")
    assert done.code == 0, done.err
    assert done.out.startswith("WANDB_MODE=offline: runs are kept in files, which `wandb sync` sends")
    assert " offline in " in done.out
    assert "wants a login" in forecastle("track", "push", "last", "tracker.mode=online").err
    nobody.setenv("WANDB_MODE", "disabled")
    refused = forecastle("track", "push", "last")
    assert refused.code == 2
    assert "WANDB_MODE must be offline or online for a push, got 'disabled'" in refused.err
    assert refused.err.count("\n") == 1


def test_the_comparison_of_any_runs_is_sent_where_that_is_asked(
    forecastle: Command, swept: str, notebook: Command
) -> None:
    assert "comparison" not in forecastle("track", "push", "horizon=3", *notebook()).out
    assert "comparison of 2 runs: sent" in forecastle("track", "push", "horizon=3", *notebook("--table")).out


def test_a_bulk_push_to_wandb_is_read_back_and_repeated(
    forecastle: Command, swept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(Path.cwd() / "home"))
    words = ["track", "push", "last", "tracker=wandb", "tracker.mode=offline"]
    assert forecastle(*words).out.endswith(
        f"4 sent, 0 there as they stand, 0 failed\ncomparison of sweep {swept}: sent\n"
    )
    written = {path: path.stat().st_mtime_ns for path in Path("wandb").rglob("run-*.wandb")}
    assert len(written) == 5
    (ridge,) = (each for each in Path("runs").glob("*/config.yaml") if _is(each, "ridge", 4))
    (offline,) = Path("wandb").glob(f"offline-run-*-{ridge.parent.name}")
    (run,) = records(offline, "run")
    assert (run["run_id"], run["run_group"]) == (ridge.parent.name, swept)
    assert sorted(run["tags"]) == ["horizon=4", "model=ridge", f"sweep={swept}"]
    (offline,) = Path("wandb").glob(f"offline-run-*-compare-{swept}")
    assert {each["type"] for each in records(offline, "artifact")} == {"comparison", "run_table"}
    assert "0 sent, 4 there as they stand" in forecastle(*words).out
    assert {path: path.stat().st_mtime_ns for path in Path("wandb").rglob("run-*.wandb")} == written


@pytest.mark.slow
def test_workers_that_track_with_mlflow_lose_no_run_and_make_none_double(process: Command, small: list[str]) -> None:
    pytest.importorskip("mlflow")
    by_two = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    done = process("run", "-m", *small, "model=ridge,lasso", "season=range(2,8)", "tracker=mlflow", *by_two)
    assert done.code == 0, done.err
    assert "12 runs, 12 computed" in done.out
    assert "failed at" not in done.err
    store = MlflowStore("sqlite:///runs/mlflow.db", "forecastle", None, None)
    with store.reached() as client:
        found = client.search_runs([client.get_experiment_by_name("forecastle").experiment_id])
    told = sorted(run.data.tags["forecastle.run"] for run in found)
    assert told == sorted([*(path.parent.name for path in Path("runs").glob("*/manifest.json")), f"sweep-{sweep()}"])
    assert {run.info.status for run in found} == {"FINISHED"}
    assert "0 sent, 12 there as they stand" in process("track", "push", "last", "tracker=mlflow", "--no-table").out


@pytest.mark.slow
def test_two_pushes_at_once_send_each_run_once(start: Command, swept: str) -> None:
    pytest.importorskip("mlflow")
    pushes = [start("track", "push", "last", "tracker=mlflow", "--no-table") for _ in range(2)]
    told = [push.communicate(timeout=120)[0] for push in pushes]
    numbers = [[int(word) for word in re.findall(r"[0-9]+(?= sent| there| failed)", line)] for line in told]
    assert [sum(each) for each in zip(*numbers, strict=True)] == [4, 4, 0]
    assert len(Path("runs/tracked.jsonl").read_text().splitlines()) == 4


def _is(config: Path, model: str, horizon: int) -> bool:
    text = config.read_text()
    return f"horizon: {horizon}\n" in text and f"model: {model}\n" in text


def test_help_tells_the_verbs(forecastle: Command) -> None:
    assert forecastle("track", "--help").out.startswith("usage: forecastle track push")
    assert forecastle("track").code == 2
