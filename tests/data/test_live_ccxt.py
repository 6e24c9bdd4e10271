"""CcxtSource, on the answers of an exchange made by hand: nothing is asked over the network."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecastle.data.live_ccxt import CcxtSource
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.errors import ConfigError, DataError, MissingExtraError

HOUR = 3_600_000
BEGIN = int(pd.Timestamp("2024-01-01", tz="UTC").timestamp() * 1000)


class NetworkError(Exception):
    """The exchange cannot be reached, for now."""


class BadSymbol(Exception):  # noqa: N818
    """There is no such pair."""


class Exchange:
    """Hourly bars from 2024-01-01 on, at 40 minutes past the 100th hour; at most 10 at once."""

    timeframes = {"1m": "1", "1h": "60", "1d": "1D", "1M": "1Mo"}  # noqa: RUF012

    def __init__(self, settings: dict[str, Any]) -> None:
        assert settings == {"enableRateLimit": True}
        self.asked: list[int] = []
        self.failures: list[Exception] = []
        self.absent = {20, 21, *range(30, 55)}
        self.newest_first = False

    def milliseconds(self) -> int:
        return BEGIN + 100 * HOUR + 40 * 60_000

    def parse_timeframe(self, text: str) -> int:
        return {"1m": 60, "1h": 3600, "1d": 86_400, "1M": 2_592_000}[text]

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[float]]:
        self.asked.append((since - BEGIN) // HOUR)
        if self.failures:
            raise self.failures.pop(0)
        if symbol != "BTC/USDT":
            raise BadSymbol(f"binance does not have market symbol {symbol}")
        assert timeframe == "1h"
        there = [hour for hour in range(101) if hour not in self.absent and BEGIN + hour * HOUR >= since]
        # An exchange answers with a window, so that a hole as long as a page is an empty page.
        page = [hour for hour in there if BEGIN + hour * HOUR < since + min(limit, 10) * HOUR]
        rows = [[BEGIN + hour * HOUR, 100 + hour, 102 + hour, 99 + hour, 101 + hour, 5.5] for hour in page]
        return rows[::-1] if self.newest_first else rows


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> CcxtSource:
    library = SimpleNamespace(exchanges=["binance", "kraken"], binance=Exchange, NetworkError=NetworkError)
    monkeypatch.setitem(sys.modules, "ccxt", library)
    return CcxtSource("binance", ["BTC/USDT"], page=10, retry={"waits": [0, 0], "jitter": 0})


def hours(table: pd.DataFrame) -> list[int]:
    since = table["time"] - pd.Timestamp(BEGIN, unit="ms", tz="UTC")
    return (since // pd.Timedelta(1, "h")).tolist()


def client(source: CcxtSource) -> Exchange:
    found: Exchange = source._client
    return found


def at(hour: int) -> pd.Timestamp:
    return pd.Timestamp(BEGIN + hour * HOUR, unit="ms", tz="UTC")


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_are_put_together_across_holes_without_the_bar_that_is_not_closed(
    source: CcxtSource, newest_first: bool
) -> None:
    client(source).newest_first = newest_first
    table = source.history(at(0))
    assert hours(table) == [hour for hour in range(100) if hour not in client(source).absent]
    assert table["time"].dtype == "datetime64[us, UTC]"
    assert table.iloc[0][["open", "high", "low", "close", "volume"]].tolist() == [100, 102, 99, 101, 5.5]


def test_a_bar_is_there_from_the_moment_at_which_it_ends(source: CcxtSource, monkeypatch: pytest.MonkeyPatch) -> None:
    for late, newest in ((-1, 98), (0, 99)):
        monkeypatch.setattr(client(source), "milliseconds", lambda late=late: BEGIN + 100 * HOUR + late)
        assert hours(source.recent(1)) == [newest]


def test_bounds_are_kept(source: CcxtSource) -> None:
    assert hours(source.history(at(5), at(9))) == [5, 6, 7, 8]
    assert len(source.history(at(30), at(55))) == 0


def test_recent_asks_for_what_it_gives(source: CcxtSource) -> None:
    assert hours(source.recent(8)) == list(range(92, 100))
    assert len(client(source).asked) == 1
    assert hours(source.recent(5, at(57))) == [27, 28, 29, 55, 56]
    with pytest.raises(ConfigError, match="count must be at least 1"):
        source.recent(0)


def test_recent_gives_what_there_is(source: CcxtSource) -> None:
    assert hours(source.recent(10, at(3))) == [0, 1, 2]


def test_what_passes_is_tried_again_and_what_does_not_is_told(source: CcxtSource) -> None:
    client(source).failures = [NetworkError("slow down"), NetworkError("slow down")]
    assert len(source.history(at(0), at(5))) == 5
    client(source).failures = [NetworkError("no\nroute")] * 3
    with pytest.raises(DataError, match=r"binance: BTC/USDT: NetworkError: no route \(3 tries\)"):
        source.history(at(0), at(5))
    source.symbols = ["ABC/DEF"]
    client(source).asked.clear()
    with pytest.raises(DataError, match="binance: ABC/DEF: BadSymbol: binance does not have market symbol ABC/DEF"):
        source.history(at(0), at(5))
    assert len(client(source).asked) == 1


def test_its_bars_load_and_its_fingerprint_follows_the_clock(
    source: CcxtSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, _ = load(source, QualityPolicy(), at(0))
    assert len(panel.members[0]) == 73
    assert panel.interval == np.timedelta64(1, "h")
    before = source.fingerprint()
    assert before == source.fingerprint()
    monkeypatch.setattr(client(source), "milliseconds", lambda: BEGIN + 101 * HOUR)
    assert source.fingerprint() != before


def test_mistakes_are_told(source: CcxtSource, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"binance: an exchange is asked from a date on; say start=2020-01-01"):
        source.history()
    with pytest.raises(ConfigError, match="exchange: ccxt knows no 'binanse'; did you mean 'binance'"):
        CcxtSource("binanse", ["BTC/USDT"])
    with pytest.raises(ConfigError, match="binance offers bars of 1m, 1h, 1d, 1M, got interval 7min"):
        CcxtSource("binance", ["BTC/USDT"], "7min")
    for symbols in ([], ["BTC/USDT", "BTC/USDT"]):
        with pytest.raises(ConfigError, match="symbols must be one or more different pairs"):
            CcxtSource("binance", symbols)
    with pytest.raises(ConfigError, match="page must be at least 1, got 0"):
        CcxtSource("binance", ["BTC/USDT"], page=0)
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(MissingExtraError, match=r"data=ccxt needs the package ccxt.*'forecastle\[live\]'"):
        CcxtSource("binance", ["BTC/USDT"])


def test_the_real_client_has_what_is_used() -> None:
    ccxt = pytest.importorskip("ccxt")
    real = CcxtSource("binance", ["BTC/USDT"], "1D", retry="off")
    assert real._timeframe == "1d"
    assert issubclass(ccxt.RateLimitExceeded, ccxt.NetworkError)
    assert not issubclass(ccxt.BadSymbol, ccxt.NetworkError)
