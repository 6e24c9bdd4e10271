from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from forecastle.arrays import SPAN, TIME
from forecastle.data.bars import Bars, Panel
from forecastle.errors import ConfigError, DataError
from forecastle.evaluation.metric import Outcome, pooled
from forecastle.evaluation.trading.account import Account, check_policy
from forecastle.evaluation.trading.cost import Costs
from forecastle.evaluation.trading.desk import Traded, break_even, trade
from forecastle.evaluation.trading.performance import sharpe
from forecastle.evaluation.trading.policy import Sign, VolatilityTargeted
from forecastle.evaluation.trading.summary import summarise
from forecastle.evaluation.trading.verdict import judge, render
from forecastle.models.forecast import QuantileForecast
from forecastle.windows.context import Task, Timeline
from forecastle.windows.target import LogReturn

LEVELS = (0.1, 0.5, 0.9)
COSTS = Costs(commission_bps=0.2, slippage_bps=0.1, swap_long_bps=0.5, swap_short_bps=-0.1)


def make_bars(symbol: str = "A", count: int = 600, seed: int = 0, start: str = "2020-12-01", step: int = 6) -> Bars:
    random = np.random.default_rng([seed, len(symbol), ord(symbol[0])])
    close = np.exp(np.cumsum(random.normal(0, 0.004, count)))
    open_ = np.concatenate([[1.0], close[:-1]]) * np.exp(random.normal(0, 0.001, count))  # with gaps
    time = (np.datetime64(start, "us") + np.arange(count) * np.timedelta64(step, "h")).astype(TIME)
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    spread = random.uniform(0.5e-4, 2e-4, count)
    return Bars(symbol, np.timedelta64(step, "h").astype(SPAN), time, open_, high, low, close, None, spread)


def make_timeline(panel: Panel) -> Timeline:
    """Only what the desk reads is filled."""
    lengths = [len(bars) for bars in panel]
    total = sum(lengths)
    return Timeline(
        features=np.zeros((total, 1), np.float32),
        log_close=np.concatenate([np.log(bars.close) for bars in panel]),
        scale=np.full(total, 0.004),
        known=np.concatenate([bars.known for bars in panel]),
        symbol=np.repeat(np.arange(len(panel)), lengths),
        columns=("x",),
        symbols=panel.symbols,
    )


def make_outcome(panel: Panel, mean: np.ndarray, row: np.ndarray, horizon: int = 1) -> Outcome:
    """Normal forecasts with some means at the same rows of each symbol, one symbol after the other."""
    values = mean[:, None, None] + np.array([-0.005, 0.0, 0.005])
    forecast = QuantileForecast(LEVELS, np.repeat(values, horizon, axis=1).astype(np.float32))
    count = len(mean)
    return Outcome(
        forecast,
        target=np.zeros((count, horizon)),
        log_close=np.zeros(count),
        origin=np.concatenate([bars.known[row] for bars in panel])[:count],
        symbol=np.repeat(np.arange(len(panel)), len(row))[:count],
    )


def follow(panel: Panel, outcome: Outcome, **account: Any) -> Traded:
    task = Task(LogReturn(), outcome.target.shape[1], LEVELS)
    given = Account(**{"costs": COSTS, **account})
    return trade(outcome, make_timeline(panel), task, panel, Sign(), given)


def traded(panel: Panel, mean: np.ndarray, row: np.ndarray, horizon: int = 1, **account: Any) -> Traded:
    return follow(panel, make_outcome(panel, mean, row, horizon), **account)


