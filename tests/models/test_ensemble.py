"""Ensembles of forecasters."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge

from forecastle.errors import ConfigError, ModelError
from forecastle.models.baseline import LastValue, RandomWalk
from forecastle.models.ensemble import FILE, Ensemble
from forecastle.models.estimator import SklearnForecaster
from forecastle.models.quantile_regression import QuantileRegression
from forecastle.windows.context import Windows
from forecastle.windows.target import Direction

FOLDER = Path(__file__).parents[2] / "conf" / "model"


def ridge() -> SklearnForecaster:
    return SklearnForecaster(Ridge(alpha=10.0))


class Spy(RandomWalk):
    """Remembers what it was fitted on."""

    seen: tuple[Windows, Windows | None]

    def fit(self, train: Windows, validation: Windows | None = None) -> Spy:
        self.seen = (train, validation)
        return self


class Samples(RandomWalk):
    """Paths, all of them at the same places."""

    def predict(self, context: Any) -> Any:
        from forecastle.models.forecast import SampleForecast

        return SampleForecast(np.tile(np.linspace(-0.01, 0.01, 101), (len(context), 3, 1)).swapaxes(1, 2))


@pytest.mark.parametrize("name", sorted(OmegaConf.load(FOLDER / "ensemble.yaml").members))
def test_the_members_of_the_file_are_the_models_of_their_files(name: str):
    members = OmegaConf.to_container(OmegaConf.load(FOLDER / "ensemble.yaml"))["members"]
    assert members[name] == OmegaConf.to_container(OmegaConf.load(FOLDER / f"{name}.yaml"))


def test_quantiles_are_averaged_level_by_level(make: Callable[..., Windows]):
    train, later = make(seed=1), make(seed=2)
    members = {"ridge": ridge(), "walk": RandomWalk(), "samples": Samples()}
    values = Ensemble(members, "quantiles").fit(train).predict(later.context).values
    alone = [each.fit(train).predict(later.context) for each in (ridge(), RandomWalk(), Samples())]
    alone[2] = alone[2].quantiles(later.context.task.quantile_levels)
    np.testing.assert_allclose(values, np.mean([each.values.astype(float) for each in alone], axis=0), rtol=1e-6)


def test_the_mean_distribution_is_wider_than_the_mean_quantiles_where_members_disagree(make: Callable[..., Windows]):
    train, later = make(signal=2.0, seed=1), make(signal=2.0, seed=2)
    mean, quantiles = (
        Ensemble({"ridge": ridge(), "walk": RandomWalk()}, rule).fit(train).predict(later.context).values
        for rule in ("mean", "quantiles")
    )
    disagree = np.abs(ridge().fit(train).predict(later.context).values[:, 0, 2]) > later.context.scale
    width = [values[disagree, 0, -1] - values[disagree, 0, 0] for values in (mean, quantiles)]
    assert disagree.sum() > 20
    assert np.all(width[0] > width[1])


def test_probabilities_are_averaged(make: Callable[..., Windows]):
    train, later = make(target=Direction(), seed=1), make(target=Direction(), seed=2)

    def classifiers() -> dict[str, Any]:
        forest = RandomForestClassifier(10, max_depth=3, random_state=0)
        return {"a": SklearnForecaster(LogisticRegression()), "b": SklearnForecaster(forest)}

    values = Ensemble(classifiers()).fit(train).predict(later.context).values
    alone = [each.fit(train).predict(later.context).values.astype(float) for each in classifiers().values()]
    np.testing.assert_allclose(values, np.mean(alone, axis=0), rtol=1e-5)


def test_stacking_gives_the_weight_to_the_member_that_knows(make: Callable[..., Windows]):
    parts = [make(count=600, signal=2.0, seed=seed) for seed in (1, 2, 3)]
    model = Ensemble({"walk": RandomWalk(), "naive": LastValue(), "ridge": ridge()}, "stacking").fit(*parts[:2])
    assert model.weights[2] > 0.9
    assert model.weights.sum() == pytest.approx(1)
    classes = [make(count=600, signal=2.0, seed=seed, target=Direction()) for seed in (1, 2)]
    logistic = SklearnForecaster(LogisticRegression())
    assert Ensemble({"walk": RandomWalk(), "logistic": logistic}, "stacking").fit(*classes).weights[1] > 0.9


def test_stacking_stops_members_on_earlier_windows_than_it_judges_them_on(make: Callable[..., Windows]):
    train, validation = make(seed=1), make(seed=2)
    spy = Spy()
    model = Ensemble({"spy": spy, "walk": RandomWalk(), "ridge": ridge()}, "stacking").fit(train, validation)
    seen = spy.seen[1]
    assert spy.seen[0] is train
    assert seen is not None
    later = validation[np.flatnonzero(validation.context.origin >= seen.label_end.max())]
    assert len(later) == pytest.approx(len(validation) / 2, abs=2)
    changed = validation.target.copy()
    changed[: len(seen)] = 9.0  # what stops members does not choose weights
    again = Windows(validation.context, changed, validation.weight, validation.label_end)
    other = Ensemble({"spy": Spy(), "walk": RandomWalk(), "ridge": ridge()}, "stacking").fit(train, again)
    np.testing.assert_array_equal(other.weights, model.weights)


@pytest.mark.parametrize("rule", ["mean", "quantiles"])
def test_without_stacking_members_get_all_validation_windows(make: Callable[..., Windows], rule: Any):
    train, validation, spy = make(seed=1), make(seed=2), Spy()
    Ensemble({"spy": spy, "walk": RandomWalk()}, rule).fit(train, validation)
    assert spy.seen[1] is validation


def test_it_reads_as_far_back_as_its_member_with_the_longest_memory():
    assert Ensemble({"a": RandomWalk(), "b": LastValue()}).history(7) == LastValue().history(7)


@pytest.mark.parametrize(
    ("make_ensemble", "message"),
    [
        (lambda: Ensemble({"walk": RandomWalk()}), "an ensemble needs at least 2 members, got 1"),
        (lambda: Ensemble({"a/b": RandomWalk(), "c": RandomWalk()}), "name of a member must be a word, got 'a/b'"),
        (
            lambda: Ensemble({"a": Ridge(), "c": RandomWalk()}),
            r"member a is no model: it has no history, save, load\(\)",
        ),
    ],
)
def test_members_that_cannot_be_are_refused(make_ensemble: Callable[[], Any], message: str):
    with pytest.raises(ConfigError, match=message):
        make_ensemble()


def test_a_member_that_refuses_is_named(make: Callable[..., Windows]):
    members = {"walk": RandomWalk(), "linear": QuantileRegression()}
    with pytest.raises(ModelError, match="member linear: QuantileRegression forecasts a number, but direction"):
        Ensemble(members).fit(make(target=Direction()))


def test_stacking_without_validation_is_refused(make: Callable[..., Windows]):
    members = {"walk": RandomWalk(), "linear": QuantileRegression()}
    with pytest.raises(ModelError, match="rule=stacking needs validation windows to choose its weights on, got none"):
        Ensemble(members, "stacking").fit(make())
    with pytest.raises(ModelError, match="rule=stacking needs more validation windows, got 30"):
        Ensemble(members, "stacking").fit(make(), make()[:30])


def test_a_file_that_names_other_code_is_refused(make: Callable[..., Windows], tmp_path: Path):
    Ensemble({"walk": RandomWalk(), "naive": LastValue()}).fit(make()).save(tmp_path)
    state = json.loads((tmp_path / FILE).read_text())
    for kind in ("this:s", "os:system", "forecastle.models.forecast:ClassForecast", "forecastle.models.baseline:Path"):
        state["members"]["walk"] = kind
        (tmp_path / FILE).write_text(json.dumps(state))
        with pytest.raises(ModelError, match=r"ensemble\.json holds no ensemble"):
            Ensemble.load(tmp_path)
