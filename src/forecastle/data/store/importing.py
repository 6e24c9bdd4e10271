"""Importing: bars come into a store, in batches, in one transaction, each candle once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from forecastle.arrays import BoolArray, IntArray
from forecastle.data.bars import Bars, Panel
from forecastle.data.store.candle_store import CandleStore
from forecastle.data.store.series import Candles, Series, joined, of_bars
from forecastle.data.store.session import CHUNK, Session
from forecastle.errors import ConfigError, DataError, nearest
from forecastle.logs import progress

CORRECTIONS = ("apply", "refuse")


@dataclass(frozen=True)
class Imported:
    """What an import did to a series: ``added + corrected + unchanged`` is the number of bars that were given.

    Parameters
    ----------
    series
        As it is now.
    added
        Candles that were not there.
    corrected
        Candles that were there with other values, and have the given ones now.
    unchanged
        Candles that were there as they were given.
    """

    series: Series
    added: int
    corrected: int
    unchanged: int


def import_panel(panel: Panel, store: CandleStore, corrections: str = "apply") -> list[Imported]:
    """Bring bars into a store: all of them, or none if anything goes wrong.

    What is there already stays. Bars are compared with the stored candles of the same open times value by value.

    Parameters
    ----------
    panel
        Clean bars, as `forecastle.data.loading.load` gives them.
    store
        Where to.
    corrections
        What happens where a stored candle has other values: ``apply`` puts the given ones in place and counts them,
        ``refuse`` imports nothing and tells how many there are.

    Returns
    -------
    list of Imported
        One for each symbol, in the order of their names.

    Raises
    ------
    DataError
        If corrections are refused, bars do not have the columns of the series that they belong to, or the database
        fails.
    ConfigError
        If `corrections` is neither.
    """
    if corrections not in CORRECTIONS:
        raise ConfigError(
            f"corrections must be apply or refuse, got {corrections!r}{nearest(corrections, CORRECTIONS)}"
        )
    for bars in panel:
        _check_name(bars.symbol)

    def work(session: Session) -> list[Imported]:
        there = {(series.symbol, series.interval): series for series in session.catalogue()}
        done = [_import(session, bars, there, corrections) for bars in panel]
        if any(each.added + each.corrected for each in done):
            session.settle()
        return done

    return store.run(work, write=True)


def _import(session: Session, bars: Bars, there: dict[tuple[str, str], Series], corrections: str) -> Imported:
    """Bring the bars of one symbol into its series."""
    empty, candles = of_bars(bars)
    series = there.get((empty.symbol, empty.interval), empty)
    _check_alike(series, empty)
    done = Imported(series, 0, 0, 0)
    begins = range(0, len(candles), CHUNK)
    first: str | None = None
    for begin in progress(begins, len(begins), f"import {series.title}"):
        given = candles.take(slice(begin, begin + CHUNK))
        stored = _stored(session, series, given)
        new, changed, at = _compare(stored, given)
        before, after = stored.take(at[changed]), given.take(changed)
        if len(after) and first is None:
            first = _difference(before, after)
        if corrections == "apply" and len(after):
            session.update(series, after)
        if new.any():
            session.insert(series, given.take(new))
        series = series.changed(given.take(new), before, after)
        done = replace(
            done,
            series=series,
            added=done.added + int(new.sum()),
            corrected=done.corrected + len(after),
            unchanged=done.unchanged + len(given) - int(new.sum()) - len(after),
        )
    if corrections == "refuse" and done.corrected:
        raise DataError(
            f"{series.title}: {done.corrected} bars differ from the stored candles (first: {first}); nothing was "
            "imported, corrections=apply would replace them"
        )
    if done.added + done.corrected:
        session.keep(series)
    return done


def _stored(session: Session, series: Series, given: Candles) -> Candles:
    """The stored candles of the stretch of time that some given ones span."""
    start, end = int(given.moments[0]), int(given.moments[-1]) + 1
    if not series.count or start > series.last or end <= series.first:
        return joined([], series)
    return joined(session.read(series, start, end), series)


def _compare(stored: Candles, given: Candles) -> tuple[BoolArray, BoolArray, IntArray]:
    """Which given candles are new, which have other values than the stored ones, and where those would stand."""
    if not len(stored):
        nothing = np.zeros(len(given), dtype=bool)
        return ~nothing, nothing, np.zeros(len(given), dtype=np.intp)
    at = np.minimum(np.searchsorted(stored.time, given.time), len(stored) - 1)
    there = stored.time[at] == given.time
    same = there.copy()
    for name, column in given.columns.items():
        same &= stored.columns[name][at] == column
    return ~there, there & ~same, at


def _difference(before: Candles, after: Candles) -> str:
    """The first candle that differs, for people."""
    values = [
        f"{name} {before.columns[name][0]:.10g} stored, {column[0]:.10g} given"
        for name, column in after.columns.items()
        if before.columns[name][0] != column[0]
    ]
    return f"{after.time[0]}Z {', '.join(values)}"


def _check_alike(series: Series, given: Series) -> None:
    for what, here, there in (
        ("columns", " ".join(series.columns), " ".join(given.columns)),
        ("calendar", series.calendar, given.calendar),
    ):
        if here != there:
            raise DataError(
                f"{series.title}: the store holds {what} {here}, the given bars have {there}: candles of one series "
                "are alike; import them under another symbol, or into another store"
            )


def _check_name(symbol: str) -> None:
    """A symbol may be any text that every database can hold."""
    if not symbol or "\0" in symbol or not symbol.isprintable() or len(symbol) > 255:
        raise DataError(f"a symbol must be 1 to 255 printable characters, got {symbol[:40]!r}")
