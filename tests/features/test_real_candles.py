"""Every indicator on real currencies: dirty, gapped, with weekends, and bars whose close lies outside their range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecastle.arrays import SPAN, TIME
from forecastle.config.compose import compose
from forecastle.config.target import build
from forecastle.data.bars import Bars
from forecastle.features.causality import check

FILES = {"XAUUSD": ("ejtrader_h1", 60), "EURGBP": ("ejtrader_h1", 60), "USDCHF": ("getdata_USDCHF_5m", 5)}


@pytest.fixture(params=FILES)
def currency(request: pytest.FixtureRequest, shared_data: Path) -> Bars:
    name, minutes = FILES[request.param]
    table = pd.read_parquet(shared_data / "fx" / f"{name}.parquet")
    if "symbol" in table:
        table = table[table["symbol"] == request.param]
    table = table.tail(5000)
    times = pd.DatetimeIndex(table["ts"])
    times = times if times.tz is None else times.tz_convert("UTC").tz_localize(None)
    columns = {name: table[name].to_numpy(np.float64).copy() for name in ("open", "high", "low", "close", "volume")}
    interval = np.timedelta64(minutes, "m").astype(SPAN)
    return Bars(request.param, interval, times.to_numpy().astype(TIME), **columns)


def test_no_indicator_looks_ahead_or_needs_more_history_than_it_claims(currency: Bars) -> None:
    for name, node in compose(["indicator=full"]).indicator.items():
        indicator = build(node, name)
        assert np.isfinite(indicator.compute(currency)[indicator.warmup - 1 :]).all(), name
        for verdict in check(indicator, currency, points=10):
            assert verdict.ok, verdict
