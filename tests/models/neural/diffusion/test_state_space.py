"""S4D by the fast Fourier transform against the recurrence that it stands for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from forecastle.models.neural.diffusion.state_space import Mixed, StateSpace


def recurrence(layer: StateSpace, values: torch.Tensor, way: int) -> np.ndarray:
    """State by state and bar by bar, in numpy, without the direct term: (L, width)."""
    damping, frequency, step = (
        value[way].detach().double().numpy() for value in (layer.log_damping, layer.frequency, layer.log_step)
    )
    diagonal, step = -np.exp(damping) + 1j * frequency, np.exp(step)[:, None]
    read = layer.read[way].detach().double().numpy()
    read = read[..., 0] + 1j * read[..., 1]
    transition = np.exp(step * diagonal)
    entering = (transition - 1) / diagonal
    state = np.zeros(diagonal.shape, complex)
    found = []
    for value in values.double().numpy():
        state = transition * state + entering * value[:, None]
        found.append(2 * (read * state).sum(1).real)
    return np.array(found)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("length", [1, 2, 30])
def test_the_convolution_is_the_recurrence(both: bool, length: int) -> None:
    torch.manual_seed(0)
    layer = StateSpace(5, both)
    values = torch.randn(3, 2, length, 5)
    with torch.no_grad():
        found = layer(values)
    for series, one in zip(values.flatten(0, 1), found.flatten(0, 1), strict=True):
        expected = recurrence(layer, series, 0)
        if both:
            expected = expected + recurrence(layer, series.flip(0), 1)[::-1]
        expected = expected + (layer.direct.detach() * series).numpy()
        np.testing.assert_allclose(one.numpy(), expected, rtol=1e-4, atol=1e-5)


def test_a_causal_layer_does_not_see_what_comes_later() -> None:
    torch.manual_seed(0)
    layer = Mixed(4)
    values = torch.randn(1, 12, 4)
    changed = values.clone()
    changed[:, 8:] += 10
    with torch.no_grad():
        torch.testing.assert_close(layer(values)[:, :8], layer(changed)[:, :8], rtol=0, atol=1e-4)
        assert (layer(values)[:, 8:] - layer(changed)[:, 8:]).abs().max() > 0.1


def test_it_is_computed_in_float32_within_mixed_precision() -> None:
    torch.manual_seed(0)
    layer = StateSpace(4)
    values = torch.randn(2, 9, 4)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rough = layer(values)
    assert rough.dtype == torch.float32
    with torch.no_grad():
        assert torch.equal(rough, layer(values))


def test_states_stay_stable() -> None:
    layer = StateSpace(4)
    assert (layer.discrete()[0].abs() < 1).all()
