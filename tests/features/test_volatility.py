"""Volatility from candles against the papers' formulas, written out window by window, and a simulated market."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.conftest import make_bars

from forecastle.data.bars import Bars
from forecastle.features.frame import Indicator
from forecastle.features.volatility import (
    GarmanKlass,
    Parkinson,
    RealisedVolatility,
    RogersSatchell,
    VolatilityOfVolatility,
    YangZhang,
)


def parkinson(o: Any, h: Any, low: Any, c: Any, before: float) -> float:
    return float(np.sqrt(np.mean(np.log(h / low) ** 2) / (4 * np.log(2))))


def garman_klass(o: Any, h: Any, low: Any, c: Any, before: float) -> float:
    return float(np.sqrt(np.mean(0.5 * np.log(h / low) ** 2 - (2 * np.log(2) - 1) * np.log(c / o) ** 2)))


def rogers_satchell(o: Any, h: Any, low: Any, c: Any, before: float) -> float:
    u, d, x = np.log(h / o), np.log(low / o), np.log(c / o)
    return float(np.sqrt(np.mean(u * (u - x) + d * (d - x))))


def yang_zhang(o: Any, h: Any, low: Any, c: Any, before: float) -> float:
    n = len(o)
    gaps = np.log(o / np.concatenate([[before], c[:-1]]))
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    body = np.log(c / o).var(ddof=1)
    return float(np.sqrt(gaps.var(ddof=1) + k * body + (1 - k) * rogers_satchell(o, h, low, c, before) ** 2))


PAPERS: dict[Callable[..., Indicator], Callable[..., float]] = {
    Parkinson: parkinson,
    GarmanKlass: garman_klass,
    RogersSatchell: rogers_satchell,
    YangZhang: yang_zhang,
}


def gapped(bars: Bars) -> Bars:
    """The same bars, each opening a little away from the close before it."""
    move = np.exp(np.random.default_rng(5).normal(0, 0.003, len(bars)))
    open_ = np.clip(bars.open * move, bars.low, bars.high)
    return replace(bars, open=open_)


@pytest.mark.parametrize("build", PAPERS)
def test_a_candle_estimator_is_its_papers_formula_in_every_window(build: Callable[..., Indicator], bars: Bars) -> None:
    market, n = gapped(bars), 20
    found = build(n).compute(market)[:, 0]
    for end in range(n + 1, len(bars) + 1, 37):
        columns = (getattr(market, name)[end - n : end] for name in ("open", "high", "low", "close"))
        wanted = PAPERS[build](*columns, market.close[end - n - 1])
        np.testing.assert_allclose(found[end - 1], wanted, rtol=1e-9)


@pytest.mark.parametrize("build", [RealisedVolatility, *PAPERS])
def test_an_estimator_finds_the_volatility_of_a_simulated_market(build: Callable[..., Indicator]) -> None:
    steps, count = 400, 1000
    moves = np.random.default_rng(3).normal(0, 0.01 / np.sqrt(steps), (count, steps))
    path = np.cumsum(moves).reshape(count, steps)
    before = np.concatenate([[0.0], path[:-1, -1]])
    inside = np.column_stack([before, path])
    market = replace(
        make_bars(count),
        open=np.exp(before),
        high=np.exp(inside.max(axis=1)),
        low=np.exp(inside.min(axis=1)),
        close=np.exp(path[:, -1]),
    )
    found = build(count - 1).compute(market)[-1, 0]
    assert found == pytest.approx(0.01, rel=0.06)  # ranges of 400 steps fall short of those of a continuous path


def test_volatility_of_volatility_is_a_coefficient_of_variation(bars: Bars) -> None:
    volatility = (np.log(pd.Series(bars.close)).diff() ** 2).rolling(20).mean() ** 0.5
    wanted = volatility.rolling(20).std(ddof=0) / volatility.rolling(20).mean()
    indicator = VolatilityOfVolatility(20)
    assert indicator.warmup == 40
    np.testing.assert_allclose(indicator.compute(bars)[39:, 0], wanted[39:], rtol=1e-9)


@pytest.mark.parametrize("build", [*PAPERS, VolatilityOfVolatility])
def test_a_market_that_stands_still_has_no_volatility(build: Callable[..., Indicator]) -> None:
    price = np.full(100, 1.23456)
    still = replace(make_bars(100), open=price, high=price, low=price, close=price)
    indicator = build(20)
    assert not indicator.compute(still)[indicator.warmup - 1 :].any()


def test_candles_that_close_outside_their_range_give_no_root_of_a_negative_number() -> None:
    bars = make_bars(50)
    odd = replace(bars, high=np.minimum(bars.open, bars.close), low=np.minimum(bars.open, bars.close))
    assert (GarmanKlass(5).compute(odd)[4:] == 0).all()
