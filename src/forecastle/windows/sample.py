"""The windows of a panel: every origin whose context is complete, with what came after it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from forecastle.arrays import BoolArray, IntArray, TimeArray
from forecastle.data.bars import Panel
from forecastle.errors import ConfigError, FeatureError, SplitError
from forecastle.features.frame import FeatureFrame
from forecastle.windows.context import Context, EventTarget, Task, Windows
from forecastle.windows.timeline import build_timeline
from forecastle.windows.uniqueness import uniqueness
from forecastle.windows.volatility import EARLIEST

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Missing:
    """What was lost because a feature was missing after the warm-up.

    Parameters
    ----------
    bars
        Bars after the warm-up of their symbol at which a feature is NaN or infinite.
    origins
        Bars that cannot be an origin because their context holds such a bar.
    columns
        Number of such bars for each feature that has any.
    """

    bars: int
    origins: int
    columns: dict[str, int]


def make_windows(
    panel: Panel,
    frame: FeatureFrame,
    task: Task,
    context_length: int,
    past_length: int,
    *,
    allow_missing: bool = False,
) -> Windows:
    """Cut every complete window of a panel, ascending in time, symbols one after the other.

    A window is complete where all C bars of its context have warmed-up, finite features, the volatility at its origin
    is known, and the context, the P bars of its past and the bars of its target lie inside one symbol. What was
    left out for missing features is told by `missing_features`.

    Parameters
    ----------
    panel
        Bars of all symbols.
    frame
        Features of the same bars.
    task
        Target and steps.
    context_length
        C, bars of features.
    past_length
        P ≥ C, bars of log close.
    allow_missing
        Keep windows in which a feature is missing after the warm-up: right where a transform fills it (`Chain.fills`),
        and nowhere else.

    Returns
    -------
    Windows
        N windows into one timeline; features are not copied. A label ends when the bar of the last step is
        known, or the one that settles it before; windows of such labels are weighed by `forecastle.windows.uniqueness`.

    Raises
    ------
    ConfigError
        If horizon or C is below 1, or P below C.
    SplitError
        If there is no complete window; the message says how many bars it needs.
    FeatureError
        If the frame was computed from other bars.
    """
    horizon = task.horizon
    _check(horizon, context_length, past_length)
    if horizon >= max(map(len, panel)):  # told before arrays of that width are made
        raise SplitError(_nothing(panel, frame, horizon, context_length, past_length))
    timeline = build_timeline(panel, frame)
    complete = _complete(frame, context_length, past_length, allow_missing=allow_missing)
    rows, targets, ends, weights = [], [], [], []
    start = 0
    for bars in panel:
        last = max(len(bars) - horizon, 0)
        scale = timeline.scale[start : start + len(bars)]
        values = task.values(bars, scale)[:last]
        local = np.flatnonzero(complete[start : start + last] & np.isfinite(values).all(axis=1))
        if not len(local):
            logger.warning("%s: none of its %d bars is the origin of a complete window", bars.symbol, len(bars))
        rows.append(local + start)
        targets.append(values[local])
        span = task.span(bars, scale)[local]
        ends.append(bars.known[local + span])
        alone = isinstance(task.target, EventTarget) and len(local)
        weights.append(uniqueness(local, span) if alone else np.ones(len(local)))
        start += len(bars)
    row = np.concatenate(rows)
    if not len(row):
        raise SplitError(_nothing(panel, frame, horizon, context_length, past_length))
    context = Context(timeline, row, context_length, past_length, task)
    return Windows(context, np.concatenate(targets), np.concatenate(weights), np.concatenate(ends))


def context_start(windows: Windows, frame: FeatureFrame, memory: int = 0) -> TimeArray:
    """Known time of the oldest bar that any number of each context was computed from, UTC, shape (N,).

    It lies ``max(warmup − 1 + C, P)`` bars back, the origin's own bar included: the first bar of features has a
    warm-up before it. (The volatility at the origin looks back further, with weights that fade: see
    `forecastle.windows.volatility`.)

    Parameters
    ----------
    windows
        Of `make_windows`, from this frame.
    frame
        Features of the bars.
    memory
        Bars before its own that a transform of the features reads (`Chain.memory`).
    """
    context = windows.context
    reach = _need(frame, context.context_length, context.past_length)
    first = np.cumsum(frame.lengths) - frame.lengths
    row = np.maximum(context.row - (reach + memory - 1), first[context.symbol])
    return np.asarray(context.timeline.known[row])


def latest_context(
    panel: Panel,
    frame: FeatureFrame,
    task: Task,
    context_length: int,
    past_length: int,
    *,
    allow_missing: bool = False,
) -> Context:
    """Return the context at the newest bar of each symbol: what a forecast of the unknown future is made from.

    Parameters are those of `make_windows`; no target is computed.

    Raises
    ------
    ConfigError
        If horizon or C is below 1, or P below C.
    FeatureError
        If the context of a symbol is not complete, or the frame was computed from other bars.
    """
    _check(task.horizon, context_length, past_length)
    timeline = build_timeline(panel, frame)
    row = np.cumsum(frame.lengths) - 1
    complete = _complete(frame, context_length, past_length, allow_missing=allow_missing)
    for bars, last in zip(panel, row.tolist(), strict=True):
        if not complete[last]:
            absent = ~np.all(np.isfinite(frame.values[max(last - context_length + 1, 0) : last + 1]), axis=0)
            names = [name for name, is_absent in zip(frame.columns, absent, strict=True) if is_absent]
            raise FeatureError(
                f"{bars.symbol}: the newest of {len(bars)} bars has no complete context: it needs "
                f"{_need(frame, context_length, past_length)} bars, and every feature, missing: {names or 'none'}"
            )
    return Context(timeline, row, context_length, past_length, task)


def missing_features(frame: FeatureFrame, context_length: int) -> Missing:
    """Count the bars after warm-up that lack a feature, and the origins that they cost.

    Parameters
    ----------
    frame
        Features, NaN or infinite where missing.
    context_length
        C, bars of features in a context.
    """
    finite = np.isfinite(frame.values)
    whole = np.all(finite, axis=1)
    age = _age(frame.lengths)
    warm = age >= frame.warmup - 1
    lost = (age >= _need(frame, context_length, 1) - 1) & (_run(whole) < context_length)
    absent = np.count_nonzero(~finite[warm], axis=0)
    return Missing(
        bars=int(np.count_nonzero(warm & ~whole)),
        origins=int(np.count_nonzero(lost)),
        columns={name: int(count) for name, count in zip(frame.columns, absent, strict=True) if count},
    )


def _check(horizon: int, context_length: int, past_length: int) -> None:
    """Refuse lengths that cannot be."""
    for name, value in {"horizon": horizon, "context_length": context_length}.items():
        if value < 1:
            raise ConfigError(f"{name} must be at least 1, got {value}")
    if past_length < context_length:
        raise ConfigError(f"past_length must be at least context_length {context_length}, got {past_length}")


def _nothing(panel: Panel, frame: FeatureFrame, horizon: int, context_length: int, past_length: int) -> str:
    """Why there is no complete window."""
    longest = max(panel, key=len)
    have = f"the longest series, {longest.symbol}, has {len(longest)}"
    need = _need(frame, context_length, past_length)
    if horizon >= len(longest):
        return f"horizon {horizon} needs more than {horizon} bars, {have}"
    if need + horizon > len(longest):
        return (
            f"a window needs {need + horizon} bars (warm-up {frame.warmup}, context_length {context_length}, "
            f"past {past_length}, volatility {EARLIEST}, horizon {horizon}), {have}"
        )
    missing = missing_features(frame, context_length)
    return f"no window is complete: features are missing after the warm-up of {frame.warmup} bars: {missing.columns}"


def _need(frame: FeatureFrame, context_length: int, past_length: int) -> int:
    """Bars up to and including the first origin that can be."""
    return max(max(frame.warmup, 1) - 1 + context_length, past_length, EARLIEST)


def _age(lengths: IntArray) -> IntArray:
    """How many bars of its symbol precede each bar, shape (T,)."""
    return np.concatenate([np.arange(length) for length in lengths])


def _run(whole: BoolArray) -> IntArray:
    """How many whole rows on end finish at each row, shape (T,)."""
    index = np.arange(len(whole))
    return index - np.maximum.accumulate(np.where(whole, -1, index))


def _complete(frame: FeatureFrame, context_length: int, past_length: int, *, allow_missing: bool) -> BoolArray:
    """Where a context of features and past is whole, or at least warmed up, shape (T,)."""
    old_enough = _age(frame.lengths) >= _need(frame, context_length, past_length) - 1
    if allow_missing:
        return old_enough
    whole = np.all(np.isfinite(frame.values), axis=1)
    return old_enough & (_run(whole) >= context_length)
