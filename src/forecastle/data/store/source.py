"""StoreSource: candles from a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecastle import paths
from forecastle.arrays import FloatArray
from forecastle.data.store.candle_store import CandleStore, chosen
from forecastle.data.store.series import COLUMNS, Candles, Series, joined, moment
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
        return self._table(lambda session, series: list(session.read(series, first, last)))

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
        return self._table(lambda session, series: [session.recent(series, count, last)])

    def fingerprint(self) -> str:
        """Checksum and number of candles of each series; an import that changes a candle changes it."""
        found = self.store.run(self._choose)
        return "store:" + ";".join(f"{each.symbol!r} {each.interval} {each.count} {each.checksum}" for each in found)

    def _table(self, read: Callable[[Session, Series], list[Candles]]) -> pd.DataFrame:
        """The raw table of the BarSource contract from what is read of each series."""

        def work(session: Session) -> list[tuple[Series, list[Candles]]]:
            return [(series, read(session, series)) for series in self._choose(session)]

        found = self.store.run(work)
        parts = [part for _, candles in found for part in candles] or [joined([], found[0][0])]
        counts = [sum(map(len, candles)) for _, candles in found]
        names = sorted({name for series, _ in found for name in series.columns}, key=COLUMNS.index)
        return pd.DataFrame(
            {
                "symbol": pd.Categorical.from_codes(
                    np.repeat(np.arange(len(found), dtype=np.int32), counts),
                    categories=pd.Index([series.symbol for series, _ in found]),
                ),
                "time": pd.DatetimeIndex(_whole([part.time for part in parts]), tz="UTC"),
                **{name: _whole([_column(part, name) for part in parts]) for name in names},
            },
            copy=False,
        )

    def _choose(self, session: Session) -> list[Series]:
        found = chosen(session.catalogue(), self._symbols, self._interval, self.name)
        if len({series.calendar for series in found}) > 1:
            raise DataError(
                f"{self.name}: some symbols have a calendar and some an order only; name symbols of one kind"
            )
        self._found = found
        return found

    def _series(self) -> list[Series]:
        return self._found if self._found is not None else self.store.run(self._choose)


def _column(candles: Candles, name: str) -> FloatArray:
    """A column, NaN where the series has none of this name."""
    found = candles.columns.get(name)
    return np.full(len(candles), np.nan) if found is None else found


def _whole(parts: list[Any]) -> Any:
    """Arrays one after the other; one alone is not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
