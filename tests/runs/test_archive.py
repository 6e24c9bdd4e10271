from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    VotingRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import HuberRegressor, LogisticRegression, PoissonRegressor, Ridge, SGDRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVR, LinearSVC

from forecastle.errors import ModelError
from forecastle.runs import archive

X = np.random.default_rng(0).normal(size=(120, 4))
Y = X[:, 0] + np.random.default_rng(1).normal(size=120)


class Mean(RegressorMixin, BaseEstimator):
    """A user's own estimator."""

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


ESTIMATORS = [
    Mean(),
    Ridge(),
    HuberRegressor(),
    SGDRegressor(random_state=0),
    PoissonRegressor(),
    SVR(),
    KNeighborsRegressor(),
    GaussianProcessRegressor(optimizer=None, alpha=1.0),
    MLPRegressor(hidden_layer_sizes=[5], early_stopping=True, solver="adam", tol=1, random_state=0),
    RandomForestRegressor(5, random_state=0),
    GradientBoostingRegressor(n_estimators=3, random_state=0),
    HistGradientBoostingRegressor(max_iter=5, early_stopping=True, random_state=0),
    make_pipeline(StandardScaler(), Ridge()),
    VotingRegressor([("a", Ridge()), ("b", SVR())]),
    GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}),
    LogisticRegression(),
    CalibratedClassifierCV(LinearSVC()),
]


def fitted(estimator):
    target = Y > 0 if hasattr(estimator, "predict_proba") else Y
    return estimator.fit(X, np.abs(target) if isinstance(estimator, PoissonRegressor) else target)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: type(each).__name__)
def test_estimators_come_back_with_the_same_predictions(tmp_path, estimator):
    archive.write({"model": fitted(estimator)}, tmp_path / "m")
    again = archive.read(tmp_path / "m")["model"]
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))


def test_plain_values_come_back(tmp_path):
    state = {"a": [1, 2.5, "x", None, True], "b": np.arange(6.0).reshape(2, 3), "c": float("nan"), "d": {"e": (1, 2)}}
    archive.write(state, tmp_path / "m")
    again = archive.read(tmp_path / "m")
    assert again["a"] == state["a"]
    assert again["d"] == state["d"]
    assert np.isnan(again["c"])
    np.testing.assert_array_equal(again["b"], state["b"])


def test_bytes_come_back_without_a_file():
    state = {"model": fitted(Ridge()), "name": "x"}
    again = archive.unpack(archive.pack(state), "here")
    assert again["name"] == "x"
    np.testing.assert_array_equal(again["model"].predict(X), state["model"].predict(X))
    with pytest.raises(ModelError, match="here cannot be opened as a model"):
        archive.unpack(archive.pack(state)[:-30], "here")


TIMELESS = [each for each in ESTIMATORS if not isinstance(each, GridSearchCV)]  # it keeps how long its fits took


@pytest.mark.parametrize("estimator", TIMELESS, ids=lambda each: type(each).__name__)
def test_the_bytes_depend_on_the_model_alone(tmp_path, estimator):
    for name in ("one", "two"):
        archive.write({"model": fitted(clone(estimator))}, tmp_path / name)
        blocks = [np.random.default_rng(0).bytes(size) for size in range(1, 4000, 7)]  # stir the memory
        del blocks
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


CODE = """
import hashlib, sys
import numpy as np
from pathlib import Path
from sklearn.ensemble import RandomForestRegressor
from forecastle.runs import archive
x = np.random.default_rng(0).normal(size=(120, 4))
archive.write({"model": RandomForestRegressor(5, random_state=0).fit(x, x[:, 0])}, Path(sys.argv[1]))
print("torch" in sys.modules, "sklearn.gaussian_process" in sys.modules)
"""


