"""YfinanceSource: candles of Yahoo Finance."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecastle.data.bars import PRICES
from forecastle.data.clock import utc
from forecastle.data.interval import parse_interval
from forecastle.data.retry import retry_policy
from forecastle.data.selection import newest
from forecastle.errors import ConfigError, DataError, ForecastleError, MissingExtraError, nearest

OFFERED = {"1min": "1m", "5min": "5m", "15min": "15m", "30min": "30m", "1h": "1h", "1D": "1d", "1W": "1wk"}
"""Our names of Yahoo's intervals."""

CLOSED = 3.0
"""`recent` looks back for this many times as long as its bars last, and a week: markets close."""


class YfinanceSource:
    """Candles of Yahoo Finance over the network; times are bar opens, those of days midnight on the market's clock.

    A bar that has not ended is left out. Yahoo gives minutes of a few weeks and hours of two years only, and asks that
    its data be used personally.

    Parameters
    ----------
    symbols
        Yahoo's names, such as ``SPY``, ``EURUSD=X`` or ``BTC-USD``.
    interval
        ``1min 5min 15min 30min 1h 1D`` or ``1W``.
    adjusted
        Whether prices of shares are corrected for splits and dividends: a dividend then changes **earlier** prices, so
        that a history which is asked for later is another one.
    retry
        ``research`` (again after 1, 2 and 4 s), ``inference`` (.5, 1, 2 s), ``off``, or ``{waits: [...], jitter: …}``.

    Raises
    ------
    ConfigError
        If a setting cannot be.
    MissingExtraError
        If yfinance is not installed.
    """

    calendar = True
    name = "yfinance"

    def __init__(
        self,
        symbols: Sequence[str],
        interval: str = "1D",
        adjusted: bool = False,
        retry: str | Mapping[str, Any] = "research",
    ) -> None:
        if not symbols or len(set(symbols)) != len(symbols):
            raise ConfigError(f"symbols must be one or more different names, got {list(symbols)}")
        if interval not in OFFERED:
            raise ConfigError(
                f"interval must be one of {', '.join(OFFERED)}, got {interval!r}{nearest(interval, OFFERED)}"
            )
        try:
            self._yahoo = importlib.import_module("yfinance")
        except ModuleNotFoundError:
            raise MissingExtraError(
                "data=yfinance needs the package yfinance, which is not installed: pip install 'forecastle[live]'"
            ) from None
        self.symbols = [str(symbol) for symbol in symbols]
        self.interval = interval
        self.adjusted = adjusted
        self._step = pd.Timedelta(parse_interval(interval))
        self._retry = retry_policy(retry)
        self._now: Callable[[], pd.Timestamp] = lambda: pd.Timestamp.now("UTC")

    def history(self, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """All closed bars with open time in [start, end), one symbol after the other; no start: from the beginning.

        Raises
        ------
        DataError
            If Yahoo has no bars of a symbol, refuses, or cannot be reached.
        """
        first, last = utc(start), utc(end)
        parts = [self._closed(self._ask(symbol, first, last), first, last) for symbol in self.symbols]
        codes = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        symbol = pd.Categorical.from_codes(codes, categories=pd.Index(self.symbols))
        return pd.concat(parts, ignore_index=True).assign(symbol=symbol)

    def recent(self, count: int, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """The newest `count` closed bars of each symbol before `end`, of a stretch that holds them in a usual market.

        Raises
        ------
        ConfigError
            If `count` is below one; DataError as for `history`.
        """
        if count < 1:
            raise ConfigError(f"count must be at least 1, got {count}")
        last = utc(end) or self._now()
        reach = CLOSED * (count + 1) * self._step * (3 if self._step < pd.Timedelta(1, "D") else 1)
        return newest(self.history(last - reach - pd.Timedelta(7, "D"), end), count).reset_index(drop=True)

    def fingerprint(self) -> str:
        """All settings, and the bar that was closed last."""
        return f"yfinance:{self.symbols!r}:{self.interval}:{self.adjusted}:{self._now().floor(self._step)}"

    def _ask(self, symbol: str, first: pd.Timestamp | None, last: pd.Timestamp | None) -> pd.DataFrame:
        """What Yahoo gives."""
        errors = self._yahoo.exceptions

        def ask() -> Any:
            return self._yahoo.Ticker(symbol).history(
                period="max" if first is None else None,
                interval=OFFERED[self.interval],
                start=first,
                end=last,
                auto_adjust=self.adjusted,
                actions=False,
                raise_errors=True,
            )

        def tell(error: Exception) -> ForecastleError:
            return DataError(f"yfinance: {symbol}: {type(error).__name__}: {' '.join(str(error).split())[:200]}")

        table: pd.DataFrame = self._retry(
            ask, passing=lambda error: isinstance(error, (errors.YFRateLimitError, OSError)), tell=tell
        )
        if not len(table):
            raise DataError(f"yfinance: {symbol}: Yahoo has no bars of {self.interval} there")
        return table

    def _closed(self, table: pd.DataFrame, first: pd.Timestamp | None, last: pd.Timestamp | None) -> pd.DataFrame:
        """Bars that have ended, within bounds, as the BarSource contract wants them."""
        index = pd.DatetimeIndex(table.index)
        if index.tz is None:
            raise DataError(
                "yfinance: times with a zone wanted, got naive ones; is this version of yfinance supported?"
            )
        time = index.tz_convert("UTC").as_unit("us")
        keep = time + self._step <= self._now()
        if first is not None:
            keep &= time >= first
        if last is not None:
            keep &= time < last
        columns = {name: table[name.capitalize()].to_numpy(dtype=np.float64)[keep] for name in (*PRICES, "volume")}
        return pd.DataFrame({"time": time[keep], **columns})