def by_hand(bars: Bars, row: np.ndarray, mean: np.ndarray) -> tuple[float, list[float]]:
    """Equity of 1 that follows the sign of each forecast, written without the engine: cash and units."""
    cash, units, side = 1.0, 0.0, 0.0
    marks = []
    for decision, wanted in [*zip(row, np.sign(mean), strict=True), (row[-1] + 1, 0.0)]:
        at = decision + 1
        price = bars.open[at]
        equity = cash + units * price
        marks.append(equity)
        if wanted != side:
            change = wanted * equity / price - units
            rate = bars.spread[decision] / price / 2 + 0.3e-4
            cash -= change * price + rate * abs(change) * price
            units, side = units + change, wanted
        if wanted:
            begin, end = bars.time[at], bars.time[at + 1]
            for moment in np.arange(begin, end, np.timedelta64(1, "h")) + np.timedelta64(1, "h"):
                weekday = (int(moment.astype("datetime64[D]").astype(int)) + 3) % 7
                if moment.astype("datetime64[h]").astype(int) % 24 == 22 and weekday < 5:  # winter in New York
                    times = 3 if weekday == 2 else 1
                    cash -= times * (0.5e-4 if units > 0 else -0.1e-4) * abs(units) * price
    marks[-1] = cash + units * bars.open[row[-1] + 2]
    return marks[-1], marks


def test_a_symbol_is_traded_as_by_hand() -> None:
    bars = make_bars(count=260)
    row = np.arange(30, 250)
    mean = np.random.default_rng(5).normal(0, 0.001, len(row))
    found = traded(Panel((bars,)), mean, row)
    ending, marks = by_hand(bars, row, mean)
    assert found.path.equity[-1] == pytest.approx(ending, abs=1e-12)
    np.testing.assert_allclose(found.path.equity[:-1], marks[:-1], atol=1e-12)
    np.testing.assert_array_equal(found.path.time, bars.time[31:252])


def test_no_price_after_the_next_open_can_reach_a_decision() -> None:
    bars = make_bars()
    row, mean = np.arange(50, 400), np.random.default_rng(1).normal(0, 0.001, 350)
    changed = make_bars()
    changed.open[300:], changed.close[300:] = 7.0, 7.0
    one, other = traded(Panel((bars,)), mean, row), traded(Panel((changed,)), mean, row)
    before = one.path.time < bars.time[300]
    np.testing.assert_array_equal(one.path.equity[before], other.path.equity[before])


def test_symbols_share_the_capital_and_keep_what_they_win() -> None:
    panel = Panel((make_bars("A"), make_bars("B", step=6, start="2020-12-01T03:00"), make_bars("C")))
    row = np.arange(50, 500)
    mean = np.random.default_rng(2).normal(0, 0.001, 3 * len(row))
    shares = {"A": 0.5, "B": 0.3, "C": 0.2}
    found = traded(panel, mean, row, weights=shares)
    alone = {
        bars.symbol: traded(Panel((bars,)), part, row).path
        for bars, part in zip(panel, mean.reshape(3, -1), strict=True)
    }
    ends = [shares[name] * path.equity[-1] for name, path in alone.items()]
    assert found.path.equity[-1] == pytest.approx(sum(ends))
    for moment in (0, 17, 500, 700):  # B's opens lie between those of A and C
        now = found.path.time[moment]
        values = [
            shares[name] * (path.equity[path.time <= now][-1] if (path.time <= now).any() else 1.0)
            for name, path in alone.items()
        ]
        assert found.path.equity[moment] == pytest.approx(sum(values)), moment
    equal = traded(panel, mean, row)
    assert equal.path.equity[-1] == pytest.approx(np.mean([path.equity[-1] for path in alone.values()]))


def test_a_symbol_without_windows_keeps_its_part_in_cash() -> None:
    panel = Panel((make_bars("A"), make_bars("B")))
    row, mean = np.arange(50, 200), np.random.default_rng(2).normal(0, 0.001, 150)
    found = traded(panel, mean, row)
    alone = traded(Panel((make_bars("A"),)), mean, row)
    assert found.path.equity[-1] == pytest.approx(0.5 + 0.5 * alone.path.equity[-1])
    assert [book.symbol for book in found.books] == ["A"]


