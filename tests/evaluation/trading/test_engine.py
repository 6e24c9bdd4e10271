from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecastle.evaluation.trading.cost import Market
from forecastle.evaluation.trading.engine import simulate
from forecastle.evaluation.trading.trades import trade_results

FLOATS = {"allow_nan": False, "allow_infinity": False}


def make_market(
    price: np.ndarray,
    spread: float | np.ndarray = 0.0,
    commission: float = 0.0,
    nights: np.ndarray | None = None,
    swap: tuple[float, float] = (0.0, 0.0),
) -> Market:
    count = len(price)
    time = np.datetime64("2024-01-01", "us") + np.arange(count) * np.timedelta64(1, "h")
    return Market(
        time,
        np.asarray(price, dtype=float),
        np.broadcast_to(np.asarray(spread, dtype=float), count),
        np.full(count, commission),
        np.zeros(count),
        np.zeros(count) if nights is None else nights,
        swap,
    )


def reference(market: Market, target: np.ndarray, spreads: float = 1.0) -> dict[str, np.ndarray]:
    """The same account, event by event, with cash and units."""
    cash, units, wanted = 1.0, 0.0, 0.0
    equity, closed, gross, swaps = [], [], [], []
    for i, price in enumerate(market.price):
        if i:
            before = market.price[i - 1]
            gross.append(units * (price - before))
            rate = market.swap[0] if units > 0 else market.swap[1]
            paid = market.nights[i - 1] * rate * abs(units) * before
            swaps.append(paid)
            cash -= paid
        equity.append(cash + units * price)
        if equity[-1] <= 0:
            target = np.where(np.arange(len(target)) < i, target, 0.0)
        if target[i] != wanted:
            wanted = target[i]
            change = wanted * equity[-1] / price - units
            cost = spreads * market.spread[i] + market.commission[i] + market.slippage[i]
            cash -= change * price + cost * abs(change) * price
            units += change
        closed.append(cash + units * price)
    return {
        "equity": np.array(equity),
        "closed": np.array(closed),
        "gross": np.array(gross),
        "swap": np.array(swaps),
    }


@st.composite
def accounts(draw: st.DrawFn) -> tuple[Market, np.ndarray, float]:
    count = draw(st.integers(2, 40))
    numbers = lambda low, high: st.lists(st.floats(low, high, **FLOATS), min_size=count, max_size=count)  # noqa: E731
    price = np.exp(np.cumsum(draw(numbers(-0.05, 0.05))))
    market = make_market(
        price,
        np.array(draw(numbers(0, 0.01))),
        draw(st.floats(0, 0.01)),
        np.array(draw(st.lists(st.sampled_from([0.0, 1.0, 3.0]), min_size=count, max_size=count))),
        (draw(st.floats(-0.001, 0.001)), draw(st.floats(-0.001, 0.001))),
    )
    choices = st.one_of(st.sampled_from([0.0, 1.0, -1.0, 0.5]), st.floats(-3, 3, **FLOATS))
    target = np.array(draw(st.lists(choices, min_size=count, max_size=count)))
    target[-1] = 0.0
    return market, target, draw(st.sampled_from([0.0, 1.0, 4.0]))


@given(accounts())
@settings(max_examples=300, deadline=None)
def test_the_whole_arrays_are_the_account_event_by_event(given_: tuple[Market, np.ndarray, float]) -> None:
    market, target, spreads = given_
    ledger, wanted = simulate(market, target, spreads), reference(market, target, spreads)
    for name, values in wanted.items():
        np.testing.assert_allclose(getattr(ledger, name), values, rtol=1e-9, atol=1e-10, err_msg=name)
    total = ledger.gross.sum() - ledger.swap.sum() - ledger.paid.sum()
    assert ledger.closed[-1] == pytest.approx(1 + total, abs=1e-9)
    assert trade_results(ledger).sum() == pytest.approx(total, abs=1e-9)


def test_a_long_noisy_account_is_the_same_event_by_event() -> None:
    random = np.random.default_rng(1)
    count = 20_000
    market = make_market(
        np.exp(np.cumsum(random.normal(0, 0.005, count))),
        random.uniform(0, 2e-5, count),
        5e-6,
        (np.arange(count) % 24 == 0) * 1.0,
        (1e-4, -5e-5),
    )
    target = np.round(random.normal(0, 1, count), 2)
    target[-1] = 0.0
    ledger, wanted = simulate(market, target), reference(market, target)
    np.testing.assert_allclose(ledger.closed, wanted["closed"], rtol=1e-10)


