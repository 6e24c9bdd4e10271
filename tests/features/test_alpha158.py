"""Alpha158 against qlib's expressions, evaluated with the pandas operators that qlib's own are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.conftest import make_bars

from forecastle.data.bars import Bars
from forecastle.features.alpha158 import (
    CANDLE,
    WINDOWS,
    AlphaCandle,
    AlphaCount,
    AlphaExtreme,
    AlphaPrice,
    AlphaRank,
    AlphaVolume,
)


def published(bars: Bars, d: int) -> Iterator[tuple[str, pd.Series]]:
    """The rolling columns of qlib's loader for one window, in its order, by its names."""
    h, l, c, v = (pd.Series(getattr(bars, name)) for name in ("high", "low", "close", "volume"))  # noqa: E741
    x = np.arange(1, d + 1)

    def fit(window: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.polyfit(x, window, 1)

    yield "ROC", c.shift(d) / c
    yield "MA", c.rolling(d).mean() / c
    yield "STD", c.rolling(d).std() / c
    yield "BETA", c.rolling(d).apply(lambda w: fit(w)[0], raw=True) / c
    yield "RSQR", c.rolling(d).apply(lambda w: np.corrcoef(x, w)[0, 1] ** 2, raw=True)
    yield "RESI", c.rolling(d).apply(lambda w: w[-1] - np.polyval(fit(w), d), raw=True) / c
    yield "MAX", h.rolling(d).max() / c
    yield "MIN", l.rolling(d).min() / c
    yield "QTLU", c.rolling(d).quantile(0.8) / c
    yield "QTLD", c.rolling(d).quantile(0.2) / c
    yield "RANK", c.rolling(d).rank(pct=True)
    yield "RSV", (c - l.rolling(d).min()) / (h.rolling(d).max() - l.rolling(d).min() + 1e-12)
    imax = h.rolling(d).apply(lambda w: w.argmax() + 1, raw=True)
    imin = l.rolling(d).apply(lambda w: w.argmin() + 1, raw=True)
    yield "IMAX", imax / d
    yield "IMIN", imin / d
    yield "IMXD", (imax - imin) / d
    yield "CORR", c.rolling(d).corr(np.log(v + 1))
    yield "CORD", (c / c.shift(1)).rolling(d).corr(np.log(v / v.shift(1) + 1))
    up, down = (c > c.shift(1)).astype(float), (c < c.shift(1)).astype(float)
    yield "CNTP", up.rolling(d).mean()
    yield "CNTN", down.rolling(d).mean()
    yield "CNTD", up.rolling(d).mean() - down.rolling(d).mean()
    for prefix, series in (("", c), ("V", v)):
        rise, fall = series.diff().clip(lower=0), (-series.diff()).clip(lower=0)
        both = series.diff().abs().rolling(d).sum() + 1e-12
        yield f"{prefix}SUMP", rise.rolling(d).sum() / both
        yield f"{prefix}SUMN", fall.rolling(d).sum() / both
        yield f"{prefix}SUMD", (rise.rolling(d).sum() - fall.rolling(d).sum()) / both
    yield "VMA", v.rolling(d).mean() / (v + 1e-12)
    yield "VSTD", v.rolling(d).std() / (v + 1e-12)
    moved = (c / c.shift(1) - 1).abs() * v
    yield "WVMA", moved.rolling(d).std() / (moved.rolling(d).mean() + 1e-12)


ROLLING = (AlphaPrice, AlphaExtreme, AlphaRank, AlphaCount, AlphaVolume)


def columns(bars: Bars, windows: tuple[int, ...]) -> dict[str, np.ndarray[Any, Any]]:
    """All rolling columns by qlib's names."""
    found = {}
    for build in ROLLING:
        indicator = build(list(windows))
        for name, values in zip(indicator.columns, indicator.compute(bars).T, strict=True):
            word, _, window = name.removeprefix(f"{indicator.name}_").partition("_")
            found[f"{word.upper()}{window}"] = values
    return found


@pytest.mark.parametrize("d", WINDOWS)
def test_every_rolling_column_is_qlibs(d: int, bars: Bars) -> None:
    ours = columns(bars, (d,))
    wanted = dict(published(bars, d))
    assert len(wanted) == 29
    assert set(ours) == {f"{name}{d}" for name in wanted}
    for name, values in wanted.items():
        np.testing.assert_allclose(
            ours[f"{name}{d}"][d + 1 :], values[d + 1 :], rtol=1e-7, atol=1e-9, err_msg=f"{name}{d}"
        )


def test_the_candle_columns_are_qlibs(bars: Bars) -> None:
    o, h, l, c = bars.open, bars.high, bars.low, bars.close  # noqa: E741
    up, low = h - np.maximum(o, c), np.minimum(o, c) - l
    wanted = {
        "kmid": (c - o) / o,
        "klen": (h - l) / o,
        "kmid2": (c - o) / (h - l + 1e-12),
        "kup": up / o,
        "kup2": up / (h - l + 1e-12),
        "klow": low / o,
        "klow2": low / (h - l + 1e-12),
        "ksft": (2 * c - h - l) / o,
        "ksft2": (2 * c - h - l) / (h - l + 1e-12),
        "open0": o / c,
        "high0": h / c,
        "low0": l / c,
        "vwap0": (h + l + c) / 3 / c,
    }
    assert tuple(wanted) == CANDLE
    np.testing.assert_allclose(AlphaCandle().compute(bars), np.stack(list(wanted.values()), axis=1), rtol=1e-9)


def test_there_are_158_columns() -> None:
    assert len(columns(make_bars(100), WINDOWS)) + len(AlphaCandle().columns) == 158


def test_a_market_without_movement_or_trade_gives_numbers() -> None:
    price = np.full(100, 1.23456)
    still = replace(make_bars(100), open=price, high=price, low=price, close=price, volume=np.zeros(100))
    found = {name: values[-1] for name, values in columns(still, (10,)).items()}
    ones = {"ROC10", "MA10", "MAX10", "MIN10", "QTLU10", "QTLD10"}
    assert {name for name, value in found.items() if value == pytest.approx(1, abs=1e-12)} == ones
    places = {"RANK10": 0.55, "IMAX10": 0.1, "IMIN10": 0.1}
    assert {name: round(found[name], 12) for name in places} == places
    assert all(value == 0 for name, value in found.items() if name not in {*ones, *places})


def test_a_bar_without_volume_among_others_gives_numbers(bars: Bars) -> None:
    assert bars.volume is not None
    volume = bars.volume.copy()
    volume[::3] = 0.0
    indicator = AlphaVolume()
    assert np.isfinite(indicator.compute(replace(bars, volume=volume))[indicator.warmup - 1 :]).all()
