"""CandleStore: the door to a store; sessions with retries, and errors in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from forecastle import paths
from forecastle.data.interval import interval_text, parse_interval
from forecastle.data.retry import Retry, retry_policy
from forecastle.data.store.address import Address
from forecastle.data.store.opening import open_backend
from forecastle.data.store.series import Series
from forecastle.data.store.session import Backend, Session
from forecastle.errors import ConfigError, DataError, ForecastleError, nearest

T = TypeVar("T")


class CandleStore:
    """Validated candles of any number of symbols, kept in one place.

    Parameters
    ----------
    url
        Path of a DuckDB file, or a SQLAlchemy URL without a password.
    password_env
        Name of the environment variable that holds the password.
    retry
        ``research``, ``inference``, ``off``, a mapping of `forecastle.data.retry.retry_policy`, or a policy.

    Raises
    ------
    ConfigError
        If the URL or the policy cannot be.
    """

    def __init__(
        self,
        url: str = str(paths.STORE),
        password_env: str | None = None,
        retry: str | Mapping[str, Any] | Retry = "research",
    ) -> None:
        self.address = Address(url, password_env)
        self._retry = retry if isinstance(retry, Retry) else retry_policy(retry)

    @cached_property
    def _backend(self) -> Backend:
        return open_backend(self.address)

    def run(self, work: Callable[[Session], T], *, write: bool = False) -> T:
        """Do some work in one transaction, all of it again where the connection is lost.

        Raises
        ------
        DataError
            What the database says, in one line, with the host and without the password.
        MissingExtraError
            If the database's package is not installed.
        """
        backend = self._backend

        def once() -> T:
            with backend.session(write=write) as session:
                return work(session)

        return self._retry(once, passing=backend.passing, tell=self._told)

    def catalogue(self) -> list[Series]:
        """Every series, in the order of symbol and interval."""
        return self.run(lambda session: session.catalogue())

    def _told(self, error: Exception) -> ForecastleError:
        return DataError(self.address.tell(self._backend.words(error) or type(error).__name__))


def chosen(
    catalogue: Sequence[Series], symbols: Sequence[str] | None, interval: str | None, where: str, key: str = "interval"
) -> list[Series]:
    """The series of some symbols (None: of all) at one interval (None: the only one there is), in the order of symbols.

    Messages name the store, `where`, and the setting that says the interval, `key`.

    Raises
    ------
    DataError
        If a symbol is not there; the message names the nearest or those that are.
    ConfigError
        If several intervals could be meant.
    """
    wanted = None if interval is None else interval_text(parse_interval(interval))
    there = sorted({series.symbol for series in catalogue})
    for symbol in symbols or ():
        if symbol not in there:
            hint = nearest(symbol, there) or f"; there are {', '.join(there[:12]) or 'none'}"
            raise DataError(f"{where}: no symbol {symbol!r}{hint}")
    names = there if symbols is None else sorted(symbols)
    found = [each for each in catalogue if each.symbol in names and wanted in (None, each.interval)]
    intervals = sorted({each.interval for each in found})
    if len(intervals) > 1:
        raise ConfigError(f"{where}: one of the intervals {', '.join(intervals)} is wanted; say {key}={intervals[0]}")
    lacking = [name for name in names if name not in {each.symbol for each in found}]
    if lacking or not found:
        has = sorted({each.interval for each in catalogue if each.symbol in lacking})
        what = f" of {lacking[0]!r}" if lacking else ""
        at = f" at interval {wanted}" if wanted else ""
        raise DataError(f"{where}: no candles{what}{at}{'; there are ' + ', '.join(has) if has else ''}")
    return found
