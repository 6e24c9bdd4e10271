"""An experiment file composes the configuration that it was written for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from forecastle.config.compose import compose
from forecastle.config.experiment_file import write_experiment
from forecastle.errors import ConfigError


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "conf" / "experiment" / "promoted.yaml"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["model=lasso", "model.estimator.alpha=1", "horizon=[1,5]", "seed=3", "start='2001-01-01'", "threads=2"],
        ["indicator=[log_return,rsi]", "transform=[clip,standard]", "transform.clip.lower=0.01"],
        ["~indicator.rsi", "~transform.standard"],
        ["indicator.rsi.timeperiod=[7,14]", "timeframes=[1h]", "indicator.rsi.timeframes=[1D]"],
        ["model=mlp", "trainer.max_epochs=3", "target=log_return"],
        ["model=lstm"],
        ["~model.lags"],
        ["policy=kelly", "account.costs.spread_bps={0: 1, 16: 3}", "account.capital=5"],
        ["quality.gaps=fail", "quality.session.market=fx", "conformal=split", "split=walk_forward"],
        ["experiment=fx_hourly_direction", "data.path=x.parquet"],
        ["data=csv", "data.path=x.csv", "+data.columns={close: last}"],
        ["quantile_levels=[0.1,0.5,0.9]", "objective=mae", "workers=2", "force=true", "output=elsewhere"],
        ["model=ridge", "target=direction", "model.estimator._target_=sklearn.linear_model.RidgeClassifier"],
    ],
)
def test_it_composes_what_it_was_written_for(words: list[str], place: Path) -> None:
    config = compose(words)
    assert write_experiment("promoted", config, "A comment.") == Path("conf/experiment/promoted.yaml")
    composed = compose(["experiment=promoted"])
    assert json.dumps(composed.identity, sort_keys=True) == json.dumps(config.identity, sort_keys=True)
    assert composed.data == config.data
    assert (composed.workers, composed.force, composed.output) == (1, False, "runs"), "left to whoever runs it"
    assert place.read_text().startswith("# @package _global_\n# A comment.\n")


def test_it_names_the_choices_and_holds_what_was_set_beside(place: Path) -> None:
    write_experiment("promoted", compose(["model=lasso", "model.estimator.alpha=3", "horizon=2"]), "A comment.")
    held = yaml.safe_load(place.read_text())
    assert {"override /model": "lasso"} in held["defaults"]
    assert held["model"] == {"estimator": {"alpha": 3}}
    assert held["horizon"] == 2
    assert "indicator" not in held


def test_a_seed_of_the_environment_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECASTLE_SEED", "7")
    write_experiment("promoted", compose(), "A comment.")
    monkeypatch.delenv("FORECASTLE_SEED")
    assert compose(["experiment=promoted"]).seed == 7


def test_an_experiment_file_is_replaced_only_by_one_that_composes(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_experiment("promoted", compose(["horizon=2"]), "A comment.")
    before = place.read_bytes()
    monkeypatch.setattr("forecastle.config.experiment_file.compose", lambda _: compose(["horizon=9"]))
    for _ in range(2):
        with pytest.raises(ConfigError, match="conf/ cannot compose this configuration"):
            write_experiment("promoted", compose(["horizon=3"]), "A comment.")
        assert not place.exists() or place.read_bytes() == before
        place.unlink(missing_ok=True)
