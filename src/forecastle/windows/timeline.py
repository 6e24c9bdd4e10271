"""From a panel and its features to the timeline that windows are cut from."""

from __future__ import annotations

import numpy as np

from forecastle.data.bars import Panel
from forecastle.errors import FeatureError
from forecastle.features.frame import FeatureFrame
from forecastle.windows.context import Timeline
from forecastle.windows.volatility import ewma_volatility


def build_timeline(panel: Panel, frame: FeatureFrame) -> Timeline:
    """Put the facts of every bar side by side, symbols one after the other in the panel's order.

    Parameters
    ----------
    panel
        Bars of all symbols, T in sum.
    frame
        Features of the same bars, shape (T, D); they are not copied.

    Returns
    -------
    Timeline
        Row t holds what is known when bar t is known; `scale` is NaN on the first rows of each symbol
        (`forecastle.windows.volatility`).

    Raises
    ------
    FeatureError
        If the frame was computed from other bars (lengths differ).
    """
    lengths = [len(bars) for bars in panel]
    if [int(length) for length in frame.lengths] != lengths or len(frame.values) != sum(lengths):
        raise FeatureError(
            f"features of {lengths} bars for {list(panel.symbols)} wanted, "
            f"got {frame.lengths.tolist()} in {len(frame.values)} rows"
        )
    log_closes = [np.log(bars.close) for bars in panel]
    return Timeline(
        features=frame.values,
        log_close=np.concatenate(log_closes),
        scale=np.concatenate([ewma_volatility(log_close) for log_close in log_closes]),
        known=np.concatenate([bars.known for bars in panel]),
        symbol=np.repeat(np.arange(len(panel), dtype=np.int32), lengths),
        columns=frame.columns,
        symbols=panel.symbols,
    )
