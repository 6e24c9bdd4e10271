"""A synthetic comparison: many runs that are ranked, a few of which have folders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tests.report.conftest import make_run

from forecastle.evaluation.contest import Entrant, hold
from forecastle.report.comparison import Asked
from forecastle.runs.settings import names

QUESTION = {
    "data": "sp500 SP500 (bars 1ca72873)",
    "target": "log_return",
    "steps": "1, 2, 3, 4, 5",
    "split": "holdout (train=0.6)",
    "objective": "crps in log return",
    "quantile levels": "[0.05, 0.5, 0.95]",
    "windows": "250 from 2014-01-02T00:00:00Z to 2014-12-17T00:00:00Z",
}


def make_asked(root: Path, *, count: int = 30, folders: int = 6, hostile: str = "", sure: bool = True) -> Asked:
    """Runs of which alpha and the model decide the score; the first `folders` of the ranking keep what they drew."""
    random = np.random.default_rng(0)
    walk = 1 + 0.2 * random.random(250)
    settings, entrants = {}, []
    for number in range(count):
        model, alpha = ("ridge", "mlp", hostile or "lasso")[number % 3], 10.0 ** (number % 5 - 2)
        settings[f"{number:016x}"] = {"model": model, "context_length": 8 * (number % 4 + 1), "model.alpha": alpha}
    called = names(settings)
    for number, run in enumerate(settings):
        losses = walk * (0.95 + 0.02 * (number % 3) + 0.004 * (number % 5)) + 0.02 * random.normal(size=250)
        score, base = float(losses.mean()), float(walk.mean())
        scores = {
            "objective": "crps",
            "direction": "min",
            "horizon": 5,
            "scores": {"model": {"crps": score}, "random_walk": {"crps": base}},
            "skill": {"random_walk": {"value": 1 - score / base}},
        }
        told = {"model": losses, "random_walk": walk} if sure else None
        entrants.append(Entrant(run, called[run], scores, told, 0.5 - number / 40))
    contest = hold(entrants, "random_walk")
    places = {run: root / run for run in settings}
    for number, place in enumerate(contest.places[:folders]):
        make_run(places[place.run], parts=("validation",), seed=number)
    scores = json.loads((places[contest.places[0].run] / "metrics.json").read_text())["validation"]
    notes = ["trials of this question on record: 31", "none of these runs has opened its test part"]
    return Asked(QUESTION, (), "crps (lower is better)", "validation", scores, contest, notes, settings, places)
