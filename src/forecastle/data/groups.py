"""Groups: one number of each stretch of neighbouring rows, such as the highest price of the bars in an hour."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]

SMALL = 8
"""Rows up to which a group is small. No more than 8: NumPy adds the rows after the first one by one up to 7 of them,
and in another order where there are more."""

BLOCK = 16384
"""Groups that are reduced at once, so that their rows stay in the processor's cache."""


class Groups:
    """Stretches of neighbouring rows: all rows, each in one group.

    Parameters
    ----------
    first
        Position of the first row of each group, shape (S,), increasing from 0, at least one.
    count
        Number of rows, T.

    Examples
    --------
    >>> groups = Groups(np.array([0, 2, 5]), 7)
    >>> groups.last
    array([1, 4, 6])
    >>> groups.reduce(np.maximum, np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0]))
    array([3., 5., 9.])
    """

    def __init__(self, first: Positions, count: int) -> None:
        self.first = first
        self.count = count

    @cached_property
    def last(self) -> Positions:
        """Position of the last row of each group, shape (S,)."""
        last = np.empty_like(self.first)
        last[:-1], last[-1] = self.first[1:], self.count
        last -= 1
        return last

    @cached_property
    def _most(self) -> int:
        """Rows of the largest group."""
        return int((self.last - self.first).max()) + 1

    def reduce(self, operation: np.ufunc, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return what ``operation.reduceat(column, first)`` gives, bit for bit, shape (S,).

        `reduceat` costs as much for each group as for 30 rows. Where small groups are whole (five minutes of one each,
        save at gaps), all their first rows are reduced with all their second rows, and so on, which is thrice as fast.

        Parameters
        ----------
        operation
            ``np.add``, ``np.maximum`` or ``np.minimum``.
        column
            Shape (T,).
        """
        size = self._most
        if not 1 < size <= SMALL:
            return np.asarray(operation.reduceat(column, self.first))
        reduced = np.empty(len(self.first), dtype=column.dtype)
        for begin in range(0, len(reduced), BLOCK):
            target = reduced[begin : begin + BLOCK]
            first = self.first[begin : begin + BLOCK]
            rows = column[first[0] : self.last[begin + len(first) - 1] + 1]
            if len(rows) == size * len(first):  # none is larger, so all are of this size
                _reduce_whole(operation, rows.reshape(-1, size), target)
            else:
                operation.reduceat(rows, first - first[0], out=target)
        return reduced


def _reduce_whole(operation: np.ufunc, rows: npt.NDArray[Any], target: npt.NDArray[Any]) -> None:
    """Reduce rows of two columns or more; the first is added last, as `reduceat` does."""
    rest = rows[:, 1]
    for place in range(2, rows.shape[1]):
        rest = operation(rest, rows[:, place], out=target)
    operation(rows[:, 0], rest, out=target)
