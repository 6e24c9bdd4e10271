"""Linear quantile regression."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import QuantileRegressor

from forecastle.errors import ConfigError, ModelError
from forecastle.models.quantile_regression import QuantileRegression, linear_quantile
from forecastle.windows.context import Windows


def pinball(error: np.ndarray, level: float) -> float:
    return float(np.mean(np.maximum(level * error, (level - 1) * error)))


@pytest.mark.parametrize("level", [0.025, 0.25, 0.5, 0.9])
def test_coefficients_are_nearly_those_of_the_linear_program(level: float):
    random = np.random.default_rng(0)
    x = random.normal(size=(1500, 4))
    z = 0.3 + x @ [0.5, -0.2, 0.0, 0.1] + (1 + 0.3 * np.abs(x[:, 0])) * random.standard_t(5, 1500)
    found = linear_quantile(x, z, level, 0.0, np.ones(1500))
    exact = QuantileRegressor(quantile=level, alpha=0.0, solver="highs").fit(x, z)
    np.testing.assert_allclose(found, [exact.intercept_, *exact.coef_], atol=0.08)
    losses = [
        pinball(z - b - x @ np.asarray(slopes), level) for b, *slopes in (found, [exact.intercept_, *exact.coef_])
    ]
    assert losses[1] <= losses[0] <= 1.001 * losses[1]


def test_the_penalty_is_that_of_a_smoothed_loss():
    random, count = np.random.default_rng(1), 60_000
    x = random.normal(size=(count, 1))
    z = 0.5 * x[:, 0] + random.normal(size=count)
    found = linear_quantile(x, z, 0.5, 0.4 * count, np.ones(count))[1]
    width, lost = 0.05, 0.5 - found
    # at the minimum the penalty's slope is the loss's: of jointly normal x and error, smoothed by one more normal
    assert 0.4 * found == pytest.approx(lost * norm.pdf(0, scale=np.sqrt(1 + width**2 + lost**2)), rel=0.05)


def test_weights_count_as_repetitions():
    random = np.random.default_rng(2)
    x, z = random.normal(size=(300, 2)), random.normal(size=300)
    times = random.integers(1, 4, 300)
    repeated = linear_quantile(np.repeat(x, times, axis=0), np.repeat(z, times), 0.3, 0.0, np.ones(times.sum()))
    weighted = linear_quantile(x, z, 0.3, 0.0, times / times.mean())
    np.testing.assert_allclose(weighted, repeated, atol=0.05)
    assert not np.allclose(weighted, linear_quantile(x, z, 0.3, 0.0, np.ones(300)), atol=0.01)


def test_intervals_widen_with_a_feature_that_knows_the_volatility(make: Callable[..., Windows]):
    train = make(count=2000)
    feature = np.asarray(train.context.features[:, -1, 1], dtype=float)
    wild = Windows(
        train.context, train.target * np.exp(0.5 * np.clip(feature, -2, 2))[:, None], train.weight, train.label_end
    )
    values = QuantileRegression(alpha=1.0).fit(wild).predict(train.context).values
    width = values[:, 0, -1] - values[:, 0, 0]
    assert np.corrcoef(feature, width / train.context.scale)[0, 1] > 0.9


def test_what_cannot_be_is_refused(make: Callable[..., Windows]):
    with pytest.raises(ConfigError, match="lags must be at least 1, got 0"):
        QuantileRegression(lags=0)
    with pytest.raises(ConfigError, match="alpha must be at least 0, got -1"):
        QuantileRegression(alpha=-1.0)
    with pytest.raises(ModelError, match="must be fitted before"):
        QuantileRegression().predict(make().context)
    with pytest.raises(ModelError, match="lags must be at most context_length 8, got 9"):
        QuantileRegression(lags=9).fit(make())
    with pytest.raises(ModelError, match="on 32 inputs needs 66 windows, got 60"):
        QuantileRegression(lags=8).fit(make()[:60])
