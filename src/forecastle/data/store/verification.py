"""Verification: whether a store holds what was imported, and only that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from forecastle.data.bars import PRICES
from forecastle.data.checks import DEFECTS
from forecastle.data.rows import Rows
from forecastle.data.store.candle_store import CandleStore
from forecastle.data.store.series import Candles, Series
from forecastle.data.store.session import Session
from forecastle.errors import DataError

ALLOWED = ("flat", "jump")
"""Kinds of defects that a quality policy may leave in bars."""

TRIES = 3
"""How often a series is read whose import goes on meanwhile."""


@dataclass(frozen=True)
class Verdict:
    """What was found in a series; nothing but what should be there where `faults` is empty."""

    series: Series
    faults: tuple[str, ...]


def verify(store: CandleStore) -> list[Verdict]:
    """Read every candle of a store and check it.

    Each series is checked for its order, for two candles of one time, for values that are missing, infinite or not
    positive, for highs and lows that do not contain the other prices, and against the number of candles, the first, the
    last and the checksum that its imports wrote down: a candle that was changed, removed or added by another program is
    found.

    Raises
    ------
    DataError
        If the store cannot be read.
    """
    return [store.run(partial(_verdict, series=series)) for series in store.catalogue()]


def _verdict(session: Session, series: Series) -> Verdict:
    """Check a series, again where an import changed it meanwhile."""
    for _ in range(TRIES):
        faults = _faults(session, series)
        now = {(each.symbol, each.interval): each for each in session.catalogue()}
        current = now.get((series.symbol, series.interval), series)
        if current == series:
            break
        series = current
    return Verdict(series, tuple(faults))


def _faults(session: Session, series: Series) -> list[str]:
    """What is wrong with a series, whatever its row of the catalogue says."""
    counts: dict[str, int] = {}
    found = Series(series.symbol, series.interval, series.columns, series.calendar)
    count, first, last = session.span(series)
    try:
        for candles in session.read(replace(series, count=count, first=first, last=last)):
            for kind, count in _defects(candles, found).items():
                counts[kind] = counts.get(kind, 0) + count
            nothing = candles.take(slice(0, 0))
            found = found.changed(candles, nothing, nothing)
    except DataError as error:
        return [str(error)]
    faults = [f"{count} x {kind}" for kind, count in counts.items()]
    faults += [
        f"{what} {_shown(what, there)} found, {_shown(what, told)} written down by its imports"
        for what, there, told in (
            ("number of candles", found.count, series.count),
            ("first", found.first, series.first),
            ("last", found.last, series.last),
            ("checksum", found.checksum, series.checksum),
        )
        if there != told
    ]
    return faults


def _defects(candles: Candles, before: Series) -> dict[str, int]:
    """Number of candles with each kind of defect."""
    count = len(candles)
    rows = Rows(
        position=np.arange(count),
        time=candles.time,
        prices=np.column_stack([candles.columns[name] for name in PRICES]),
        volume=candles.columns.get("volume"),
        spread=candles.columns.get("spread"),
        text=np.zeros(count, dtype=bool),
    )
    bad = {defect.kind: int(defect.find(rows).sum()) for defect in DEFECTS if defect.kind not in ALLOWED}
    bad["order"] += int(before.count > 0 and candles.moments[0] <= before.last)
    return {kind: number for kind, number in bad.items() if number}


def _shown(what: str, value: int | str) -> str:
    return f"{np.datetime64(value, 'us')}Z" if what in ("first", "last") else str(value)
