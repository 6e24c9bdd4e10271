"""What every network of the diffusion family promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch

from forecastle.errors import ConfigError
from forecastle.models.neural.csdi import CSDI
from forecastle.models.neural.denoising_diffusion import DenoisingDiffusion
from forecastle.models.neural.diffusion.path import PathDiffusion
from forecastle.models.neural.diffusion.sampler import SAMPLERS
from forecastle.models.neural.flow_matching import FlowMatching
from forecastle.models.neural.latent_diffusion import LatentDiffusion
from forecastle.models.neural.network import Batch
from forecastle.models.neural.sssd import SSSD

KINDS: dict[str, Callable[..., PathDiffusion]] = {
    "transformer": partial(DenoisingDiffusion, width=16),
    "convolutional": partial(DenoisingDiffusion, denoiser="convolutional", width=16),
    "perceptron": partial(DenoisingDiffusion, denoiser="perceptron", schedule="linear", width=16),
    "flow_matching": partial(FlowMatching, width=16),
    "csdi": partial(CSDI, width=16),
    "sssd": partial(SSSD, width=8),
    "latent_diffusion": partial(LatentDiffusion, width=16),
}
Make = Callable[..., Any]


def noise_for(network: PathDiffusion, count: int = 5, samples: int = 4, seed: int = 7) -> torch.Tensor:
    return torch.randn(count, samples, *network.noise_shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_an_untrained_network_is_the_random_walk(kind: str, build: Make, batch: Make) -> None:
    network = build(KINDS[kind])
    noise = noise_for(network)
    with torch.no_grad():
        paths = network.sample(batch(), noise)
    assert torch.equal(paths, noise[..., -network.horizon :])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_samples_have_the_shape_of_paths_and_follow_the_noise_alone(
    kind: str, sampler: str, build: Make, batch: Make
) -> None:
    network = build(KINDS[kind], stirred=True, sampler={"name": sampler, "steps": 3})
    noise = noise_for(network)
    with torch.no_grad():
        torch.manual_seed(1)
        paths = network.sample(batch(), noise)
        torch.manual_seed(2)
        again = network.sample(batch(), noise)
        other = network.sample(batch(), noise_for(network, seed=8))
    assert paths.shape == (5, 4, network.horizon)
    assert paths.dtype == torch.float32
    assert torch.isfinite(paths).all()
    assert torch.equal(paths, again)
    assert not torch.allclose(paths, other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_does_not_depend_on_its_company(kind: str, build: Make, batch: Make) -> None:
    network = build(KINDS[kind], stirred=True)
    noise = noise_for(network)
    whole = batch()
    alone = Batch(whole.features[2:3], whole.past[2:3], whole.symbol[2:3])
    with torch.no_grad():
        paths = network.sample(whole, noise)
        torch.testing.assert_close(network.sample(alone, noise[2:3])[0], paths[2], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(network.sample(whole, noise[:, 1:2])[:, 0], paths[:, 1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_never_see_the_target(kind: str, build: Make, batch: Make) -> None:
    network = build(KINDS[kind], stirred=True)
    noise = noise_for(network)
    whole = batch()
    with torch.no_grad():
        assert torch.equal(network.sample(whole, noise), network.sample(replace(whole, target=None), noise))


@pytest.mark.parametrize("kind", KINDS)
def test_samples_listen_to_features_past_and_symbol(kind: str, build: Make, batch: Make) -> None:
    network = build(KINDS[kind], stirred=True)
    noise = noise_for(network)
    whole = batch()
    with torch.no_grad():
        paths = network.sample(whole, noise)
        for changed in (
            replace(whole, features=whole.features + 1),
            replace(whole, past=2 * whole.past),
            replace(whole, symbol=(whole.symbol + 1) % 3),
        ):
            assert (network.sample(changed, noise) - paths).abs().amax(dim=(1, 2)).min() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_reaches_every_parameter(kind: str, build: Make, batch: Make) -> None:
    network = build(KINDS[kind], stirred=True).train()
    loss = network.loss(batch(64))
    assert loss.shape == ()
    loss.backward()
    untouched = [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert untouched == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_follows_the_global_generator_alone(kind: str, build: Make, batch: Make) -> None:
    network = build(KINDS[kind], stirred=True)
    losses = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        losses.append(network.loss(batch()).item())
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize("kind", KINDS)
def test_mixed_precision_gives_nearly_the_same(kind: str, build: Make, batch: Make) -> None:
    network = build(KINDS[kind], stirred=True)
    noise = noise_for(network)
    with torch.no_grad():
        exact = network.sample(batch(), noise)
        with torch.autocast("cpu", torch.bfloat16):
            rough = network.sample(batch(), noise)
            loss = network.loss(batch())
    assert rough.dtype == torch.float32
    assert torch.isfinite(loss)
    assert (rough - exact).abs().mean() < 0.05 * exact.abs().mean()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("horizon", [1, 30])
def test_any_horizon_will_do(kind: str, horizon: int, build: Make, batch: Make) -> None:
    network = build(KINDS[kind], stirred=True, horizon=horizon)
    with torch.no_grad():
        assert network.sample(batch(), noise_for(network)).shape == (5, 4, horizon)
        assert torch.isfinite(network.loss(replace(batch(), target=torch.randn(5, horizon))))


@pytest.mark.parametrize("kind", KINDS)
def test_one_jump_does_not_rule_the_loss(kind: str, build: Make, batch: Make) -> None:
    network = build(KINDS[kind])
    wild = batch()
    wild.answers()[0, 0] = 1000.0
    torch.manual_seed(0)
    assert network.loss(wild) < 10


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_volatility_that_the_window_shows(kind: str, build: Make, batch: Make) -> None:
    network = build(KINDS[kind]).train()
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)

    def market(seed: int) -> tuple[Batch, torch.Tensor]:
        whole = batch(64, seed)
        wide = torch.where(whole.features[:, -1, 0] > 0, 1.6, 0.5)
        return replace(whole, target=whole.answers() * wide.unsqueeze(1)), wide

    for step in range(100):
        loss = network.loss(market(step)[0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    whole, wide = market(1000)
    with torch.no_grad():
        found = network.sample(whole, noise_for(network, 64, 50)).std(dim=(1, 2))
    assert found[wide > 1].mean() > 1.5 * found[wide < 1].mean()


@pytest.mark.parametrize("kind", ["transformer", "flow_matching", "csdi", "latent_diffusion"])
def test_a_width_without_whole_heads_is_told(kind: str, build: Make) -> None:
    with pytest.raises(ConfigError, match="multiple of 16, got 20"):
        build(KINDS[kind], width=20)
