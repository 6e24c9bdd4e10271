"""The benchmark panel: eight currencies, an order and no calendar."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecastle.data.exchange_rate import CURRENCIES, ExchangeRateSource
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.errors import DataError

RATES = np.arange(1, 41, dtype=float).reshape(5, 8) / 10


@pytest.fixture
def path(tmp_path: Path) -> Path:
    text = "".join(",".join(str(rate) for rate in row) + "\n" for row in RATES)
    (tmp_path / "exchange_rate.txt.gz").write_bytes(gzip.compress(text.encode()))
    return tmp_path / "exchange_rate.txt.gz"


def test_every_price_of_a_bar_is_the_rate(path: Path) -> None:
    panel, _ = load(ExchangeRateSource(str(path)), QualityPolicy())
    assert panel.symbols == tuple(sorted(CURRENCIES))
    for bars in panel:
        rates = RATES[:, CURRENCIES.index(bars.symbol)]
        for column in (bars.open, bars.high, bars.low, bars.close):
            np.testing.assert_array_equal(column, rates)
        assert bars.volume is None
        assert bars.calendar is False
        np.testing.assert_array_equal(np.diff(bars.time), np.timedelta64(1, "D"))


def test_a_stretch_and_the_newest_rows_are_those_of_the_artificial_days(path: Path) -> None:
    source = ExchangeRateSource(str(path))
    stretch = source.history(pd.Timestamp("1990-01-02", tz="UTC"), pd.Timestamp("1990-01-04", tz="UTC"))
    assert stretch.groupby("symbol", observed=True).size().tolist() == [2] * 8
    assert source.recent(1)["close"].tolist() == RATES[-1].tolist()


def test_a_missing_file_says_where_it_is_looked_for(path: Path) -> None:
    source = ExchangeRateSource("nowhere/exchange_rate.txt.gz")
    with pytest.raises(DataError, match=r"no such file: nowhere/exchange_rate\.txt\.gz .*FORECASTLE_SHARED"):
        source.history()
    with pytest.raises(DataError, match="no such file"):
        source.fingerprint()
    assert ExchangeRateSource(str(path)).fingerprint() == ExchangeRateSource(str(path)).fingerprint()


@pytest.mark.parametrize("text", ["", "1,2,3\n", "AUD,GBP,CAD,CHF,CNY,JPY,NZD,SGD\n1,2,3,4,5,6,7,8\n"])
def test_another_file_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "rates.txt").write_text(text)
    with pytest.raises(DataError, match="eight columns of rates wanted") as caught:
        ExchangeRateSource(str(tmp_path / "rates.txt")).history()
    assert "\n" not in str(caught.value)
