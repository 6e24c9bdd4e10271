"""The autoencoder of rows: beside principal components, its bits, and what it refuses."""

from __future__ import annotations

import base64
import io
import json
import pickle
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from forecastle.errors import ConfigError, ModelError
from forecastle.models.neural.autoencoder import Autoencoder
from forecastle.runs.execution import limited_threads


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with limited_threads(1):
        yield


def make_values(rows: int = 600, bent: float = 1.0) -> np.ndarray:
    """Six features of two hidden numbers, bent, in units that lie far apart; the last one is constant."""
    random = np.random.default_rng(0)
    one, two = random.uniform(-2, 2, size=(2, rows))
    columns = [one, two, one + two, bent * one**2, bent * np.sin(2 * two), bent * one * two]
    values = np.stack(columns, axis=1) + 0.02 * random.normal(size=(rows, 6))
    return np.column_stack([values * [1, 1e-4, 1, 1e5, 1, 1] + [0, 1, 0, 1e6, 0, 0], np.full(rows, 3.0)])


def lost(values: np.ndarray, drawn: np.ndarray) -> float:
    return float(np.mean((values - drawn)[:, :6] ** 2 / values[:, :6].var(axis=0)))


def lost_by_pca(values: np.ndarray, code: int) -> float:
    scaled = (values[:, :6] - values[:, :6].mean(axis=0)) / values[:, :6].std(axis=0)
    model = PCA(code, svd_solver="full").fit(scaled)
    return float(np.mean((scaled - model.inverse_transform(model.transform(scaled))) ** 2))


def test_it_keeps_of_bent_features_far_more_than_principal_components_on_rows_it_never_saw_too() -> None:
    values = make_values(1200)
    seen, unseen = values[:600], values[600:]
    model = Autoencoder(code=2, width=32, epochs=60, batch_size=32).fit(seen)
    linear = lost_by_pca(seen, 2)
    assert lost(seen, model.decode(model.encode(seen))) < linear / 5
    assert lost(unseen, model.decode(model.encode(unseen))) < linear / 5


def test_it_begins_at_the_principal_components() -> None:
    values = make_values(bent=0.0)
    still = Autoencoder(code=2, epochs=1, learning_rate=1e-12).fit(values)
    codes = still.encode(values)
    assert lost(values, still.decode(codes)) == pytest.approx(lost_by_pca(values, 2), rel=1e-4)
    np.testing.assert_allclose(np.cov(codes.T, bias=True), np.eye(2), atol=1e-4)


def test_a_feature_that_is_constant_in_training_says_nothing_later() -> None:
    values = make_values()
    model = Autoencoder(code=2, epochs=1).fit(values)
    other = values.copy()
    other[:, 6] = 1e9
    assert model.encode(other).tobytes() == model.encode(values).tobytes()
    assert (model.decode(model.encode(other))[:, 6] == 3.0).all()


def test_the_seed_decides_every_bit_and_nothing_else_does() -> None:
    values = make_values(300)
    texts = []
    for seed, outside in ((1, 5), (1, 6), (2, 5)):
        torch.manual_seed(outside)
        before = torch.get_rng_state()
        texts.append(json.dumps(Autoencoder(code=2, epochs=2, seed=seed).fit(values).state()))
        assert torch.equal(torch.get_rng_state(), before)
    assert texts[0] == texts[1] != texts[2]


def test_a_row_is_encoded_by_itself_and_a_nan_stays_in_its_row() -> None:
    values = make_values(300)
    model = Autoencoder(code=2, epochs=2).fit(values)
    whole = model.encode(values)
    np.testing.assert_allclose(model.encode(values[7:9]), whole[7:9], rtol=1e-12)
    holes = values.copy()
    holes[3, 0] = np.nan
    again = model.encode(holes)
    assert np.isnan(again[3]).all()
    np.testing.assert_array_equal(np.delete(again, 3, axis=0), np.delete(whole, 3, axis=0))


def test_what_is_kept_comes_back_bit_for_bit_and_runs_no_code() -> None:
    values = make_values(300)
    model = Autoencoder(code=2, epochs=2).fit(values)
    state = json.loads(json.dumps(model.state()))
    copy = Autoencoder(code=2).restore(state)
    assert copy.encode(values).tobytes() == model.encode(values).tobytes()
    assert copy.state() == model.state()
    foreign = {**state, "weights": base64.b64encode(pickle.dumps({"x": print})).decode()}
    with pytest.raises(ModelError, match="the kept autoencoder cannot be opened as weights"):
        Autoencoder(code=2).restore(foreign)
    buffer = io.BytesIO()
    torch.save([1], buffer)
    with pytest.raises(ModelError, match="must hold a mapping of tensors, got list"):
        Autoencoder(code=2).restore({**state, "weights": base64.b64encode(buffer.getvalue()).decode()})
    with pytest.raises(
        ModelError, match=r"another architecture than this Layers: \S+ is \(2, \d+\), wanted \(3, \d+\)"
    ):
        Autoencoder(code=3).restore(state)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="epochs must be at least 1, got 0"):
        Autoencoder(epochs=0)
    with pytest.raises(ConfigError, match="learning_rate must be a positive number, got 0"):
        Autoencoder(learning_rate=0)
    with pytest.raises(ModelError, match="diverged: choose a learning_rate below 1e\\+30"):
        Autoencoder(code=2, epochs=2, learning_rate=1e30).fit(make_values(300))
    with pytest.raises(ModelError, match="must be fitted or restored first"):
        Autoencoder().encode(make_values(3))
