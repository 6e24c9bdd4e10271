"""StoreSource: candles from a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecastle import paths
from forecastle.data.store.candle_store import CandleStore, chosen
from forecastle.data.store.filling import Filling
from forecastle.data.store.series import COLUMNS, Candles, Series, moment
from forecastle.data.store.session import Session
from forecastle.errors import ConfigError, DataError


class StoreSource:
    """Candles of one symbol or many from a store that `forecastle data import` filled.

    Parameters
    ----------
    url
        Path of a DuckDB file, or a SQLAlchemy URL without a password.
    symbols
        Names; None takes all.
    interval
        Length of a bar; None takes the only one that the store holds of these symbols.
    password_env
        Name of the environment variable that holds the database's password, read when connecting.
    retry
        ``research`` (again after 1, 2 and 4 s), ``inference`` (.5, 1, 2 s), ``off``, or ``{waits: [...], jitter: …}``.

    Raises
    ------
    ConfigError
        If a setting cannot be.
    """

    def __init__(
        self,
        url: str = str(paths.STORE),
        symbols: Sequence[str] | None = None,
        interval: str | None = None,
        password_env: str | None = None,
        retry: str | Mapping[str, Any] = "research",
    ) -> None:
        if symbols is not None and not symbols:
            raise ConfigError("symbols must name at least one symbol, or be null to take all")
        self.store = CandleStore(url, password_env, retry)
        self.name = self.store.address.shown
        self._symbols = None if symbols is None else sorted({str(symbol) for symbol in symbols})
        self._interval = interval
        self._found: list[Series] | None = None

    @property
    def interval(self) -> str | None:
        """Length of a bar, as the store has it."""
        return self._series()[0].interval

    @property
    def calendar(self) -> bool:
        """Whether the times are a calendar, see `forecastle.data.bars.Bars`."""
        return self._series()[0].calendar

    def history(self, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """All rows with open time in [start, end), one symbol after the other, the oldest first.

        Raises
        ------
        DataError
            If there is no such store or symbol, or the database fails.
        """
        first, last = moment(start), moment(end)
        return self._table(lambda session, series: session.read(series, first, last))

    def recent(self, count: int, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """The newest `count` rows of each symbol before `end`; nothing else is read.

        Raises
        ------
        ConfigError
            If `count` is below one; DataError as for `history`.
        """
        if count < 1:
            raise ConfigError(f"count must be at least 1, got {count}")
        last = moment(end)
        return self._table(lambda session, series: [session.recent(series, count, last)], count)

    def fingerprint(self) -> str:
        """Checksum and number of candles of each series; an import that changes a candle changes it."""
        found = self.store.run(self._choose)
        return "store:" + ";".join(f"{each.symbol!r} {each.interval} {each.count} {each.checksum}" for each in found)

    def _table(self, read: Callable[[Session, Series], Iterable[Candles]], most: int | None = None) -> pd.DataFrame:
        """The raw table of the BarSource contract from what is read of each series, `most` of each at the most."""

        def work(session: Session) -> tuple[list[Series], list[int], Filling]:
            found = self._choose(session)
            names = sorted({name for series in found for name in series.columns}, key=COLUMNS.index)
            filling = Filling(names, sum(min(series.count, most or series.count) for series in found))
            ends = []
            for series in found:
                for candles in read(session, series):
                    filling.add(candles)
                ends.append(filling.count)
            return found, ends, filling

        found, ends, filling = self.store.run(work)
        symbol = pd.Categorical.from_codes(
            np.repeat(np.arange(len(found), dtype=np.int32), np.diff(ends, prepend=0)),
            categories=pd.Index([series.symbol for series in found]),
        )
        columns = filling.columns()
        time = pd.DatetimeIndex(columns.pop("time"), tz="UTC")
        return pd.DataFrame({"symbol": symbol, "time": time, **columns}, copy=False)

    def _choose(self, session: Session) -> list[Series]:
        found = chosen(session.catalogue(), self._symbols, self._interval, self.name, "data.interval")
        if len({series.calendar for series in found}) > 1:
            raise DataError(
                f"{self.name}: some symbols have a calendar and some an order only; name symbols of one kind"
            )
        self._found = found
        return found

    def _series(self) -> list[Series]:
        return self._found if self._found is not None else self.store.run(self._choose)
