"""A run of several folds: each fitted anew, by any number of processes, gone on with after a kill, always the same."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.app.conftest import otherwise

from forecastle import folds, pipeline, run, scoring, stages
from forecastle.config.compose import compose
from forecastle.errors import Pruned
from forecastle.experiment import Experiment
from forecastle.models.baseline import RandomWalk
from forecastle.models.estimator import SklearnForecaster
from forecastle.runs.watching import Measure
from forecastle.windows.fold import TEST, VALIDATION
from forecastle.windows.transform.scaling import Standardize

WALK = ("split=walk_forward", "split.refit=200", "split.validation=100")
KEPT = """
from pathlib import Path
import time
from forecastle.models.baseline import LastValue

class Waiting(LastValue):
    def fit(self, train, validation=None):
        with Path("fits").open("a") as stream:
            stream.write(f"{len(train)}\\n")
        if Path("wait").exists() and len(Path("fits").read_text().split()) > 2:
            print("waiting", flush=True)
            time.sleep(60)
        return super().fit(train, validation)
"""
"""A user's own model, which counts its fits and waits in the third while there is a file `wait`."""

OVERLAPPING = """
import numpy as np
from forecastle.windows.fold import Fold

class Careless:
    def split(self, origin, label_end, times, horizon, context_start):
        return (Fold(np.arange(0, 500), np.arange(500, 600), np.arange(600, 900), 0),)

class Twice:
    def split(self, origin, label_end, times, horizon, context_start):
        return tuple(Fold(np.arange(0, 300), np.arange(400, 500), np.arange(600, 900 + k), 0) for k in range(2))
"""


@pytest.fixture
def walk(small: list[str]) -> list[str]:
    return [*small, *WALK]


