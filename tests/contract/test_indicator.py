"""What every indicator in conf/indicator must keep, whoever wrote it: no edit is needed here for a new one."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hydra.utils import get_class, instantiate
from tests.conftest import make_bars

from forecastle.arrays import SPAN, TIME
from forecastle.config.compose import compose as compose_config
from forecastle.data.bars import Bars, Panel
from forecastle.data.packaged import PackagedSource
from forecastle.errors import FeatureError
from forecastle.features.causality import check
from forecastle.features.engine import compute
from forecastle.features.frame import NEEDS, Indicator

FOLDER = Path(__file__).resolve().parents[2] / "conf" / "indicator"
READ = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))}
FAMILIES: list[str] = READ["full"]["defaults"]


def members(name: str) -> dict[str, dict[str, Any]]:
    """The bodies that a file composes into, those of its defaults list first."""
    body = dict(READ[name])
    listed = body.pop("defaults", [])
    return {key: each for family in listed for key, each in members(family).items()} | body


FILES: dict[str, dict[str, dict[str, Any]]] = {name: members(name) for name in READ}
SETS = sorted(name for name, body in FILES.items() if list(body) != [name])

# each different body once, under the first file that holds it
BODIES = {
    json.dumps([key, body]): pytest.param(key, body, id=f"{name}:{key}")
    for name, bodies in sorted(FILES.items(), key=lambda item: item[0] in SETS)
    for key, body in bodies.items()
}
every_body = pytest.mark.parametrize(("key", "body"), BODIES.values())


def build(body: Mapping[str, Any]) -> Indicator:
    made = instantiate(dict(body), _convert_="all")
    assert isinstance(made, Indicator)
    return made


def quiet_bars() -> Bars:
    """Like a currency: prices near 1 that move by a hundredth of a per cent, and for sixty bars not at all."""
    bars = make_bars(1500, seed=7)
    still = np.full(1500, 1.0)
    still[700:760] = 0.0
    logs = np.cumsum(np.random.default_rng(7).normal(0, 1e-4, 1500) * still)
    close = 1.1 * np.exp(logs)
    open_ = np.concatenate([[1.1], close[:-1]])
    reach = 5e-5 * still
    return replace(
        bars,
        symbol="QUIET",
        open=open_,
        close=close,
        high=np.maximum(open_, close) * (1 + reach),
        low=np.minimum(open_, close) * (1 - reach),
    )


def real_bars() -> Bars:
    table = PackagedSource("sp500").history()
    columns = {name: table[name].to_numpy(np.float64).copy() for name in ("open", "high", "low", "close", "volume")}
    time = table["time"].dt.tz_localize(None).to_numpy().astype(TIME)
    return Bars("SP500", np.timedelta64(1, "D").astype(SPAN), time, **columns)


MARKETS = {"walk": make_bars(1500, seed=3), "quiet": quiet_bars(), "sp500": real_bars()}
every_market = pytest.mark.parametrize("bars", MARKETS.values(), ids=MARKETS)


def test_the_sets_and_the_everyday_indicators_are_there() -> None:
    assert {"minimal", "core", "full"} <= set(SETS)
    assert {"returns", "trend", "momentum", "volatility", "volume", "statistics", "calendar", "alpha158"} <= set(SETS)
    assert {"candlestick", "regime"} <= set(FILES)
    assert {"log_return", "rsi", "atr", "bollinger", "macd", "ema", "sma", "stochastic", "adx", "obv"} <= set(FILES)
    assert {"realised_volatility", "donchian", "keltner", "cci", "roc", "williams_r"} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_file_begins_with_a_line_that_says_what_it_is(name: str) -> None:
    first = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith(".")


@pytest.mark.parametrize("name", SETS)
def test_a_member_of_a_set_is_the_same_as_alone(name: str) -> None:
    for key, body in FILES[name].items():
        if key in FILES:
            assert {key: body} == FILES[key]


@pytest.mark.parametrize("name", FILES)
def test_a_member_stands_in_one_family_of_full_at_most_and_is_the_same_there(name: str) -> None:
    for key, body in FILES[name].items():
        families = [READ[family][key] for family in FAMILIES if key in READ[family]]
        assert families in ([], [body])


def test_full_composes_all_families_and_has_at_least_150_columns() -> None:
    composed = compose_config(["indicator=full"]).indicator
    assert composed == FILES["full"]
    assert sum(len(build(body).columns) for body in composed.values()) >= 150
    assert compose_config(["indicator=[momentum,volatility]"]).indicator == FILES["momentum"] | FILES["volatility"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_composes_into_a_frame_of_unique_columns(name: str) -> None:
    indicators = {key: build(body) for key, body in FILES[name].items()}
    bars = MARKETS["sp500"]
    frame = compute(Panel((bars,)), indicators)
    assert frame.left_out == {}
    assert frame.values.shape == (len(bars), len(frame.columns))
    assert np.isfinite(frame.values[frame.warmup - 1 :]).all()
    first = 0
    for indicator in indicators.values():
        last = first + len(indicator.columns)
        np.testing.assert_array_equal(frame.values[:, first:last], indicator.compute(bars).astype(np.float32))
        first = last
    assert first == len(frame.columns)


@pytest.mark.parametrize(("name", "columns"), [("minimal", 6), ("core", 20), ("candlestick", 61), ("alpha158", 158)])
def test_a_set_has_the_columns_that_its_comment_counts(name: str, columns: int) -> None:
    assert sum(len(build(body).columns) for body in FILES[name].values()) == columns


@pytest.mark.parametrize("need", NEEDS)
@pytest.mark.parametrize("name", FILES)
def test_bars_without_volume_or_dates_lose_only_what_needs_them(name: str, need: str) -> None:
    indicators = {key: build(body) for key, body in FILES[name].items()}
    needing = {key for key, indicator in indicators.items() if need in indicator.needs}
    panel = Panel((replace(make_bars(1000, volume=need != "volume"), calendar=need != "calendar"),))
    if needing == set(indicators):
        with pytest.raises(FeatureError, match=f"left out for want of {need}"):
            compute(panel, indicators)
        return
    frame = compute(panel, indicators)
    assert set(frame.left_out) == needing
    assert len(frame.columns) == sum(len(item.columns) for key, item in indicators.items() if key not in needing)


@every_body
def test_a_body_names_only_arguments_that_its_class_takes(key: str, body: dict[str, Any]) -> None:
    target = get_class(body["_target_"])
    own = {item.name for item in inspect.signature(target).parameters.values() if item.kind is not item.VAR_KEYWORD}
    further = target.accepts(body) if hasattr(target, "accepts") else ()
    assert set(body) - {"_target_"} <= own | set(further)
    assert all(column == key or column.startswith(f"{key}_") for column in build(body).columns)


@every_body
def test_a_body_gives_float64_columns_that_are_nan_until_warm_and_finite_after(key: str, body: dict[str, Any]) -> None:
    indicator = build(body)
    assert len(set(indicator.columns)) == len(indicator.columns) > 0
    for bars in MARKETS.values():
        values = indicator.compute(bars)
        assert values.dtype == np.float64
        assert values.shape == (len(bars), len(indicator.columns))
        assert np.isnan(values[: indicator.warmup - 1]).all()
        assert np.isfinite(values[indicator.warmup - 1 :]).all()


@every_body
def test_a_body_needs_volume_exactly_where_volume_changes_it(key: str, body: dict[str, Any]) -> None:
    indicator, bars = build(body), MARKETS["walk"]
    other = replace(bars, volume=np.roll(bars.volume, 1))
    same = np.array_equal(indicator.compute(bars), indicator.compute(other), equal_nan=True)
    assert ("volume" in indicator.needs) != same


@every_body
def test_a_body_needs_the_calendar_exactly_where_the_time_changes_it(key: str, body: dict[str, Any]) -> None:
    indicator, bars = build(body), MARKETS["walk"]
    other = replace(bars, time=bars.time + np.timedelta64(30, "h"))
    same = np.array_equal(indicator.compute(bars), indicator.compute(other), equal_nan=True)
    assert ("calendar" in indicator.needs) != same


@every_body
@every_market
def test_a_body_ignores_the_future_and_keeps_its_warm_up(bars: Bars, key: str, body: dict[str, Any]) -> None:
    for verdict in check(build(body), bars, points=20):
        assert verdict.ok, verdict


@every_body
@every_market
def test_a_body_gives_the_same_float32_from_its_last_warmup_bars(bars: Bars, key: str, body: dict[str, Any]) -> None:
    indicator = build(body)
    full = indicator.compute(bars)
    dust = indicator.tolerance / 100 * full[indicator.warmup - 1 :].std(axis=0)  # the rounding of a sum that is 0
    for moment in np.linspace(indicator.warmup - 1, len(bars) - 1, 40).astype(int):
        wanted = full[moment].astype(np.float32)
        last = indicator.compute(bars[moment + 1 - indicator.warmup : moment + 1])[-1].astype(np.float32)
        allowed = np.maximum(np.spacing(np.abs(wanted)), dust)
        assert (np.abs(last - wanted) <= allowed).all(), (moment, last, wanted)


@every_body
def test_a_body_is_free_of_the_unit_of_price(key: str, body: dict[str, Any]) -> None:
    """Powers of two scale without rounding, so that a tie between two highs stays a tie."""
    indicator, bars = build(body), MARKETS["sp500"]
    prices = {name: getattr(bars, name) * 8 for name in ("open", "high", "low", "close")}
    found = indicator.compute(replace(bars, **prices))
    np.testing.assert_allclose(found, indicator.compute(bars), rtol=1e-9, atol=1e-12)


@every_body
def test_a_body_is_free_of_the_unit_of_volume(key: str, body: dict[str, Any]) -> None:
    """But for the 1 that a published formula adds to a volume of thousands of millions."""
    indicator, bars = build(body), MARKETS["sp500"]
    found = indicator.compute(replace(bars, volume=bars.volume / 64))
    np.testing.assert_allclose(found, indicator.compute(bars), rtol=1e-9, atol=1e-6)
