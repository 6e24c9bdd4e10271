"""Arithmetic on columns that may be dirty: scales, and the middle of bid and ask; a text survives it as it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from forecastle.arrays import FloatArray
from forecastle.data.format import Size
from forecastle.data.rows import numbers
from forecastle.errors import DataError, nearest


def scaled(column: pd.Series, size: Size, symbol: pd.Series, where: str) -> pd.Series:
    """Multiply a column by the size of its unit.

    A size such as 0.00001 divides by 100,000 instead, which gives the same float64 as reading the decimals.

    Parameters
    ----------
    column
        Prices or spreads, shape (T,).
    size
        Price units of 1, for all symbols or by symbol.
    symbol
        Symbol of each row, a categorical, shape (T,).
    where
        Name of the file, for messages.

    Raises
    ------
    DataError
        If there is no size for a symbol of the file.

    Examples
    --------
    >>> scaled(pd.Series([113652]), 0.00001, pd.Series(["EURUSD"], dtype="category"), "prices.csv").tolist()
    [1.13652]
    """
    if not isinstance(size, Mapping):
        return column if size == 1 else calculated([column], lambda values: _times(values, size))
    whole = np.full(len(column), np.nan)
    for code, name in enumerate(symbol.cat.categories):
        mine = (symbol.cat.codes == code).to_numpy()
        if not mine.any():
            continue
        if name not in size:
            hint = nearest(str(name), size) or f"; there are {', '.join(map(str, size))}"
            raise DataError(f"{where}: no size of a unit for the symbol {name!r} (data.format){hint}")
        whole[mine] = _times(numbers(column[mine])[0], size[name])
    return calculated([column], lambda values: whole)  # noqa: ARG005


def middle(bid: pd.Series, ask: pd.Series) -> pd.Series:
    """Mean of bid and ask."""
    return calculated([bid, ask], lambda low, high: (low + high) / 2)


def difference(bid: pd.Series, ask: pd.Series) -> pd.Series:
    """Ask minus bid."""
    return calculated([bid, ask], lambda low, high: high - low)


def total(bid: pd.Series, ask: pd.Series) -> pd.Series:
    """Sum of both sides."""
    return calculated([bid, ask], lambda low, high: low + high)


def calculated(columns: list[pd.Series], rule: Callable[..., FloatArray]) -> pd.Series:
    """Apply a rule to columns as numbers; in a row where one of them holds a text, the text is the result."""
    read = [numbers(column) for column in columns]
    with np.errstate(over="ignore", invalid="ignore"):
        values = rule(*(each for each, _ in read))
    if not any(text.any() for _, text in read):
        return pd.Series(values, index=columns[0].index)
    result = pd.Series(values, index=columns[0].index, dtype=object)
    for column, (_, text) in zip(columns, read, strict=True):
        result[text] = column[text].astype(object)
    return result


def _times(values: FloatArray, size: float) -> FloatArray:
    inverse = round(1 / size) if 1e-15 < size < 1 else 0
    exact = inverse > 1 and abs(inverse * size - 1) < 1e-12
    return values / inverse if exact else values * size
