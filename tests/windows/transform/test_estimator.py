from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import KernelPCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.preprocessing import KBinsDiscretizer, PolynomialFeatures, PowerTransformer, SplineTransformer

from forecastle.errors import FeatureError, ModelError, RunError, TargetError
from forecastle.windows.transform import Chain
from forecastle.windows.transform.estimator import SklearnTransform
from forecastle.windows.transform.step import Rows, Training

Make = Callable[..., Training]
RowsOf = Callable[..., Rows]
VALUES = np.random.default_rng(0).lognormal(size=(200, 3)).astype(np.float32)

TRANSFORMERS = [
    PowerTransformer(),
    PolynomialFeatures(2, include_bias=False),
    KernelPCA(2, kernel="rbf", random_state=0),
    KBinsDiscretizer(3, encode="onehot", quantile_method="averaged_inverted_cdf"),
]


@pytest.mark.parametrize("estimator", TRANSFORMERS, ids=lambda each: type(each).__name__)
def test_it_gives_what_sklearn_gives_and_so_does_its_copy(training_of: Make, rows_of: RowsOf, estimator) -> None:
    step = SklearnTransform(estimator).fit(training_of(VALUES[:120]))
    assert not hasattr(estimator, "n_features_in_")
    expected = type(estimator)(**estimator.get_params()).fit(VALUES[:120].astype(np.float64))
    given = expected.transform(VALUES.astype(np.float64))
    result = step.apply(rows_of(VALUES))
    np.testing.assert_allclose(
        result.values, given.toarray() if hasattr(given, "toarray") else given, rtol=1e-5, atol=1e-6
    )
    assert len(result.columns) == result.values.shape[1]
    assert result.columns == tuple(expected.get_feature_names_out(np.array(["a", "b", "c"], dtype=object)))
    state = json.loads(json.dumps(step.state()))
    again = SklearnTransform(estimator).restore(state)
    assert again.apply(rows_of(VALUES)).values.tobytes() == result.values.tobytes()
    assert again.report() == step.report() == {
        "rows": 120, "estimator": type(estimator).__name__, "gives": list(result.columns)
    }  # fmt: skip


def test_a_supervised_one_gets_the_target_of_the_last_step_at_the_origins(training_of: Make) -> None:
    random = np.random.default_rng(1)
    target = np.stack([VALUES[:, 0], VALUES[:, 2]], axis=1) + 0.1 * random.normal(size=(200, 2))
    whole = training_of(VALUES, target=target)
    origin = np.arange(20, 200)
    training = Training(whole.rows, origin, target[origin], 0)
    step = SklearnTransform(SelectFromModel(LinearRegression(), max_features=1), supervised=True)
    assert step.fit(training).apply(whole.rows).columns == ("c",)
    classes = Training(whole.rows, origin, np.digitize(target[origin], (0.5, 1.5)).astype(float), 3)
    result = SklearnTransform(LinearDiscriminantAnalysis(), supervised=True).fit(classes).apply(whole.rows)
    assert result.columns == ("lineardiscriminantanalysis0", "lineardiscriminantanalysis1")


def test_a_row_that_lacks_a_feature_lacks_every_column(training_of: Make, rows_of: RowsOf) -> None:
    step = SklearnTransform(PolynomialFeatures(2)).fit(training_of(VALUES))
    holed = VALUES[:20].copy()
    holed[4, 1] = np.nan
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(step.apply(rows_of(holed)).values).all(axis=1)), [4])
    assert np.isnan(step.apply(rows_of(np.full((3, 3), np.nan))).values).all()


class Leaky(TransformerMixin, BaseEstimator):
    """Scales by what it is asked to transform: the whole-sample z-score."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return (X - X.mean(axis=0)) / X.std(axis=0)


class Cumulative(Leaky):
    """Looks back without end."""

    def transform(self, X):
        return np.cumsum(X, axis=0)


class Odd(Leaky):
    """Gives infinite values."""

    def transform(self, X):
        return np.full_like(X, np.inf)


@pytest.mark.parametrize("leak", [Leaky(), Cumulative()])
def test_a_transformer_that_looks_at_other_rows_is_refused(training_of: Make, leak) -> None:
    with pytest.raises(FeatureError, match="must transform each row by itself, or it could look ahead"):
        SklearnTransform(leak).fit(training_of(VALUES))


def test_what_cannot_be_kept_without_code_is_refused_before_a_model_waits_for_it(training_of: Make) -> None:
    with pytest.raises(ModelError, match="which may run code: refused"):
        SklearnTransform(SplineTransformer(n_knots=3)).fit(training_of(VALUES))


def test_values_that_are_not_finite_and_failures_are_told(training_of: Make) -> None:
    with pytest.raises(FeatureError, match="Odd must give finite values"):
        SklearnTransform(Odd()).fit(training_of(VALUES))
    with pytest.raises(
        FeatureError, match=r"PowerTransformer cannot be fitted on training rows of \(200, 3\): .*positive"
    ):
        SklearnTransform(PowerTransformer("box-cox")).fit(training_of(-VALUES))


@pytest.mark.parametrize(
    ("wrong", "told"), [(Ridge(), "Ridge: it has no transform"), (PowerTransformer, "it is a class")]
)
def test_what_is_no_transformer_is_refused(wrong, told: str) -> None:
    with pytest.raises(TargetError, match=f"must be a scikit-learn transformer, got .*{told}"):
        SklearnTransform(wrong)


def test_a_damaged_or_exchanged_archive_is_refused(training_of: Make, tmp_path: Path) -> None:
    chain = Chain({"power": SklearnTransform(PowerTransformer())})
    chain.steps["power"].fit(training_of(VALUES))
    chain.save(tmp_path)
    with pytest.raises(RunError, match="SplineTransformer wanted, got PowerTransformer"):
        Chain({"power": SklearnTransform(SplineTransformer())}).load(tmp_path)
    (file,) = tmp_path.iterdir()
    content = json.loads(file.read_text())
    whole = content["steps"]["power"]["archive"]
    for archive, error in (("?", RunError), (whole[:400], ModelError)):
        content["steps"]["power"]["archive"] = archive
        file.write_text(json.dumps(content))
        with pytest.raises(error, match=r"\A[^\n]+\Z"):
            Chain({"power": SklearnTransform(PowerTransformer())}).load(tmp_path)


def test_no_other_step_imports_scikit_learn() -> None:
    code = (
        "import sys, importlib;"
        "[importlib.import_module('forecastle.windows.transform.' + name) for name in "
        "('chain', 'estimator', 'hmm', 'importance', 'imputation', 'projection', 'quantile', 'regime', 'scaling', "
        "'selection', 'step')];"
        "print([name for name in ('sklearn', 'scipy', 'skops') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
