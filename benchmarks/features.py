"""What the indicators cost: beside bare TA-Lib, family by family, and as bars and columns grow.

On synthetic one-minute bars, on one core. Wanted at 130,000 bars: the columns that TA-Lib computes in at most 1.3 times
its bare calls, and every family of them under 1 s in all; `statistics` and `alpha158` together under 15 s; memory at
the peak at most 2.5 times the matrix, or the bars where these are larger (an indicator of one column works on five to
eight series of float64, each twice that column's size); cost that grows linearly. Bare calls count every call of
TA-Lib that a column needs, the average true range that it is measured in among them.

With --large only this: 10 million bars, 50 columns and a few, and the memory of the whole process; wanted: 8 GB.
"""

from __future__ import annotations

import argparse
import resource
import time
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import talib
from measure import machine, spread

from forecastle.arrays import SPAN, TIME
from forecastle.config.compose import compose
from forecastle.config.target import build
from forecastle.data.bars import PRICES, Bars, Panel
from forecastle.features import rolling
from forecastle.features.candlestick import Candlestick
from forecastle.features.engine import compute
from forecastle.features.frame import Indicator
from forecastle.features.talib import ATR_PERIOD, TALib
from forecastle.features.timeframes import parts_of

FAMILIES = (
    *("returns", "trend", "momentum", "volatility", "volume"),
    *("statistics", "candlestick", "calendar", "regime", "alpha158"),
)
REPEATS = 7


