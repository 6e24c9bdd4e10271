"""The engine: every indicator on every symbol, into one matrix."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import PRICES, Bars, Panel
from forecastle.errors import ConfigError, FeatureError, nearest
from forecastle.features.frame import NEEDS, FeatureFrame, Indicator

logger = logging.getLogger(__name__)

MISSING = ("skip", "refuse")


def compute(panel: Panel, indicators: Mapping[str, Indicator], missing: str = "skip") -> FeatureFrame:
    """Compute all indicators on all symbols.

    Parameters
    ----------
    panel
        Bars, each symbol computed by itself.
    indicators
        By the name under which they were chosen, in the order of their columns.
    missing
        What happens to indicators that need volume, or trusted dates, where a symbol has none: ``skip`` leaves them
        out for all symbols and says so, ``refuse`` raises.

    Returns
    -------
    FeatureFrame
        One float32 matrix (T, D); the first ``warmup - 1`` rows of each indicator on each symbol are NaN, the others
        finite.

    Raises
    ------
    FeatureError
        If there is no indicator, two columns share a name, a symbol has fewer bars than a warm-up or a value that
        is not finite, or an indicator fails; the message names it.
    ConfigError
        If `missing` is neither word.
    """
    if missing not in MISSING:
        raise ConfigError(f"missing must be skip or refuse, got {missing!r}{nearest(missing, MISSING)}")
    used, left_out = _possible(panel, indicators, missing)
    columns = _columns(used)
    for bars in panel:
        _check(bars, used)
    lengths = np.array([len(bars) for bars in panel], dtype=np.int64)
    values = np.empty((int(lengths.sum()), len(columns)), dtype=np.float32)
    ends = np.cumsum(lengths)
    for bars, end in zip(panel, ends, strict=True):
        fill(values[end - len(bars) : end], bars, used)
    return FeatureFrame(values, columns, lengths, max(indicator.warmup for indicator in used.values()), left_out)


def fill(block: FloatArray, bars: Bars, indicators: Mapping[str, Indicator]) -> None:
    """Compute all indicators on one symbol, into its rows of the matrix, shape (T, D).

    Raises
    ------
    FeatureError
        If an indicator fails, or gives a wrong shape or a value after its warm-up that is not finite.
    """
    first = 0
    for name, indicator in indicators.items():
        width = len(indicator.columns)
        target = block[:, first : first + width]
        try:
            found = indicator.compute(bars)
        except Exception as error:
            raise FeatureError(f"{bars.symbol}: indicator {name!r} failed: {type(error).__name__}: {error}") from error
        if np.shape(found) != target.shape:
            raise FeatureError(
                f"{bars.symbol}: indicator {name!r} must give shape {target.shape}, got {np.shape(found)}"
            )
        with np.errstate(over="ignore"):
            target[:] = found
        target[: indicator.warmup - 1] = np.nan
        bad = ~np.isfinite(target[indicator.warmup - 1 :])
        if bad.any():
            row, column = np.argwhere(bad)[0] + (indicator.warmup - 1, 0)
            raise FeatureError(
                f"{bars.symbol}: indicator {name!r} must be finite (in float32) after {indicator.warmup} bars of "
                f"warm-up, got {float(found[row, column])} in {indicator.columns[column]} at bar {row}"
            )
        first += width


def _possible(
    panel: Panel, indicators: Mapping[str, Indicator], missing: str
) -> tuple[dict[str, Indicator], dict[str, str]]:
    """The indicators that can be computed, and those that lack what they need, with the reason."""
    left_out: dict[str, str] = {}
    told = []
    for need, present in NEEDS.items():
        without = [bars.symbol for bars in panel if not present(bars)]
        needing = [name for name, each in indicators.items() if need in each.needs and name not in left_out]
        if not without or not needing:
            continue
        who = without[0] if len(without) == 1 else f"{without[0]} and {len(without) - 1} more"
        names = ", ".join(needing)
        if missing == "refuse":
            raise FeatureError(f"bars with {need} wanted by indicator {names}, got none for {who}")
        logger.info("left out for want of %s (%s): %s", need, who, names)
        left_out.update(dict.fromkeys(needing, f"needs {need}, which is missing for {who}"))
        told.append(f"; left out for want of {need}: {names}")
    used = {name: indicator for name, indicator in indicators.items() if name not in left_out}
    if not used:
        raise FeatureError(f"at least one indicator wanted, got none{''.join(told)}")
    return used, left_out


def _columns(indicators: Mapping[str, Indicator]) -> tuple[str, ...]:
    """All column names; two alike are refused."""
    owner: dict[str, str] = {}
    for name, indicator in indicators.items():
        for column in indicator.columns:
            if column in owner:
                raise FeatureError(
                    f"each column once wanted, got {column!r} from indicators {owner[column]!r} and {name!r}"
                )
            owner[column] = name
    return tuple(owner)


def _check(bars: Bars, indicators: Mapping[str, Indicator]) -> None:
    """Refuse a symbol that is too short or not finite."""
    name, slowest = max(indicators.items(), key=lambda item: item[1].warmup)
    if len(bars) < slowest.warmup:
        raise FeatureError(
            f"{bars.symbol}: at least {slowest.warmup} bars wanted (warm-up of indicator {name!r}), got {len(bars)}"
        )
    for column in (*PRICES, "volume"):
        values = getattr(bars, column)
        if values is not None and not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise FeatureError(f"{bars.symbol}: finite candles wanted, got {values[row]} in {column} at bar {row}")
