"""CcxtSource: candles of a crypto exchange, asked for page by page."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecastle.data.clock import utc
from forecastle.data.interval import interval_text, parse_interval
from forecastle.data.retry import retry_policy
from forecastle.errors import ConfigError, DataError, ForecastleError, MissingExtraError, nearest

NAMES = ("open", "high", "low", "close", "volume")

FARTHEST = 16
"""`recent` looks back for at most this many times the bars that it was asked for, in a market with holes."""


class CcxtSource:
    """Candles of one of the exchanges that ccxt knows, over the network; times are bar opens in UTC.

    The exchange's rate limit is kept by ccxt. A bar that has not ended is left out. An exchange gives as much history
    as it keeps (some give the last few hundred bars only): the bars then begin later than asked for.

    Parameters
    ----------
    exchange
        Its name in ccxt, such as ``binance``.
    symbols
        Pairs such as ``BTC/USDT``.
    interval
        Length of a bar, such as ``1h``, that the exchange offers.
    page
        Bars that are asked for at once; the exchange may give fewer.
    retry
        ``research`` (again after 1, 2 and 4 s), ``inference`` (.5, 1, 2 s), ``off``, or ``{waits: [...], jitter: …}``.

    Raises
    ------
    ConfigError
        If a setting cannot be.
    MissingExtraError
        If ccxt is not installed.
    """

    calendar = True

    def __init__(
        self,
        exchange: str,
        symbols: Sequence[str],
        interval: str = "1h",
        page: int = 500,
        retry: str | Mapping[str, Any] = "research",
    ) -> None:
        if not symbols or len(set(symbols)) != len(symbols):
            raise ConfigError(f"symbols must be one or more different pairs, got {list(symbols)}")
        if page < 1:
            raise ConfigError(f"page must be at least 1, got {page}")
        try:
            self._ccxt = importlib.import_module("ccxt")
        except ModuleNotFoundError:
            raise MissingExtraError(
                "data=ccxt needs the package ccxt, which is not installed: pip install 'forecastle[live]'"
            ) from None
        if exchange not in self._ccxt.exchanges:
            raise ConfigError(f"exchange: ccxt knows no {exchange!r}{nearest(exchange, self._ccxt.exchanges)}")
        self._client = getattr(self._ccxt, exchange)({"enableRateLimit": True})
        self.name = exchange
        self.symbols = [str(symbol) for symbol in symbols]
        self.interval = interval
        self._step = int(parse_interval(interval) // np.timedelta64(1, "ms"))
        self._timeframe = self._offered()
        self.page = page
        self._retry = retry_policy(retry)

    def history(self, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """All closed bars with open time in [start, end), one symbol after the other.

        Raises
        ------
        ConfigError
            If there is no start: an exchange is asked from a date on.
        DataError
            If the exchange has no such symbol, refuses, or cannot be reached.
        """
        first = _milliseconds(start)
        if first is None:
            raise ConfigError(f"{self.name}: an exchange is asked from a date on; say start=2020-01-01, for example")
        last = self._last(end)
        return self._table({symbol: self._between(symbol, first, last) for symbol in self.symbols})

    def recent(self, count: int, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """The newest `count` closed bars of each symbol before `end`; no more is asked for than they need.

        Raises
        ------
        ConfigError
            If `count` is below one; DataError as for `history`.
        """
        if count < 1:
            raise ConfigError(f"count must be at least 1, got {count}")
        last = self._last(end)
        return self._table({symbol: self._newest(symbol, count, last)[-count:] for symbol in self.symbols})

    def fingerprint(self) -> str:
        """All settings, and the bar that was closed last: `history` gives more when another one is."""
        closed = int(self._client.milliseconds()) // self._step
        return f"ccxt:{self.name}:{self.symbols!r}:{self.interval}:{closed}"

    def _offered(self) -> str:
        """The exchange's own word for the interval."""
        offered = dict(self._client.timeframes or {})
        for text in offered:
            if text[-1] != "M" and int(self._client.parse_timeframe(text) * 1000) == self._step:
                return str(text)
        wanted = interval_text(np.timedelta64(self._step, "ms"))
        raise ConfigError(f"{self.name} offers bars of {', '.join(offered)}, got interval {wanted}")

    def _last(self, end: pd.Timestamp | None) -> int:
        """Bars that open before this are closed, and before `end`: milliseconds since 1970."""
        closed = int(self._client.milliseconds()) - self._step + 1
        bound = _milliseconds(end)
        return closed if bound is None else min(bound, closed)

    def _newest(self, symbol: str, count: int, last: int) -> list[list[float]]:
        """At least `count` bars where there are so many, looking back farther where bars are absent."""
        reach = count
        rows = self._between(symbol, last - reach * self._step, last)
        while len(rows) < count and reach < FARTHEST * count:
            earlier = last - 2 * reach * self._step
            rows = self._between(symbol, earlier, last - reach * self._step) + rows
            reach *= 2
        return rows

    def _between(self, symbol: str, first: int, last: int) -> list[list[float]]:
        """Rows with open time in [first, last), page by page; a page without rows is a hole."""
        rows: list[list[float]] = []
        since = first
        while since < last:
            found = [row for row in self._ask(symbol, since) if since <= row[0]]
            rows += [row for row in found if row[0] < last]
            # An empty page is a hole, or the market's beginning lies ahead: the next page is asked for.
            since = int(found[-1][0]) + self._step if found else since + self.page * self._step
        return rows

    def _ask(self, symbol: str, since: int) -> list[list[float]]:
        """One page, in order of time."""
        errors = self._ccxt

        def tell(error: Exception) -> ForecastleError:
            text = " ".join(str(error).split())[:200]
            return DataError(f"{self.name}: {symbol}: {type(error).__name__}: {text}")

        rows = self._retry(
            lambda: self._client.fetch_ohlcv(symbol, self._timeframe, since=since, limit=self.page),
            passing=lambda error: isinstance(error, errors.NetworkError),
            tell=tell,
        )
        return sorted(rows)

    def _table(self, rows: dict[str, list[list[float]]]) -> pd.DataFrame:
        """The raw table of the BarSource contract."""
        flat = [row for part in rows.values() for row in part]
        values = np.array(
            [[np.nan if value is None else value for value in row[1:6]] for row in flat], dtype=np.float64
        )
        values = values.reshape(len(flat), len(NAMES))
        codes = np.repeat(np.arange(len(rows)), [len(part) for part in rows.values()])
        time = np.array([int(row[0]) for row in flat], dtype="datetime64[ms]").astype("datetime64[us]")
        return pd.DataFrame(
            {
                "symbol": pd.Categorical.from_codes(codes, categories=pd.Index(list(rows))),
                "time": pd.DatetimeIndex(time, tz="UTC"),
                **{name: values[:, column] for column, name in enumerate(NAMES)},
            }
        )


def _milliseconds(when: pd.Timestamp | None) -> int | None:
    moment = utc(when)
    return None if moment is None else int(moment.timestamp() * 1000)