def test_everything_is_fitted_anew_on_the_training_windows_of_its_fold(
    workplace: Path, walk: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[type, list[tuple[int, int]]] = {}
    alive = []
    for kind in (Standardize, SklearnForecaster, RandomWalk):
        real = kind.fit

        def spied(self: Any, train: Any, *rest: Any, kind: Any = kind, real: Any = real) -> Any:
            alive.append(self)  # so that no identity is given twice
            seen.setdefault(kind, []).append((id(self), len(train.rows.values if kind is Standardize else train)))
            return real(self, train, *rest)

        monkeypatch.setattr(kind, "fit", spied)
    experiment = Experiment(compose([*walk, "model=ridge"]))
    sample = experiment.sample
    assert len(sample.folds) == 4
    assert len(experiment.fitted) == 4
    experiment.baselines("test")
    sizes = [len(fold.train) for fold in sample.folds]
    assert [size for _, size in seen[SklearnForecaster]] == [size for _, size in seen[RandomWalk]] == sizes
    rows = [size for _, size in seen[Standardize]]
    assert rows == [size + sample.windows.context.context_length - 1 for size in sizes], "rows of training contexts"
    for fits in seen.values():
        assert len({identity for identity, _ in fits}) == 4, "no object is fitted twice"


@pytest.mark.parametrize("model", ["random_forest", "ridge"])
def test_a_fold_is_the_same_alone_and_in_any_order(workplace: Path, walk: list[str], model: str) -> None:
    config = compose([*walk, f"model={model}", *(["model.estimator.n_estimators=5"] if "forest" in model else [])])
    sample = Experiment(config).sample
    fitted = folds.fit_folds(config, sample)
    there = folds.forecast_folds(config, sample, fitted, "test")
    for number in (3, 0, 2):
        alone = pipeline.fit(config, sample, number)
        again = pipeline.forecast(config, sample, number, alone, "test")
        assert again.forecast.values.tobytes() == there[number].forecast.values.tobytes()


def test_scores_come_pooled_by_fold_and_over_time(workplace: Path, walk: list[str]) -> None:
    made = run([*walk, "model=ridge"])
    test = made.metrics["test"]
    told = made.manifest["folds"]
    assert [row["fold"] for row in test["by_fold"]] == [0, 1, 2, 3]
    assert sum(row["windows"] for row in test["by_fold"]) == test["windows"]
    mean = np.average(
        [row["scores"]["model"] for row in test["by_fold"]], weights=[row["windows"] for row in test["by_fold"]]
    )
    assert mean == pytest.approx(test["scores"]["model"]["crps"], rel=1e-12)
    assert [row["train"] for row in test["by_fold"]] == [fold["train"] for fold in told]
    assert all(row["scores"].keys() == test["scores"].keys() for row in test["by_fold"])
    assert sum(row["windows"] for row in test["over_time"]) == test["windows"]
    assert test["paths"]["count"] == 1
    assert [(fold["purged"] > 0, fold["embargoed"]) for fold in told] == [(True, 0)] * 4
    table = pq.read_table(made.folder / "forecast.parquet").to_pandas()
    of_test = table[table["part"] == "test"]
    assert of_test.groupby("fold").size().tolist() == [5 * row["windows"] for row in test["by_fold"]]
    assert sorted(path.name for path in (made.folder / "model").iterdir()) == ["0", "1", "2", "3"]
    assert not of_test.duplicated(["origin", "symbol", "step"]).any()


def test_combinatorial_folds_are_scored_along_their_paths(workplace: Path, small: list[str]) -> None:
    made = run(otherwise(small, "data.count=5000", "split=combinatorial_purged", "split.groups=4", "model=ridge"))
    test = made.metrics["test"]
    assert (len(test["by_fold"]), len(test["by_path"]), test["paths"]["count"]) == (6, 3, 3)
    assert {row["windows"] for row in test["by_path"]} == {test["origins"]}
    values = [row["scores"]["model"] for row in test["by_path"]]
    assert test["paths"]["mean"]["model"] == pytest.approx(np.mean(values))
    assert test["paths"]["sd"]["model"] == pytest.approx(np.std(values, ddof=1))
    assert sum(fold["embargoed"] > 0 for fold in made.manifest["folds"]) >= 4


def test_folds_by_processes_give_the_same_bytes(workplace: Path, small: list[str]) -> None:
    words = [*small, "model=lasso", "threads=2", "split=purged_kfold", "split.folds=3"]
    one, two = run([*words, "output=one"]), run([*words, "output=two", "workers=2"])
    assert one.id == two.id
    names = [path.relative_to(one.folder) for path in one.folder.rglob("*") if path.is_file()]
    differing = [str(name) for name in names if (one.folder / name).read_bytes() != (two.folder / name).read_bytes()]
    assert set(differing) <= {"manifest.json", "config.yaml", "run.log", "report.html"}


def test_a_killed_run_goes_on_with_the_folds_that_it_lacks(
    forecastle: Callable[..., Any], start: Callable[..., subprocess.Popen[str]], workplace: Path, walk: list[str]
) -> None:
    (workplace / "counting.py").write_text(KEPT)
    (workplace / "wait").touch()
    (workplace / "conf" / "model").mkdir(parents=True)
    (workplace / "conf" / "model" / "counting.yaml").write_text("_target_: counting.Waiting\n")
    words = ("run", *walk, "allowed_targets=[counting.]", "model=counting")
    running = start(*words)
    assert running.stdout is not None
    assert any("waiting" in line for line in running.stdout)
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=20)
    assert len((workplace / "fits").read_text().split()) == 3
    (kept,) = workplace.glob("runs/.checkpoints/*")
    assert sorted(path.parent.name for path in kept.glob("*/fitted")) == ["0", "1"]

    (workplace / "wait").unlink()
    outcome = forecastle(*words)
    assert outcome.code == 0, outcome.err
    assert len((workplace / "fits").read_text().split()) == 3 + 2, "two were kept, two are fitted"
    assert list(workplace.glob("runs/.checkpoints/*")) == []
    (resumed,) = workplace.glob("runs/*/metrics.json")
    assert forecastle(*words, "output=whole").code == 0
    (whole,) = workplace.glob("whole/*/metrics.json")
    assert resumed.read_bytes() == whole.read_bytes()
    for name in ("forecast.parquet", "curves.csv"):
        assert (resumed.parent / name).read_bytes() == (whole.parent / name).read_bytes()
    assert forecastle("reproduce", resumed.parent.name).code == 0


