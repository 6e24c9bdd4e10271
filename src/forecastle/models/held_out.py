"""Windows that training is watched on where there is no validation part: the latest of the training part."""

from __future__ import annotations

import numpy as np

from forecastle.errors import ModelError
from forecastle.windows.context import Windows

SHARE = 0.2
"""Share of the training windows that is held out."""


def held_out(train: Windows) -> tuple[Windows, Windows]:
    """Earlier windows to learn from and the latest ones to watch, whose labels do not overlap.

    Raises
    ------
    ModelError
        If no earlier window is left.
    """
    origin = train.context.origin
    first = np.sort(origin)[int((1 - SHARE) * len(origin))]
    earlier, later = train.label_end <= first, origin >= first
    if not earlier.any():
        raise ModelError(f"too few training windows to hold some out, got {len(train)}")
    return train[np.flatnonzero(earlier)], train[np.flatnonzero(later)]
