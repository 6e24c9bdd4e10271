"""LightningForecaster: its scale, its noise, its files, and what it refuses."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from forecastle.errors import ConfigError, ModelError
from forecastle.models.baseline import RandomWalk
from forecastle.models.forecast import QuantileForecast, SampleForecast
from forecastle.models.neural.deepar import DeepAR
from forecastle.models.neural.examples import Batches, Examples
from forecastle.models.neural.forecaster import SETTINGS, WEIGHTS, LightningForecaster
from forecastle.models.neural.lstm import LSTM
from forecastle.models.neural.network import PathNetwork, channels
from forecastle.models.neural.sampling import draw, noise
from forecastle.models.neural.scale import Scale
from forecastle.windows.target import Direction, Volatility


def still(network: Any, new: Any, parts: Any, **settings: Any) -> LightningForecaster:
    """A forecaster that learns nothing: its learning rate is zero."""
    return new(network, epochs=1, optimizer=partial(torch.optim.SGD, lr=0.0), **settings).fit(*parts[:2])


def gaussian(name: str) -> Any:
    """The factory of a network, with a Gaussian law."""
    from forecastle.config.compose import compose
    from forecastle.config.target import build

    return partial(build(compose([f"model={name}"]).model["network"]), law="gaussian")


@pytest.mark.parametrize("name", ["nlinear", "dlinear", "patch_tst", "lstm"])
def test_an_untrained_network_of_marginals_is_the_random_walk(new, parts, name) -> None:
    context = parts[2].context
    found = still(gaussian(name), new, parts).predict(context)
    assert isinstance(found, QuantileForecast)
    np.testing.assert_allclose(found.values, RandomWalk().predict(context).values, rtol=2e-6, atol=1e-9)


def test_an_untrained_network_of_paths_walks_at_random(new, parts) -> None:
    context = parts[2].context
    found = still(gaussian("deepar"), new, parts, num_samples=400).predict(context)
    assert isinstance(found, SampleForecast)
    moves = np.diff(found.values, axis=2, prepend=0) / context.scale[:, None, None]
    assert abs(moves.mean()) < 0.01
    assert abs(moves.std() - 1) < 0.01
    assert np.abs(np.corrcoef(moves.reshape(-1, moves.shape[2]).T) - np.eye(moves.shape[2])).max() < 0.02


def test_a_planted_signal_is_found_by_every_network(new, make, network) -> None:
    windows = make(1500, signal=1.5)
    train, validation, test = windows[:900], windows[910:1150], windows[1160:]
    model = new(network, epochs=25, optimizer=partial(torch.optim.AdamW, lr=0.02), num_samples=100)
    found = model.fit(train, validation).predict(test.context)
    if isinstance(found, SampleForecast):
        found = found.quantiles(test.context.task.quantile_levels)
    walk = RandomWalk().predict(test.context)

    def loss(values: np.ndarray) -> float:
        levels = np.array(found.levels)
        error = test.target[:, :1, None] - values[:, :1]
        return float(np.maximum(levels * error, (levels - 1) * error).mean())

    assert loss(found.values) < 0.7 * loss(walk.values)


def test_volatility_is_forecast_above_zero_and_near_its_mean(new, make, network) -> None:
    windows = make(500, target=Volatility())
    train, validation, test = windows[:300], windows[310:390], windows[400:]
    found = still(network, new, (train, validation, test), num_samples=200).predict(test.context)
    values = found.values if isinstance(found, QuantileForecast) else found.values.transpose(0, 2, 1)
    assert values.min() >= 0
    ratio = np.median(values, axis=2) / train.context.task.target.spread(test.context.scale, 3)
    wanted = (train.target / train.context.task.target.spread(train.context.scale, 3)).mean(axis=0)
    np.testing.assert_allclose(ratio.mean(axis=0), wanted, rtol=0.05)


@pytest.mark.parametrize("paths", [True, False])
@pytest.mark.parametrize("chosen", [(), (1, 5, 24)])
def test_the_scale_goes_there_and_back(make, paths, chosen) -> None:
    for target in (None, Volatility()):
        windows = make(600, target=target, horizon=24 if chosen else 3, chosen=chosen)
        task, context = windows.context.task, windows.context
        scale = Scale.from_json(json.loads(json.dumps(Scale.of(windows, paths=paths).to_json())))
        seen = scale.shrink(windows)
        assert seen.dtype == np.float32
        assert abs(seen.std() - 1) < 0.1
        back = scale.paths(seen[:, None], task, context.scale)[:, 0]
        if not scale.steps:
            np.testing.assert_allclose(scale.quantiles(seen[:, :, None], task, context.scale)[:, :, 0], back, rtol=1e-6)
        np.testing.assert_allclose(back, windows.target, rtol=1e-4, atol=1e-7)


def test_a_batch_holds_what_the_windows_show(parts) -> None:
    windows = parts[0]
    context = windows.context
    rows = [5, 250, 17]
    batch = Examples(context, {"A": 0}, windows.target.astype(np.float32)).__getitems__(rows)
    np.testing.assert_array_equal(batch.features, context.features[rows])
    past = context.past[rows][:, -context.context_length :]
    np.testing.assert_allclose(batch.past, (past - past[:, -1:]) / context.scale[rows, None], rtol=1e-6)
    np.testing.assert_array_equal(batch.answers(), windows.target[rows].astype(np.float32))
    shown = channels(batch)
    assert shown.shape == (3, 8, 4 + 3)
    assert shown.abs().max() < 6


def test_batches_are_all_windows_once_shuffled_by_seed_and_epoch() -> None:
    epoch = [0]
    batches = Batches(10, 4, seed=3, epoch=lambda: epoch[0])
    first, again = list(batches), list(batches)
    epoch[0] = 1
    second = list(batches)
    assert first == again != second
    assert len(batches) == 3 == len(first)
    for found in (first, second):
        assert sorted(index for batch in found for index in batch) == list(range(10))
    assert list(Batches(5, 2)) == [[0, 1], [2, 3], [4]]


def test_processes_share_the_batches_that_one_process_would_see() -> None:
    whole = list(Batches(16, 8, seed=1))
    shares = [list(Batches(16, 8, seed=1, share=lambda rank=rank: (rank, 2))) for rank in range(2)]
    assert [sorted(a + b) for a, b in zip(*shares, strict=True)] == [sorted(batch) for batch in whole]


def test_the_noise_of_a_window_and_a_sample_is_its_own(parts) -> None:
    context = parts[2].context
    whole = noise(context, 20, (3, 2), seed=1)
    np.testing.assert_array_equal(noise(context[np.array([30, 4])], 20, (3, 2), seed=1), whole[[30, 4]])
    np.testing.assert_array_equal(noise(context, 5, (3, 2), seed=1), whole[:, :5])
    assert not np.array_equal(noise(context, 20, (3, 2), seed=2), whole)
    assert len(np.unique(whole)) > 0.99 * whole.size
    assert abs(whole.mean()) < 0.02
    assert abs(whole.std() - 1) < 0.02


def test_the_samples_do_not_depend_on_the_chunks(new, parts) -> None:
    context = parts[2].context
    made = new("deepar").fit(*parts[:2])
    whole = made.predict(context).values
    for memory in (1.0, 2.3, 1000.0):
        made.memory = memory
        np.testing.assert_allclose(made.predict(context).values, whole, rtol=1e-5, atol=1e-7)


class Hungry(PathNetwork):
    """Runs out of memory when it is asked for more than a few windows at once."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.horizon = most, 3
        self.asked: list[int] = []

    def loss(self, batch: Any) -> Any:
        raise NotImplementedError

    def sample(self, batch: Any, noise: torch.Tensor) -> torch.Tensor:
        self.asked.append(len(batch))
        if len(batch) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return noise + batch.past[:, :1, None]


