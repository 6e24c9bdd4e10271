"""Joining raw tables: the files of one series one after the other, and the bid and ask of the same bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import union_categoricals

from forecastle.data.bars import OPTIONAL, PRICES
from forecastle.data.units import difference, middle, total
from forecastle.errors import DataError

Keys = npt.NDArray[np.int64]


def one_after_another(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the raw tables of several files into one; no row is lost, and none is judged here.

    Where every file is in order of time, the rows are merged in that order, those of one time in the order of the
    files: so an overlap is rows of the same time, and nothing else. Where a file is out of order, the tables follow
    each other as they are. The index numbers the rows of the whole.
    """
    if len(parts) == 1:
        return parts[0]
    whole = _concatenated(parts)
    keys = [_in_order(part) for part in parts]
    if any(key is None for key in keys):
        return whole
    order = np.argsort(np.concatenate([key for key in keys if key is not None]), kind="stable")
    return whole.take(order).reset_index(drop=True)


def bid_and_ask(bid: pd.DataFrame, ask: pd.DataFrame, where: str) -> pd.DataFrame:
    """Join the raw tables of both sides: prices are the means, volumes the sums, the spread is that at the close.

    Rows of the same symbol and time belong together (the second of a repeated time to the second). A row that only one
    side has is kept, its prices missing. Row numbers are those of the bid, or count the joined rows where rows differ.

    Raises
    ------
    DataError
        If the sides hold different symbols.
    """
    names = [sorted(str(name) for name in side["symbol"].dropna().unique()) for side in (bid, ask)]
    if names[0] != names[1]:
        only = sorted(set(names[0]) ^ set(names[1]))
        raise DataError(f"{where}: bid and ask hold different symbols, such as {only[0]}; say data.symbol=EURUSD")
    same = bid["time"].reset_index(drop=True).equals(ask["time"].reset_index(drop=True)) and np.array_equal(
        bid["symbol"].to_numpy(), ask["symbol"].to_numpy()
    )
    if same:
        return _combined(bid, ask.set_axis(bid.index))
    if ("file" in bid) != ("file" in ask):  # rows of one side have a place that those of the other have not
        bid, ask = (side.drop(columns=["file", "row"], errors="ignore") for side in (bid, ask))
    match = _partners(bid, ask)
    alone = np.setdiff1d(np.arange(len(ask)), match)
    paired = _combined(bid.reset_index(drop=True), ask.reset_index(drop=True).reindex(match).reset_index(drop=True))
    missing = dict.fromkeys([name for name in (*PRICES, *OPTIONAL) if name in paired], np.nan)
    return one_after_another([paired, ask.iloc[alone].assign(**missing)]) if len(alone) else paired


def _combined(bid: pd.DataFrame, ask: pd.DataFrame) -> pd.DataFrame:
    table = bid.drop(columns=list(OPTIONAL), errors="ignore")
    for price in PRICES:
        table[price] = middle(bid[price], ask[price])
    if "volume" in bid and "volume" in ask:
        table["volume"] = total(bid["volume"], ask["volume"])
    table["spread"] = difference(bid["close"], ask["close"])
    return table


def _partners(bid: pd.DataFrame, ask: pd.DataFrame) -> Keys:
    """Row of the ask that belongs to each row of the bid, or -1."""
    sides = []
    for side in (bid, ask):
        keys = pd.DataFrame({"symbol": side["symbol"].astype("str"), "time": side["time"]}).reset_index(drop=True)
        keys["repeat"] = keys.groupby(["symbol", "time"], dropna=False).cumcount()
        sides.append(keys)
    sides[1]["partner"] = np.arange(len(ask))
    found = sides[0].merge(sides[1], how="left", on=["symbol", "time", "repeat"])["partner"]
    return found.fillna(-1).to_numpy().astype(np.int64)


def _concatenated(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All rows; categories are those of all parts."""
    whole = pd.concat([part.drop(columns="symbol") for part in parts], ignore_index=True)
    symbol = union_categoricals([part["symbol"] for part in parts])
    whole.insert(0, "symbol", pd.Series(symbol, index=whole.index))
    return whole


def _in_order(part: pd.DataFrame) -> Keys | None:
    """A time for each row by which files can be merged, or None where a symbol's times ever decrease.

    A row without a time takes that of the row before.
    """
    moments = part["time"].dt.tz_localize(None).to_numpy().astype("datetime64[us]").view(np.int64)
    filled = _filled(moments)
    grouped = np.argsort(part["symbol"].cat.codes.to_numpy(), kind="stable")
    codes, times = part["symbol"].cat.codes.to_numpy()[grouped], _filled(moments[grouped])
    decreases = (np.diff(times) < 0) & (np.diff(codes) == 0)
    return None if decreases.any() else filled


def _filled(moments: Keys) -> Keys:
    """Missing times (the smallest number) replaced by the time before."""
    there = moments != np.iinfo(np.int64).min
    if there.all():
        return moments
    before = np.maximum.accumulate(np.where(there, np.arange(len(moments)), 0))
    return moments[before]
