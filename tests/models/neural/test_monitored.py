"""What training watches is what the evaluation scores, and each knows which way is better."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from forecastle.errors import ConfigError
from forecastle.evaluation import quantile
from forecastle.evaluation.metric import Outcome
from forecastle.models.forecast import QuantileForecast, SampleForecast
from forecastle.models.neural.monitored import CRPS, QuantileCRPS, direction


def evaluated(forecast: object, windows: object) -> float:
    """The evaluation's CRPS of the target in units of the random walk."""
    context = windows.context
    spread = context.task.target.spread(context.scale, context.task.horizon)
    values = (forecast.values / spread[:, :, None]).astype(np.float32)
    outcome = Outcome(
        QuantileForecast(forecast.levels, values),
        windows.target / spread,
        np.zeros(len(windows)),
        context.origin,
        context.symbol,
    )
    return quantile.CRPS().score(outcome)


def test_the_watched_crps_is_that_of_the_evaluation(new, parts, network) -> None:
    made = new(network, epochs=1, num_samples=32).fit(*parts[:2])
    found = made.predict(parts[1].context)
    paths = isinstance(found, SampleForecast)
    if paths:
        found = found.quantiles(parts[1].context.task.quantile_levels)
    watched = made.curves[CRPS][-1]
    assert watched == pytest.approx(evaluated(found, parts[1]), rel=0.03 if paths else 1e-5)


def test_uneven_levels_are_weighed_as_in_the_evaluation() -> None:
    random = np.random.default_rng(1)
    levels = (0.05, 0.1, 0.5, 0.7)
    quantiles = np.sort(random.normal(size=(20, 3, 4)).astype(np.float32))
    target, nothing = random.normal(size=(20, 3)), np.zeros(20, dtype=np.int64)
    watched = QuantileCRPS()
    watched.update(
        torch.tensor(quantiles, dtype=torch.float64), torch.tensor(target), torch.tensor(levels, dtype=torch.float64)
    )
    outcome = Outcome(QuantileForecast(levels, quantiles), target, nothing, nothing, nothing)
    assert float(watched.compute()) == pytest.approx(quantile.CRPS().score(outcome), rel=1e-12)


def test_batches_add_up() -> None:
    random = np.random.default_rng(0)
    quantiles, target = np.sort(random.normal(size=(50, 3, 5))), random.normal(size=(50, 3))
    levels = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9], dtype=torch.float64)
    whole, cut = QuantileCRPS(), QuantileCRPS()
    whole.update(torch.tensor(quantiles), torch.tensor(target), levels)
    for rows in (slice(0, 7), slice(7, 50)):
        cut.update(torch.tensor(quantiles[rows]), torch.tensor(target[rows]), levels)
    assert float(whole.compute()) == pytest.approx(float(cut.compute()), rel=1e-12)


def test_the_directions_are_those_of_the_evaluation() -> None:
    assert direction(CRPS) == quantile.CRPS.direction.value
    assert direction("validation/loss") == "min"
    assert direction("validation/mine", "max") == "max"
    with pytest.raises(ConfigError, match="or your own, with mode=min or mode=max"):
        direction("validation/mine")
    with pytest.raises(ConfigError, match="mode must be min or max, got 'up'"):
        direction("validation/mine", "up")