def test_out_of_memory_halves_the_chunk_and_goes_on_with_a_line(parts, caplog) -> None:
    caplog.set_level(logging.WARNING, "forecastle")
    examples = Examples(parts[2].context[:50], {"A": 0})
    cpu = torch.device("cpu")
    easy = draw(Hungry(1000), examples, 10, 0, 256.0, cpu)
    hungry = Hungry(9)
    memory = 40 * 4 * 10 * (64 * 3 + 2 * 3) / 1e6
    np.testing.assert_array_equal(draw(hungry, examples, 10, 0, memory, cpu), easy)
    assert hungry.asked[:4] == [40, 20, 10, 5]
    assert sum(hungry.asked[3:]) == 50
    assert "out of memory in sampling: going on with chunks of 20 windows" in caplog.text
    with pytest.raises(ModelError, match="10 samples of one window do not fit into memory"):
        draw(Hungry(0), examples, 10, 0, 256.0, cpu)


def test_another_error_of_a_network_is_not_taken_for_a_lack_of_memory(parts) -> None:
    class Broken(Hungry):
        def sample(self, batch: Any, noise: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        draw(Broken(9), Examples(parts[2].context, {"A": 0}), 10, 0, 256.0, torch.device("cpu"))


@pytest.fixture
def saved(new, parts, tmp_path) -> Any:
    made = new("lstm", epochs=1).fit(*parts[:2])
    made.save(tmp_path)
    return tmp_path


def test_a_truncated_file_of_weights_is_told_in_one_line(saved) -> None:
    content = (saved / WEIGHTS).read_bytes()
    (saved / WEIGHTS).write_bytes(content[: len(content) // 2])
    with pytest.raises(
        ModelError, match=r"^.*weights\.pt cannot be opened as weights, it is missing or damaged: [^\n]*$"
    ):
        LightningForecaster.load(saved)


def test_weights_of_another_architecture_are_told_in_one_line(saved) -> None:
    state = json.loads((saved / SETTINGS).read_text())
    state["network"]["settings"]["width"] = 16
    (saved / SETTINGS).write_text(json.dumps(state))
    with pytest.raises(ModelError, match=r"another architecture than this LSTM: reader.weight_ih_l0 is .*, wanted "):
        LightningForecaster.load(saved)
    state["network"]["class"] = "forecastle.models.neural.nlinear.NLinear"
    state["network"]["settings"] = {}
    (saved / SETTINGS).write_text(json.dumps(state))
    with pytest.raises(ModelError, match=r"another architecture than this NLinear: only "):
        LightningForecaster.load(saved)


@pytest.mark.parametrize(
    "name", ["os.system", "antigravity.Network", "forecastle.models.neural.lstm.nn", "builtins.int"]
)
def test_a_file_cannot_name_what_is_built(saved, name) -> None:
    state = json.loads((saved / SETTINGS).read_text())
    state["network"]["class"] = name
    (saved / SETTINGS).write_text(json.dumps(state))
    with pytest.raises(ModelError, match="is no network that is known here"):
        LightningForecaster.load(saved)


def test_a_pickle_in_the_place_of_weights_is_not_opened(saved) -> None:
    import pickle

    class Attack:
        def __reduce__(self) -> Any:
            return print, ("code was run",)

    (saved / WEIGHTS).write_bytes(pickle.dumps(Attack()))
    with pytest.raises(ModelError, match="cannot be opened as weights"):
        LightningForecaster.load(saved)


def test_what_was_loaded_cannot_be_trained_further(saved, parts) -> None:
    with pytest.raises(ModelError, match="a saved LSTM cannot be trained further"):
        LightningForecaster.load(saved).fit(*parts[:2])


def test_a_batch_that_is_larger_than_the_training_part_is_refused(new, parts) -> None:
    with pytest.raises(ModelError, match="batch_size must be at most the number of training windows, 300, got 512"):
        new(batch_size=512).fit(*parts[:2])


def test_classes_are_refused_with_a_way_out(new, make) -> None:
    windows = make(300, target=Direction())
    with pytest.raises(
        ModelError, match=r"LSTM forecasts a number, but direction has the classes .*: choose a classifier"
    ):
        new().fit(windows[:200], windows[210:])


def test_another_shape_than_in_training_is_refused(new, parts, make) -> None:
    made = new(epochs=1)
    with pytest.raises(ModelError, match="LSTM must be fitted before it predicts"):
        made.predict(parts[2].context)
    made.fit(*parts[:2])
    with pytest.raises(ModelError, match="LSTM was fitted with horizon 3, got 5"):
        made.predict(make(300, horizon=5).context)


def test_without_validation_windows_the_latest_training_windows_are_watched(new, parts) -> None:
    made = new(epochs=2).fit(parts[0])
    assert len(made.curves["validation/crps"]) == 2


def test_a_network_that_is_none_and_settings_that_cannot_be_are_refused(new, parts) -> None:
    with pytest.raises(ConfigError, match="batch_size must be at least 1, got 0"):
        new(batch_size=0)
    with pytest.raises(ConfigError, match="network must be a MarginalNetwork or a PathNetwork, got Linear"):
        new(lambda **shape: torch.nn.Linear(1, 1)).fit(*parts[:2])
    with pytest.raises(ConfigError, match=r"patch must be at least 2 and at most context_length 8, got 99"):
        new(partial(gaussian("patch_tst"), patch=99)).fit(*parts[:2])


def test_the_seed_changes_the_weights_and_nothing_else_does(new, parts) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    one = new(partial(LSTM), epochs=1, seed=1).fit(*parts[:2])
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    same = new(partial(LSTM), epochs=1, seed=1).fit(*parts[:2])
    other = new(partial(LSTM), epochs=1, seed=2).fit(*parts[:2])
    assert one.curves == same.curves != other.curves


def test_samples_of_deepar_follow_the_law_that_it_was_trained_by() -> None:
    network = DeepAR(features=2, context_length=6, horizon=2, symbols=3, law="gaussian").eval()
    torch.manual_seed(0)
    with torch.no_grad():
        network.head.weight.normal_(std=0.3)
    from forecastle.models.neural.network import Batch

    batch = Batch(torch.randn(1, 6, 2), torch.randn(1, 6).cumsum(1), torch.tensor([2]))
    with torch.inference_mode():
        drawn = network.sample(batch, torch.randn(1, 20_000, 2))[0]
        wide = Batch(
            batch.features.expand(20_000, -1, -1), batch.past.expand(20_000, -1), batch.symbol.expand(20_000), drawn
        )
        entropy = network.loss(wide)
        grid = torch.linspace(-12, 12, 241)
        paths = torch.cartesian_prod(grid, grid)
        each = Batch(
            batch.features.expand(len(paths), -1, -1),
            batch.past.expand(len(paths), -1),
            batch.symbol.expand(len(paths)),
        )
        state, first = network._encode(each)
        told = torch.cat([first, paths[:, :1]], dim=1)
        from forecastle.models.neural.deepar import _seen

        hidden, _ = network.decoder(_seen(told), state)
        density = torch.exp(-network.law.loss(network.head(network.norm(hidden)) + network.step, paths).sum(1))
    cell = 0.1**2
    assert abs(float(density.sum() * cell) - 1) < 1e-3
    mean = (density[:, None] * paths).sum(0) * cell
    torch.testing.assert_close(drawn.mean(0), mean, atol=0.05, rtol=0)
    theory = -(density * torch.log(density.clamp_min(1e-30))).sum() * cell / 2
    assert abs(float(entropy - theory)) < 0.02
