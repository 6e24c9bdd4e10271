"""A run tells where its skill sits."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def finished(forecastle: Callable[..., Any], workplace: Path, small: Sequence[str]) -> Path:
    outcome = forecastle("run", *small)
    assert outcome.code == 0, outcome.err
    (manifest,) = workplace.glob("runs/*/manifest.json")
    return manifest.parent


def test_slices_hold_all_windows_and_their_losses_average_to_the_score(finished: Path) -> None:
    metrics = json.loads((finished / "metrics.json").read_text())
    for part in metrics.values():
        assert {"hour", "weekday", "regime"} <= set(part["slices"])
        for cells in part["slices"].values():
            count = np.array([cell["windows"] for cell in cells.values()])
            assert count.sum() == part["windows"]
            for name in ("model", "random_walk"):
                mean = np.array([cell[name] for cell in cells.values()])
                assert count @ mean / count.sum() == pytest.approx(part["scores"][name]["crps"])


def test_the_losses_of_the_forecast_table_give_the_skill_of_each_slice(finished: Path) -> None:
    slices = json.loads((finished / "metrics.json").read_text())["test"]["slices"]
    table = pd.read_parquet(finished / "forecast.parquet").query("part == 'test'")
    keys = {
        "regime": table["regime"].astype(str),
        "hour": (table["origin"] - pd.Timedelta("1us")).dt.strftime("%H h"),
    }
    for name, key in keys.items():
        sums = table.groupby(key)[["loss", "loss_random_walk"]].sum()
        wanted = 1 - sums["loss"] / sums["loss_random_walk"]
        assert {label: cell["value"] for label, cell in slices[name].items()} == pytest.approx(wanted.to_dict())


def test_the_report_shows_each_way_to_cut(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    for title in ("By hour", "By weekday", "By regime", "wild times", "times as wide as the random walk"):
        assert title in page


def test_every_metric_is_printed_by_slice(finished: Path, forecastle: Callable[..., Any]) -> None:
    outcome = forecastle("show", "last", "by=regime")
    assert outcome.code == 0, outcome.err
    metrics = json.loads((finished / "metrics.json").read_text())
    for part, scores in metrics.items():
        block = next(text for text in outcome.out.split("\n\n") if text.startswith(f"{part} by regime"))
        for label, cell in scores["slices"]["regime"].items():
            row = next(line.split() for line in block.splitlines() if line.startswith(f"{label} "))
            assert int(row[1]) == cell["windows"]
            assert float(row[2]) == pytest.approx(cell["model"], rel=1e-3)
    assert all(name in outcome.out for name in ("rmse", "hit", "information"))
    assert max(map(len, outcome.out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["by=wekday"], "by: no slices by 'wekday'; did you mean 'weekday'?"),
        (["by=symbol"], "all windows of the validation part lie in one slice by symbol"),
        (["twice"], "usage: forecastle show RUN [by=hour]"),
    ],
)
def test_slices_that_are_not_there_are_told(
    finished: Path, forecastle: Callable[..., Any], words: list[str], told: str
) -> None:
    outcome = forecastle("show", "last", *words)
    assert outcome.code == 2
    assert told in outcome.err
