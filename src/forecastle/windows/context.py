"""Timeline, Context and Windows: what a forecaster sees, and, apart from it, what it is to forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from forecastle.arrays import FloatArray, IntArray, TimeArray
from forecastle.data.bars import Bars


class Target(Protocol):
    """What is forecast: a number or a class for each step 1 … H after the origin.

    Attributes
    ----------
    name
        ``log_return``, ``direction``, …
    unit
        Unit of the values, for people.
    classes
        Class names in order (K of them), or an empty tuple for a number.
    lower
        Smallest possible value of a number, or None.
    """

    name: str
    unit: str
    classes: tuple[str, ...]
    lower: float | None

    def compute(self, bars: Bars, horizon: int, scale: FloatArray) -> FloatArray:
        """Values, shape (T, H), float64: row t from bars t … t+H, NaN where the future is missing.

        `scale` is the EWMA volatility per bar, shape (T,), known at each bar. A class is its number, 0 … K-1, as a
        float.
        """
        ...

    def spread(self, scale: FloatArray, horizon: int) -> FloatArray:
        """Typical size of each step under a driftless random walk, shape (N, H), from volatility per bar (N,)."""
        ...

    def random_walk(self, scale: FloatArray, horizon: int, levels: FloatArray) -> FloatArray:
        """Exact law under a driftless Gaussian random walk of volatility `scale` (N,).

        Returns quantiles, shape (N, H, Q), for a number and probabilities, shape (N, H, K), for classes.
        """
        ...

    def history(self, horizon: int, period: int) -> int:
        """Bars of past log close that `carried` needs, at least 1."""
        ...

    def carried(self, past: FloatArray, horizon: int, period: int) -> FloatArray:
        """The value carried forward from the last `period` bars, shape (N, H).

        `past` is log close, (N, P), with P at least ``history(horizon, period)``; period 1 is the naive forecast.
        """
        ...


@runtime_checkable
class EventTarget(Protocol):
    """A target whose label may be settled before the last step: its windows are weighed by how alone they stand."""

    def span(self, bars: Bars, horizon: int, scale: FloatArray) -> IntArray:
        """Bars from the origin until the label of the last step is settled, 1 … H, shape (T,)."""
        ...


@dataclass(frozen=True)
class Task:
    """The question that is asked of every forecaster of a run.

    Parameters
    ----------
    target
        What is forecast.
    horizon
        Bars from the origin to the last step.
    quantile_levels
        Levels (Q,) at which a forecast of a number is scored, ascending, inside (0, 1).
    chosen
        The H steps that are asked for, in bars after the origin, ascending, the last one `horizon`; empty: each of
        1 … `horizon`.

    Examples
    --------
    >>> from forecastle.windows.target import LogReturn
    >>> task = Task(LogReturn(), 24, (0.5,), chosen=(1, 5, 24))
    >>> task.steps, task.spread(np.array([0.01])).round(4)
    ((1, 5, 24), array([[0.01  , 0.0224, 0.049 ]]))
    """

    target: Target
    horizon: int
    quantile_levels: tuple[float, ...]
    chosen: tuple[int, ...] = ()

    @property
    def steps(self) -> tuple[int, ...]:
        """The H steps, in bars after the origin."""
        return self.chosen or tuple(range(1, self.horizon + 1))

    def values(self, bars: Bars, scale: FloatArray) -> FloatArray:
        """Values of the target, shape (T, H), float64, NaN where the future is missing."""
        return self._asked(self.target.compute(bars, self.horizon, scale))

    def span(self, bars: Bars, scale: FloatArray) -> IntArray:
        """Bars from each origin until its label is settled, shape (T,)."""
        if isinstance(self.target, EventTarget):
            return self.target.span(bars, self.horizon, scale)
        return np.full(len(bars), self.horizon)

    def spread(self, scale: FloatArray) -> FloatArray:
        """Typical size of each step under a driftless random walk, shape (N, H), from volatility per bar (N,)."""
        return self._asked(self.target.spread(scale, self.horizon))

    def random_walk(self, scale: FloatArray) -> FloatArray:
        """Law under a driftless random walk: quantiles at the levels (N, H, Q), or probabilities (N, H, K)."""
        levels = np.array(self.quantile_levels, dtype=np.float64)
        return self._asked(self.target.random_walk(scale, self.horizon, levels))

    def carried(self, past: FloatArray, period: int) -> FloatArray:
        """The value carried forward from the last `period` bars of `past` (N, P), shape (N, H)."""
        return self._asked(self.target.carried(past, self.horizon, period))

    def _asked(self, values: FloatArray) -> FloatArray:
        """The columns of the steps that are asked for."""
        return values[:, np.array(self.chosen) - 1] if self.chosen else values


@dataclass(frozen=True, eq=False)
class Timeline:
    """Facts of every bar of a panel, symbols one after the other; windows are views into it.

    Parameters
    ----------
    features
        Shape (T, D), float32.
    log_close
        Shape (T,), natural logarithm of the close.
    scale
        Shape (T,), EWMA volatility per bar (log return), from bars at or before t.
    known
        Shape (T,), UTC, when the bar is known.
    symbol
        Shape (T,), number of the bar's symbol in `symbols`.
    columns
        Names of the features, length D.
    symbols
        Names of the symbols.
    """

    features: FloatArray
    log_close: FloatArray
    scale: FloatArray
    known: TimeArray
    symbol: IntArray
    columns: tuple[str, ...]
    symbols: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Context:
    """What was known at the origin of each of N windows, and nothing later.

    The arrays are gathered when they are asked for, so that a context of millions of windows costs nothing;
    ``context[indices]`` is the context of some of them. Where the windows follow each other bar by bar, `features`
    and `past` are views and not copies.

    Parameters
    ----------
    timeline
        The bars that the windows are cut from.
    row
        Row in the timeline of each window's last bar, shape (N,).
    context_length
        C, bars of features.
    past_length
        P ≥ C, bars of log close.
    task
        What is asked.
    """

    timeline: Timeline
    row: IntArray
    context_length: int
    past_length: int
    task: Task

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, index: IntArray | slice) -> Context:
        return Context(self.timeline, self.row[index], self.context_length, self.past_length, self.task)

    def _gather(self, values: FloatArray, length: int) -> FloatArray:
        """Windows of `length` rows that end at each row, the row axis before any column axis."""
        rows = self.row
        windows = sliding_window_view(values, length, axis=0)
        if values.ndim == 2:
            windows = windows.transpose(0, 2, 1)
        start = rows - (length - 1)
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and np.all(np.diff(rows) == 1):
            return windows[start[0] : start[-1] + 1]
        return windows[start]

    @property
    def features(self) -> FloatArray:
        """Features, shape (N, C, D), oldest bar first."""
        return self._gather(self.timeline.features, self.context_length)

    @property
    def past(self) -> FloatArray:
        """Log close, shape (N, P), oldest bar first."""
        return self._gather(self.timeline.log_close, self.past_length)

    @property
    def scale(self) -> FloatArray:
        """EWMA volatility per bar at the origin, log return, shape (N,)."""
        return self.timeline.scale[self.row]

    @property
    def origin(self) -> TimeArray:
        """Known time of the last bar that may be used, UTC, shape (N,)."""
        return self.timeline.known[self.row]

    @property
    def symbol(self) -> IntArray:
        """Number of the symbol, shape (N,)."""
        return self.timeline.symbol[self.row]


@dataclass(frozen=True, eq=False)
class Windows:
    """Contexts with what came after them.

    Parameters
    ----------
    context
        N contexts.
    target
        Shape (N, H), float64; class numbers as floats for classes.
    weight
        Shape (N,), float64, 1 unless the target weighs its labels.
    label_end
        Known time of the bar that settles each target, UTC, shape (N,).
    """

    context: Context
    target: FloatArray
    weight: FloatArray
    label_end: TimeArray

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, index: IntArray | slice) -> Windows:
        return Windows(self.context[index], self.target[index], self.weight[index], self.label_end[index])
