"""The engine that fills one matrix."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np
import pytest
from joblib.parallel import ThreadingBackend, register_parallel_backend
from tests.conftest import make_bars

from forecastle.config.compose import compose
from forecastle.data.bars import Bars, Panel
from forecastle.errors import ConfigError, FeatureError
from forecastle.features.engine import compute
from forecastle.features.frame import Indicator
from forecastle.features.returns import LogReturn
from forecastle.features.talib import TALib
from forecastle.features.timeframes import build_indicators
from forecastle.features.volume import OnBalanceVolume


@dataclass
class Fake:
    """Gives what it was given."""

    values: Any
    columns: tuple[str, ...] = ("fake",)
    warmup: int = 1
    needs: tuple[str, ...] = ()
    tolerance: float = 1e-9
    may_miss: bool = False

    def compute(self, bars: Bars) -> Any:
        if isinstance(self.values, Exception):
            raise self.values
        return self.values


def indicators() -> Mapping[str, Indicator]:
    return {"log_return": LogReturn([1, 5]), "obv": OnBalanceVolume(20), "cci": TALib("CCI", timeperiod=20)}


def test_columns_stand_in_the_order_of_the_indicators_and_each_symbol_is_computed_by_itself() -> None:
    panel = Panel((make_bars(300, seed=1, symbol="B"), make_bars(200, seed=2, symbol="A")))
    frame = compute(panel, indicators())
    assert frame.columns == ("log_return_1", "log_return_5", "obv_20", "cci_20")
    assert frame.lengths.tolist() == [200, 300]
    assert frame.warmup == 21
    assert frame.left_out == {}
    assert frame.values.dtype == np.float32
    assert frame.values.flags.c_contiguous
    start = 0
    for bars in panel:
        apart = np.concatenate([item.compute(bars) for item in indicators().values()], axis=1)
        np.testing.assert_array_equal(frame.values[start : start + len(bars)], apart.astype(np.float32))
        start += len(bars)


def test_only_the_rows_before_each_warm_up_are_nan() -> None:
    frame = compute(Panel((make_bars(300),)), indicators())
    assert np.isnan(frame.values).sum(axis=0).tolist() == [5, 5, 20, 19]


def test_an_heirs_own_compute_is_what_counts(bars: Bars) -> None:
    class Doubled(LogReturn):
        def compute(self, bars: Bars) -> Any:
            return 2 * super().compute(bars)

    plain, doubled = (compute(Panel((bars,)), {"one": each}).values for each in (LogReturn(1), Doubled(1)))
    np.testing.assert_array_equal(doubled, 2 * plain)


def test_an_indicator_that_gives_other_columns_than_it_names_is_named(bars: Bars) -> None:
    class Short(LogReturn):
        def each(self, bars: Bars) -> Any:
            return iter([bars.close])

    with pytest.raises(FeatureError, match="TEST: indicator 'mine' failed: ValueError: zip"):
        compute(Panel((bars,)), {"mine": Short([1, 5])})


def test_rows_that_an_indicator_should_have_left_empty_are_emptied(bars: Bars) -> None:
    frame = compute(Panel((bars,)), {"fake": Fake(np.ones((len(bars), 1)), warmup=4)})
    assert np.isnan(frame.values[:3]).all()
    assert (frame.values[3:] == 1).all()


def test_what_needs_volume_is_left_out_of_all_symbols_and_told_in_one_line() -> None:
    panel = Panel((make_bars(symbol="A"), make_bars(symbol="B", volume=False)))
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("forecastle.features.engine")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        frame = compute(panel, {**indicators(), "mfi": TALib("MFI")})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert frame.columns == ("log_return_1", "log_return_5", "cci_20")
    assert frame.left_out == dict.fromkeys(("obv", "mfi"), "needs volume, which is missing for B")
    assert lines == ["left out for want of volume (B): obv, mfi"]


def test_what_needs_volume_is_refused_where_the_config_says_so() -> None:
    panel = Panel((make_bars(symbol="A", volume=False), make_bars(symbol="B", volume=False)))
    with pytest.raises(FeatureError, match="bars with volume wanted by indicator obv, got none for A and 1 more"):
        compute(panel, indicators(), missing="refuse")


def test_nothing_left_to_compute_is_an_error() -> None:
    silent = Panel((make_bars(volume=False),))
    with pytest.raises(FeatureError, match="at least one indicator wanted, got none; left out for want of volume: obv"):
        compute(silent, {"obv": OnBalanceVolume(20)})
    with pytest.raises(FeatureError, match=r"at least one indicator wanted, got none$"):
        compute(silent, {})


def test_a_word_that_is_no_policy_is_refused(bars: Bars) -> None:
    with pytest.raises(ConfigError, match=r"missing must be skip or refuse, got 'skipp'; did you mean 'skip'\?"):
        compute(Panel((bars,)), indicators(), missing="skipp")


def test_two_columns_of_one_name_are_refused(bars: Bars) -> None:
    twice = {"rsi": TALib("RSI", timeperiod=[7, 14]), "momentum": TALib("RSI")}
    with pytest.raises(
        FeatureError, match="each column once wanted, got 'rsi_14' from indicators 'rsi' and 'momentum'"
    ):
        compute(Panel((bars,)), twice)


def test_a_symbol_that_is_too_short_is_told_with_the_indicator_that_needs_more() -> None:
    panel = Panel((make_bars(500, symbol="A"), make_bars(100, symbol="B")))
    with pytest.raises(FeatureError, match=r"B: at least 388 bars wanted \(warm-up of indicator 'rsi'\), got 100"):
        compute(panel, {"log_return": LogReturn(1), "rsi": TALib("RSI")})


def test_an_indicator_that_fails_names_itself(bars: Bars) -> None:
    with pytest.raises(FeatureError, match="TEST: indicator 'mine' failed: ZeroDivisionError: oh"):
        compute(Panel((bars,)), {"mine": Fake(ZeroDivisionError("oh"))})


def test_an_indicator_of_a_wrong_shape_names_itself(bars: Bars) -> None:
    with pytest.raises(FeatureError, match=r"TEST: indicator 'mine' must give shape \(800, 1\), got \(800,\)"):
        compute(Panel((bars,)), {"mine": Fake(np.ones(800))})


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_value_that_is_not_finite_in_float32_is_told_with_its_bar(bars: Bars, value: float) -> None:
    values = np.ones((len(bars), 2))
    values[17, 1] = value
    fake = Fake(values, columns=("fine", "broken"), warmup=5)
    with pytest.raises(
        FeatureError, match=rf"indicator 'mine' must be finite .* got {re.escape(str(value))} in broken at bar 17"
    ):
        compute(Panel((bars,)), {"mine": fake})


def test_what_may_miss_keeps_its_nan_but_nothing_infinite(bars: Bars) -> None:
    values = np.ones((len(bars), 1))
    values[[0, 17]] = np.nan
    fake = Fake(values, warmup=5, may_miss=True)
    frame = compute(Panel((bars,)), {"mine": fake})
    assert np.flatnonzero(np.isnan(frame.values[:, 0])).tolist() == [0, 1, 2, 3, 17]
    values[18] = np.inf
    with pytest.raises(FeatureError, match="got inf in fake at bar 18"):
        compute(Panel((bars,)), {"mine": fake})


@pytest.mark.parametrize("column", ["close", "volume"])
def test_candles_that_are_not_finite_never_reach_an_indicator(bars: Bars, column: str) -> None:
    spoilt = getattr(bars, column).copy()
    spoilt[40] = np.nan
    with pytest.raises(FeatureError, match=f"TEST: finite candles wanted, got nan in {column} at bar 40"):
        compute(Panel((replace(bars, **{column: spoilt}),)), indicators())


def test_threads_and_processes_give_the_bits_of_one_after_the_other() -> None:
    panel = Panel(tuple(make_bars(2000 + 100 * seed, seed=seed, symbol=f"S{seed}") for seed in range(4)))
    nodes = compose(["indicator=full"]).indicator
    built = build_indicators(nodes, panel.interval, ["1h", "4h"])
    slow = {name: each for name, each in built.items() if each.warmup < 2000}
    alone = compute(panel, slow)
    assert len(alone.columns) > 300
    for workers, pool in ((2, "thread"), (4, "thread"), (2, "process"), (3, "process")):
        beside = compute(panel, slow, workers=workers, pool=pool)
        assert beside.values.tobytes() == alone.values.tobytes(), (workers, pool)
        assert (beside.columns, beside.warmup, beside.left_out) == (alone.columns, alone.warmup, alone.left_out)


def test_a_backend_that_cannot_reach_the_matrix_gives_the_bits_back() -> None:
    class Away(ThreadingBackend):
        supports_return_generator = False

    register_parallel_backend("away", Away)
    panel = Panel((make_bars(300, symbol="A"), make_bars(200, symbol="B", seed=1)))
    with joblib.parallel_config(backend="away"):
        away = compute(panel, indicators(), workers=2, pool="process")
    assert away.values.tobytes() == compute(panel, indicators()).values.tobytes()


@pytest.mark.parametrize(("workers", "pool"), [(1, "thread"), (2, "thread"), (2, "process")])
def test_what_fails_is_left_out_of_all_symbols_and_told_where_the_config_says_so(
    workers: int, pool: str, caplog: pytest.LogCaptureFixture
) -> None:
    panel = Panel((make_bars(300, symbol="A"), make_bars(200, symbol="B", seed=1)))
    fakes = {
        "broken": Fake(ZeroDivisionError("oh"), columns=("one", "two"), warmup=50),
        "narrow": Fake(np.ones((300, 1)), columns=("three",)),
        "empty": Fake(np.full((200, 1), np.nan), columns=("four",)),
    }
    mixed = {"log_return": LogReturn(1), **fakes, "cci": TALib("CCI", timeperiod=20)}
    frame = compute(panel, mixed, on_error="leave_out", workers=workers, pool=pool)
    wanted = compute(panel, {"log_return": LogReturn(1), "cci": TALib("CCI", timeperiod=20)})
    assert frame.columns == wanted.columns
    assert frame.warmup == wanted.warmup
    assert frame.values.tobytes() == wanted.values.tobytes()
    assert frame.values.flags.c_contiguous
    assert frame.left_out["broken"] == "A: indicator 'broken' failed: ZeroDivisionError: oh"
    assert frame.left_out["narrow"] == "B: indicator 'narrow' must give shape (200, 1), got (300, 1)"
    assert frame.left_out["empty"].startswith("A: indicator 'empty' must give shape (300, 1)")
    assert sum(line.startswith("left out: ") for line in caplog.messages) == 3


def test_nothing_that_works_is_an_error_whatever_the_config_says(bars: Bars) -> None:
    with pytest.raises(FeatureError, match="at least one indicator wanted, got none; all failed, such as TEST: indica"):
        compute(Panel((bars,)), {"mine": Fake(ZeroDivisionError("oh"))}, on_error="leave_out")


def test_want_of_memory_is_no_fault_of_an_indicator(bars: Bars) -> None:
    mixed = {"log_return": LogReturn(1), "mine": Fake(MemoryError("full"))}
    with pytest.raises(FeatureError, match="TEST: indicator 'mine' failed: MemoryError: full"):
        compute(Panel((bars,)), mixed, on_error="leave_out")


def test_more_columns_than_a_strip_and_more_rows_than_a_tile_stand_where_they_belong() -> None:
    panel = Panel((make_bars(1500, symbol="A"), make_bars(700, symbol="B", seed=1)))
    many = {f"r{number}": Named(number) for number in range(150)}
    frame = compute(panel, many)
    assert frame.values.shape == (2200, 150)
    close = np.concatenate([bars.close for bars in panel])
    np.testing.assert_array_equal(frame.values, (close[:, None] + np.arange(150)).astype(np.float32))


@dataclass
class Named:
    """The close plus a number."""

    number: int
    warmup: int = 1
    needs: tuple[str, ...] = ()
    tolerance: float = 1e-9

    @property
    def columns(self) -> tuple[str, ...]:
        return (f"close_{self.number}",)

    def compute(self, bars: Bars) -> Any:
        return (bars.close + self.number)[:, None]
