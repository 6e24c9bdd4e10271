"""Overrides that only the jobs of a sweep can be composed with."""

from __future__ import annotations

import pytest

from forecastle.config.swept import check_output, held_back
from forecastle.errors import ConfigError

VARYING = "model=lightgbm,xgboost"


@pytest.mark.parametrize(
    "word", ["model.lags=5", "+model.lags=5", "~model.lags", "trainer=smoke", "trainer.max_epochs=2", "data.path=a.csv"]
)
def test_settings_of_choices_wait_for_the_jobs_where_a_choice_varies(word: str) -> None:
    assert held_back([VARYING, word]) == [word]
    assert held_back(["model=choice(lightgbm,xgboost)", word, "horizon=3"]) == [word]
    assert held_back(["model=lightgbm", "horizon=1,2", word]) == []


@pytest.mark.parametrize("word", ["horizon=3", "target=direction", "hydra.launcher.n_jobs=2", "account.costs.x=1"])
def test_what_is_the_same_for_each_choice_stays_with_hydra(word: str) -> None:
    assert held_back([VARYING, word]) == []


def test_what_varies_or_cannot_be_read_stays_with_hydra() -> None:
    assert held_back([VARYING, "model.lags=1,2"]) == []
    assert held_back(["model=[a", "model.lags=1"]) == []


def test_a_sweep_has_one_folder() -> None:
    check_output([VARYING, "output=here"])
    with pytest.raises(ConfigError, match=r"^output=here,there is several folders, and output is one for the whole"):
        check_output([VARYING, "output=here,there"])
