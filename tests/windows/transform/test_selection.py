from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_selection import VarianceThreshold, mutual_info_regression
from sklearn.metrics import mutual_info_score

from forecastle.errors import ConfigError, FeatureError
from forecastle.windows.transform.selection import (
    SelectCorrelation,
    SelectMutualInformation,
    SelectVariance,
    information,
)
from forecastle.windows.transform.step import Training

Make = Callable[..., Training]


def test_variance_keeps_what_sklearn_keeps(training_of: Make) -> None:
    values = np.random.default_rng(0).normal(size=(200, 4)) * (0.5, 2, 0, 1.5) + (0, 1, 7, 1e4)
    training = training_of(values)
    for threshold in (0.0, 1.0):
        step = SelectVariance(threshold).fit(training)
        reference = VarianceThreshold(threshold).fit(training.rows.values.astype(np.float64))
        result = step.apply(training.rows)
        np.testing.assert_array_equal(result.values, training.rows.values[:, reference.get_support()])
        assert result.columns == tuple(np.array(training.rows.columns)[reference.get_support()])
    assert step.report()["kept"] == "2 of 4"
    assert step.report()["features"]["c"] == {"kept": False, "variance": 0.0}


def test_of_features_that_say_the_same_the_first_is_kept(training_of: Make) -> None:
    random = np.random.default_rng(1)
    first, second = random.normal(size=(2, 300))
    values = np.stack([first, -3 * first + 0.1 * random.normal(size=300), second, np.ones(300), second + first], axis=1)
    training = training_of(values, ("first", "mirror", "second", "constant", "sum"))
    step = SelectCorrelation(0.9).fit(training)
    assert step.apply(training.rows).columns == ("first", "second", "constant", "sum")
    verdicts = step.report()["features"]
    reference = pd.DataFrame(training.rows.values, columns=training.rows.columns).corr()
    assert verdicts["mirror"] == {
        "kept": False,
        "with": "first",
        "correlation": pytest.approx(abs(reference.loc["first", "mirror"]), abs=1e-6),
    }
    assert verdicts["sum"]["correlation"] == pytest.approx(reference.loc["sum", ["first", "second"]].max(), abs=1e-6)
    assert verdicts["first"] == {"kept": True, "correlation": None, "with": None}
    assert verdicts["constant"]["correlation"] == 0


def test_a_chain_of_likenesses_keeps_what_is_like_no_kept_one(training_of: Make) -> None:
    """b is like a, c like b and not like a: b goes, c stays."""
    random = np.random.default_rng(2)
    steps = np.cumsum(random.normal(size=(400, 3)) * (1, 0.6, 0.6), axis=1)
    training = training_of(steps)
    correlation = np.abs(np.corrcoef(training.rows.values.T))
    assert correlation[0, 1] > 0.8
    assert correlation[1, 2] > 0.8
    assert correlation[0, 2] < 0.8
    assert SelectCorrelation(0.8).fit(training).apply(training.rows).columns == ("a", "c")


def test_information_equals_sklearn_less_what_chance_shows() -> None:
    random = np.random.default_rng(3)
    first = random.integers(0, 6, 500)
    second = np.where(random.random(500) < 0.5, first // 2, random.integers(0, 4, 500))
    chance = (6 - 1) * (4 - 1) / (2 * 500)
    assert information(first, second) == pytest.approx(mutual_info_score(first, second) - chance, rel=1e-12)


def test_information_of_independent_rows_is_nothing_on_average() -> None:
    random = np.random.default_rng(4)
    found = [information(*random.integers(0, 10, (2, 2000))) for _ in range(200)]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(len(found))
    assert np.mean(found) < 0.1 * (9 * 9 / 4000)


@pytest.fixture
def informative() -> tuple[np.ndarray, np.ndarray]:
    """Six features: the third shapes the size of the target, the fifth its sign, the others nothing."""
    random = np.random.default_rng(5)
    values = random.normal(size=(1500, 6))
    values[:, 4] *= 1000
    noise = random.normal(size=(1500, 2))
    return values, np.abs(values[:, 2:3]) * noise + values[:, 4:5] / 1000


def test_mutual_information_finds_what_sklearn_finds(training_of: Make, informative) -> None:
    values, target = informative
    training = training_of(values, target=target)
    step = SelectMutualInformation(count=2).fit(training)
    assert step.apply(training.rows).columns == ("c", "e")
    reference = np.mean([mutual_info_regression(values, each, random_state=0) for each in target.T], axis=0)
    order = [training.rows.columns[number] for number in np.argsort(-reference)]
    verdicts = step.report()["features"]
    assert list(verdicts)[:2] == order[:2]
    for name, value in zip(training.rows.columns, reference, strict=True):
        assert verdicts[name]["information"] == pytest.approx(value, rel=0.25, abs=0.06)


def test_mutual_information_of_classes_takes_each_as_it_is(training_of: Make, informative) -> None:
    values, target = informative
    training = training_of(values, target=(target > 0).astype(float), classes=2)
    step = SelectMutualInformation(count=1, bins=8).fit(training)
    assert step.apply(training.rows).columns == ("e",)
    quantiles = np.quantile(training.inputs[:, 4], np.arange(1, 8) / 8)
    label = np.searchsorted(quantiles, training.inputs[:, 4], side="right")
    reference = np.mean([mutual_info_score(label, each > 0) for each in target.T]) - 7 * 1 / (2 * 1500)
    assert step.report()["features"]["e"] == {"kept": True, "rank": 1, "information": pytest.approx(reference)}


def test_only_rows_of_origins_inform(training_of: Make, informative) -> None:
    values, target = informative
    whole = training_of(values, target=target)
    origin = np.arange(200, 1500, 2)
    some = Training(whole.rows, origin, target[origin], 0)
    changed = values.copy()
    changed[:200] = 55
    other = Training(training_of(changed).rows, origin, target[origin], 0)
    first, second = (SelectMutualInformation(3).fit(each).report() for each in (some, other))
    assert first == second


def test_all_are_kept_where_there_are_fewer_than_asked_for(training_of: Make, informative) -> None:
    values, target = informative
    training = training_of(values, target=target)
    assert SelectMutualInformation(count=99).fit(training).apply(training.rows) is training.rows


def test_a_selection_of_nothing_is_refused(training_of: Make) -> None:
    with pytest.raises(FeatureError, match="must keep at least one of 2 features, got none"):
        SelectVariance().fit(training_of(np.ones((5, 2))))


def test_arguments_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="threshold must be at least 0, got -1"):
        SelectVariance(-1)
    for threshold in (0, 1.5):
        with pytest.raises(ConfigError, match=f"threshold must lie inside .0, 1., got {threshold}"):
            SelectCorrelation(threshold)
    with pytest.raises(ConfigError, match="got 0 and 10"):
        SelectMutualInformation(0)
