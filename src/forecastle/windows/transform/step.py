"""The contract of a fitted step: rows with named columns in, rows with named columns out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np

from forecastle.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Rows:
    """Features of bars, in pieces that each follow one symbol bar by bar.

    Parameters
    ----------
    values
        Shape (T, D), float32.
    columns
        Names of the features, length D.
    starts
        First row of each piece, ascending, the first of them 0: no step may carry anything from one piece to another.
    """

    values: FloatArray
    columns: tuple[str, ...]
    starts: IntArray

    def become(self, values: FloatArray, columns: tuple[str, ...] | None = None) -> Rows:
        """The same bars with other features, cast to float32; the columns keep their names unless others are given."""
        with np.errstate(over="ignore"):
            narrow = np.asarray(values, dtype=np.float32)
        return replace(self, values=narrow, columns=self.columns if columns is None else columns)

    def keep(self, names: tuple[str, ...]) -> Rows:
        """The same bars with some of the columns, in the order of the names."""
        if names == self.columns:
            return self
        place = {name: number for number, name in enumerate(self.columns)}
        return replace(self, values=self.values[:, [place[name] for name in names]], columns=names)

    @property
    def pieces(self) -> list[slice]:
        """Rows of each piece."""
        ends = [*self.starts[1:].tolist(), len(self.values)]
        return [slice(start, end) for start, end in zip(self.starts.tolist(), ends, strict=True)]


@dataclass(frozen=True, eq=False)
class Training:
    """What a step may learn from: the rows that training contexts cover, and what came after their origins.

    Parameters
    ----------
    rows
        Each row that stands in at least one training context, once; T of them.
    origin
        Row of each training window's origin among them, shape (N,).
    target
        Shape (N, H), float64: a number in units of what a driftless random walk would do (`Target.spread`), so that
        calm and wild times weigh the same; a class as its number.
    classes
        Number of classes, 0 where the target is a number.
    """

    rows: Rows
    origin: IntArray
    target: FloatArray
    classes: int

    @property
    def inputs(self) -> FloatArray:
        """Features at the origins, shape (N, D), float64: the examples that belong to `target`."""
        return self.rows.values[self.origin].astype(np.float64)


class Transform(Protocol):
    """One step, fitted on training rows and applied to all.

    Row t of what `apply` returns depends on rows t − `memory` to t of the same piece and on no other, so that a step
    cannot look ahead once it is fitted, and a few hundred bars give the same number as ten years.

    Attributes
    ----------
    memory
        Bars before t that row t may depend on; 0 where each row is transformed by itself.
    fills
        Whether the step takes rows with missing features and gives rows without.
    """

    memory: int
    fills: bool

    def fit(self, training: Training) -> Self:
        """Learn from training rows, finite unless the step fills; what an earlier fit learned is forgotten."""
        ...

    def apply(self, rows: Rows) -> Rows:
        """Transform rows to float32, columns and their names included.

        Unless the step fills, a row that lacks a feature which is read for a column lacks that column.
        """
        ...

    def state(self) -> dict[str, Any]:
        """What was learned, ready for JSON."""
        ...

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave."""
        ...

    def report(self) -> dict[str, Any]:
        """What a reader should know of the fit: what was kept and why, ready for JSON."""
        ...