def test_another_process_writes_the_same_bytes_and_imports_no_torch(tmp_path):
    model = RandomForestRegressor(5, random_state=0).fit(X, X[:, 0])
    archive.write({"model": model}, tmp_path / "here")
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "there")],
        env={"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "False"]
    digests = [hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("here", "there")]
    assert digests[0] == digests[1]


def test_a_saved_model_may_be_saved_again_and_gives_the_same_bytes(tmp_path):
    archive.write({"model": fitted(RandomForestRegressor(5, random_state=0))}, tmp_path / "one")
    archive.write(archive.read(tmp_path / "one"), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def rewritten(path: Path, change) -> Path:
    """The archive with its tree changed."""
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    schema = json.loads(parts["schema.json"])
    parts["schema.json"] = json.dumps(change(schema)).encode()
    with zipfile.ZipFile(path, "w") as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return path


def node(loader, module, name, **more):
    return {"__loader__": loader, "__module__": module, "__class__": name, **more}


def words(*values):
    content = [node("JsonNode", "builtins", "str", content=json.dumps(value), is_json=True) for value in values]
    return node("TupleNode", "builtins", "tuple", content=content)


EMPTY = node("DictNode", "builtins", "dict", content={}, key_types=node("ListNode", "builtins", "list", content=[]))

ATTACKS = {
    "posix.system": node("FunctionNode", "posix", "system"),
    "os.system": node("ObjectNode", "os", "system"),
    "builtins.eval": node("TypeNode", "builtins", "eval"),
    "subprocess.Popen": node("ConstructorFromReduceNode", "subprocess", "Popen", content=words(["touch", "VICTIM"])),
    "numpy.memmap": node("ConstructorFromReduceNode", "numpy", "memmap", content=words("VICTIM", "uint8", "w+")),
    "scipy.io._netcdf.netcdf_file": node("ObjectNode", "scipy.io._netcdf", "netcdf_file", content=EMPTY),
    "sklearn.datasets._base.os": node("ObjectNode", "sklearn.datasets._base", "os", content=EMPTY),
    "sklearn.datasets._base.os.system": node("ObjectNode", "sklearn.datasets._base", "os.system", content=EMPTY),
    "sklearn.linear_model.Ridge": node("ObjectNode", "sklearn.linear_model", "Ridge", content=EMPTY),
    "sklearn.datasets._base.load_files": node("ObjectNode", "sklearn.datasets._base", "load_files", content=EMPTY),
    "sklearn.no_such.Thing": node("ObjectNode", "sklearn.no_such", "Thing", content=EMPTY),
    "joblib.memory.Memory": node("ObjectNode", "joblib.memory", "Memory", content=EMPTY),
    "functools.partial": node("PartialNode", "functools", "partial", content={}),
    "operator.methodcaller": node("OperatorFuncNode", "operator", "methodcaller", attrs=words("fit")),
    "sklearn.linear_model._ridge.Ridge": node("ListNode", "sklearn.linear_model._ridge", "Ridge", content=[]),
    "numpy.load": node("TypeNode", "numpy", "load"),
    "numpy.lib._datasource.DataSource": node("NdArrayNode", "numpy.lib._datasource", "DataSource", type="json"),
    "sklearn._loss._loss.os": node("LossNode", "sklearn._loss._loss", "os", content=EMPTY),
    "numpy.random.mtrand.seed": node("RandomStateNode", "numpy.random.mtrand", "seed", content=EMPTY),
    "sklearn.svm._classes.SVR": node("MethodNode", "sklearn.svm._classes", "SVR", content={"obj": EMPTY}),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_a_made_up_file_is_refused_by_the_name_of_what_it_asks_for(tmp_path, monkeypatch, name, protocol):
    monkeypatch.chdir(tmp_path)
    archive.write({"model": Ridge().fit(X, Y)}, tmp_path / "m")

    def change(schema):
        schema["protocol"] = protocol
        schema["content"]["model"] = ATTACKS[name]
        return schema

    with pytest.raises(ModelError, match=rf"holds {name}\b.*refused"):
        archive.read(rewritten(tmp_path / "m", change))
    assert not (tmp_path / "VICTIM").exists()


def test_an_own_estimator_whose_module_is_not_imported_is_refused(tmp_path):
    archive.write({"model": Mean().fit(X, Y)}, tmp_path / "m")
    text = Mean.__module__
    rewritten(tmp_path / "m", lambda schema: json.loads(json.dumps(schema).replace(text, "this_module_is_elsewhere")))
    with pytest.raises(ModelError, match=r"this_module_is_elsewhere\.Mean"):
        archive.read(tmp_path / "m")


def test_every_truncation_and_every_kind_of_damage_is_a_model_error(tmp_path):
    archive.write({"model": Ridge().fit(X, Y)}, tmp_path / "m")
    whole = (tmp_path / "m").read_bytes()
    for length in range(0, len(whole), 97):
        (tmp_path / "m").write_bytes(whole[:length])
        with pytest.raises(ModelError, match="cannot be opened as a model"):
            archive.read(tmp_path / "m")
    start = whole.index(b"NUMPY")
    (tmp_path / "m").write_bytes(whole[:start] + b"XXXXX" + whole[start + 5 :])
    with pytest.raises(ModelError, match="cannot be opened as a model"):
        archive.read(tmp_path / "m")


@pytest.mark.parametrize(
    "change",
    [
        lambda schema: ["no tree"],
        lambda schema: {"protocol": 2},
        lambda schema: {**schema, "protocol": 99},
        lambda schema: {**schema, "protocol": "x"},
        lambda schema: {**schema, "content": []},
        lambda schema: {key: value for key, value in schema.items() if key != "key_types"},
        lambda schema: {**words("a", 1), "protocol": 2},
    ],
)
def test_a_tree_that_makes_no_sense_is_a_model_error_of_one_line(tmp_path, change):
    archive.write({"model": Ridge().fit(X, Y)}, tmp_path / "m")
    with pytest.raises(ModelError, match=r"\A[^\n]+\Z"):
        archive.read(rewritten(tmp_path / "m", change))


def test_a_missing_file_and_a_folder_are_model_errors(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ModelError, match="cannot be opened as a model"):
            archive.read(path)


def test_another_version_of_scikit_learn_is_told(tmp_path):
    archive.write({"model": Ridge().fit(X, Y)}, tmp_path / "m")
    import sklearn

    text = json.dumps(sklearn.__version__).replace('"', '\\"')
    assert text in json.dumps(json.loads(zipfile.ZipFile(tmp_path / "m").read("schema.json")))
    rewritten(tmp_path / "m", lambda schema: json.loads(json.dumps(schema).replace(text, '\\"1.5.0\\"')))
    with pytest.raises(ModelError, match=r"saved by scikit-learn 1\.5\.0, this is .*install that version"):
        archive.read(tmp_path / "m")


def test_what_could_not_be_read_is_refused_when_it_is_written(tmp_path):
    odd = make_pipeline(FunctionTransformer(json.dumps), Ridge())
    with pytest.raises(ModelError, match=r"the model holds json\.dumps"):
        archive.write({"model": odd}, tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_the_listing_of_estimators_is_whole_again_after_the_import():
    from sklearn.utils import all_estimators

    archive._skops()
    assert len(all_estimators(type_filter="regressor")) > 30
