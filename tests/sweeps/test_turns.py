"""How many workers a launcher has."""

from __future__ import annotations

from typing import Any

import pytest

from forecastle.errors import ConfigError
from forecastle.runs import workers
from forecastle.sweeps import turns


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "cores", lambda: 8)


@pytest.mark.parametrize(
    ("asked", "threads", "count"), [(None, 1, 8), (None, 3, 2), (None, 16, 1), (-1, 1, 8), (1, 4, 1), (4, 2, 4)]
)
def test_the_cores_are_divided_by_the_threads_of_a_run(
    asked: int | None, threads: int, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert turns._count(asked, threads) == count
    assert capsys.readouterr().err == ""


def test_more_threads_than_cores_are_told_of_with_what_suits(capsys: pytest.CaptureFixture[str]) -> None:
    assert turns._count(6, 2) == 6
    told = "6 workers of 2 threads on 8 cores wait for each other: hydra.launcher.n_jobs=4 suits them\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("asked", [0, -2, 1.5, True, "two"])
def test_a_number_of_workers_that_is_none_is_refused(asked: Any) -> None:
    with pytest.raises(ConfigError, match=r"hydra\.launcher\.n_jobs must be at least 1, -1 for all cores, or null"):
        turns._count(asked, 1)
