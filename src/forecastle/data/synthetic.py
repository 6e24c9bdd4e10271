"""SyntheticSource: seeded candles with volatility clustering and weekend gaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecastle.arrays import FloatArray, TimeArray
from forecastle.data.interval import parse_interval
from forecastle.data.selection import between, newest
from forecastle.errors import ConfigError

ARCH, GARCH = 0.08, 0.90
"""Weights of the last squared shock and of the last variance in GARCH(1,1)."""

FIRST_OPEN = np.datetime64("2015-01-04T22:00", "us")
WEEK = np.timedelta64(7, "D").astype("timedelta64[us]")
TRADING = np.timedelta64(120, "h").astype("timedelta64[us]")
"""The week of foreign exchange is open from Sunday 22:00 to Friday 22:00 UTC."""

WEEKEND = 3.0
"""Standard deviation of the jump over a weekend, in standard deviations of a bar."""


class SyntheticSource:
    """Random candles of foreign exchange that carry no information about their future.

    Log returns r follow GARCH(1,1) with Gaussian shocks (Bollerslev 1986, equation 2): v[t] = w + .08 r[t-1]² +
    .90 v[t-1], with w such that the long-run standard deviation is `volatility`. Symbols are independent. A bar
    opens at the close before it, but after a weekend, when it jumps. High and low are drawn from the law of the
    extremes of a Brownian bridge from open to close. Volume, where wanted, grows with the size of the move.

    Parameters
    ----------
    symbols
        Names; a name appended to the list leaves the candles of the others as they were.
    count
        Bars of each symbol.
    interval
        Length of a bar; must divide the 120 hours of the trading week.
    seed
        Seed of all draws.
    volatility
        Long-run standard deviation of the log return per bar.
    volume
        False gives a table without volume.

    Raises
    ------
    ConfigError
        If a setting cannot be.
    """

    calendar = True
    name = "synthetic"

    def __init__(
        self,
        symbols: Sequence[str] = ("SYN",),
        count: int = 5000,
        interval: str = "1h",
        seed: int = 0,
        volatility: float = 0.001,
        volume: bool = True,
    ) -> None:
        if not symbols or len(set(symbols)) != len(symbols):
            raise ConfigError(f"symbols must be one or more different names, got {list(symbols)}")
        if count < 1:
            raise ConfigError(f"count must be at least 1, got {count}")
        if not 0 < volatility < 0.1:
            raise ConfigError(f"volatility must be between 0 and 0.1 per bar, got {volatility}")
        if seed < 0:
            raise ConfigError(f"seed must be at least 0, got {seed}")
        self._span = parse_interval(interval)
        if TRADING % self._span != np.timedelta64(0, "us"):
            raise ConfigError(f"interval must divide the trading week of 120 hours, got {interval}")
        self.symbols = [str(symbol) for symbol in symbols]
        self.count = count
        self.interval = interval
        self.seed = seed
        self.volatility = volatility
        self.volume = volume

    def history(self, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """All rows with open time in [start, end), one symbol after the other."""
        time, first = self._times()
        parts = []
        for number in range(len(self.symbols)):
            random = np.random.default_rng([self.seed, number])
            columns = self._candles(random, first)
            name = pd.Categorical.from_codes(np.full(self.count, number), categories=pd.Index(self.symbols))
            parts.append(pd.DataFrame({"symbol": name, "time": pd.DatetimeIndex(time, tz="UTC"), **columns}))
        return between(pd.concat(parts, ignore_index=True), start, end)

    def recent(self, count: int, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """The newest `count` rows of each symbol before `end`."""
        return newest(self.history(end=end), count)

    def fingerprint(self) -> str:
        """All settings: equal ones give equal candles."""
        settings = (self.symbols, self.count, self.interval, self.seed, self.volatility, self.volume)
        return f"synthetic:{settings!r}"

    def _times(self) -> tuple[TimeArray, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        """Open times, and which bars are the first of a week, shape (T,)."""
        week, bar = np.divmod(np.arange(self.count), TRADING // self._span)
        return FIRST_OPEN + week * WEEK + bar * self._span, (bar == 0) & (week > 0)

    def _candles(
        self, random: np.random.Generator, first: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> dict[str, FloatArray]:
        """Prices and volume of one symbol."""
        shock, sigma = self._returns(random.standard_normal(self.count))
        jump = np.where(first, WEEKEND * sigma * random.standard_normal(self.count), 0.0)
        close = np.cumsum(shock + jump)
        open_ = np.concatenate([[0.0], close[:-1]]) + jump
        move = close - open_
        reach_up, reach_down = -2 * sigma**2 * np.log1p(-random.random((2, self.count)))
        high = open_ + (move + np.sqrt(move**2 + reach_up)) / 2
        low = open_ + (move - np.sqrt(move**2 + reach_down)) / 2
        high, low = np.maximum(high, np.maximum(open_, close)), np.minimum(low, np.minimum(open_, close))
        columns = {
            name: np.exp(log)
            for name, log in zip(("open", "high", "low", "close"), (open_, high, low, close), strict=True)
        }
        if self.volume:
            columns["volume"] = np.round(
                1000 * (1 + np.abs(move) / self.volatility) * random.gamma(4.0, 0.25, self.count)
            )
        return columns

    def _returns(self, noise: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log returns and their standard deviations, shape (T,), from standard normal draws."""
        base = (1 - ARCH - GARCH) * self.volatility**2
        variance = self.volatility**2
        variances = []
        for draw in noise.tolist():
            variances.append(variance)
            variance = base + (ARCH * draw * draw + GARCH) * variance
        sigma = np.sqrt(np.array(variances))
        return sigma * noise, sigma