def minutes(count: int) -> Bars:
    """A random walk of one-minute bars like EURUSD: .01 % a bar, prices in points of 1e-5, weekends left out."""
    random = np.random.default_rng(0)
    close = np.round(1.1 * np.exp(np.cumsum(random.normal(0, 1e-4, count))), 5)
    open_ = np.round(np.concatenate([[1.1], close[:-1]]) + random.integers(-1, 2, count) * 1e-5, 5)
    reach = np.abs(random.normal(0, 5e-5, (2, count)))
    high = np.round(np.maximum(open_, close) + reach[0], 5)
    low = np.round(np.minimum(open_, close) - reach[1], 5)
    minute = np.arange(count)
    time_ = np.datetime64("2024-01-01", "us").astype(TIME) + (minute + minute // 7200 * 2880) * np.timedelta64(1, "m")
    interval = np.timedelta64(1, "m").astype(SPAN)
    return Bars("MINUTES", interval, time_, open_, high, low, close, random.integers(1, 200, count).astype(float))


def chosen(name: str) -> dict[str, Indicator]:
    """The indicators of a file in conf/indicator."""
    nodes = compose([f"indicator={name}"]).indicator
    return {key: build(node, key) for key, node in nodes.items()}


def timed(
    action: Callable[[], Any], repeats: int = REPEATS, clock: Callable[[], float] = time.process_time
) -> list[float]:
    """Seconds of each repetition, after one that warms up: of the processor, which other work disturbs least."""
    action()
    seconds = []
    for _ in range(repeats):
        start = clock()
        action()
        seconds.append(clock() - start)
    return seconds


def bare(indicator: TALib | Candlestick, bars: Bars) -> Callable[[], None]:
    """The same calls of TA-Lib without anything around them."""
    calls: list[tuple[Any, list[Any], Mapping[str, Any]]] = []
    if isinstance(indicator, Candlestick):
        series = [getattr(bars, name) for name in PRICES]
        calls = [(getattr(talib, function), series, parameters) for function, parameters in indicator._calls]
    else:
        series = [getattr(bars, name) for name in indicator._inputs]
        calls = [(getattr(talib, indicator.function), series, parameters) for parameters in indicator._calls]
        if indicator.unit == "atr":
            calls.append((talib.ATR, [bars.high, bars.low, bars.close], {"timeperiod": ATR_PERIOD}))

    def run() -> None:
        for function, inputs, parameters in calls:
            function(*inputs, **parameters)

    return run


def beside_talib(bars: Bars) -> None:
    """Bare calls against ours, measured by turns."""
    found = {name: each for name, each in chosen("full").items() if isinstance(each, (TALib, Candlestick))}
    columns = sum(len(each.columns) for each in found.values())
    calls = {name: bare(each, bars) for name, each in found.items()}
    block = np.empty((max(len(each.columns) for each in found.values()), len(bars)), dtype=np.float32)

    def ours() -> None:
        for each in found.values():
            for row, part in enumerate(parts_of(each, bars)):
                part.lay(block[row : row + 1])

    def theirs() -> None:
        for call in calls.values():
            call()

    seconds: list[list[float]] = [[], []]
    processor: list[list[float]] = [[], []]
    for _ in range(REPEATS + 1):
        for place, action in enumerate((theirs, ours)):
            seconds[place] += timed(action, 1, time.perf_counter)
            processor[place] += timed(action, 1)
    ratios, steady = ([mine / other for other, mine in zip(*each, strict=True)] for each in (seconds, processor))
    print(f"\n{columns} columns of TA-Lib (seconds by the clock, ours with the cast to float32)")
    print(f"  bare calls  {spread(seconds[0])}\n  ours        {spread(seconds[1])}\n  ratio       {spread(ratios)}")
    print(f"  of processor time, which a busy machine disturbs less  {spread(steady)}")
    print("  the five dearest beside their bare calls (ms)")
    costs = {name: min(timed(lambda each=each: each.compute(bars), 3)) for name, each in found.items()}
    for name in sorted(costs, key=lambda key: -costs[key])[:5]:
        other = min(timed(calls[name], 3))
        print(f"    {name:16} {1e3 * costs[name]:7.2f} {1e3 * other:7.2f}  x{costs[name] / other:.2f}")


def families(bars: Bars) -> None:
    """What each family costs through the engine, and each member."""
    print("\nfamilies (seconds, through the engine)")
    members: dict[str, float] = {}
    totals: dict[str, float] = {}
    for family in FAMILIES:
        indicators = chosen(family)
        seconds = timed(lambda indicators=indicators: compute(Panel((bars,)), indicators))
        totals[family] = float(np.median(seconds))
        columns = sum(len(each.columns) for each in indicators.values())
        print(f"  {family:12} {columns:4} columns  {spread(seconds)}")
        for name, each in indicators.items():
            members[name] = min(timed(lambda each=each: each.compute(bars), 2))
    print(f"  statistics and alpha158 together {totals['statistics'] + totals['alpha158']:.3f}")
    print(f"  the others together {sum(totals.values()) - totals['statistics'] - totals['alpha158']:.3f}")
    print("  the dearest members: " + ", ".join(f"{n} {1e3 * members[n]:.0f} ms" for n in _dearest(members, 10)))
    for name, action in {
        "quantiles (two) of 60": lambda: rolling.quantiles(bars.close, 60, (0.2, 0.8)),
        "rank in 60": lambda: rolling.rank(bars.close, 60),
        "rank in 500": lambda: rolling.rank(bars.close, 500),
        "four moments of 240": lambda: rolling.moments(bars.close, 240, 4),
    }.items():
        print(f"  {name:24} {spread(timed(action))}")


def _dearest(costs: Mapping[str, float], count: int) -> list[str]:
    return sorted(costs, key=lambda key: -costs[key])[:count]


def memory(bars: Bars) -> None:
    """Peak of what is allocated while a matrix is computed, over the size of the matrix."""
    size = sum(getattr(bars, column).nbytes for column in ("time", *PRICES, "volume"))
    print(f"\nmemory at the peak over the matrix, and over the larger of it and the bars ({size / 1e6:.0f} MB)")
    for name in ("full", *FAMILIES):
        indicators = chosen(name)
        tracemalloc.start()
        frame = compute(Panel((bars,)), indicators)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        own = frame.values.nbytes
        print(f"  {name:12} x{peak / own:.2f}  x{peak / max(own, size):.2f}  ({own / 1e6:.0f} MB)")


def growth(most: int) -> None:
    """Seconds of `full` as bars grow, and as columns grow."""
    indicators = chosen("full")
    print("\n`full` as bars grow (microseconds a bar should stay the same)")
    for count in (most // 8, most // 4, most // 2, most, 2 * most):
        bars = minutes(count)
        seconds = timed(lambda bars=bars: compute(Panel((bars,)), indicators), 3)
        print(f"  {count:8} bars  {spread(seconds)}  {1e6 * min(seconds) / count:.2f} us a bar")
    print("\nreturns of n periods as columns grow")
    from forecastle.features.volatility import RealisedVolatility

    bars = minutes(most)
    for count in (10, 20, 40, 80):
        one: dict[str, Indicator] = {"realised_volatility": RealisedVolatility(list(range(20, 20 + count)))}
        seconds = timed(lambda one=one: compute(Panel((bars,)), one), 3)
        print(f"  {count:8} columns  {spread(seconds)}  {1e3 * min(seconds) / count:.2f} ms a column")


def large(count: int = 10_000_000) -> None:
    """Five families on many bars, and the largest resident memory of the process, bars included."""
    bars = minutes(count)
    indicators = {key: each for family in FAMILIES[:5] for key, each in chosen(family).items()}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    start, used = time.perf_counter(), time.process_time()
    frame = compute(Panel((bars,)), indicators)
    seconds, used = time.perf_counter() - start, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{machine()}\n{count:,} bars, {len(frame.columns)} columns, {frame.values.nbytes / 1e9:.2f} GB")
    print(f"  {seconds:.1f} s ({used:.1f} s of processor time), one core; n=1")
    print(f"  at most {peak:.2f} GB in memory, {before:.2f} GB before it began, bars included (wanted: 8)")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=130_000)
    parser.add_argument("--large", action="store_true", help="10 million bars, and nothing else")
    options = parser.parse_args()
    if options.large:
        large()
        return
    count = options.bars
    bars = minutes(count)
    print(
        f"{machine()}\n{count} one-minute bars, synthetic; median [least, most] n of repetitions, one core; "
        "seconds are those of the processor where nothing else is said"
    )
    beside_talib(bars)
    families(bars)
    memory(bars)
    growth(count)


if __name__ == "__main__":
    main()