def test_an_order_pays_half_the_spread_and_the_close_pays_it_again() -> None:
    ledger = simulate(make_market(np.array([100.0, 110.0, 110.0]), 0.001), np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(ledger.equity, [1.0, 1.099, 1.099])  # 1 unit of equity bought, .001 of it paid
    np.testing.assert_allclose(ledger.closed[-1], 1.099 - 1.1 * 0.001)
    np.testing.assert_allclose(ledger.paid, [0.001, 0.0011])


def test_a_held_position_is_not_rebalanced() -> None:
    ledger = simulate(make_market(np.array([100.0, 90.0, 80.0, 70.0])), np.array([-1.0, -1.0, -1.0, 0.0]))
    assert ledger.order.tolist() == [0, 3]
    np.testing.assert_allclose(ledger.value[:3], [-1.0, -0.9, -0.8])  # the same units, cheaper
    np.testing.assert_allclose(ledger.closed[-1], 1.3)


def test_swaps_are_paid_on_the_value_that_is_held_over_the_night() -> None:
    market = make_market(np.array([100.0, 200.0, 200.0, 200.0]), nights=np.array([0.0, 3.0, 0.0, 0.0]), swap=(1e-3, 0))
    ledger = simulate(market, np.array([1.0, 1.0, 1.0, 0.0]))
    np.testing.assert_allclose(ledger.swap, [0.0, 3 * 1e-3 * 2.0, 0.0])


def test_an_account_with_nothing_left_is_closed_and_owes_the_rest() -> None:
    ledger = simulate(make_market(np.array([100.0, 40.0, 200.0, 300.0])), np.array([2.0, 2.0, 2.0, 0.0]))
    assert ledger.ruin == 1
    np.testing.assert_allclose(ledger.closed, [1.0, -0.2, -0.2, -0.2])


def test_an_account_without_a_position_keeps_what_it_has() -> None:
    ledger = simulate(make_market(np.array([100.0, 90.0, 80.0]), 0.01), np.zeros(3))
    assert not len(ledger.order)
    np.testing.assert_array_equal(ledger.closed, np.ones(3))


def test_the_account_of_backtesting_py_is_the_same() -> None:
    """Constants from backtesting.py 0.6.6 on these opens, divided by a million so that it can hold whole units.

    Its strategy bought or sold ``size=0.5`` where the side became long or short and closed where it became flat, in
    ``Backtest(cash=100_000, commission=5e-4, finalize_trades=True)``; the close of a bar is the open of the next. It
    sizes an order so that the commission fits into the half, hence the divisor. Its equity at a close stands here at
    the open after it.
    """
    opens = [100.0, 100.3, 100.03, 99.14, 98.69, 97.72, 97.77, 99.09, 98.61, 98.0]
    opens += [98.48, 98.83, 98.93, 98.02, 97.99, 98.67, 97.36, 96.91, 95.09, 93.87]
    side = np.array([0, 1, 1, 0, -1, -1, -1, 0, 1, 0, 0, -1, 0, 1, 1, 1, 0, -1, 0, 0])
    equity = [100000.0, 100000.0, 99530.3683, 99305.5482, 99280.8954, 99230.7009, 98560.4938, 98804.2055, 98779.1717]
    equity += [98996.2765, 98971.4732, 98971.4732, 99401.7059, 99377.2029, 99697.012, 99033.0714, 98805.0002]
    equity += [98780.442, 99389.1166, 99364.7505]
    trades = [-719.1046, -501.7237, 192.3015, 405.7297, -596.7609, 584.3086]
    target = np.concatenate([[0.0], side[:-1]]) * 0.5 / 1.0005
    ledger = simulate(make_market(np.array(opens), commission=5e-4), target)
    np.testing.assert_allclose(1e5 * ledger.equity[1:], equity[:-1], atol=0.001)
    assert 1e5 * ledger.closed[-1] == pytest.approx(equity[-1], abs=0.001)
    assert 1e5 * ledger.paid.sum() == pytest.approx(296.6401, abs=0.001)
    np.testing.assert_allclose(1e5 * trade_results(ledger), trades, atol=0.001)