def test_forecasts_that_were_kept_are_not_made_again(
    workplace: Path, walk: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = compose([*walk, "model=ridge"])
    sample = Experiment(config).sample
    fitted = folds.fit_folds(config, sample, tmp_path)
    first = folds.forecast_folds(config, sample, fitted, "test", tmp_path)
    monkeypatch.setattr(pipeline, "fit", None)
    monkeypatch.setattr(pipeline, "forecast", None)
    loaded = folds.fit_folds(config, sample, tmp_path)
    for one, other in zip(first, folds.forecast_folds(config, sample, loaded, "test", tmp_path), strict=True):
        assert one.forecast.values.tobytes() == other.forecast.values.tobytes()
        assert one.fold.tolist() == other.fold.tolist()


def test_a_kept_fold_that_cannot_be_read_is_fitted_again(
    workplace: Path, walk: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = compose([*walk, "model=ridge"])
    sample = Experiment(config).sample
    folds.fit_folds(config, sample, tmp_path)
    damaged = next((tmp_path / "1" / "fitted" / "model" / "forecaster").iterdir())
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:50])
    fitted = folds.fit_folds(config, sample, tmp_path)
    assert "fold 1 is fitted again" in caplog.text
    assert damaged.read_bytes() == whole
    first = folds.forecast_folds(config, sample, fitted, "test", tmp_path)
    (tmp_path / "2" / "test.npz").write_bytes((tmp_path / "2" / "test.npz").read_bytes()[:-40])
    again = folds.forecast_folds(config, sample, fitted, "test", tmp_path)
    assert "test.npz is made again" in caplog.text
    assert again[2].forecast.values.tobytes() == first[2].forecast.values.tobytes()


def test_doors_and_a_later_look_agree_on_folds(
    forecastle: Callable[..., Any], workplace: Path, walk: list[str]
) -> None:
    words = [*walk, "model=ridge"]
    made = run(words)
    assert forecastle("params", *words).code == 0
    for stage in stages.STAGES:
        stages.main([stage])
    assert (workplace / "data" / "metrics.json").read_bytes() == (made.folder / "metrics.json").read_bytes()
    looks = [json.loads(line) for line in (workplace / "runs" / "looks.jsonl").read_text().splitlines()]
    assert looks[0]["start"] <= made.metrics["test"]["by_fold"][0]["start"]
    assert looks[0]["end"] >= made.metrics["test"]["by_fold"][-1]["end"]
    assert forecastle("run", "-m", *walk, "model=ridge,last_value", "output=swept").code == 0
    opened = workplace / "swept" / made.id
    assert forecastle("evaluate", str(opened), "part=test").code == 0
    assert (opened / "metrics.json").read_bytes() == (made.folder / "metrics.json").read_bytes()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Careless", "fold 0: 4 train windows know bars that labels of the validation part are made of"),
        ("Twice", "300 windows are tested by more than one fold (path 0)"),
    ],
)
def test_a_split_whose_folds_overlap_is_refused_in_one_line(
    forecastle: Callable[..., Any], workplace: Path, small: list[str], name: str, message: str
) -> None:
    (workplace / f"my_{name.lower()}.py").write_text(OVERLAPPING)
    (workplace / "conf" / "split").mkdir(parents=True)
    (workplace / "conf" / "split" / "mine.yaml").write_text(f"_target_: my_{name.lower()}.{name}\n")
    outcome = forecastle("run", *small, f"allowed_targets=[my_{name.lower()}.]", "split=mine")
    assert outcome.code == 2
    line = outcome.err.strip().splitlines()[-1]
    assert message in line
    assert list(workplace.glob("runs/*/metrics.json")) == []


