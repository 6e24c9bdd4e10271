"""The engine: every indicator on every symbol, into one matrix."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

import numpy as np

from forecastle.arrays import BoolArray, FloatArray
from forecastle.data.bars import PRICES, Bars, Panel
from forecastle.errors import ConfigError, FeatureError, nearest
from forecastle.features.frame import NEEDS, FeatureFrame, Indicator, may_miss
from forecastle.features.pool import reach, run
from forecastle.features.sheet import Sheet, turned
from forecastle.features.timeframes import OnTimeframes, Part, parts_of

logger = logging.getLogger(__name__)

MISSING = ("skip", "refuse")
ON_ERROR = ("stop", "leave_out")

WIDTH = 64
"""Columns of a strip, about: what is computed side by side."""


def compute(
    panel: Panel,
    indicators: Mapping[str, Indicator],
    missing: str = "skip",
    on_error: str = "stop",
    workers: int = 1,
    pool: str = "thread",
) -> FeatureFrame:
    """Compute all indicators on all symbols.

    The work falls into strips: some indicators on one symbol, a pure function (`strip`) that threads or processes call
    side by side and that is written into the one matrix from wherever that can be reached. Its libraries compute in one
    thread each, so that whatever the pool, the bits are the same.

    Parameters
    ----------
    panel
        Bars, each symbol computed by itself.
    indicators
        By the name under which they were chosen, in the order of their columns.
    missing
        What happens to indicators that need volume, or trusted dates, where a symbol has none: ``skip`` leaves them
        out for all symbols and says so, ``refuse`` raises.
    on_error
        What happens where an indicator fails: ``stop`` raises, ``leave_out`` leaves it out for all symbols and says so.
    workers
        How many strips are computed side by side.
    pool
        By whom: ``thread`` or ``process``.

    Returns
    -------
    FeatureFrame
        One float32 matrix (T, D); the first ``warmup - 1`` rows of each indicator on each symbol are NaN, the others
        finite, or NaN where the indicator says that it may miss (`Indicator`).

    Raises
    ------
    FeatureError
        If there is no indicator, two columns share a name, a symbol has fewer bars than a warm-up or a value that
        is not finite, or an indicator fails; the message names it.
    ConfigError
        If `missing`, `on_error` or `pool` is none of its words, or `workers` is below 1.
    """
    for argument, word, words in (("missing", missing, MISSING), ("on_error", on_error, ON_ERROR)):
        if word not in words:
            raise ConfigError(f"{argument} must be {' or '.join(words)}, got {word!r}{nearest(word, words)}")
    used, left_out = _possible(panel, indicators, missing)
    columns = _columns(used)
    for bars in panel:
        _check(bars, used)
    lengths = np.array([len(bars) for bars in panel], dtype=np.int64)
    shape = (int(lengths.sum()), len(columns))
    place = reach(workers, pool)
    sheet = Sheet(*shape) if place == "machine" and shape[0] else None
    values = np.empty(shape, dtype=np.float32) if sheet is None else sheet.values
    target = {"here": values, "machine": sheet, "anywhere": None}[place]
    # A process writes whole rows of the shared matrix in half the time of parts of them, if there are enough symbols.
    strips = _strips(used, shape[1] if place == "machine" and len(lengths) >= 2 * workers else WIDTH)
    parts, tasks = [], []
    for bars, end in zip(panel, np.cumsum(lengths), strict=True):
        for first, some in strips:
            last = first + sum(len(indicator.columns) for indicator in some.values())
            parts.append((slice(int(end) - len(bars), int(end)), slice(first, last)))
            tasks.append((target, parts[-1], bars, some, on_error))
    failed: dict[str, str] = {}
    try:
        for part, (found, failures) in zip(parts, run(_strip_into, tasks, workers, pool), strict=True):
            if found is not None:
                _turn(found, values[part])
            failed = {**failures, **failed}
    finally:
        if sheet:
            sheet.close()
    if failed:
        used, values = _without(used, values, failed)
        columns, left_out = _columns(used), {**left_out, **failed}
    return FeatureFrame(values, columns, lengths, max(indicator.warmup for indicator in used.values()), left_out)


def strip(bars: Bars, indicators: Mapping[str, Indicator], on_error: str = "stop") -> tuple[FloatArray, dict[str, str]]:
    """Compute some indicators on one symbol.

    Returns
    -------
    FloatArray
        Their columns one after the other, shape (D, T), float32.
    dict
        The indicators that failed, with the reason; their columns hold nothing of meaning.

    Raises
    ------
    FeatureError
        If an indicator fails, or gives a wrong shape or a value after its warm-up that is not finite (infinite, where
        it may miss), and `on_error` is ``stop``; or if memory does not suffice.
    ConfigError
        If an indicator cannot be computed on such bars as it is configured.
    """
    found = np.empty((sum(len(indicator.columns) for indicator in indicators.values()), len(bars)), dtype=np.float32)
    failures: dict[str, str] = {}
    first = 0
    for name, indicator in indicators.items():
        last = first + len(indicator.columns)
        try:
            _fill(found[first:last], bars, name, indicator)
        except FeatureError as error:
            if on_error == "stop" or isinstance(error.__cause__, MemoryError):
                raise
            failures[name] = str(error)
        first = last
    return found, failures


def _strip_into(
    target: FloatArray | Sheet | None,
    part: tuple[slice, slice],
    bars: Bars,
    indicators: Mapping[str, Indicator],
    on_error: str,
) -> tuple[FloatArray | None, dict[str, str]]:
    """Call `strip` and write what it finds into its part of the matrix, or give it back where that is out of reach."""
    if target is None:
        return strip(bars, indicators, on_error)
    rows, columns = part
    if isinstance(target, Sheet) and columns == slice(0, target.columns):
        found, failures = strip(bars, indicators, on_error)
        target.write(rows.start, found)
        return None, failures
    values = (target.values if isinstance(target, Sheet) else target)[rows, columns]
    failures = {}
    first = 0
    for name, indicator in indicators.items():  # one at a time: no more than its own columns are held beside the matrix
        found, failed = strip(bars, {name: indicator}, on_error)
        _turn(found, values[:, first : first + len(found)])
        first += len(found)
        failures |= failed
    return None, failures


def _fill(target: FloatArray, bars: Bars, name: str, indicator: Indicator) -> None:
    """Compute one indicator on one symbol into `target`, shape (columns, T), float32."""
    where = f"{bars.symbol}: indicator {name!r}"
    warm = indicator.warmup - 1
    first = 0
    for part in _parts(indicator, bars, where):
        shape = (len(bars) if part.rows is None else len(part.rows) - 1, part.columns)
        if np.shape(part.values) != shape:
            raise FeatureError(f"{where} must give shape {shape}, got {np.shape(part.values)}")
        block = target[first : first + part.columns]
        part.lay(block)
        block[:, :warm] = np.nan
        if not _good(block[:, part.begun(warm)], indicator).all():
            good = _good(block[:, warm:], indicator)
            row = int(np.flatnonzero(~good.all(axis=0))[0])
            column = int(np.flatnonzero(~good[:, row])[0])
            value = block[column, row + warm] if part.rows is not None else part.values[row + warm, column]
            raise FeatureError(
                f"{where} must be finite (in float32) after {indicator.warmup} bars of warm-up, got "
                f"{float(value)} in {indicator.columns[first + column]} at bar {row + warm}"
            )
        first += part.columns


def _parts(indicator: Indicator, bars: Bars, where: str) -> Iterator[Part]:
    """What an indicator gives, part by part; where it fails, it is named."""
    try:
        yield from indicator.parts(bars) if isinstance(indicator, OnTimeframes) else parts_of(indicator, bars)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    except Exception as error:
        raise FeatureError(f"{where} failed: {type(error).__name__}: {error}") from error


def _good(values: FloatArray, indicator: Indicator) -> BoolArray:
    """Which values an indicator may give after its warm-up."""
    return ~np.isinf(values) if may_miss(indicator) else np.isfinite(values)


def _strips(indicators: Mapping[str, Indicator], width: int) -> list[tuple[int, dict[str, Indicator]]]:
    """Neighbours of `width` columns or somewhat more together, and the first column of each."""
    made: list[tuple[int, dict[str, Indicator]]] = []
    column = 0
    for name, indicator in indicators.items():
        if not made or column - made[-1][0] >= width:
            made.append((column, {}))
        made[-1][1][name] = indicator
        column += len(indicator.columns)
    return made


def _turn(found: FloatArray, target: FloatArray) -> None:
    """Copy columns (D, T) to rows (T, D)."""
    for first, rows in turned(found):
        target[first : first + len(rows)] = rows


def _without(
    indicators: Mapping[str, Indicator], values: FloatArray, failed: Mapping[str, str]
) -> tuple[dict[str, Indicator], FloatArray]:
    """What is left when the indicators that failed are left out."""
    for reason in failed.values():
        logger.warning("left out: %s", reason)
    used = {name: indicator for name, indicator in indicators.items() if name not in failed}
    if not used:
        raise FeatureError(
            f"at least one indicator wanted, got none; all failed, such as {next(iter(failed.values()))}"
        )
    kept = [name not in failed for name, indicator in indicators.items() for _ in indicator.columns]
    return used, np.ascontiguousarray(values[:, kept])


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