def test_buy_and_hold_pays_for_one_purchase_and_one_sale() -> None:
    bars = make_bars()
    row = np.arange(50, 500)
    found = traded(Panel((bars,)), np.ones(450), row, costs=Costs())
    first, last = 51, 501
    rate = bars.spread[[first - 1, last - 1]] / bars.open[[first, last]] / 2
    growth = bars.open[last] / bars.open[first]
    assert found.hold.equity[-1] == pytest.approx(growth * (1 - rate[1]) - rate[0])
    np.testing.assert_array_equal(found.hold.equity, found.path.equity)


def test_stretches_between_forecasts_are_not_judged() -> None:
    bars = make_bars()
    row = np.concatenate([np.arange(50, 100), np.arange(400, 450)])
    found = traded(Panel((bars,)), np.ones(100), row)
    assert len(found.path.returns) == 100
    assert found.path.years == pytest.approx(100 * 6 / 24 / 365.25)
    assert np.prod(1 + found.path.returns) == pytest.approx(found.path.equity[-1])


def test_paths_that_follow_each_other_are_one_account_and_others_share_the_capital() -> None:
    panel = Panel((make_bars("A"), make_bars("B")))
    row, mean = np.arange(50, 500), np.random.default_rng(6).normal(0, 0.001, 900)
    whole = make_outcome(panel, mean, row)
    halves = replace(whole, path=np.tile(np.arange(450) >= 200, 2).astype(np.int64))
    np.testing.assert_array_equal(follow(panel, halves).path.equity, follow(panel, whole).path.equity)
    mirror = make_outcome(panel, -mean, row)
    both = pooled([whole, replace(mirror, path=np.ones(900, dtype=np.int64))])
    found = follow(panel, both)
    ends = [follow(panel, each).path.equity[-1] for each in (whole, mirror)]
    assert found.path.equity[-1] == pytest.approx(np.mean(ends))
    told = summarise(found, "sign", 1.0)
    assert list(told["by_symbol"]) == ["A", "B"]
    assert [each["share"] for each in told["by_symbol"].values()] == pytest.approx([0.5, 0.5])
    assert [1 + each["net_bps"] / 1e4 for each in told["by_path"]] == pytest.approx(ends)
    assert "the capital in equal parts on 2 paths: Sharpe from " in render(told)
    assert summarise(follow(panel, halves), "sign", 1.0)["by_path"] == []
    shuffled = np.random.default_rng(7).permutation(1800)
    np.testing.assert_allclose(follow(panel, both[shuffled]).path.equity, found.path.equity, rtol=1e-12)


def test_the_numbers_add_up() -> None:
    panel = Panel((make_bars("A"), make_bars("B")))
    row = np.arange(50, 500)
    found = traded(panel, np.random.default_rng(3).normal(0, 0.001, 900), row, capital=5000.0)
    told = summarise(found, "sign", 5000.0)
    costs = told["costs"]
    assert costs["money"] == pytest.approx(sum(costs[name] for name in ("spread", "commission", "slippage", "swap")))
    assert told["net"]["money"] == pytest.approx(told["gross"]["money"] - costs["money"])
    assert told["net"]["bps"] == pytest.approx(1e4 * (found.path.equity[-1] - 1))
    assert told["net"]["bps"] == pytest.approx(sum(0.5 * each["net_bps"] for each in told["by_symbol"].values()))
    years = 1 + np.array([each["net_bps"] for each in told["by_year"].values()]) / 1e4
    assert list(told["by_year"]) == ["2020", "2021"]
    assert np.prod(years) == pytest.approx(found.path.equity[-1])
    assert sum(each["trades"] for each in told["by_symbol"].values()) == told["trades"]
    swept = {each["spreads"]: each["bps"] for each in told["sweep"]}
    assert swept[1.0] == pytest.approx(told["net"]["bps"])
    assert list(swept.values()) == sorted(swept.values(), reverse=True)
    ratio = sharpe(found.path.returns, found.path.per_year)
    assert ratio is not None
    assert told["sharpe"]["value"] == pytest.approx(ratio.value)
    assert told["against"]["flat"] == {"net": {"bps": 0.0, "money": 0.0}, "difference": told["sharpe"]}


