"""A mistake that all jobs have in common is told before the first; another one is left to its job."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from forecastle.config.compose import compose
from forecastle.errors import ConfigError, DataError, ForecastleError
from forecastle.sweeps import common


class Loader:
    """Composes as Hydra's loader does, as far as a job's overrides go; a mistake is named by its word."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def load_sweep_config(self, _: Any, words: list[str]) -> Any:
        self.asked.append(words[0])
        if words[0].startswith("wrong"):
            raise ConfigError(f"{words[0][:6]} is wrong")
        return SimpleNamespace(words=words, hydra=SimpleNamespace(runtime=SimpleNamespace(choices={})))


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> Loader:
    monkeypatch.setattr(common, "choices", lambda _: {})
    monkeypatch.setattr(common, "validate", lambda composed, _: compose(composed.words))
    return Loader()


def test_where_the_first_job_is_right_no_other_is_looked_at(loader: Loader) -> None:
    common.check_common([["data=synthetic"], ["wrong"]], loader, None, here=True)
    assert loader.asked == ["data=synthetic"]


def test_what_all_have_is_told(loader: Loader) -> None:
    with pytest.raises(ConfigError, match="wrong1 is wrong"):
        common.check_common([["wrong1a"], ["wrong1b"], ["wrong1c"]], loader, None, here=True)


@pytest.mark.parametrize("last", ["wrong2", "data=synthetic"])
def test_what_some_have_is_left_to_them(loader: Loader, last: str) -> None:
    common.check_common([["wrong1a"], ["wrong1b"], [last]], loader, None, here=True)


def test_data_that_this_machine_has_not_may_be_where_the_jobs_are_run(loader: Loader) -> None:
    jobs = [["data=csv", "data.path=nope.csv"]]
    common.check_common(jobs, loader, None, here=False)
    with pytest.raises(ForecastleError, match=r"no such file: nope\.csv") as met:
        common.check_common(jobs, loader, None, here=True)
    assert isinstance(met.value, DataError)
