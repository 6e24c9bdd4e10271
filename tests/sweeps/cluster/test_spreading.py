from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Any

import pytest

from forecastle.errors import ConfigError, RunError
from forecastle.sweeps import sweeping, turns
from forecastle.sweeps.cluster.spreading import LostError, Parcel, spread
from forecastle.sweeps.turns import Setting

SETTING: Any = Setting(None, None, None)  # type: ignore[arg-type]
JOBS = [[f"n={number}"] for number in range(7)]


class Desk:
    """A cluster that ends its latest parcel first, at the second look, and remembers what it had."""

    def __init__(self, dies: str = "", interrupted: bool = False) -> None:
        self.dies, self.interrupted = dies, interrupted
        self.has: dict[int, tuple[Parcel, int]] = {}
        self.most, self.given, self.back = 0, 0, list[int]()

    def submit(self, parcels: Sequence[Parcel]) -> list[int]:
        handles = list(range(self.given, self.given + len(parcels)))
        self.has |= {handle: (parcel, 0) for handle, parcel in zip(handles, parcels, strict=True)}
        self.given += len(parcels)
        self.most = max(self.most, len(self.has))
        return handles

    def done(self, handles: Sequence[int]) -> list[int]:
        assert set(handles) <= set(self.has)
        latest = max(handles)
        if self.interrupted:
            self.interrupted = False
            os.kill(os.getpid(), signal.SIGINT)
        parcel, looks = self.has[latest]
        self.has[latest] = (parcel, looks + 1)
        return [latest] if looks else []

    def result(self, handle: int) -> list[Any]:
        parcel, _ = self.has.pop(handle)
        if any(self.dies in overrides for _, overrides in parcel.jobs):
            raise LostError("the machine is gone")
        return parcel()

    def withdraw(self, handle: int, *, begun: bool) -> bool:
        if begun:
            self.back.append(handle)
        return begun


@pytest.fixture(autouse=True)
def echo(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, ...], int, str]]:
    """Jobs that return their number and overrides; what was told to be lost."""
    told: list[tuple[tuple[str, ...], int, str]] = []
    monkeypatch.setattr(sweeping, "lost", lambda overrides, number, reason: told.append((overrides, number, reason)))

    def turn(setting: Setting, job: tuple[int, tuple[str, ...]]) -> Any:
        if job[1] == ("full",):
            raise OSError("no space left")
        from hydra.core.utils import JobReturn, JobStatus

        result = JobReturn(status=JobStatus.COMPLETED)
        result.return_value = f"{job[0]} {' '.join(job[1])}"
        return result

    monkeypatch.setattr(turns, "turn", turn)
    return told


@pytest.mark.parametrize(("size", "most"), [(1, 1), (1, 3), (3, 2), (10, 5)])
def test_results_come_in_order_whatever_ends_first(size: int, most: int) -> None:
    desk = Desk("never")
    done = spread(SETTING, JOBS, 4, desk, size, most)
    assert [each.return_value for each in done] == [f"{number + 4} n={number}" for number in range(7)]
    assert [each.overrides for each in done] == JOBS
    assert desk.given == -(-7 // size)
    assert desk.most == min(most, desk.given)


def test_the_jobs_of_a_lost_parcel_are_told_and_the_others_end(echo: list[Any]) -> None:
    done = spread(SETTING, JOBS, 0, Desk("n=3"), 2, 2)
    assert echo == [(("n=2",), 2, "the machine is gone"), (("n=3",), 3, "the machine is gone")]
    assert [each.return_value for each in done if each.overrides not in (["n=2"], ["n=3"])] == [
        f"{number} n={number}" for number in (0, 1, 4, 5, 6)
    ]
    assert done[2].return_value is None, "a job that was lost stops no other"


def test_an_error_that_would_stop_every_job_stops_the_sweep_and_what_is_in_progress_is_withdrawn() -> None:
    desk = Desk("never")
    with pytest.raises(OSError, match="no space left"):
        spread(SETTING, [["n=0"], ["full"], ["n=2"]], 0, desk, 1, 2)
    assert desk.back == [0]


def test_after_ctrl_c_what_is_in_progress_ends_and_no_other_begins(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk("never", interrupted=True)
    with pytest.raises(KeyboardInterrupt):
        spread(SETTING, JOBS, 0, desk, 1, 2)
    assert (desk.given, desk.back, desk.has) == (2, [], {})
    assert "finishing the jobs in progress" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("size", "most", "name"), [(0, 1, "runs_per_job"), (1, -2, "n_jobs"), (1.5, 1, "runs_per_job")]
)
def test_a_number_that_cannot_be_is_told(size: Any, most: int, name: str) -> None:
    with pytest.raises(ConfigError, match=f"hydra.launcher.{name} must be at least 1, got"):
        spread(SETTING, JOBS, 0, Desk(), size, most)


def test_a_parcel_takes_its_folder_variables_and_modules_along(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle
    import sys

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("FORECASTLE_OUTPUT", "here")
    parcel = Parcel(pickle.dumps(SETTING), ((0, ("a",)),), str(tmp_path), {"FORECASTLE_OUTPUT": "there"}, ("/mine",))
    assert parcel() == ["0 a"]
    assert os.environ["FORECASTLE_OUTPUT"] == "there"
    assert sys.path[0] == "/mine"


def test_what_a_job_raises_of_ours_comes_back_and_leaves_the_rest_alone() -> None:
    import pickle

    parcel = Parcel(pickle.dumps(SETTING), ((0, ("a",)), (1, ("full",)), (2, ("c",))), ".", {}, ())
    first, error = parcel()
    assert first == "0 a"
    assert isinstance(error, OSError)
    assert not isinstance(error, RunError)


def test_slurm_is_given_a_parcel_again_that_ran_out_of_time() -> None:
    pytest.importorskip("submitit")
    parcel = Parcel(b"", (), ".", {}, ())
    again = parcel.checkpoint()
    assert again.function is parcel
