"""Candlestick: TA-Lib's candlestick patterns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import PRICES, Bars
from forecastle.errors import ConfigError, nearest
from forecastle.features.frame import ByColumn
from forecastle.features.library import FUNCTIONS, call, describe, lookback

PATTERNS: tuple[str, ...] = tuple(name.removeprefix("CDL").lower() for name in FUNCTIONS if name.startswith("CDL"))
"""TA-Lib's candlestick patterns, 61 of them, such as ``hammer``."""


class Candlestick(ByColumn):
    """Candlestick patterns of TA-Lib (after Bulkowski 2008 and Nison 1991): 1 bullish, -1 bearish, 0 none.

    A confirmed hikkake is ±2, an engulfing that only just covers ±.8. Warm-up: TA-Lib's look-back, 3 to 15 bars, since
    a candle is called long, short or a doji by the mean body or range of the ten bars before.

    Parameters
    ----------
    patterns
        TA-Lib's names without ``CDL``, in lower case; all 61 where it is None.
    penetration
        How far a candle must reach into the one before, as a share of its body, in the patterns that ask for it; where
        it is None, TA-Lib's own .3 or .5.

    Raises
    ------
    ConfigError
        If a pattern is unknown or given twice, or the penetration is negative.

    Examples
    --------
    >>> Candlestick(["hammer", "doji"]).columns
    ('candlestick_hammer', 'candlestick_doji')
    """

    scale = "-1, 0 or 1"
    needs: tuple[str, ...] = ()
    tolerance: float = 1e-9

    def __init__(self, patterns: Sequence[str] | None = None, penetration: float | None = None) -> None:
        chosen = PATTERNS if patterns is None else tuple(patterns)
        for name in chosen:
            if name not in PATTERNS:
                raise ConfigError(
                    f"candlestick: patterns must be among TA-Lib's {len(PATTERNS)}, got {name!r}"
                    f"{nearest(str(name), PATTERNS)}"
                )
        if not chosen or len(set(chosen)) != len(chosen):
            raise ConfigError(f"candlestick: one or more different patterns wanted, got {list(chosen)}")
        if penetration is not None and not 0 <= penetration < np.inf:
            raise ConfigError(f"candlestick: penetration must be at least 0, got {penetration!r}")
        self.columns = tuple(f"candlestick_{name}" for name in chosen)
        self._calls: list[tuple[str, dict[str, int | float]]] = []
        for function in (f"CDL{name.upper()}" for name in chosen):
            parameters = dict(describe(function).parameters)
            if "penetration" in parameters and penetration is not None:
                parameters["penetration"] = float(penetration)
            self._calls.append((function, parameters))
        self.warmup = 1 + max(lookback(function, parameters) for function, parameters in self._calls)

    def each(self, bars: Bars) -> Iterator[FloatArray]:
        """The columns in their order, each of shape (T,), float64."""
        prices = [getattr(bars, name) for name in PRICES]
        for function, parameters in self._calls:
            (found,) = call(function, *prices, **parameters)
            yield found / 100.0
