"""OnTimeframes: any indicator on slower timeframes, joined on the time at which their bars are known."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecastle.arrays import SPAN, FloatArray, IntArray
from forecastle.config.schema import Node
from forecastle.config.target import TIMEFRAMES, build
from forecastle.data.bars import Bars
from forecastle.data.interval import interval_text
from forecastle.data.resampling import MIDNIGHT, resample_each
from forecastle.data.timeframe import parse_timeframe
from forecastle.errors import ConfigError
from forecastle.features.frame import ByColumn, Indicator, may_miss

HOUR, DAY = (np.timedelta64(hours, "h").astype(SPAN) for hours in (1, 24))


@dataclass(frozen=True, eq=False)
class Slower:
    """Bars of a slower timeframe, and the rows of the faster ones that show them.

    Parameters
    ----------
    bars
        The slower bars, S of them.
    rows
        How many faster bars come before the first slower one is known, and then for each slower bar how many show it
        because it is the newest that is known; shape (S + 1,), the sum is the number of faster bars.
    """

    bars: Bars
    rows: IntArray


class Resampler:
    """Slower bars, made once for each symbol, timeframe and content of the bars, and kept for all indicators.

    Parameters
    ----------
    day_start
        When a day begins: time and zone, such as ``17:00 America/New_York``.
    entries
        Number of results that are kept; the one that was not used for longest goes first.
    """

    def __init__(self, day_start: str = MIDNIGHT, entries: int = 32) -> None:
        self.day_start = day_start
        self._entries = entries
        self._expected: list[str] = []
        self._begin()

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("day_start", "_entries", "_expected")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def _begin(self) -> None:
        self._made: OrderedDict[tuple[str, str, str], Slower] = OrderedDict()
        self._lock = threading.Lock()

    def expect(self, timeframe: str) -> None:
        """Tell that a timeframe will be asked for: all such are made with the first of them, which is faster."""
        if timeframe not in self._expected:
            self._expected.append(timeframe)

    def __call__(self, bars: Bars, timeframe: str) -> Slower:
        """The complete bars of a slower timeframe; a first one that began before `bars` do is none of them."""
        key = (bars.symbol, timeframe, bars.content)
        with self._lock:
            if key not in self._made:
                self._make(bars, [*(each for each in self._expected if each != timeframe), timeframe])
            self._made.move_to_end(key)
            return self._made[key]

    def _make(self, bars: Bars, timeframes: Sequence[str]) -> None:
        """Make the slower bars of these timeframes; where not all can be kept, those of the last ones are."""
        for timeframe, slow in zip(timeframes, resample_each(bars, timeframes, self.day_start), strict=True):
            whole = not len(slow) or slow.time[0] >= bars.time[0]
            shown = slow if whole else slow[1:]
            rows = np.bincount(self.newest(bars, shown) + 1, minlength=len(shown) + 1)
            self._made[bars.symbol, timeframe, bars.content] = Slower(shown, rows)
        while len(self._made) > self._entries:
            self._made.popitem(last=False)

    @staticmethod
    def newest(bars: Bars, slow: Bars) -> IntArray:
        """For each bar, the newest slower one that is known when it is; -1 where there is none yet."""
        return np.searchsorted(slow.known, bars.known, side="right") - 1


@dataclass(frozen=True, eq=False)
class Part:
    """Neighbouring columns of an indicator on one timeframe, before they are laid over the rows.

    Parameters
    ----------
    values
        Shape (S, columns), float64: the values of the slower bars, or of the bars themselves.
    columns
        How many there must be.
    late
        First rows that are of no meaning, since the indicator has not warmed up.
    rows
        As in `Slower`; None where the values are those of the bars themselves.
    """

    values: FloatArray
    columns: int
    late: int
    rows: IntArray | None

    def lay(self, target: FloatArray) -> None:
        """Write the columns into `target`, shape (columns, T), in its precision; NaN before anything is known."""
        few = target if self.rows is None else np.empty((len(target), len(self.rows)), dtype=target.dtype)
        first = 0 if self.rows is None else 1
        with np.errstate(over="ignore"):
            few[:, first:] = self.values.T
        few[:, : first + self.late] = np.nan
        if self.rows is None:
            return
        for row, column in zip(target, few, strict=True):
            row[:] = np.repeat(column, self.rows)

    def begun(self, first: int) -> IntArray | slice:
        """Rows that show, between them, every value of the rows from `first` on."""
        if self.rows is None:
            return slice(first, None)
        end = np.cumsum(self.rows)
        return np.append(first, end[(end > first) & (end < end[-1])])


def parts_of(indicator: Indicator, bars: Bars, rows: IntArray | None = None) -> Iterator[Part]:
    """What an indicator gives on bars, column by column where it can, laid out by `rows` as in `Slower`."""
    width, late = len(indicator.columns), indicator.warmup - 1
    if late >= len(bars):
        yield Part(np.full((len(bars), width), np.nan), width, late, rows)
    elif isinstance(indicator, ByColumn) and not indicator.computes:
        for _, column in zip(indicator.columns, indicator.each(bars), strict=True):
            yield Part(column[:, None], 1, late, rows)
    else:
        yield Part(indicator.compute(bars), width, late, rows)


class OnTimeframes:
    """An indicator computed on one or more timeframes; ``rsi_14@1h`` is the column ``rsi_14`` of hourly bars.

    A row shows the newest slower bar that is known when the row's own bar is: at the 5-minute bar that closes at 10:05,
    the hourly bar that closed at 10:00. On the bars' own timeframe the indicator is computed as ever.

    Parameters
    ----------
    indicator
        What is computed.
    timeframes
        Such as ``["5min", "1h", "1D"]``; multiples of `interval`.
    interval
        Length of the bars that `compute` will get.
    resampler
        Shared by the indicators of a configuration.

    Attributes
    ----------
    warmup : int
        Bars that hold w whole slower bars wherever the last one lies between two of them, where w is the
        indicator's own warm-up: (w + 1) r - 1 for r bars in a slower one (the longest, where daylight saving makes
        their lengths differ), of the slowest timeframe. Where bars are missing, fewer are needed.

    Raises
    ------
    ConfigError
        If a timeframe is no multiple of the interval, or is given twice, or there is none.
    """

    def __init__(
        self, indicator: Indicator, timeframes: Sequence[str], interval: np.timedelta64, resampler: Resampler
    ) -> None:
        self.indicator = indicator
        self.timeframes = tuple(timeframes)
        self._resampler = resampler
        lengths = [parse_timeframe(timeframe) for timeframe in self.timeframes]
        if not lengths or len({int(length.astype(np.int64)) for length in lengths}) != len(lengths):
            raise ConfigError(f"timeframes: one or more different ones wanted, got {list(timeframes)}")
        for timeframe, length in zip(self.timeframes, lengths, strict=True):
            if length % interval:
                raise ConfigError(
                    f"timeframes: multiples of the bars' interval {interval_text(interval)} wanted, got {timeframe}"
                )
        self._own = tuple(bool(length == interval) for length in lengths)
        for timeframe, own in zip(self.timeframes, self._own, strict=True):
            if not own:
                resampler.expect(timeframe)
        self.columns = tuple(f"{column}@{timeframe}" for timeframe in self.timeframes for column in indicator.columns)
        self.warmup = max(self._bars(length, interval) for length in lengths)
        slower = () if all(self._own) or "calendar" in indicator.needs else ("calendar",)
        self.needs = (*indicator.needs, *slower)
        self.tolerance = indicator.tolerance
        self.may_miss = may_miss(indicator)

    def _bars(self, length: np.timedelta64, interval: np.timedelta64) -> int:
        """Bars until the indicator has warmed up on one timeframe."""
        if length == interval:
            return self.indicator.warmup
        longest = length if self._resampler.day_start == MIDNIGHT or length < DAY else length + HOUR
        ratio = int(-(-longest // interval))
        return (self.indicator.warmup + 1) * ratio - 1

    def compute(self, bars: Bars) -> FloatArray:
        """Return the columns, shape (T, len(columns)), NaN until the indicator has warmed up on their timeframe."""
        found: FloatArray = np.empty((len(self.columns), len(bars)))
        first = 0
        for part in self.parts(bars):
            part.lay(found[first : first + part.columns])
            first += part.columns
        return found.T

    def parts(self, bars: Bars) -> Iterator[Part]:
        """The same columns, timeframe by timeframe: few rows that whoever lays them out can cast first."""
        for timeframe, own in zip(self.timeframes, self._own, strict=True):
            if own:
                yield from parts_of(self.indicator, bars)
            else:
                slower = self._resampler(bars, timeframe)
                yield from parts_of(self.indicator, slower.bars, slower.rows)


def build_indicators(
    nodes: Mapping[str, Node], interval: np.timedelta64, timeframes: Sequence[str] = (), day_start: str = MIDNIGHT
) -> dict[str, Indicator]:
    """Build the indicators of a configuration.

    Parameters
    ----------
    nodes
        Checked ``_target_`` nodes by name; each may hold its own ``timeframes``.
    interval
        Length of the bars.
    timeframes
        Those of the nodes that say nothing; none: the bars' own, and no ``@`` in the names of columns.
    day_start
        When a day begins, for timeframes.

    Raises
    ------
    ConfigError
        If a constructor refuses a value.
    """
    resampler = Resampler(day_start)
    built: dict[str, Indicator] = {}
    for name, node in nodes.items():
        plain = {key: value for key, value in node.items() if key != TIMEFRAMES}
        indicator: Indicator = build(plain, f"indicator.{name}")
        chosen = node.get(TIMEFRAMES, timeframes)
        try:
            built[name] = OnTimeframes(indicator, chosen, interval, resampler) if chosen else indicator
        except ConfigError as error:
            raise ConfigError(f"indicator.{name}: {error}") from error
    return built
