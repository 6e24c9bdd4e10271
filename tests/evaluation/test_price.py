"""The benchmark score, on the published protocol and by hand."""

from __future__ import annotations

import gzip
from statistics import NormalDist

import numpy as np
import pytest

from forecastle.evaluation.metric import Outcome
from forecastle.evaluation.price import MeanWeightedQuantileLoss
from forecastle.models.forecast import QuantileForecast

LEVELS = tuple(k / 10 for k in range(1, 10))
HORIZON, ROWS = 30, 6071


def outcomes_of(rates, forecast):
    """The 40 series-windows of exchange_rate_nips; `forecast` maps a past (T, 8) to log returns (8, 30, 9)."""
    quantiles, target, start, origin = [], [], [], []
    for window in range(5):
        end = ROWS + window * HORIZON
        past, future = np.log(rates[:end]), np.log(rates[end : end + HORIZON])
        quantiles.append(forecast(past))
        target.append((future - past[-1]).T)
        start.append(past[-1])
        origin += [np.datetime64("2000-01-01", "us") + np.timedelta64(end, "D")] * 8
    values = np.concatenate(quantiles).astype(np.float32)
    return Outcome(
        QuantileForecast(LEVELS, values),
        np.concatenate(target),
        np.concatenate(start),
        np.array(origin),
        np.tile(np.arange(8), 5),
    )


def seasonal_naive(past):
    steps = past[len(past) - 5 + np.arange(HORIZON) % 5] - past[-1]
    return np.repeat(steps.T[..., None], 9, axis=-1)


def random_walk(past):
    squared = np.diff(past, axis=0)[::-1] ** 2
    weight = 0.94 ** np.arange(len(squared))
    sigma = np.sqrt(weight @ squared / weight.sum())
    z = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
    return sigma[:, None, None] * np.sqrt(np.arange(1, HORIZON + 1))[:, None] * z


def test_the_published_figures_of_exchange_rate_are_met(shared_data):
    with gzip.open(shared_data / "exchange_rate" / "exchange_rate.txt.gz") as stream:
        rates = np.loadtxt(stream, delimiter=",")
    metric = MeanWeightedQuantileLoss()
    assert round(metric.score(outcomes_of(rates, seasonal_naive)), 8) == 0.01074975
    assert round(metric.score(outcomes_of(rates, random_walk)), 5) == 0.00699


def test_score_is_pooled_over_windows_of_different_price_by_hand():
    price, forecast = np.array([[1.0], [100.0]]), np.array([1.1, 90.0])
    start = np.log([1.0, 100.0])
    quantiles = np.repeat((np.log(forecast) - start)[:, None, None], 9, axis=-1)
    nothing = np.zeros(2, dtype=np.int64)
    outcome = Outcome(
        QuantileForecast(LEVELS, quantiles.astype(np.float32)), np.log(price) - start[:, None], start, nothing, nothing
    )
    assert MeanWeightedQuantileLoss().score(outcome) == pytest.approx((0.1 + 10) / 101, rel=1e-6)


def test_only_the_nine_benchmark_levels_are_read(make_numbers):
    many = make_numbers()
    columns = [many.forecast.levels.index(level) for level in LEVELS]
    nine = Outcome(
        QuantileForecast(LEVELS, many.forecast.values[..., columns]),
        many.target,
        many.log_close,
        many.origin,
        many.symbol,
    )
    assert MeanWeightedQuantileLoss().score(many) == MeanWeightedQuantileLoss().score(nine)