def test_a_fold_without_data_is_refused_in_one_line(
    forecastle: Callable[..., Any], workplace: Path, small: list[str]
) -> None:
    outcome = forecastle("run", *small, *WALK, "split.start=0.3")
    assert outcome.code == 2
    line = outcome.err.strip().splitlines()[-1]
    assert line.startswith("forecastle: fold 0: the train part is empty")


def kept(experiment: Experiment, folder: Path) -> dict[str, bytes]:
    """The files of a run that hold its numbers."""
    folder.mkdir()
    experiment.write(folder, (VALIDATION, TEST))
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("model", ["ridge", "lightgbm"])
def test_folds_that_are_watched_are_byte_for_byte_those_that_nobody_watches(
    workplace: Path, walk: list[str], model: str, workers: int
) -> None:
    found, told = [], []
    words = [*walk, f"model={model}", "horizon=2", f"workers={workers}"]
    for name, watch in (("plain", None), ("watched", lambda *what: told.append(what))):
        experiment = Experiment(compose(words))
        experiment.checkpoints, experiment.watch = workplace / f"{name}-checkpoints", watch
        found.append(kept(experiment, workplace / name))
    assert found[0] == found[1]
    scores = json.loads(found[0]["metrics.json"])["validation"]["by_fold"]
    seen, total, wanted = 0, 0.0, []
    for number, row in enumerate(scores[:-1], start=1):
        seen, total = seen + row["windows"], total + row["windows"] * row["scores"]["model"]
        wanted.append((Measure("crps", "min", latest=True), number, pytest.approx(total / seen, rel=1e-12)))
    assert told == wanted, "the objective of all folds so far, after each but the last"


def test_folds_that_are_stopped_fit_no_further_one(
    workplace: Path, walk: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = []
    real = pipeline.fit
    monkeypatch.setattr(pipeline, "fit", lambda *given: fits.append(given[2]) or real(*given))

    def stop(measure: Measure, step: int, value: float) -> None:
        if step == 2:
            raise Pruned("enough")

    config = compose([*walk, "model=ridge"])
    with pytest.raises(Pruned, match="enough"):
        folds.fit_folds(config, Experiment(config).sample, None, stop)
    assert fits == [0, 1]


def test_folds_in_processes_that_are_stopped_leave_no_process_waiting(workplace: Path, walk: list[str]) -> None:
    def stop(measure: Measure, step: int, value: float) -> None:
        raise Pruned("enough")

    config = compose([*walk, "model=ridge", "workers=2"])
    sample = Experiment(config).sample
    with pytest.raises(Pruned, match="enough"):
        folds.fit_folds(config, sample, None, stop)
    assert len(folds.fit_folds(config, sample)) == 4


def test_an_objective_that_is_undefined_so_far_is_not_told(
    workplace: Path, walk: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measure, told = Measure("information_coefficient", "max"), []
    values = iter([float("nan"), 0.25, 0.5])
    monkeypatch.setattr(scoring, "judge", lambda *given: (measure, next(values)))
    config = compose([*walk, "model=ridge"])
    folds.fit_folds(config, Experiment(config).sample, None, lambda *what: told.append(what))
    assert told == [(measure, 2, 0.25), (measure, 3, 0.5)]


def test_an_objective_is_told_with_its_own_direction(workplace: Path, walk: list[str]) -> None:
    told: list[Any] = []
    config = compose([*walk, "model=ridge", "objective=hit_rate"])
    folds.fit_folds(config, Experiment(config).sample, None, lambda *what: told.append(what))
    assert [measure for measure, _, _ in told] == [Measure("hit_rate", "max", latest=True)] * 3
