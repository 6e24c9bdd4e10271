"""Entropy: how disordered the order of the last closes is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import Bars
from forecastle.errors import ConfigError
from forecastle.features.rolling import total
from forecastle.features.trailing import Trailing


class Entropy(Trailing):
    """Permutation entropy of the closes of the last n bars, 0 to 1 (Bandt and Pompe 2002); warm-up n bars.

    ``-Σ p ln p / ln(m!)`` over the orders in which m neighbouring closes can stand (their equation 1; equal closes
    count as rising), each with its share p of the n - m + 1 groups: 1 where all orders are equally frequent, 0 where
    there is only one, as in a steady trend. It sees no unit and no size of a move.

    Parameters
    ----------
    timeperiod
        n, bars; a list gives one column for each.
    order
        m, 2 to 5 closes.

    Raises
    ------
    ConfigError
        If the order is not 2, 3, 4 or 5, or the look-back has no more closes than it.

    Examples
    --------
    >>> Entropy(60).columns
    ('entropy_60',)
    """

    name = "entropy"
    scale = "0 to 1"
    least = 3

    def __init__(self, timeperiod: int | Sequence[int] = 60, order: int = 3) -> None:
        super().__init__(timeperiod)
        if order not in (2, 3, 4, 5) or isinstance(order, bool):
            raise ConfigError(f"{self.name}: order must be 2, 3, 4 or 5 closes, got {order!r}")
        if min(self.timeperiod) <= order:
            raise ConfigError(
                f"{self.name}: timeperiod must be more than order, got {min(self.timeperiod)} and {order}"
            )
        self.order = order

    def values(self, bars: Bars, period: int) -> tuple[FloatArray, ...]:
        """One column."""
        codes = _orders(bars.close, self.order)
        count = period - self.order + 1
        shares = np.arange(count + 1) / count
        terms = -shares * np.log(shares, out=np.zeros_like(shares), where=shares > 0)
        entropy = np.zeros(len(codes) - count + 1)
        for code in range(1 << (self.order * (self.order - 1) // 2)):
            here = codes == code
            if here.any():
                entropy += terms[total(here.astype(np.float64), count).astype(np.int64)]
        entropy /= math.log(math.factorial(self.order))
        return (entropy,)


def _orders(values: FloatArray, order: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """A number for the order of each `order` neighbours: one bit for each pair, set where the later is below."""
    count = len(values) - order + 1
    codes = np.zeros(count, dtype=np.int64)
    bit = 1
    for late in range(1, order):
        for early in range(late):
            codes += bit * (values[late : late + count] < values[early : early + count])
            bit *= 2
    return codes
