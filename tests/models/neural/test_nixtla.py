"""Architectures of neuralforecast."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from neuralforecast.losses.pytorch import MQLoss
from neuralforecast.models import NHITS

from forecastle.errors import ConfigError
from forecastle.models.grid import FITTED
from forecastle.models.neural.network import Batch
from forecastle.models.neural.nixtla import NixtlaNetwork
from forecastle.windows.context import Windows

SHAPE = {"features": 4, "context_length": 8, "horizon": 3, "symbols": 1}
SMALL = {"mlp_units": [[8, 8]] * 3}


def batch(seed: int = 0, count: int = 5) -> Batch:
    torch.manual_seed(seed)
    past = torch.randn(count, 8).cumsum(1)
    return Batch(torch.randn(count, 8, 4), past - past[:, -1:], torch.zeros(count, dtype=torch.int64))


def test_it_begins_at_the_random_walk():
    levels = torch.tensor([0.01, 0.1, 0.33, 0.5, 0.9], dtype=torch.float64)
    values = NixtlaNetwork(**SHAPE, settings=SMALL).quantiles(batch(), levels)
    np.testing.assert_allclose(values.detach(), torch.special.ndtri(levels).expand(5, 3, 5), rtol=1e-5, atol=1e-6)


def test_the_answer_is_that_of_neuralforecasts_own_model_with_the_same_weights():
    torch.manual_seed(7)
    network = NixtlaNetwork(**SHAPE, settings=SMALL)
    torch.nn.init.normal_(network.gain)
    columns = [f"f{place}" for place in range(4)]
    reference = NHITS(h=3, input_size=8, loss=MQLoss(quantiles=list(FITTED)), hist_exog_list=columns, **SMALL)
    reference.load_state_dict(network.inner.state_dict())
    shown = batch()
    windows = {
        "insample_y": (shown.past / 8**0.5)[:, :, None],
        "insample_mask": torch.ones(5, 8, 1),
        "hist_exog": shown.features,
        "futr_exog": None,
        "stat_exog": None,
    }
    expected = torch.special.ndtri(torch.tensor(FITTED)) + network.gain * reference(windows)
    torch.testing.assert_close(network.fitted(shown), expected)
    filled = network.quantiles(shown, torch.tensor(FITTED, dtype=torch.float64))
    torch.testing.assert_close(filled, expected.sort(dim=2).values, check_dtype=False, rtol=1e-5, atol=1e-6)


def test_the_loss_is_the_mean_pinball_loss_of_the_learnt_levels():
    network = NixtlaNetwork(**SHAPE, settings=SMALL)
    shown = batch()
    target = torch.randn(5, 3)
    told = network.loss(Batch(shown.features, shown.past, shown.symbol, target)).item()
    answer = network.fitted(shown)[:, :, None]
    reference = MQLoss(quantiles=list(FITTED))(y=target[:, :, None], y_hat=answer, y_insample=None)
    assert len(FITTED) * told == pytest.approx(reference.item(), rel=1e-5)  # theirs adds the levels up


@pytest.mark.parametrize("model", ["MLP", "NBEATSx", "TCN", "TiDE", "DLinear", "PatchTST"])
def test_other_architectures_answer_by_their_names(model: str):
    network = NixtlaNetwork(**SHAPE, model=model).eval()
    torch.nn.init.ones_(network.gain)
    values = network.quantiles(batch(), torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64))
    assert values.shape == (5, 3, 3)
    assert torch.all(values.diff(dim=2) >= 0)
    assert torch.isfinite(values).all()


def test_building_one_leaves_the_global_generators_alone():
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 (the global generator is what this is about)
    torch.manual_seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    NixtlaNetwork(**SHAPE, settings=SMALL)
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    assert before == after


def test_first_weights_come_from_the_seed():
    first, again, other = (
        [torch.manual_seed(seed), NixtlaNetwork(**SHAPE, settings=SMALL)][1].inner.state_dict() for seed in (1, 1, 2)
    )
    names = [name for name in first if name.endswith("weight")]
    assert all(torch.equal(first[name], again[name]) for name in names)
    assert any(not torch.equal(first[name], other[name]) for name in names)


def test_it_learns_a_planted_signal(parts: tuple[Windows, Windows, Windows], new: Callable[..., Any]):
    train, validation, test = parts
    model = new(partial(NixtlaNetwork, settings={"mlp_units": [[16, 16]] * 3}), epochs=15).fit(train, validation)
    middle = model.predict(test.context).values[:, 0, 2]
    assert np.corrcoef(middle, test.target[:, 0])[0, 1] > 0.4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "NHIST"}, "got 'NHIST'; did you mean 'NHITS'"),
        ({"model": "StemGNN"}, "must forecast one series, all steps at once, which StemGNN does not"),
        ({"settings": {"h": 3}}, "settings of NHITS may not hold h, which comes from the data"),
        ({"settings": {"mlp_unit": [[8, 8]]}}, "unknown argument 'mlp_unit'; did you mean 'mlp_units'"),
        ({"settings": {"activation": "Relu"}}, "NHITS of neuralforecast refuses its settings"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        NixtlaNetwork(**SHAPE, **settings)
