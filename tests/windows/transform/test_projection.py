from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.decomposition import PCA

from forecastle.errors import ConfigError, FeatureError
from forecastle.windows.transform.projection import PrincipalComponents
from forecastle.windows.transform.step import Rows, Training

Make = Callable[..., Training]


@pytest.fixture
def values() -> np.ndarray:
    random = np.random.default_rng(0)
    return (random.normal(size=(400, 5)) @ random.normal(size=(5, 6)) + random.normal(size=6)).astype(np.float32)


@pytest.mark.parametrize("components", [1, 3, 0.5, 0.9, 0.999])
def test_it_equals_sklearn_but_for_signs(values: np.ndarray, training_of: Make, rows_of, components: float) -> None:
    step = PrincipalComponents(components).fit(training_of(values[:300]))
    reference = PCA(components, svd_solver="full").fit(values[:300].astype(np.float64))
    result = step.apply(rows_of(values))
    expected = reference.transform(values.astype(np.float64))
    assert result.columns == tuple(f"pca_{number + 1}" for number in range(expected.shape[1]))
    signs = np.sign((result.values * expected).sum(axis=0))
    np.testing.assert_allclose(result.values * signs, expected, rtol=1e-5, atol=1e-5)
    shares = [each["explains"] for each in step.report()["components"].values()]
    np.testing.assert_allclose(shares, reference.explained_variance_ratio_, rtol=1e-6)


def test_the_largest_weight_is_positive_and_named(training_of: Make) -> None:
    random = np.random.default_rng(1)
    main = random.normal(size=300)
    values = np.stack([-5 * main, 2 * main + random.normal(size=300), random.normal(size=300)], axis=1)
    step = PrincipalComponents(1).fit(training_of(values, ("down", "up", "noise")))
    assert step.report()["components"]["pca_1"]["mostly"].startswith("+0.9")
    assert step.report()["components"]["pca_1"]["mostly"].split(", ")[0].endswith(" down")
    mirrored = PrincipalComponents(1).fit(training_of(values[::-1], ("down", "up", "noise")))
    np.testing.assert_allclose(mirrored.state()["weights"], step.state()["weights"], rtol=1e-6)


def test_directions_in_which_nothing_varies_are_left_out(training_of: Make) -> None:
    first, second = np.random.default_rng(2).normal(size=(2, 100))
    values = np.stack([first, second, first, np.ones(100)], axis=1)
    step = PrincipalComponents(4).fit(training_of(values))
    assert list(step.report()["components"]) == ["pca_1", "pca_2"]
    assert step.report()["kept"] == "2 of 4"
    with pytest.raises(FeatureError, match="want features that vary, got 2 constant ones"):
        PrincipalComponents().fit(training_of(np.ones((9, 2))))


def test_a_row_that_lacks_a_feature_lacks_every_component(values: np.ndarray, training_of: Make) -> None:
    step = PrincipalComponents(2).fit(training_of(values))
    holes = values.copy()
    holes[3, 0] = np.nan
    result = step.apply(Rows(holes, tuple("abcdef"), np.array([0]))).values
    assert np.isnan(result[3]).all()
    assert np.isfinite(np.delete(result, 3, axis=0)).all()


@pytest.mark.parametrize("components", [0, -1, 1.5])
def test_numbers_that_cannot_be_are_refused(components: float) -> None:
    with pytest.raises(ConfigError, match=f"got {components}"):
        PrincipalComponents(components)
