from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import norm

from forecastle.errors import ConfigError, ModelError
from forecastle.models.baseline import LastValue, RandomWalk, SeasonalNaive
from forecastle.models.forecast import ClassForecast, QuantileForecast
from forecastle.windows.target import Direction, LogReturn, Volatility


def test_random_walk_forecasts_the_gaussian_law_of_the_volatility_at_the_origin(make):
    context = make().context
    forecast = RandomWalk().fit(make()).predict(context)
    sigma = context.scale[:, None, None] * np.sqrt([1, 2, 3])[:, None]
    np.testing.assert_allclose(forecast.values, norm.ppf(context.task.quantile_levels, 0, sigma), rtol=1e-6, atol=1e-9)
    assert forecast.values.dtype == np.float32


def test_random_walk_covers_eighty_percent_of_a_random_walk(make):
    windows = make(count=20_000, horizon=3, signal=0)
    values = RandomWalk().fit(windows).predict(windows.context).values
    inside = (windows.target >= values[:, :, 0]) & (windows.target <= values[:, :, -1])
    assert np.all(np.abs(inside.mean(axis=0) - 0.8) < 0.03)


def test_last_value_of_a_log_return_is_zero_at_every_level(make):
    forecast = LastValue().fit(make()).predict(make().context)
    assert isinstance(forecast, QuantileForecast)
    assert not forecast.values.any()


def test_seasonal_naive_repeats_the_prices_of_the_last_season(make):
    windows = make(horizon=3)
    forecast = SeasonalNaive(period=2).fit(windows).predict(windows.context)
    past = windows.context.past
    by_hand = np.stack([past[:, -2], past[:, -1], past[:, -2]], axis=1) - past[:, -1:]
    for level in range(len(windows.context.task.quantile_levels)):
        np.testing.assert_allclose(forecast.values[:, :, level], by_hand, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("model", [LastValue(), SeasonalNaive(period=5)])
def test_classes_get_the_frequency_with_which_they_followed_the_carried_one(make, model):
    windows = make(target=Direction())
    forecast = model.fit(windows).predict(windows.context)
    assert isinstance(forecast, ClassForecast)
    task = windows.context.task
    carried = task.target.carried(windows.context.past, task.horizon, model.period)
    for row in (0, 17, -1):
        for step in range(task.horizon):
            same = windows.target[carried[:, step] == carried[row, step], step]
            by_hand = [(np.sum(same == c) + 1) / (len(same) + 2) for c in (0, 1)]
            np.testing.assert_allclose(forecast.values[row, step], by_hand, rtol=1e-6)


@pytest.mark.parametrize("model", [RandomWalk(), LastValue(), SeasonalNaive(period=7)])
@pytest.mark.parametrize("target", [LogReturn(), Volatility(), Direction()])
def test_saved_baselines_forecast_the_same_bits(make, tmp_path, model, target):
    windows = make(target=target)
    model.fit(windows).save(tmp_path)
    loaded = type(model).load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(windows.context).values, model.predict(windows.context).values)


@pytest.mark.parametrize("target", [LogReturn(), Volatility(), Direction()])
@pytest.mark.parametrize("period", [1, 2, 5, 30])
@pytest.mark.parametrize("horizon", [1, 5, 12])
def test_seasonal_naive_asks_for_the_past_that_every_target_needs(target, period, horizon):
    assert SeasonalNaive(period).history(horizon) >= target.history(horizon, period)


def test_classes_without_a_fit_are_refused(make):
    with pytest.raises(ModelError, match="LastValue must be fitted on 3 steps of 2 classes, got no fit"):
        LastValue().predict(make(target=Direction()).context)


def test_another_horizon_than_at_fit_is_refused(make):
    model = LastValue().fit(make(target=Direction(), horizon=2))
    with pytest.raises(ModelError, match="must be fitted on 3 steps of 2 classes, got 2 steps of 2 classes"):
        model.predict(make(target=Direction(), horizon=3).context)


def test_a_period_below_one_is_refused():
    with pytest.raises(ConfigError, match="period must be at least 1, got 0"):
        SeasonalNaive(period=0)


@pytest.mark.parametrize("content", [None, "", "{", "[1]", '{"period": "x", "frequency": null}', "{}"])
def test_a_damaged_file_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "baseline.json").write_text(content)
    with pytest.raises(ModelError, match=r"baseline\.json"):
        SeasonalNaive.load(tmp_path)


def test_baselines_import_neither_scikit_learn_nor_torch():
    code = (
        "import sys, forecastle.models.forecast, forecastle.models.baseline;"
        "print([m for m in ('sklearn', 'scipy', 'skops', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
