"""Three timeframes beside one: `full` on 130,000 one-minute bars, measured in turn.

Wanted: three timeframes (the bars' own, 15min and 1h) cost under 1.5 times one. Each has all columns: the matrix is
three times as wide. Indicators are built anew each time, so that every timeframe is resampled and joined again.

Processor seconds, which other work disturbs less, are told apart: the program's, and those in which the system finds
memory for it. The process keeps its memory, so that both find theirs warm.
"""

from __future__ import annotations

import argparse
import os
import time

from measure import keep_memory, machine, spread

from features import minutes
from forecastle.config.compose import compose
from forecastle.data.bars import Panel
from forecastle.features.engine import compute
from forecastle.features.timeframes import build_indicators

WAYS = {"one": (), "own, 15min, 1h": ("1min", "15min", "1h")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=9, help="repetitions (default 9)")
    parser.add_argument("--bars", type=int, default=130_000, help="one-minute bars (default 130000)")
    parser.add_argument("--indicator", default="full", help="set of indicators (default full)")
    options = parser.parse_args()
    keep_memory()
    panel = Panel((minutes(options.bars),))
    nodes = compose([f"indicator={options.indicator}"]).indicator
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    program: dict[str, list[float]] = {way: [] for way in WAYS}
    system: dict[str, list[float]] = {way: [] for way in WAYS}
    columns = {}
    for _ in range(options.n + 1):  # the first one warms up
        for way, timeframes in WAYS.items():
            indicators = build_indicators(nodes, panel.interval, timeframes)
            start, before = time.perf_counter(), os.times()
            columns[way] = len(compute(panel, indicators).columns)
            seconds[way].append(time.perf_counter() - start)
            after = os.times()
            program[way].append(after.user - before.user)
            system[way].append(after.system - before.system)
    print(
        f"{machine()}, load {os.getloadavg()[0]:.1f}; {options.indicator}, {options.bars:,} one-minute bars, one core"
    )
    parts = {"seconds": seconds, "processor seconds of the program": program, "and of the system": system}
    for title, found in parts.items():
        one, three = (times[1:] for times in found.values())
        print(title)
        for way, times in found.items():
            print(f"  {way:14} {columns[way]:4} columns  {spread(times[1:])}")
        if found is not system:
            print(
                f"  ratio                        {spread([more / less for more, less in zip(three, one, strict=True)])}"
            )


if __name__ == "__main__":
    main()
