"""Samplers against closed forms: for normal data the best forecast of the velocity is known.

For data N(m, s²) the variance at angle φ is w = cos² s² + sin², the regression of v on x has the slope
cos sin (1 − s²) / w, and the probability flow takes noise z to m + s z exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from forecastle.errors import ConfigError
from forecastle.models.neural.diffusion.sampler import SAMPLERS, Sampler, make_sampler
from forecastle.models.neural.diffusion.schedule import SCHEDULES, cosine, straight

NOISE = torch.linspace(-3, 3, 7, dtype=torch.float64)


def best(mean: float, deviation: float) -> Callable[[Tensor, float], Tensor]:
    """The best forecast of the velocity for normal data."""

    def velocity(noisy: Tensor, angle: float) -> Tensor:
        cos, sin = math.cos(angle), math.sin(angle)
        slope = cos * sin * (1 - deviation**2) / (cos**2 * deviation**2 + sin**2)
        return -sin * mean + slope * (noisy - cos * mean)

    return velocity


def law(name: str, steps: int, mean: float, deviation: float) -> tuple[float, float]:
    """Mean and deviation of what a sampler makes of normal data: it is linear in the noise."""
    sampler = Sampler(cosine, name, steps)
    shape = sampler.noise_shape(1)
    count = int(np.prod(shape))
    units = torch.cat([torch.zeros(1, count), torch.eye(count)]).double().reshape(count + 1, *shape)
    values = sampler.run(best(mean, deviation), units).squeeze(1)
    return values[0].item(), (values[1:] - values[0]).norm().item()


def error(name: str, steps: int, start: float = 1.3, stop: float = 0.2) -> float:
    """Largest error against the exact flow between two angles, for data N(.5, .3²)."""
    mean, deviation = 0.5, 0.3
    width = [math.hypot(deviation * math.cos(angle), math.sin(angle)) for angle in (start, stop)]
    exact = math.cos(stop) * mean + width[1] / width[0] * (NOISE - math.cos(start) * mean)
    found = SAMPLERS[name](best(mean, deviation), NOISE, np.linspace(start, stop, steps + 1).tolist())
    return (found - exact).abs().max().item()


@pytest.mark.parametrize("name", ["euler", "ddim", "dpm_solver"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_deterministic_samplers_end_where_the_probability_flow_ends(name: str, schedule: str) -> None:
    found = Sampler(SCHEDULES[schedule], name, 2000).run(best(0.5, 0.3), NOISE)
    # the linear schedule begins at an angle of 1.564, where data are still seen by .007
    torch.testing.assert_close(found, 0.5 + 0.3 * NOISE, rtol=0, atol=0.01 if schedule == "linear" else 0.003)


@pytest.mark.parametrize(("name", "order"), [("euler", 1), ("ddim", 1), ("dpm_solver", 2)])
def test_errors_fall_with_the_order_of_the_sampler(name: str, order: int) -> None:
    errors = [error(name, steps) for steps in (200, 400, 800)]
    found = np.diff(-np.log2(errors))
    np.testing.assert_allclose(found, order, atol=0.12)


def test_dpm_solver_needs_fewer_steps_than_ddim() -> None:
    assert error("dpm_solver", 20) < 0.1 * error("ddim", 40)


def test_ancestral_sampling_tends_to_the_law_of_the_data() -> None:
    away = [abs(law("ancestral", steps, 0.5, 0.3)[1] - 0.3) for steps in (50, 100, 200)]
    assert law("ancestral", 200, 0.5, 0.3)[0] == pytest.approx(0.5, abs=0.005)
    assert away[2] < 0.01
    np.testing.assert_allclose(np.diff(-np.log2(away)), 1, atol=0.35)


@pytest.mark.parametrize("steps", [1, 5, 50])
def test_ancestral_sampling_keeps_a_standard_normal_at_any_number_of_steps(steps: int) -> None:
    mean, deviation = law("ancestral", steps, 0.0, 1.0)
    assert (mean, deviation) == (0.0, pytest.approx(1.0, abs=1e-12))


@pytest.mark.parametrize("steps", [1, 5, 50])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_euler_gives_the_noise_back_where_the_velocity_is_zero(steps: int, schedule: str) -> None:
    found = Sampler(SCHEDULES[schedule], "euler", steps).run(lambda noisy, angle: torch.zeros_like(noisy), NOISE)
    assert torch.equal(found, NOISE)


def test_ddim_narrows_a_standard_normal_by_the_cosines_of_its_steps() -> None:
    assert law("ddim", 10, 0.0, 1.0)[1] == pytest.approx(math.cos(math.pi / 20) ** 10, abs=1e-12)


@pytest.mark.parametrize("name", ["ddim", "dpm_solver", "ancestral"])
def test_a_single_step_from_pure_noise_gives_the_forecast_of_the_data(name: str) -> None:
    sampler = Sampler(cosine, name, 1)
    noise = torch.zeros(sampler.noise_shape(3), dtype=torch.float64)
    found = sampler.run(lambda noisy, angle: torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64), noise)
    torch.testing.assert_close(found, -torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))


def test_dpm_solver_follows_its_paper_step_by_step() -> None:
    steps, velocity = 6, best(0.5, 0.3)
    angles = [math.pi / 2 * (1 - i / steps) for i in range(steps + 1)]
    alpha, sigma = np.cos(angles), np.sin(angles)
    with np.errstate(divide="ignore"):
        ratio = np.log(alpha / np.where(sigma > 0, sigma, 0))
    x, clean = 1.3, []
    for i in range(1, steps):
        clean.append(alpha[i - 1] * x - sigma[i - 1] * velocity(torch.tensor(x), angles[i - 1]).item())
        h = ratio[i] - ratio[i - 1]
        r = (ratio[i - 1] - ratio[i - 2]) / h if i > 1 else math.inf
        estimate = clean[-1] if i == 1 else (1 + 1 / (2 * r)) * clean[-1] - clean[-2] / (2 * r)
        x = sigma[i] / sigma[i - 1] * x - alpha[i] * (math.exp(-h) - 1) * estimate
    last = alpha[steps - 1] * x - sigma[steps - 1] * velocity(torch.tensor(x), angles[steps - 1]).item()
    found = Sampler(cosine, "dpm_solver", steps).run(velocity, torch.tensor([1.3], dtype=torch.float64))
    assert found.item() == pytest.approx(last, rel=1e-6)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_network_is_asked_once_a_step_at_falling_angles(name: str) -> None:
    asked: list[float] = []

    def velocity(noisy: Tensor, angle: float) -> Tensor:
        asked.append(angle)
        return torch.zeros_like(noisy)

    sampler = Sampler(straight, name, 7)
    sampler.run(velocity, torch.zeros(2, *sampler.noise_shape(3)))
    assert asked == sampler.angles[:-1]
    assert len(asked) == 7
    assert asked == sorted(asked, reverse=True)


def test_ancestral_sampling_uses_every_noise_once() -> None:
    sampler = Sampler(cosine, "ancestral", 4)
    noise = torch.randn(sampler.noise_shape(2), requires_grad=True)
    sampler.run(best(0.0, 0.5), noise).sum().backward()
    assert noise.grad is not None
    assert sampler.noise_shape(2) == (5, 2)
    assert (noise.grad[1:] != 0).all()


def test_the_same_noise_gives_the_same_numbers_in_any_company() -> None:
    for name in SAMPLERS:
        sampler = make_sampler(cosine, {"name": name, "steps": 5})
        noise = torch.randn(6, *sampler.noise_shape(3), generator=torch.Generator().manual_seed(1))
        assert torch.equal(sampler.run(best(0.1, 0.5), noise)[2:3], sampler.run(best(0.1, 0.5), noise[2:3]))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"name": "dimm"}, "'dimm'"),
        ({"steps": 0}, "at least 1, got 0"),
        ({"step": 5}, "name and steps, got 'step'"),
    ],
)
def test_a_setting_that_cannot_be_is_told(settings: dict[str, str | int], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make_sampler(cosine, settings)


def test_the_grid_is_even_in_time() -> None:
    angles: Sequence[float] = Sampler(cosine, "euler", 4).angles
    np.testing.assert_allclose(angles, np.linspace(math.pi / 2, 0, 5), atol=1e-15)
