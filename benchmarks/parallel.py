"""Ten symbols on two cores against one: features by threads and by processes, measured in turn.

Wanted: at least 1.7 times faster with two workers. Results are compared bit for bit. Where the machine has other work,
two cores are not to be had: so the same work is also done by two processes that know nothing of each other, which is as
fast as two can be at that moment; the load says how busy it was. Processor seconds, those of all workers together,
depend on other work far less: twice one's over two's is how much faster two processes are on two cores of their own.
Threads may also wait for each other, for Python's lock, which no processor second shows.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace

from measure import keep_memory, machine, spread

from features import minutes
from forecastle.config.compose import compose
from forecastle.data.bars import Panel
from forecastle.features.engine import compute
from forecastle.features.frame import Indicator
from forecastle.features.timeframes import build_indicators

SYMBOLS = 10


def halves(panel: Panel, indicators: dict[str, Indicator]) -> None:
    """Half of the symbols in each of two processes, whose results are not even brought home."""
    members = tuple(panel)
    children = []
    for half in (members[: SYMBOLS // 2], members[SYMBOLS // 2 :]):
        child = os.fork()
        if not child:
            compute(Panel(half), indicators)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def busy() -> float:
    """Processor seconds of this process and of its living children so far."""
    import psutil

    mine = psutil.Process()
    each = [process.cpu_times() for process in (mine, *mine.children(recursive=True))]
    return sum(times.user + times.system for times in each)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=5, help="repetitions (default 5)")
    parser.add_argument("--bars", type=int, default=30_000, help="of each symbol (default 30000)")
    parser.add_argument("--indicator", default="full", help="set of indicators (default full)")
    options = parser.parse_args()
    keep_memory()
    bars = minutes(options.bars)
    panel = Panel(tuple(replace(bars, symbol=f"S{number}") for number in range(SYMBOLS)))
    indicators = build_indicators(compose([f"indicator={options.indicator}"]).indicator, bars.interval)
    ways = {"one": (1, "thread"), "two threads": (2, "thread"), "two processes": (2, "process")}
    wanted = compute(panel, indicators).values
    for workers, pool in ways.values():
        found = compute(panel, indicators, workers=workers, pool=pool)
        assert found.values.tobytes() == wanted.tobytes(), (workers, pool)
    seconds: dict[str, list[float]] = {way: [] for way in (*ways, "two at best")}
    processor: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(options.n):
        for way, (workers, pool) in ways.items():
            start, before = time.perf_counter(), busy()
            compute(panel, indicators, workers=workers, pool=pool)
            seconds[way].append(time.perf_counter() - start)
            processor[way].append(busy() - before)
        start = time.perf_counter()
        halves(panel, indicators)
        seconds["two at best"].append(time.perf_counter() - start)
    print(f"{machine()}, load {os.getloadavg()[0]:.1f}")
    print(f"{options.indicator}, {SYMBOLS} symbols of {options.bars:,} bars, {wanted.shape[1]} columns; bits are equal")
    for way, timed in seconds.items():
        ratio = [one / other for one, other in zip(seconds["one"], timed, strict=True)]
        print(f"  {way:14} {spread(timed)} s   {'' if way == 'one' else f'faster by {spread(ratio)}'}")
    print("processor seconds, and how much faster two are on two cores of their own, if none waits")
    for way, used in processor.items():
        ratio = [2 * one / other for one, other in zip(processor["one"], used, strict=True)]
        print(f"  {way:14} {spread(used)} s   {'' if way == 'one' else f'faster by {spread(ratio)}'}")


if __name__ == "__main__":
    main()