def test_trading_at_the_middle_of_the_market_has_no_cost_curve() -> None:
    bars = make_bars()
    object.__setattr__(bars, "spread", None)
    told = summarise(traded(Panel((bars,)), np.ones(100), np.arange(100), costs=Costs(spread_bps=0.0)), "sign", 1.0)
    assert (told["sweep"], told["break_even"], told["costs"]["money"]) == ([], None, 0.0)
    assert "spread" not in render(told)


def test_an_oracle_earns_and_its_reverse_loses() -> None:
    bars = make_bars()
    row = np.arange(50, 500)
    future = np.log(bars.open[row + 2] / bars.open[row + 1])
    good, bad = (summarise(traded(Panel((bars,)), sign * future, row), "sign", 1e5) for sign in (1, -1))
    assert judge(good) == "it earns money"
    assert "earns at 4 times the spread" in render(good)
    assert good["hit_rate"] > 0.9
    assert judge(bad) == "it loses money, and would without any costs"
    assert "loses even without a spread" in render(bad)
    assert all(len(line) <= 100 for told in (good, bad) for line in render(told).splitlines())


def test_a_break_even_lies_where_the_curve_crosses_nothing() -> None:
    assert break_even((0.0, 1.0, 2.0), (1.2, 0.9, 0.7)) == pytest.approx(2 / 3)
    assert break_even((0.0, 1.0), (0.9, 0.8)) is None
    assert break_even((0.0, 1.0), (1.3, 1.2)) is None


def test_a_forecast_of_several_steps_is_held_to_the_end_of_its_step() -> None:
    bars = make_bars()
    row = np.arange(50, 500, 5)
    mean = np.random.default_rng(4).normal(0, 0.001, len(row))
    found = traded(Panel((bars,)), mean, row, horizon=5, costs=Costs(spread_bps=0.0))
    assert found.path.judged.sum() == 450
    costless = np.sign(mean) * (bars.open[row + 6] / bars.open[row + 1] - 1)
    assert found.sweep[0] == pytest.approx(np.prod(1 + costless), rel=1e-3)  # a side that is kept is not rebalanced


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"capital": 0}, "capital must be above 0, got 0"),
        ({"leverage": -1}, "leverage must be above 0, got -1"),
        ({"weights": {"A": 0.5, "B": 0.6}}, r"weights must sum to 1, got 1\.1"),
        ({"weights": {"A": 1.5, "B": -0.5}}, r"weights\.A must be a fraction above 0 and at most 1, got 1\.5"),
    ],
)
def test_accounts_that_cannot_be_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Account(**settings)


def test_weights_name_every_symbol_and_no_other() -> None:
    with pytest.raises(ConfigError, match="no symbol 'EURUSB'; did you mean 'EURUSD'"):
        Account(weights={"EURUSB": 1.0}).shares(["EURUSD"])
    with pytest.raises(ConfigError, match=r"account\.weights must name every symbol, got none for B"):
        Account(weights={"A": 1.0}).shares(["A", "B"])


def test_a_policy_keeps_to_the_leverage() -> None:
    check_policy(VolatilityTargeted(limits=[-3, 3]), Account(leverage=3))
    with pytest.raises(ConfigError, match=r"policy\.limits .* need a leverage of 2, got account\.leverage=1"):
        check_policy(Sign(limits=[-2, 1]), Account())


def test_bars_without_a_spread_are_not_traded_for_nothing() -> None:
    bars = make_bars()
    object.__setattr__(bars, "spread", None)
    with pytest.raises(DataError, match="costs need a spread"):
        traded(Panel((bars,)), np.ones(10), np.arange(10))
