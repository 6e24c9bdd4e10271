"""Trading: nothing is earned where nothing can be, what is planted is found in its size, and how long a backtest takes.

    python benchmarks/trading.py [random_walk] [power] [theory] [speed]

``random_walk``: ridge on synthetic candles without information (GARCH, weekend gaps) with a spread of 1 bp, traded by
every policy. Before costs the profit must be 0 within its error, after them minus the costs, and a profit that is
significant must be as rare as chance makes it. ``power``: ridge learns ten years of daily candles whose returns are
autocorrelated so much that following them is worth a Sharpe ratio of 2 a year, and trades the next ten. ``theory``: the
same candles traded at their true law; Sharpe ratio and share of days won beside their formulas. ``speed``: a million
bars of one symbol, from positions to the account.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from statistics import mean, stdev

import numpy as np
from measure import keep_memory, machine, spread

from forecastle import folds, pipeline
from forecastle.arrays import SPAN, TIME
from forecastle.config.compose import compose
from forecastle.config.schema import Config
from forecastle.data.bars import Bars, Panel
from forecastle.evaluation.trading.account import Account
from forecastle.evaluation.trading.cost import Costs, market
from forecastle.evaluation.trading.desk import Traded, trade
from forecastle.evaluation.trading.engine import simulate
from forecastle.evaluation.trading.performance import sharpe
from forecastle.evaluation.trading.policy import Kelly, Policy, Sign, Threshold, VolatilityTargeted
from forecastle.evaluation.trading.schedule import schedule

YEAR = 252
DAY = np.timedelta64(2087, "m").astype(SPAN)
"""252 of them are a year."""

DRIFT = 0.125
"""Mean over standard deviation of a day that is worth a Sharpe ratio of 2 a year: 2/√(252 + 4)."""

RHO = DRIFT * np.sqrt(np.pi / 2)
"""Autocorrelation of normal returns for which the day after a rise has this mean: ρ √(2/π)."""

POLICIES: dict[str, Policy] = {
    "sign": Sign(),
    "sign, hysteresis .5": Sign(hysteresis=0.5),
    "threshold": Threshold(),
    "threshold, 3 times": Threshold(multiple=3.0),
    "volatility_targeted": VolatilityTargeted(hysteresis=0.1),
    "kelly": Kelly(hysteresis=0.1),
}


def planted(count: int, seed: int) -> Panel:
    """Daily candles whose log returns follow an autoregression of order 1; a bar opens where the last one closed."""
    random = np.random.default_rng([11, seed])
    shocks, returns = random.standard_normal(count), np.zeros(count)
    for day in range(1, count):
        returns[day] = RHO * returns[day - 1] + np.sqrt(1 - RHO**2) * shocks[day]
    close = np.exp(np.cumsum(0.01 * returns))
    return Panel((candles(close, DAY, 0.0),))


def candles(close: np.ndarray, interval: np.timedelta64, width: float) -> Bars:
    opened = np.concatenate([[1.0], close[:-1]])
    times = (np.datetime64("1990-01-01", "us") + np.arange(len(close)) * interval).astype(TIME)
    high, low = np.maximum(opened, close) * 1.0001, np.minimum(opened, close) * 0.9999
    return Bars("A", interval, times, opened, high, low, close, None, width * close)


def followed(config: Config, panel: Panel, policies: dict[str, Policy]) -> dict[str, Traded]:
    """Fit on the training part of a panel and trade the test part."""
    sample = pipeline.make_sample(config, panel, pipeline.compute_features(config, panel))
    outcome = folds.forecast_folds(config, sample, folds.fit_folds(config, sample), "test")[0]
    context = sample.windows.context
    return {
        name: trade(outcome, context.timeline, context.task, panel, policy, Account())
        for name, policy in policies.items()
    }


def random_walk(seeds: int = 500) -> None:
    config = compose(["data=synthetic", "data.count=5000", "indicator=minimal", "horizon=5"])
    gross: dict[str, list[float]] = {name: [] for name in POLICIES}
    net: dict[str, list[float]] = {name: [] for name in POLICIES}
    earns: dict[str, int] = dict.fromkeys(POLICIES, 0)
    for seed in range(seeds):
        panel, _ = pipeline.load_bars(replace(config, data={**config.data, "seed": seed}))
        wide = Panel(tuple(replace(bars, spread=1e-4 * bars.close) for bars in panel))
        for name, traded in followed(config, wide, POLICIES).items():
            gross[name].append(1e4 * traded.path.gross[-1])
            net[name].append(1e4 * (traded.path.equity[-1] - 1))
            ratio = sharpe(traded.path.returns, traded.path.per_year)
            earns[name] += ratio is not None and ratio.low > 0
    print(f"random walk, ridge, spread 1 bp: bps of the capital in 1000 hours, mean ± its 95 % error, n={seeds}")
    print(f"{'policy':<22}{'before costs':>18}{'costs':>10}{'after costs':>18}{'earns':>8}")
    for name in POLICIES:
        costs = mean(before - after for before, after in zip(gross[name], net[name], strict=True))
        told = [f"{mean(each):+9.1f} ± {1.96 * stdev(each) / np.sqrt(seeds):5.1f}" for each in (gross[name], net[name])]
        print(f"{name:<22}{told[0]:>18}{costs:>10.1f}{told[1]:>18}{earns[name]:>8}")


def power(seeds: int = 100) -> None:
    config = compose(["indicator=minimal", "horizon=1", "split.train=0.4", "split.validation=0.1", "split.test=0.5"])
    ratios = []
    found = 0
    for seed in range(seeds):
        path = followed(config, planted(20 * YEAR, seed), {"sign": Sign()})["sign"].path
        ratio = sharpe(path.returns, path.per_year)
        ratios.append(ratio.value)
        found += ratio.low > 0
    print(
        f"planted Sharpe ratio of 2, {path.years:.1f} years: found in {found} of {seeds} seeds, measured",
        spread(ratios),
    )


def theory(seeds: int = 100) -> None:
    ratios, wins = [], []
    for seed in range(seeds):
        panel = planted(10 * YEAR, seed)
        (bars,) = panel
        returns = np.diff(np.log(bars.close), prepend=0.0)
        row = np.arange(1, len(bars) - 2)
        plan = schedule(row, np.sign(returns[row]), 1, len(bars))
        stretch = market(bars, Costs())[plan.first : plan.first + len(plan.target)]
        equity = simulate(stretch, plan.target).equity
        made = equity[1:] / equity[:-1] - 1
        ratios.append(sharpe(made, YEAR).value)
        wins.append((made > 0).mean())
    for name, values, formula in (
        ("Sharpe ratio a year", ratios, np.sqrt(YEAR) * DRIFT / np.sqrt(1 - DRIFT**2)),
        ("share of days won", wins, 0.5 + np.arcsin(RHO) / np.pi),
    ):
        error = 1.96 * stdev(values) / np.sqrt(seeds)
        print(f"{name}: measured {mean(values):.4f} ± {error:.4f} (95 %, n={seeds}), theory {formula:.4f}")


def speed(count: int = 1_000_000, repetitions: int = 7) -> None:
    keep_memory()
    random = np.random.default_rng(0)
    bars = candles(np.exp(np.cumsum(random.normal(0, 1e-4, count))), np.timedelta64(5, "m").astype(SPAN), 1e-4)
    row = np.arange(100, count - 2)
    asked = {
        "a side for 20 bars": np.repeat(np.sign(random.normal(size=len(row) // 20 + 1)), 20)[: len(row)],
        "a side for each bar": np.sign(random.normal(size=len(row))),
        "a new size at each bar": random.uniform(-1, 1, len(row)),
    }
    print(f"backtest of {count:,} bars, seconds: costs, schedule and account (wall; processor's time)")
    for name, position in asked.items():
        wall, busy = [], []
        for _ in range(repetitions):
            start, used = time.perf_counter(), time.process_time()
            whole = market(bars, Costs(commission_bps=0.1, swap_long_bps=0.5))
            plan = schedule(row, position, 5, count)
            simulate(whole[plan.first : plan.first + len(plan.target)], plan.target)
            wall.append(time.perf_counter() - start)
            busy.append(time.process_time() - used)
        print(f"{name:<24}{spread(wall)}   {spread(busy)}")


def main() -> None:
    print(machine())
    sections = {each.__name__: each for each in (random_walk, power, theory, speed)}
    for name in sys.argv[1:] or sections:
        sections[name]()


if __name__ == "__main__":
    main()
