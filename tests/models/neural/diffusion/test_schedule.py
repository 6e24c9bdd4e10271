"""Schedules, and the rotation between clean, noise, noisy and velocity."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from forecastle.errors import ConfigError
from forecastle.models.neural.diffusion.schedule import SCHEDULES, make_schedule, rotate

TIME = torch.linspace(0, 1, 101, dtype=torch.float64)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_grows_from_data_to_noise(name: str) -> None:
    angle = make_schedule(name)(TIME)
    assert angle[0] == 0
    assert (angle.diff() > 0).all()
    assert math.pi / 2 - 0.01 < angle[-1] <= math.pi / 2


def test_the_linear_schedule_keeps_what_a_thousand_small_steps_keep() -> None:
    beta = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)  # Ho et al., section 4
    kept = torch.cumprod(1 - beta, 0)[99::100].sqrt()
    angle = make_schedule("linear")(torch.arange(1, 11, dtype=torch.float64) / 10)
    torch.testing.assert_close(angle.cos(), kept, rtol=0.06, atol=1e-3)


def test_the_cosine_schedule_is_a_cosine() -> None:
    assert make_schedule("cosine")(TIME)[50].cos().item() == pytest.approx(math.sqrt(0.5), abs=1e-15)


def test_the_straight_schedule_mixes_in_proportion_to_time() -> None:
    angle = make_schedule("straight")(TIME[25])
    assert (angle.sin() / angle.cos()).item() == pytest.approx(0.25 / 0.75, rel=1e-12)


@given(st.floats(0.05, 1.5), st.integers(0, 1000))
def test_clean_and_noise_come_back_from_noisy_and_velocity(angle: float, seed: int) -> None:
    clean, noise = torch.randn(2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    noisy, velocity = rotate(clean, noise, torch.tensor(angle, dtype=torch.float64))
    alpha, sigma = math.cos(angle), math.sin(angle)
    torch.testing.assert_close(noisy, alpha * clean + sigma * noise)
    torch.testing.assert_close(velocity, alpha * noise - sigma * clean)
    back, drawn = rotate(noisy, velocity, -angle)
    torch.testing.assert_close(back, clean)
    torch.testing.assert_close(drawn, noise)
    # the definitions by one forecast and the noisy value alone
    torch.testing.assert_close((noisy - alpha * clean) / sigma, drawn)
    torch.testing.assert_close((alpha * noisy - clean) / sigma, velocity)
    torch.testing.assert_close((noise - sigma * noisy) / alpha, velocity)


def test_the_velocity_is_the_derivative_by_the_angle() -> None:
    clean, noise = torch.randn(2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    before, _ = rotate(clean, noise, 0.7 - 1e-6)
    after, _ = rotate(clean, noise, 0.7 + 1e-6)
    torch.testing.assert_close((after - before) / 2e-6, rotate(clean, noise, 0.7)[1], rtol=1e-8, atol=1e-8)


def test_a_mistyped_schedule_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'cosin'.*cosine"):
        make_schedule("cosin")
