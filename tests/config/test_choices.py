"""A resolved configuration is recognised as what it was chosen from."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecastle.config.choices import GROUPS, files, recognise
from forecastle.config.compose import compose
from forecastle.config.schema import Config

NONE = ("policy=none", "conformal=none", "transform=none")
WITHOUT_PATH = ("binance", "csv", "histdata", "metatrader4", "metatrader5", "parquet", "yahoo")
WORDS = [
    f"{group}={name}"
    for group in GROUPS
    for name in files(group)
    if f"{group}={name}" not in NONE and name not in WITHOUT_PATH
]


def chosen(config: Config) -> dict[str, str]:
    return {group: name for group, name in config.choices.items() if group in GROUPS}


@pytest.mark.parametrize("word", WORDS[::6])
def test_a_choice_is_recognised(word: str) -> None:
    config = compose([word])
    assert recognise(config) == chosen(config)


@pytest.mark.parametrize(
    "words",
    [
        ["data=csv", "data.path=x.csv"],
        ["data=histdata", "data.path=x.csv"],
        ["data=nasdaq", "model.estimator.alpha=3", "horizon=2", "seed=4"],
        ["split=walk_forward", "transform=clip", "metric=default", "policy=kelly", "conformal=adaptive"],
        ["model=mlp", "trainer.max_epochs=3", "indicator.rsi.timeperiod=[7,21]"],
    ],
)
def test_values_that_were_set_beside_do_not_matter(words: list[str]) -> None:
    config = compose(words)
    assert recognise(config) == chosen(config)


def test_what_no_file_holds_is_left_out() -> None:
    found = recognise(compose(["~indicator.rsi", "model.estimator._target_=sklearn.linear_model.RidgeClassifier"]))
    assert {"indicator", "model"}.isdisjoint(found)
    assert found["data"] == "sp500"


def test_a_users_own_file_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "conf" / "model" / "mine.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(files("model")["ridge"].read_text().replace("1000.0", "7.0"))
    assert recognise(compose(["model=mine"]))["model"] == "mine"
    assert recognise(compose(["model=ridge"]))["model"] == "ridge"
