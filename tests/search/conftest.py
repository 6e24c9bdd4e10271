"""A study without runs: its values are those of a formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from forecastle.evaluation.metric import Direction
from forecastle.search.goal import Goals, Outcome
from forecastle.search.range import Choice, Interval, Steps
from forecastle.search.space import Space
from forecastle.search.storage import Storage
from forecastle.search.study import Plan, Study

NUMBERS: Space = {
    "alpha": Interval("alpha", "tag(log,interval(.01,100))", 0.01, 100.0, log=True),
    "depth": Steps("depth", "range(1,9)", tuple(range(1, 9)), 1, log=False),
    "share": Interval("share", "interval(0,1)", 0.0, 1.0, log=False),
}
MIXED: Space = NUMBERS | {"kind": Choice("kind", "a,b,c", ("a", "b", "c"))}
FINITE: Space = {"kind": MIXED["kind"], "depth": NUMBERS["depth"]}


def value(params: dict[str, Any]) -> float:
    """Small near alpha = 1, depth = 3, share = .5 and kind = b."""
    far = math.log10(params.get("alpha", 1.0)) ** 2 + (params["depth"] - 3) ** 2 / 9
    return far + (params.get("share", 0.5) - 0.5) ** 2 + 0.3 * (params.get("kind", "b") != "b")


@dataclass
class Search:
    """A study in a folder, which can be begun, stopped and gone on with."""

    folder: Path
    space: Space
    plan: Plan
    objectives: int = 1
    seen: list[dict[str, Any]] = field(default_factory=list)
    storage: Storage | None = None
    study: str = "s"

    def goals(self) -> Goals:
        return Goals({f"m{number}": Direction.MIN for number in range(self.objectives)}, ())

    def outcome(self, params: dict[str, Any]) -> Outcome:
        if params["depth"] == 8:
            return Outcome(None, (), {}, "too deep")
        values = (value(params), params.get("share", 0.0))[: self.objectives]
        return Outcome("0" * 16, values, {"share <= 0.8": params.get("share", 0.0) - 0.8})

    def open(self, *, new: bool) -> Study:
        return Study(self.study, self.storage or Storage(self.folder), self.space, self.plan, self.goals(), new=new)

    def run(self, *, new: bool = True) -> list[tuple[dict[str, Any], list[float] | None]]:
        """Search to the end; parameters and values of all trials."""
        study = self.open(new=new)
        for batch in study.batches():
            for trial in batch.trials:
                if not study.finished(trial.number):
                    self.seen.append(dict(trial.params))
                    study.tell(trial.number, self.outcome(trial.params))
        kept = study._kept.get_trials()
        assert all(trial.state.is_finished() for trial in kept)
        assert [trial.number for trial in kept] == list(range(len(kept)))
        return [(trial.params, trial.values) for trial in kept]


@pytest.fixture
def search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Search]:
    monkeypatch.setattr("os.fsync", lambda _: None)  # a disk's time is not what is tested

    def make(sampler: str, *, trials: int = 14, batch: int = 1, seed: int = 0, name: str = "a", **more: Any) -> Search:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        space = FINITE if sampler == "grid" else NUMBERS if sampler == "cmaes" else MIXED
        return Search(folder, space, Plan(sampler, trials, batch, seed), **more)

    return make
