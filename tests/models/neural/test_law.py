"""The laws: densities and quantiles against scipy, and where they begin."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from forecastle.errors import ConfigError
from forecastle.models.neural.law import Gaussian, Law, StudentT, make_law

RAW = torch.tensor([[0.3, -0.4, -1.0], [-0.2, 0.5, 0.7], [0.0, 0.0, 0.0], [1.5, 1.0, -2.5]], dtype=torch.float64)
LEVELS = torch.tensor([1e-6, 0.025, 0.3, 0.5, 0.8, 0.999], dtype=torch.float64)


def reference(law: Law, raw: torch.Tensor) -> list[object]:
    """The same laws as scipy's."""
    found = []
    for location, width, *rest in raw.numpy():
        scale = np.exp(3 * np.tanh(width / 3))
        if isinstance(law, Gaussian):
            found.append(stats.norm(location, scale))
        else:
            freedom = 2 + 28 * np.exp(rest[0])
            found.append(stats.t(freedom, location, scale * np.sqrt((freedom - 2) / freedom)))
    return found


@pytest.mark.parametrize("law", [Gaussian(), StudentT()])
def test_the_loss_is_the_negative_log_density(law) -> None:
    raw = RAW[:, : law.size]
    value = torch.tensor([0.1, -2.0, 3.0, 9.0], dtype=torch.float64)
    wanted = [-each.logpdf(y) for each, y in zip(reference(law, raw), value.numpy(), strict=True)]
    np.testing.assert_allclose(law.loss(raw, value), wanted, rtol=1e-10)


@pytest.mark.parametrize("law", [Gaussian(), StudentT()])
def test_quantiles_are_those_of_scipy(law) -> None:
    raw = RAW[:, : law.size]
    found = law.quantile(raw.unsqueeze(1), torch.special.ndtri(LEVELS))
    wanted = [each.ppf(LEVELS.numpy()) for each in reference(law, raw)]
    np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-12)


def test_the_gaussian_begins_at_the_random_walk() -> None:
    normal = torch.special.ndtri(LEVELS)
    torch.testing.assert_close(Gaussian().quantile(torch.zeros(2, dtype=torch.float64), normal), normal)


def test_the_student_t_begins_near_the_random_walk_with_its_variance() -> None:
    raw = torch.zeros(3, dtype=torch.float64)
    uniform = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    values = StudentT().quantile(raw, torch.special.ndtri(uniform))
    assert abs(float(values.var()) - 1) < 1e-3
    inner = torch.tensor([0.025, 0.1, 0.5, 0.9, 0.975], dtype=torch.float64)
    normal = torch.special.ndtri(inner)
    assert float((StudentT().quantile(raw, normal) - normal).abs().max()) < 0.03


@pytest.mark.parametrize("law", [Gaussian(), StudentT()])
def test_extreme_parameters_stay_finite(law) -> None:
    raw = torch.tensor([[0.0, 50.0, 50.0], [0.0, -50.0, -50.0]])[:, : law.size].requires_grad_()
    loss = law.loss(raw, torch.tensor([100.0, -100.0])).sum()
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(raw.grad).all()
    assert torch.isfinite(law.quantile(raw.detach(), torch.tensor(-3.0))).all()


def test_a_mistyped_law_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="law must be one of gaussian, student_t, got 'gausian'; did you mean"):
        make_law("gausian")
