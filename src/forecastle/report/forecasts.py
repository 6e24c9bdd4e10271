"""The forecasts of a run, read from its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from forecastle.arrays import FloatArray, IntArray, TimeArray
from forecastle.errors import RunError
from forecastle.evaluation.slices import REGIMES


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Forecasts of one part, windows sorted by symbol, origin and fold.

    Parameters
    ----------
    symbol
        Name of each window's symbol, shape (N,).
    origin
        UTC, shape (N,).
    log_close
        At the origin, shape (N,).
    target
        What happened, shape (N, H); class numbers for classes.
    values
        Quantiles (N, H, Q) or class probabilities (N, H, K).
    levels
        Q levels, ascending; empty for classes.
    classes
        K names; empty for quantiles.
    loss
        Pointwise objective of the model (``model``) and of each baseline, shape (N, H); empty where it is no mean.
    steps
        The H steps, in bars after the origin.
    path
        Number of the path of each window, shape (N,): no window stands twice in one.
    regime
        Third of volatility at the origin, a number in `forecastle.evaluation.slices.REGIMES`, −1 where it is not known,
        shape (N,); None where the run keeps none.
    """

    symbol: np.ndarray[Any, np.dtype[np.object_]]
    origin: TimeArray
    log_close: FloatArray
    target: FloatArray
    values: FloatArray
    levels: tuple[float, ...]
    classes: tuple[str, ...]
    loss: dict[str, FloatArray]
    steps: tuple[int, ...]
    path: IntArray
    regime: IntArray | None = None

    @property
    def horizon(self) -> int:
        """Bars from an origin to the last step."""
        return self.steps[-1]

    def of(self, symbol: str) -> Forecasts:
        """The windows of one symbol, along the first path."""
        rows = self.symbol == symbol
        rows &= self.path == self.path[rows].min(initial=np.iinfo(np.int64).max)
        return Forecasts(
            self.symbol[rows],
            self.origin[rows],
            self.log_close[rows],
            self.target[rows],
            self.values[rows],
            self.levels,
            self.classes,
            {name: values[rows] for name, values in self.loss.items()},
            self.steps,
            self.path[rows],
            None if self.regime is None else self.regime[rows],
        )


def read_forecasts(path: Path, part: str) -> Forecasts | None:
    """Read one part of a forecast table, whatever the order of its rows; None where the part has no rows.

    Raises
    ------
    RunError
        If the file cannot be read, lacks a column, or does not hold the same steps for every window.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        table = table.filter(pc.equal(table["part"], part)).combine_chunks()
        columns = {name: table[name] for name in table.column_names}
        step = columns["step"].to_numpy().astype(np.int64)
        origin = columns["origin"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
        fold, path_number = columns["fold"].to_numpy(), columns["path"].to_numpy().astype(np.int64)
        codes = columns["symbol"].cast(pa.string()).combine_chunks().dictionary_encode()
    except (pa.ArrowException, KeyError, OSError) as error:
        raise RunError(f"cannot read the forecasts: {' '.join(str(error).split())} ({path})") from None
    if not len(step):
        return None
    symbol = codes.indices.to_numpy()
    order = np.lexsort((step, fold, origin, symbol))
    steps = np.unique(step)
    if len(order) % len(steps) or (step[order].reshape(-1, len(steps)) != steps).any():
        raise RunError(f"every window must have the same steps, got others in part {part!r} ({path})")

    def values(name: str) -> FloatArray:
        array: FloatArray = columns[name].to_numpy()[order].reshape(-1, len(steps))
        return array

    levels = sorted((float(name[1:]), name) for name in columns if name.startswith("q0."))
    classes = [name for name in columns if name.startswith("p_")]
    names = [name for _, name in levels] or classes
    if not names:
        raise RunError(f"the forecasts must have columns q0.… or p_…, got {sorted(columns)} ({path})")
    first = order[:: len(steps)]
    return Forecasts(
        np.array(codes.dictionary.to_pylist(), dtype=object)[symbol[first]],
        origin[first].astype("datetime64[us]"),
        values("log_close")[:, 0],
        values("target"),
        np.stack([values(name) for name in names], axis=-1),
        tuple(level for level, _ in levels),
        () if levels else tuple(name[2:] for name in classes),
        {"model" if name == "loss" else name[5:]: values(name) for name in columns if name.startswith("loss")},
        tuple(steps.tolist()),
        path_number[first],
        _regimes(columns["regime"].to_pylist(), first) if "regime" in columns else None,
    )


def _regimes(names: Sequence[str | None], rows: IntArray) -> IntArray:
    """Numbers of the regimes of some rows."""
    numbers = {name: number for number, name in enumerate(REGIMES)}
    return np.array([numbers.get(names[row] or "", -1) for row in rows], dtype=np.int8)
