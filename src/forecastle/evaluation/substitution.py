"""Windows of their own: contexts in which some inputs are those of other windows.

The windows of a context overlap: a change to one would be a change to its neighbours. Here each gets bars of its own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecastle.arrays import BoolArray, FloatArray
from forecastle.windows.context import Context, Timeline

PAST = "past closes"
"""Name of the input that no feature holds: the path of closes, which networks see beside the features."""


def inputs_of(context: Context) -> tuple[str, ...]:
    """Names of what a forecaster sees of each bar: the features, and the path of closes."""
    return (*context.timeline.columns, PAST)


def substituted(context: Context, other: Context, taken: BoolArray) -> Context:
    """The windows, with some of their inputs taken from other windows, over all bars of the context.

    The price, the volatility, the time and the symbol at the origin stay. A path of closes that is taken ends in the
    window's own price and has the other's returns in units of volatility.

    Parameters
    ----------
    context
        N windows.
    other
        As many windows, each of which lends to the one in its place.
    taken
        Which inputs are taken, in the order of `inputs_of`, shape (D + 1,) for all windows or (N, D + 1) for each.

    Returns
    -------
    Context
        Of N windows that share no bar.
    """
    length, count = context.past_length, len(context)
    taken = np.broadcast_to(taken, (count, taken.shape[-1]))
    features = np.where(taken[:, None, :-1], _features(other), _features(context))
    past = np.where(taken[:, -1:], _moved(other, context), context.past)
    timeline = Timeline(
        features.reshape(count * length, -1),
        past.ravel(),
        np.repeat(context.scale, length),
        np.repeat(context.origin, length),
        np.repeat(context.symbol, length),
        context.timeline.columns,
        context.timeline.symbols,
    )
    return replace(context, timeline=timeline, row=np.arange(1, count + 1) * length - 1)


def _features(context: Context) -> FloatArray:
    """Features of all bars of the past, shape (N, P, D); those before the context are seen by nobody."""
    return replace(context, context_length=context.past_length).features


def _moved(other: Context, context: Context) -> FloatArray:
    """Paths of closes of other windows, at the price and in the volatility of these, shape (N, P)."""
    path = other.past - other.past[:, -1:]
    moved: FloatArray = context.past[:, -1:] + path * (context.scale / other.scale)[:, None]
    return moved
