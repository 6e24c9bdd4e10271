"""Which runs keep their weights, how they come back, and what a tag protects."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
ALPHAS = (3, 1e4, 30, 1e6)


@pytest.fixture
def sweep(small: list[str]) -> list[str]:
    return ["run", "-m", *small, f"model.estimator.alpha={','.join(f'{each:g}' for each in ALPHAS)}"]


def scored() -> list[tuple[float, str]]:
    """Validation CRPS and id of every run, best first."""
    found = [(json.loads(path.read_text()), path.parent.name) for path in Path("runs").glob("*/metrics.json")]
    return sorted((metrics["validation"]["scores"]["model"]["crps"], name) for metrics, name in found)


def weighty() -> set[str]:
    """Ids of the runs that have weights."""
    return {path.parent.name for path in Path("runs").glob("*/model")}


def worst() -> str:
    return scored()[-1][1]


def test_the_best_runs_of_a_sweep_keep_their_weights_and_the_others_all_else(
    forecastle: Command, sweep: list[str]
) -> None:
    done = forecastle(*sweep, "keep_models=2")
    assert "0 failed; 2 of 4 kept their weights\n" in done.out
    order = scored()
    assert len(order) == len(ALPHAS)
    assert weighty() == {name for _, name in order[:2]}
    for _, name in order[2:]:
        there = {path.name for path in (Path("runs") / name).iterdir()}
        wanted = {"config.yaml", "manifest.json", "metrics.json", "forecast.parquet", "curves.csv", "quality.json"}
        assert wanted <= there
    assert not list(Path("runs").glob(".tmp-*"))
    assert forecastle("show", worst()).code == 0, "the report can be made"


def test_a_sweep_that_is_computed_anew_keeps_the_weights_of_its_new_runs(
    forecastle: Command, sweep: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    forecastle(*sweep, "keep_models=2")
    before = {name for _, name in scored()}
    for reader in ("forecastle.pipeline", "forecastle.runs.ground"):
        monkeypatch.setattr(f"{reader}.code_hash", lambda modules: "0" * 32)
    done = forecastle(*sweep, "keep_models=2")
    assert "4 computed, 0 reused, 0 failed; 2 of 4 kept their weights\n" in done.out
    assert weighty() == set([name for _, name in scored() if name not in before][:2])


def test_ten_keep_their_weights_unless_more_or_none_are_asked_for(forecastle: Command, small: list[str]) -> None:
    twelve = ["run", "-m", *small, "model.estimator.alpha=range(1,13)"]
    assert forecastle(*twelve).code == 0
    assert weighty() == {name for _, name in scored()[:10]}
    assert forecastle(*twelve, "keep_models=null", "force=true").code == 0
    assert len(weighty()) == 12
    assert forecastle(*twelve, "keep_models=0", "force=true").code == 0
    assert not weighty()


def test_the_best_are_chosen_among_runs_that_answer_one_question_in_the_direction_of_the_metric(
    forecastle: Command, small: list[str]
) -> None:
    words = ["model.estimator.alpha=3,30000,3000000", "horizon=2,3", "objective=hit_rate", "keep_models=1"]
    assert forecastle("run", "-m", *small, *words).code == 0
    best: dict[int, list[tuple[float, str]]] = {2: [], 3: []}
    for path in Path("runs").glob("*/metrics.json"):
        part = json.loads(path.read_text())["validation"]
        best[len(part["steps"])].append((-part["scores"]["model"]["hit_rate"], path.parent.name))
    assert weighty() == {sorted(runs)[0][1] for runs in best.values()}


def test_while_a_sweep_runs_no_more_weights_lie_there_than_it_keeps_and_one(
    forecastle: Command, sweep: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from forecastle import keeping

    most: list[int] = []
    real = keeping.settle
    monkeypatch.setattr(keeping, "settle", lambda *words: (most.append(len(weighty())), real(*words)))
    assert forecastle(*sweep, "keep_models=2").code == 0
    assert max(most) == 3


def test_a_run_that_another_sweep_counts_among_its_best_keeps_its_weights(
    forecastle: Command, small: list[str]
) -> None:
    assert forecastle("run", "-m", *small, "model.estimator.alpha=1000000,10000000", "keep_models=1").code == 0
    (kept,) = weighty()
    assert forecastle("run", "-m", *small, "model.estimator.alpha=1,1000,1000000", "keep_models=1").code == 0
    assert weighty() == {kept, scored()[0][1]}


def test_a_run_that_was_run_by_itself_keeps_its_weights(
    forecastle: Command, small: list[str], sweep: list[str]
) -> None:
    alone = f"model.estimator.alpha={ALPHAS[1]:g}"
    assert forecastle("run", *small, alone).code == 0
    (before,) = weighty()
    assert forecastle(*sweep, "keep_models=0").code == 0
    assert weighty() == {before}
    shutil.rmtree("runs")
    forecastle("run", "-m", *small, f"{alone},7", "keep_models=null")
    forecastle("run", *small, alone)
    assert forecastle(*sweep, "keep_models=0").code == 0
    assert before in weighty(), "asked for by itself after the sweep that made it"


def test_what_needs_weights_that_were_not_kept_says_so_in_one_line(forecastle: Command, sweep: list[str]) -> None:
    forecastle(*sweep, "keep_models=1")
    name = worst()
    (identity,) = [path.parent.name for path in Path("runs").glob("sweeps/*/sweep.json")]
    for words, what in (
        (["evaluate", name, "part=test"], "its test part cannot be opened"),
        (["explain", name], "it cannot be explained"),
        (["protect", name, "--tag", "mine"], "there is nothing to protect"),
    ):
        refused = forecastle(*words)
        assert refused.code == 2
        assert refused.err == (
            f"forecastle: run {name} has no weights, so {what}: sweep {identity} keeps those of its best 1 "
            f"(`forecastle restore {name}` fits it again and keeps them)\n"
        )
    assert f"weights not kept: sweep {identity} keeps those of its best 1" in forecastle("show", name).out
    lines = forecastle("runs").out.splitlines()
    assert [line.endswith("  no weights") for line in lines[1:]].count(True) == len(ALPHAS) - 1
    assert forecastle("reproduce", name).code == 0


def test_weights_are_restored_bit_for_bit_and_stay(forecastle: Command, sweep: list[str]) -> None:
    forecastle(*sweep, "keep_models=null")
    folder = Path("runs") / worst()
    before = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    forecastle(*sweep, "keep_models=1", "log_level=ERROR")
    assert folder.name not in weighty()
    done = forecastle("restore", folder.name)
    assert done.code == 0, done.err
    assert done.out == f"run {folder.name}: its weights are restored, every score the same\n"
    assert {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert "nothing was computed" in forecastle("restore", folder.name).out
    forecastle(*sweep, "keep_models=0")
    assert weighty() == {folder.name}, "who asked for them by name wants them to stay"
    assert forecastle("evaluate", folder.name, "part=test").code == 0


@pytest.mark.parametrize("spoilt", ["transforms/transforms.json", "forecaster/model.skops", "."])
def test_weights_that_cannot_be_opened_are_restored(forecastle: Command, sweep: list[str], spoilt: str) -> None:
    forecastle(*sweep, "keep_models=null")
    folder = Path("runs") / worst()
    before = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    path = folder / "model" / "0" / spoilt
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.write_bytes(b"")
    refused = forecastle("evaluate", folder.name, "part=test")
    assert refused.code == 2
    assert f"(`forecastle restore {folder.name}` fits it again and keeps the weights)" in refused.err
    done = forecastle("restore", folder.name)
    assert done.code == 0, done.err
    assert done.out == f"run {folder.name}: its weights are restored, every score the same\n"
    assert {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert forecastle("evaluate", folder.name, "part=test").code == 0


def test_weights_that_score_otherwise_are_not_restored(forecastle: Command, sweep: list[str]) -> None:
    forecastle(*sweep, "keep_models=1")
    path = Path("runs") / worst() / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["validation"]["scores"]["model"]["crps"] *= 1 + 1e-15
    path.write_text(json.dumps(metrics))
    refused = forecastle("restore", path.parent.name)
    assert refused.code == 2
    assert "was fitted again and scores otherwise, so its weights are not restored" in refused.err
    assert not (path.parent / "model").exists()


def test_a_run_without_weights_that_is_asked_for_by_itself_is_fitted_again(
    forecastle: Command, small: list[str], sweep: list[str]
) -> None:
    forecastle(*sweep, "keep_models=0")
    done = forecastle("run", *small, "model.estimator.alpha=30")
    assert done.code == 0, done.err
    assert len(weighty()) == 1
    assert "\ntest\n" in done.out


def test_a_run_that_is_to_be_explained_has_its_weights_until_then(forecastle: Command, small: list[str]) -> None:
    words = ["run", "-m", *small, "model=ridge,lasso", "keep_models=0"]
    assert forecastle(*words).code == 0
    assert forecastle(*words, "explain=true", "force=true").code == 0
    assert len(list(Path("runs").glob("*/importance.json"))) == 2
    assert not weighty()


def test_weights_removed_by_hand_are_told_as_that(forecastle: Command, small: list[str]) -> None:
    forecastle("run", "-m", *small, "model=ridge,lasso")
    name = worst()
    shutil.rmtree(Path("runs") / name / "model")
    refused = forecastle("explain", name)
    assert refused.code == 2
    assert f"runs/{name}/model is missing: it was removed by hand" in refused.err


def test_a_damaged_run_is_not_taken_up_again(forecastle: Command, small: list[str]) -> None:
    forecastle("run", "-m", *small, "model=ridge,lasso")
    name = worst()
    (Path("runs") / name / "forecast.parquet").unlink()
    for words in (["evaluate", name, "part=test"], ["explain", name]):
        refused = forecastle(*words)
        assert refused.code == 2
        assert f"run {name} is damaged: forecast.parquet is missing in runs/{name} (" in refused.err
        assert refused.err.count("\n") == 1
    part = next(path for path in (Path("runs") / scored()[0][1]).glob("model/**/*") if path.is_file())
    part.unlink()
    refused = forecastle("evaluate", scored()[0][1], "part=test")
    assert refused.code == 2
    assert part.name in refused.err
    assert refused.err.count("\n") == 1


# Tags


def test_a_protected_run_is_never_touched(forecastle: Command, small: list[str], sweep: list[str]) -> None:
    forecastle(*sweep, "keep_models=null")
    name = worst()
    done = forecastle("protect", name[:6], "--tag", "production")
    assert (done.code, done.out) == (0, f"run {name} is protected: production\n")
    before = {path: path.stat().st_mtime_ns for path in (Path("runs") / name).rglob("*")}
    job = next(
        json.loads(path.read_text()) for path in Path("runs").glob("sweeps/*/0*.json") if name in path.read_text()
    )
    again = forecastle("run", *job["choices"], "force=true")
    assert again.code == 2
    assert again.err == (
        f"forecastle: run {name} is protected (production), so force=true may not replace it "
        "(`forecastle unprotect production` takes the tag away)\n"
    )
    assert forecastle(*sweep, "keep_models=0", "force=true").code == 1, "its job fails"
    assert weighty() == {name}
    assert {path: path.stat().st_mtime_ns for path in (Path("runs") / name).rglob("*")} == before


def test_a_tag_stands_for_its_run_and_is_listed(forecastle: Command, small: list[str]) -> None:
    forecastle("run", *small)
    name = worst()
    forecastle("protect", "last", "--tag=production")
    forecastle("protect", "production", "--tag", "best-of-2026")
    assert forecastle("runs").out.splitlines()[1].endswith("  best-of-2026  production")
    shown = forecastle("show", "production")
    assert f"run     {name}" in shown.out
    assert "tags    best-of-2026, production (protected)" in shown.out
    assert name[:8] in forecastle("compare", "production").out
    missed = forecastle("show", "prodution")
    assert missed.code == 2
    assert "no run 'prodution' in runs; did you mean 'production'?" in missed.err
    one = forecastle("unprotect", "production")
    assert one.out == f"run {name}: production taken away; it is protected still: best-of-2026\n"
    assert forecastle("unprotect", name).out == f"run {name}: best-of-2026 taken away; it is protected no more\n"
    assert forecastle("run", *small, "force=true").code == 0
    assert not Path("runs/tags").exists()


MISTAKES: list[tuple[list[str], str]] = [
    (["protect"], "usage: forecastle protect RUN --tag NAME; got no argument"),
    (["protect", "last", "production"], "usage: forecastle protect RUN --tag NAME; got last production"),
    (["protect", "last", "--tag", "a/b"], "a tag begins with a letter and holds up to 64 letters"),
    (["protect", "last", "--tag", "../out"], "a tag begins with a letter"),
    (["protect", "last", "--tag", ""], "a tag begins with a letter"),
    (["protect", "last", "--tag", "last"], "'last' cannot be a tag: it means the newest run"),
    (["protect", "last", "--tag", "beef"], "'beef' cannot be a tag: it means the beginning of a run's id"),
    (["protect", "none", "--tag", "mine"], "no run 'none' in runs (1 runs there"),
    (["unprotect"], "usage: forecastle unprotect RUN|TAG; got no argument"),
    (["unprotect", "last"], "is not protected: it has no tag"),
    (["restore"], "usage: forecastle restore RUN; got no argument"),
    (["run", "keep_models=-1"], "keep_models must be at least 0, or null for all, got -1"),
    (["run", "keep_models=some"], "keep_models must be int or null, got 'some'"),
]


def test_a_mistake_is_told_in_one_line(forecastle: Command, small: list[str]) -> None:
    forecastle("run", *small)
    for words, message in MISTAKES:
        refused = forecastle(*words)
        assert refused.code == 2
        assert message in refused.err
        assert refused.err.count("\n") == 1


def test_a_tag_names_one_run(forecastle: Command, small: list[str]) -> None:
    forecastle("run", "-m", *small, "model=ridge,lasso")
    (_, one), (_, other) = scored()
    forecastle("protect", one, "--tag", "production")
    refused = forecastle("protect", other, "--tag", "production")
    assert refused.code == 2
    assert refused.err == (
        f"forecastle: the tag 'production' names run {one}: `forecastle unprotect production` takes it away first\n"
    )
    assert forecastle("protect", one, "--tag", "production").code == 0


def test_a_tag_whose_run_was_removed_by_hand_can_be_taken_away(forecastle: Command, small: list[str]) -> None:
    forecastle("run", *small)
    forecastle("protect", "last", "--tag", "production")
    shutil.rmtree(Path("runs") / worst())
    gone = forecastle("show", "production")
    assert gone.code == 2
    assert "the tag 'production' names run " in gone.err
    assert "which is not in runs any more" in gone.err
    assert forecastle("unprotect", "production").code == 0


@pytest.mark.slow
def test_two_processes_of_which_one_is_killed_keep_the_best_of_a_sweep(
    forecastle: Command, start: Callable[..., Any], small: list[str]
) -> None:
    words = ["run", "-m", *small, "model.estimator.alpha=range(1,25)", "keep_models=3"]
    for seconds in (0.2, 0.5, 1.0):
        killed, other = start(*words), start(*words)
        while killed.poll() is None and not list(Path("runs").glob("*/manifest.json")):
            time.sleep(0.02)
        time.sleep(seconds)
        killed.kill()
        killed.communicate()
        other.communicate(timeout=300)
        assert other.returncode == 0
        assert forecastle(*words).code == 0
        order = scored()
        assert len(order) == 24
        assert weighty() == {name for _, name in order[:3]}
        assert forecastle("evaluate", order[0][1], "part=test").code == 0
        assert not list(Path("runs").glob(".tmp-*-weights-*"))
        shutil.rmtree("runs")
