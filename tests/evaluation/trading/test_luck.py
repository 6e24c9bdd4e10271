"""Small versions of benchmarks/luck.py: nothing is found where nothing is, and what is planted is found in its size."""

from __future__ import annotations

import numpy as np
import pytest

from forecastle.arrays import SPAN, TIME
from forecastle.data.bars import Bars, Panel
from forecastle.evaluation.metric import Outcome
from forecastle.evaluation.trading.account import Account
from forecastle.evaluation.trading.desk import Traded, trade
from forecastle.evaluation.trading.performance import sharpe
from forecastle.evaluation.trading.policy import Kelly, Rule, Sign, Threshold, VolatilityTargeted
from forecastle.models.forecast import QuantileForecast
from forecastle.windows.context import Task, Timeline
from forecastle.windows.target import LogReturn

VOLATILITY = 0.01
YEAR = 252
DAY = np.timedelta64(2087, "m")  # so that 252 of them are a year
LEVELS = (0.1, 0.5, 0.9)
Z = np.array([-1.2815516, 0.0, 1.2815516])
PLANTED = 0.125 * np.sqrt(np.pi / 2)  # the autocorrelation that is worth a Sharpe ratio of 2 a year, see `theory`


def theory(rho: float) -> float:
    """Sharpe ratio per year of following the sign of yesterday's return, which correlates with today's by rho."""
    mean = rho * np.sqrt(2 / np.pi)  # of |x| · rho, in standard deviations
    return float(np.sqrt(YEAR) * mean / np.sqrt(1 - mean**2))


def follow(rho: float, years: int, seed: int, policy: Rule, spread: float) -> Traded:
    """Trade an autoregressive price at its true conditional law; the day's open is the last close."""
    random = np.random.default_rng([7, seed])
    count = years * YEAR + 2
    shocks, returns = random.standard_normal(count + 1), np.zeros(count + 1)
    for day in range(1, count + 1):
        returns[day] = rho * returns[day - 1] + np.sqrt(1 - rho**2) * shocks[day]
    returns *= VOLATILITY
    close = np.exp(np.cumsum(returns[1:]))
    open_ = np.concatenate([[1.0], close[:-1]])
    time = (np.datetime64("2000-01-03", "us") + np.arange(count) * DAY).astype(TIME)
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    bars = Bars(
        "A", np.timedelta64(1, "D").astype(SPAN), time, open_, high, low, close, None, np.full(count, spread) * close
    )
    mean = (rho if rho else 0.05) * returns[1:-1]  # without a signal, a forecast that believes in one
    values = mean[:, None, None] + VOLATILITY * np.sqrt(1 - rho**2) * Z
    zeros = np.zeros(count - 1)
    outcome = Outcome(
        QuantileForecast(LEVELS, values.astype(np.float32)), zeros[:, None], zeros, bars.known[:-1], zeros.astype(int)
    )
    whole = np.zeros(count)
    timeline = Timeline(
        whole[:, None], whole, np.full(count, VOLATILITY), bars.known, whole.astype(int), ("x",), ("A",)
    )
    return trade(outcome, timeline, Task(LogReturn(), 1, LEVELS), Panel((bars,)), policy, Account())


@pytest.mark.parametrize(
    "policy", [Sign(), Threshold(), VolatilityTargeted(), Kelly()], ids=lambda each: type(each).__name__
)
def test_every_policy_loses_its_costs_on_a_random_walk_and_no_more(policy: Rule) -> None:
    gross, net, costs = [], [], []
    for seed in range(40):
        path = follow(0.0, 2, seed, policy, spread=3e-4).path
        gross.append(path.gross[-1])
        net.append(path.equity[-1] - 1)
        costs.append(path.gross[-1] - path.equity[-1] + 1)
    error = np.std(gross, ddof=1) / np.sqrt(len(gross))
    assert abs(np.mean(gross)) < 3 * error
    assert np.mean(costs) > 2 * error  # so that the test could tell free trading from costs
    assert abs(np.mean(net) + np.mean(costs)) < 3 * error


def test_a_planted_signal_is_found_over_ten_years_and_none_where_there_is_none() -> None:
    assert theory(PLANTED) == pytest.approx(2.0)
    found, invented = 0, 0
    for seed in range(20):
        planted, nothing = (follow(rho, 10, seed, Sign(), spread=0.0).path for rho in (PLANTED, 0.0))
        one, other = (sharpe(path.returns, path.per_year) for path in (planted, nothing))
        assert one is not None
        assert other is not None
        found += one.low > 0
        invented += other.low > 0
    assert found >= 16
    assert invented <= 3


def test_the_measured_skill_is_the_theoretical_one() -> None:
    ratios, hits = [], []
    for seed in range(20):
        traded = follow(PLANTED, 20, seed, Sign(), spread=0.0)
        ratio = sharpe(traded.path.returns, YEAR)
        assert ratio is not None
        ratios.append(ratio.value)
        hits.append((traded.path.returns > 0).mean())
    error = np.std(ratios, ddof=1) / np.sqrt(len(ratios))
    assert np.mean(ratios) == pytest.approx(2.0, abs=3 * error)
    assert error < 0.08
    assert np.mean(hits) == pytest.approx(0.5 + np.arcsin(PLANTED) / np.pi, abs=0.005)
