"""Method: a classical model of the log price, its parameters once for each symbol, its state from each window."""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from forecastle.arrays import FloatArray

logger = logging.getLogger(__name__)

Parameters = dict[str, list[float]]
"""Estimated parameters by name."""


class Method(Protocol):
    """A model of the log price whose parameters are estimated once and whose state follows from the last bars.

    Attributes
    ----------
    name
        As in files and messages.
    """

    name: str

    def estimate(self, returns: FloatArray) -> Parameters:
        """Parameters from log returns of one symbol, shape (T,), none of them NaN, not all of them zero."""
        ...

    def forecast(self, parameters: Parameters, past: FloatArray, horizon: int) -> FloatArray:
        """Expected log return from the last bar to each of the next `horizon`, shape (N, horizon).

        `past` is log close, (N, P), oldest first; the state begins at its first bar.
        """
        ...


@contextmanager
def doubts_logged(name: str) -> Iterator[None]:
    """Turn what statsmodels warns of while it estimates into one line of the log for each wording."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for line, times in Counter(" ".join(str(each.message).split()) for each in caught).items():
        logger.warning("%s (estimates: %d): %s", name, times, line)
