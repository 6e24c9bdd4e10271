"""Samplers against diffusers' schedulers, step by step, with one network on one schedule.

The noise levels of a scheduler are made ours through its betas, so that each of its training steps is one of ours. Its
arithmetic is in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from forecastle.models.neural.denoising_diffusion import DenoisingDiffusion
from forecastle.models.neural.diffusion.sampler import SAMPLERS, Sampler, Velocity
from forecastle.models.neural.diffusion.schedule import SCHEDULES, make_schedule

diffusers = pytest.importorskip("diffusers", reason="the extra `test` has it")

SHAPE = (5, 4, 7)
"""Windows, samples, steps of the series."""


@pytest.fixture
def velocity(build: Callable[..., Any], batch: Callable[..., Any]) -> Iterator[Velocity]:
    """A network's forecast of the velocity, given a batch of windows."""
    network = build(DenoisingDiffusion, stirred=True, width=16)
    with torch.inference_mode():
        condition = network.encoder(batch())
        yield lambda noisy, angle: network.denoiser(noisy, noisy.new_full((1, 1, 1), angle), condition)


def normal(count: int, seed: int = 3) -> Tensor:
    """Noise as diffusers draws it, one tensor after the other, shape (windows, samples, count, steps)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randn(SHAPE, generator=generator) for _ in range(count)], dim=-2)


def ours(name: str, velocity: Velocity, noise: Tensor, angles: Sequence[float]) -> list[Tensor]:
    """What our sampler has after each of its steps."""
    asked: list[Tensor] = []

    def watched(noisy: Tensor, angle: float) -> Tensor:
        asked.append(noisy)
        return velocity(noisy, angle)

    last = SAMPLERS[name](watched, noise, angles)
    return [*asked[1:], last]


def theirs(scheduler: Any, velocity: Velocity, noise: Tensor, angles: Sequence[float], **settings: Any) -> list[Tensor]:
    """What diffusers' scheduler has after each of its steps."""
    x, found = noise, []
    for time, angle in zip(scheduler.timesteps, angles[:-1], strict=True):
        x = scheduler.step(velocity(x, angle), time, x, **settings).prev_sample
        found.append(x)
    return found


def scheduled(kind: str, angles: Sequence[float], **settings: Any) -> Any:
    """A scheduler whose noise levels are our angles: the share of the signal left after its step t is cos² φ."""
    left = np.cos(np.array(angles[-2::-1])) ** 2
    betas = 1 - left / np.concatenate([[1.0], left[:-1]])
    steps = len(betas)
    made = getattr(diffusers, kind)(
        num_train_timesteps=steps,
        trained_betas=betas,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        **settings,
    )
    made.set_timesteps(steps)
    assert made.timesteps.tolist() == list(range(steps))[::-1]
    return made


def check(found: list[Tensor], wanted: list[Tensor]) -> None:
    assert len(found) == len(wanted)
    for mine, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, other, rtol=2e-4, atol=2e-5)
    assert (found[-1] - found[0]).abs().mean() > 0.1, "the network moves what it is given"


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [5, 20])
def test_ddim_is_that_of_diffusers(velocity: Velocity, schedule: str, steps: int) -> None:
    angles = Sampler(make_schedule(schedule), "ddim", steps).angles
    noise = normal(1)[..., 0, :]
    scheduler = scheduled("DDIMScheduler", angles, clip_sample=False)
    check(ours("ddim", velocity, noise, angles), theirs(scheduler, velocity, noise, angles, eta=0.0))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [5, 20])
def test_ancestral_sampling_is_that_of_diffusers(velocity: Velocity, schedule: str, steps: int) -> None:
    """Its variance of two is the large one; it leaves the noise of the last step out."""
    angles = Sampler(make_schedule(schedule), "ancestral", steps).angles
    scheduler = scheduled("DDPMScheduler", angles, clip_sample=False, variance_type="fixed_large")
    noise = normal(steps + 1)
    noise[..., -1, :] = 0
    generator = torch.Generator().manual_seed(3)
    begun = torch.randn(SHAPE, generator=generator)
    found = ours("ancestral", velocity, noise, angles)
    check(found, theirs(scheduler, velocity, begun, angles, generator=generator))


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")  # within diffusers
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [5, 20])
def test_dpm_solver_is_that_of_diffusers(velocity: Velocity, schedule: str, steps: int) -> None:
    """From just below pure noise, which diffusers puts off by a small number of its own."""
    angles = Sampler(make_schedule(schedule), "dpm_solver", steps).angles
    angles[0] = min(angles[0], 1.567)
    noise = normal(1)[..., 0, :]
    scheduler = scheduled("DPMSolverMultistepScheduler", angles, algorithm_type="dpmsolver++", solver_order=2)
    check(ours("dpm_solver", velocity, noise, angles), theirs(scheduler, velocity, noise, angles))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [5, 20])
def test_euler_is_that_of_diffusers(velocity: Velocity, schedule: str, steps: int) -> None:
    """Its time is any number that a velocity is the derivative by: here the angle."""
    angles = Sampler(make_schedule(schedule), "euler", steps).angles
    noise = normal(1)[..., 0, :]
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0)
    scheduler.set_timesteps(sigmas=angles[:-1])
    check(ours("euler", velocity, noise, angles), theirs(scheduler, velocity, noise, angles))
