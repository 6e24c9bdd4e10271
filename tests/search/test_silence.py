"""What no pruner can stop is said in one line; what tells on the way is not spoken of."""

from __future__ import annotations

import pytest

from forecastle.config.compose import compose
from forecastle.search.silence import silence

NETWORK = ["model=nlinear", "trainer=ddp"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            ["model=ridge"],
            "the model learns in one step, so nothing is told on the way by ridge; several folds tell",
        ),
        (["model=garch"], "the model learns in one step, so nothing is told on the way by garch"),
        (["model=ridge", "split=rolling_origin"], "so nothing is told on the way by ridge"),
        (
            ["model=ensemble"],
            "an ensemble fits its members one after the other, so nothing is told on the way by ensemble",
        ),
        (
            ["model=lightgbm", "pooling=per_symbol"],
            "pooling=per_symbol fits a model for each symbol, so nothing is told on the way by lightgbm",
        ),
        (NETWORK, "several processes train the network, so nothing is told on the way by nlinear"),
        ([*NETWORK, "trainer.devices=1", "+trainer.num_nodes=2"], "several processes train the network"),
    ],
)
def test_a_model_that_tells_nothing_is_named_with_the_reason(words: list[str], reason: str) -> None:
    (line,) = silence([compose(words)], "median")
    assert line.startswith("hydra.sweeper.pruner=median stops none of these trials: ")
    assert reason in line


@pytest.mark.parametrize(
    "words",
    [
        ["model=lightgbm"],
        ["model=nlinear"],
        [*NETWORK, "trainer.devices=[0]"],
        ["model=mlp"],
        ["model=ridge", "split=walk_forward"],
        ["model=ensemble", "split=purged_kfold"],
    ],
)
def test_what_tells_on_the_way_is_not_spoken_of(words: list[str]) -> None:
    assert silence([compose(words)], "median") == []


def test_models_with_one_reason_share_a_line_and_those_that_tell_are_left_out() -> None:
    models = ("lightgbm", "ridge", "lasso", "ensemble")
    told = silence([compose([f"model={model}"]) for model in models], "hyperband")
    assert [line.partition(": ")[0] for line in told] == [
        "hydra.sweeper.pruner=hyperband stops not all of these trials"
    ] * 2
    assert "so nothing is told on the way by lasso, ridge" in told[0]
