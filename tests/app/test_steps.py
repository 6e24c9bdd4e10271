"""Several horizons in one run: `horizon=[1,5,20]`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest


def test_chosen_steps_are_forecast_scored_and_shown(forecastle: Callable[..., Any], small: list[str]) -> None:
    done = forecastle("run", *small, "horizon=[1,5,20]")
    assert done.code == 0, done.err
    assert "3 steps (1, 5, 20 bars ahead)" in done.out
    (folder,) = [path.parent for path in Path("runs").glob("*/metrics.json")]
    scores = json.loads((folder / "metrics.json").read_text())["test"]
    assert scores["steps"] == [1, 5, 20]
    assert scores["horizon"] == 20
    assert len(scores["by_step"]["model"]["crps"]) == 3
    table = pq.read_table(folder / "forecast.parquet")
    assert np.unique(table["step"].to_numpy()).tolist() == [1, 5, 20]
    page = (folder / "report.html").read_text()
    assert "step 20: " in page


def test_the_baseline_at_a_chosen_step_scores_as_among_all_steps(
    forecastle: Callable[..., Any], small: list[str]
) -> None:
    found = []
    for horizon in ("[2,6]", "6"):
        assert forecastle("run", *small, f"horizon={horizon}", "model=random_walk").code == 0
    for path in Path("runs").glob("*/metrics.json"):
        scores = json.loads(path.read_text())["test"]
        by_step = dict(zip(scores["steps"], scores["by_step"]["random_walk"]["crps"], strict=True))
        found.append((by_step[2], by_step[6], scores["origins"]))
    assert found[0] == pytest.approx(found[1], rel=1e-9)


@pytest.mark.parametrize("horizon", ["[5,1]", "[0,5]", "[5,5]", "[]"])
def test_steps_that_do_not_ascend_are_refused(forecastle: Callable[..., Any], small: list[str], horizon: str) -> None:
    refused = forecastle("run", *small, f"horizon={horizon}")
    assert refused.code == 2
    assert "the steps of horizon must ascend, the first at least 1, got" in refused.err
    assert refused.err.count("\n") == 1
