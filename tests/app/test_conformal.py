"""Conformal correction, chosen by its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from forecastle import run

Command = Callable[..., Any]


def quantiles(folder: Path) -> np.ndarray:
    table = pq.read_table(folder / "forecast.parquet").to_pandas()
    return table.filter(regex=r"^q0").to_numpy()


def test_a_correction_is_part_of_the_identity_and_changes_the_quantiles(workplace: Path, small: Sequence[str]) -> None:
    runs = [run([*small, f"conformal={name}"]) for name in ("none", "split", "adaptive")]
    assert len({each.id for each in runs}) == 3
    assert run(list(small)).id == runs[0].id
    none, split, adaptive = (quantiles(each.folder) for each in runs)
    assert not np.allclose(none, split)
    assert not np.allclose(split, adaptive)
    assert [sorted(path.name for path in each.folder.glob("model/*/*")) for each in runs][:2] == [
        ["forecaster", "transforms"], ["conformal", "forecaster", "transforms"],
    ]  # fmt: skip


def test_the_first_validation_windows_are_not_corrected_and_the_test_part_is(
    workplace: Path, small: Sequence[str]
) -> None:
    none, split = (quantiles(run([*small, f"conformal={name}"]).folder) for name in ("none", "split"))
    assert np.array_equal(none[:100], split[:100])
    assert not np.isclose(none[-100:], split[-100:]).all()


def test_a_corrected_run_of_a_sweep_is_opened_with_its_kept_correction_and_reproduced(
    forecastle: Command, workplace: Path, small: Sequence[str]
) -> None:
    outcome = forecastle("run", "-m", *small, "conformal=split,adaptive")
    assert outcome.code == 0, outcome.err
    for path in sorted(workplace.glob("runs/*/manifest.json")):
        name = path.parent.name
        assert forecastle("evaluate", name, "part=test").code == 0
        again = forecastle("reproduce", name)
        assert again.code == 0, again.out + again.err
        whole = run([*small, f"conformal={kept(path)}", "output=apart"])
        opened = json.loads((path.parent / "metrics.json").read_text())["test"]["scores"]
        assert whole.id == name
        assert opened == whole.metrics["test"]["scores"]


def kept(manifest: Path) -> str:
    """The choice of a run, by the rate in its configuration."""
    return "split" if "rate: 0.0\n" in (manifest.parent / "config.yaml").read_text() else "adaptive"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["conformal=splt"], "conformal: no choice 'splt'; did you mean 'split'? (there are: adaptive, none, split)"),
        (["conformal=adaptive", "conformal.rate=2"], "conformal: rate must be at least 0 and less than 1, got 2"),
        (
            ["conformal=split", "target=direction", "model=logistic"],
            "conformal corrects quantiles, but direction has classes: choose conformal=none",
        ),
        (
            ["conformal=split", "split.train=0.85", "split.validation=0.05", "split.test=0.1"],
            "conformal needs at least 100 validation windows, got 7",
        ),
    ],
)
def test_what_cannot_be_corrected_is_told_in_one_line(
    forecastle: Command, small: Sequence[str], words: list[str], told: str
) -> None:
    outcome = forecastle("run", *small, *words)
    assert outcome.code == 2
    assert told in outcome.err
    assert outcome.err.count("\n") <= 2
