"""YfinanceSource, on answers made by hand: nothing is asked over the network."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from forecastle.data.live_yfinance import YfinanceSource
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.errors import ConfigError, DataError, MissingExtraError

DAYS = pd.bdate_range("2024-01-02", "2024-03-28", tz="America/New_York")  # daylight saving begins within
NOW = pd.Timestamp("2024-03-28 20:30", tz="UTC")  # after the close, before the day has ended


class YFRateLimitError(Exception):
    """Too many requests."""


class Yahoo:
    """Daily bars, whatever is asked for, as a table of yfinance; failures first."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.failures: list[Exception] = []
        self.days = DAYS

    def Ticker(self, symbol: str) -> Any:
        def history(**settings: Any) -> pd.DataFrame:
            self.asked.append(settings)
            if self.failures:
                raise self.failures.pop(0)
            close = 100.0 + pd.Series(range(len(self.days)), index=self.days)
            table = {"Open": close, "High": close + 1, "Low": close - 1, "Close": close, "Volume": 1000}
            return pd.DataFrame(table, index=self.days)

        return SimpleNamespace(history=history)


@pytest.fixture
def yahoo(monkeypatch: pytest.MonkeyPatch) -> Yahoo:
    answers = Yahoo()
    library = SimpleNamespace(Ticker=answers.Ticker, exceptions=SimpleNamespace(YFRateLimitError=YFRateLimitError))
    monkeypatch.setitem(sys.modules, "yfinance", library)
    return answers


def source(**settings: Any) -> YfinanceSource:
    made = YfinanceSource(["SPY"], retry={"waits": [0], "jitter": 0}, **settings)
    made._now = lambda: NOW
    return made


def test_days_come_at_midnight_of_the_market_without_the_one_that_has_not_ended(yahoo: Yahoo) -> None:
    table = source().history()
    assert len(table) == len(DAYS) - 1
    assert table["time"].iloc[0] == pd.Timestamp("2024-01-02 05:00", tz="UTC")
    assert table["time"].iloc[-1] == pd.Timestamp("2024-03-27 04:00", tz="UTC")
    assert (yahoo.asked[0]["period"], yahoo.asked[0]["interval"], yahoo.asked[0]["auto_adjust"]) == ("max", "1d", False)
    panel, _ = load(source(), QualityPolicy())
    assert panel.symbols == ("SPY",)
    assert panel.members[0].volume is not None


def test_bounds_are_kept_and_asked_for(yahoo: Yahoo) -> None:
    first, last = pd.Timestamp("2024-02-01", tz="UTC"), pd.Timestamp("2024-02-06", tz="UTC")
    table = source().history(first, last)
    assert table["time"].dt.day.tolist() == [1, 2, 5]
    assert (yahoo.asked[0]["period"], yahoo.asked[0]["start"], yahoo.asked[0]["end"]) == (None, first, last)


def test_recent_asks_for_a_stretch_and_gives_the_newest(yahoo: Yahoo) -> None:
    table = source().recent(3)
    assert table["time"].dt.day.tolist() == [25, 26, 27]
    assert NOW - yahoo.asked[0]["start"] < pd.Timedelta(30, "D")
    with pytest.raises(ConfigError, match="count must be at least 1"):
        source().recent(0)


def test_what_passes_is_tried_again_and_the_rest_is_told(yahoo: Yahoo) -> None:
    yahoo.failures = [YFRateLimitError("slow down")]
    assert len(source().history()) == len(DAYS) - 1
    yahoo.failures = [ConnectionError("no route")] * 2
    with pytest.raises(DataError, match=r"yfinance: SPY: ConnectionError: no route \(2 tries\)"):
        source().history()
    yahoo.failures = [ValueError("possibly delisted")]
    with pytest.raises(DataError, match=r"yfinance: SPY: ValueError: possibly delisted$"):
        source().history()
    yahoo.days = DAYS[:0]
    with pytest.raises(DataError, match="yfinance: SPY: Yahoo has no bars of 1D there"):
        source().history()


def test_mistakes_are_told(yahoo: Yahoo, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"interval must be one of 1min, .*, got '4h'"):
        source(interval="4h")
    with pytest.raises(ConfigError, match="symbols must be one or more different names"):
        YfinanceSource([])
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(MissingExtraError, match=r"data=yfinance needs the package yfinance.*'forecastle\[live\]'"):
        source()


def test_the_real_package_has_what_is_used() -> None:
    yfinance = pytest.importorskip("yfinance")
    requests = pytest.importorskip("curl_cffi.requests.exceptions")
    assert issubclass(yfinance.exceptions.YFRateLimitError, Exception)
    assert issubclass(requests.RequestException, OSError)
