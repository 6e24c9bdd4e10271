from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import pytest
from sklearn.decomposition import PCA

from forecastle.errors import FeatureError, TargetError
from forecastle.windows.transform import encoding
from forecastle.windows.transform.encoding import Encode
from forecastle.windows.transform.step import Training

Make = Callable[..., Training]


class Sum:
    """An encoder by hand: the sum of all features, of which each is taken to be an equal part."""

    code = 1

    def __init__(self) -> None:
        self.features = 0

    def fit(self, values: np.ndarray) -> Self:
        assert values.dtype == np.float64
        self.features = values.shape[1]
        return self

    def encode(self, values: np.ndarray) -> np.ndarray:
        return values.sum(axis=1, keepdims=True)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return np.repeat(codes / self.features, self.features, axis=1)

    def state(self) -> dict[str, Any]:
        return {"features": self.features}

    def restore(self, state: Mapping[str, Any]) -> Self:
        self.features = state["features"]
        return self


def make_values(rows: int = 40) -> np.ndarray:
    first, noise = np.random.default_rng(0).normal(size=(2, rows))
    return np.stack([first, 3 * first, noise, np.full(rows, 7.0)], axis=1).astype(np.float32)


def test_codes_stand_in_place_of_the_features(training_of: Make, rows_of) -> None:
    values = make_values()
    step = Encode(Sum()).fit(training_of(values))
    holes = values.copy()
    holes[3, 0], holes[4, 1] = np.nan, np.inf
    result = step.apply(rows_of(holes))
    assert result.columns == ("code_1",)
    expected = values.sum(axis=1, keepdims=True)
    expected[[3, 4]] = np.nan
    np.testing.assert_allclose(result.values, expected, rtol=1e-6)


def test_what_is_lost_is_told_by_feature_and_beside_principal_components(training_of: Make) -> None:
    values = make_values().astype(np.float64)
    report = Encode(Sum()).fit(training_of(values)).report()
    drawn = values.sum(axis=1, keepdims=True) / 4
    lost = ((values - drawn) ** 2).mean(axis=0)[:3] / values[:, :3].var(axis=0)
    assert report["kept"] == "1 numbers of 3 features that vary"
    assert report["lost"] == pytest.approx(lost.mean(), rel=1e-5)
    kept = {**report["kept_best"], **report["kept_worst"]}
    assert [kept[name] for name in "abc"] == pytest.approx(list(1 - lost), rel=1e-5)
    assert list(report["kept_best"]) == list(reversed(report["kept_worst"]))
    scaled = (values[:, :3] - values[:, :3].mean(axis=0)) / values[:, :3].std(axis=0)
    shares = PCA(1).fit(scaled).explained_variance_ratio_
    assert report["lost_by_principal_components"] == pytest.approx(1 - shares.sum(), rel=1e-5)


def test_too_few_rows_or_features_are_refused_in_one_line(training_of: Make) -> None:
    with pytest.raises(FeatureError, match=r"^an encoder of code 1 wants at least 20 training rows, got 19$"):
        Encode(Sum()).fit(training_of(make_values(19)))
    with pytest.raises(FeatureError, match=r"^an encoder of code 1 wants more than 1 features that vary, got 1$"):
        Encode(Sum()).fit(training_of(make_values()[:, 2:]))


def test_what_is_no_encoder_is_refused() -> None:
    with pytest.raises(TargetError, match=r"encoder must be one, got PCA: it has no code, encode, decode, state"):
        Encode(PCA())


def test_it_imports_no_model() -> None:
    tree = ast.parse(inspect.getsource(encoding))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in names if name and ("models" in name or "torch" in name)]
