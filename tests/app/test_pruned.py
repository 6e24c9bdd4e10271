"""Jobs of a sweep that were stopped on the way: a state of their own, which leaves no run and counts as a trial."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecastle import keeping
from forecastle.config.compose import compose
from forecastle.errors import Pruned
from forecastle.runs.watching import Measure

Command = Callable[..., Any]
SWEEP = ("model=ridge", "split=walk_forward", "split.refit=200", "split.validation=100")
TRADED = ("policy=sign", "account.costs.spread_bps=1")
ALPHAS = "model.estimator.alpha=1,10,100,1000"


def stop_high_alphas(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stop every fit with an alpha of 100 or more after its second fold; the ids of those that began are listed."""
    begun = []
    real = keeping.attempt

    def attempt(config: Any, *given: Any, **more: Any) -> Any:
        alpha = config.model["estimator"]["alpha"]
        begun.append(alpha)

        def watch(measure: Measure, step: int, value: float) -> None:
            if alpha >= 100 and step == 2:
                raise Pruned(f"pruned after step {step}: {measure.name} {value:.3g}")

        return real(config, *given, **{**more, "watch": watch})

    monkeypatch.setattr(keeping, "attempt", attempt)
    return begun


@pytest.fixture
def command(small: list[str]) -> list[str]:
    return ["run", "-m", *small, *SWEEP, *TRADED, ALPHAS]


def test_a_pruned_job_is_neither_done_nor_failed_and_leaves_no_run(
    forecastle: Command, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_high_alphas(monkeypatch)
    done = forecastle(*command)
    assert done.code == 0, "to be pruned is no failure"
    assert done.err.count(": pruned after step 2: crps ") == 2
    assert "4 runs, 2 computed, 0 reused, 0 failed, 2 pruned" in done.out
    words = forecastle("sweeps").out.splitlines()[-1].split()
    assert words[3:8] == ["4", "2", "0", "2", "0"], "runs, done, failed, pruned, missing"
    assert len(list(Path("runs").glob("*/manifest.json"))) == 2
    assert not list(Path("runs").glob(".tmp*"))
    assert not list(Path("runs/.checkpoints").glob("*")), "what was kept of the stopped fits is removed"


def test_a_pruned_job_is_not_computed_again_by_the_sweep(
    forecastle: Command, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        begun = stop_high_alphas(patch)
        forecastle(*command)
        begun.clear()
        again = forecastle(*command)
        assert again.code == 0
        assert again.err.count("pruned before") == 2
        assert 100 not in begun
        assert "0 computed, 2 reused, 0 failed, 2 pruned" in again.out


def test_a_pruned_job_is_not_taken_for_a_finished_run_of_the_same_settings(
    forecastle: Command, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_high_alphas(patch)
        forecastle(*command)
    words = [word for word in command[2:] if not word.startswith("model.estimator")]
    alone = forecastle("run", *words, "model.estimator.alpha=100")
    assert alone.code == 0
    assert "finished before" not in alone.out


def test_pruned_jobs_count_as_trials(forecastle: Command, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    stop_high_alphas(monkeypatch)
    forecastle(*command)
    told = " ".join(forecastle("compare", "last").out.split())
    assert "2 different accounts among 4 trials" in told
    assert "trials of this question on record: 4 (2 finished, 2 pruned)" in told


def test_what_watches_is_no_part_of_an_identity_and_changes_no_byte(workplace: Path, small: list[str]) -> None:
    words = [*small, *SWEEP]
    told: list[Any] = []
    watched = keeping.attempt(compose(words), wait=True, watch=lambda *what: told.append(what))
    plain = keeping.attempt(compose([*words, "output=plain"]), wait=True)
    assert watched is not None
    assert plain is not None
    assert watched.id == plain.id
    assert told
    files = [path.relative_to(plain.folder) for path in plain.folder.rglob("*") if path.is_file()]
    untimed = [path for path in files if path.name not in ("manifest.json", "run.log", "config.yaml", "report.html")]
    assert all((watched.folder / path).read_bytes() == (plain.folder / path).read_bytes() for path in untimed)
