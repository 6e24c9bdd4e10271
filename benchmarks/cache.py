"""What a hit of the feature cache costs beside computing, and what a miss costs beside it; time and memory.

`full` on 130,000 one-minute bars. Wanted: a hit (key ready) opens in at most 2 ms whatever the size, and is, key
included, at least 300 times faster than computing; memory at the peak of a miss at most 2.5 times the matrix. The small
frame of a default run shows from where on it pays.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from measure import machine, spread

from features import minutes
from forecastle.config.compose import compose
from forecastle.config.target import defining_modules
from forecastle.data.bars import Bars, Panel
from forecastle.features.cache.disk import DiskCache
from forecastle.features.cache.entry import open_entry, write_entry
from forecastle.features.cache.key import frame_key
from forecastle.features.engine import compute
from forecastle.features.frame import FeatureFrame
from forecastle.features.timeframes import build_indicators

BARS = 130_000


def milliseconds(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1e3


def made(choice: str, bars: Bars) -> tuple[Callable[[], FeatureFrame], Callable[[], str]]:
    """Functions that compute a frame and its key, the hash of the bars included."""
    nodes = compose([f"indicator={choice}"]).indicator
    modules = defining_modules(nodes)
    indicators = build_indicators(nodes, bars.interval)
    return (
        lambda: compute(Panel((bars,)), indicators),
        lambda: frame_key(Panel((replace(bars),)), list(nodes.items()), ["skip"], modules),
    )


def hits(choice: str, count: int, folder: Path, repeats: int) -> None:
    """Print what computing, a miss, the key and a hit cost, measured in turn."""
    make, key = made(choice, minutes(count))
    name, frame = key(), make()
    rows: dict[str, list[float]] = {name: [] for name in ("compute", "miss", "key", "hit", "key and hit", "in memory")}
    for repeat in range(repeats):
        rows["compute"].append(milliseconds(make))
        cache = DiskCache(str(folder))
        rows["miss"].append(milliseconds(lambda cache=cache, repeat=repeat: cache.frame(f"{choice}{repeat}", make)))
        for _ in range(9):
            cache = DiskCache(str(folder))
            rows["key"].append(milliseconds(key))
            cache.frame(f"{choice}{repeat}", make)
            cache = DiskCache(str(folder))
            rows["hit"].append(milliseconds(lambda cache=cache, repeat=repeat: cache.frame(f"{choice}{repeat}", make)))
            rows["key and hit"].append(rows["key"][-1] + rows["hit"][-1])
            rows["in memory"].append(
                milliseconds(lambda cache=cache, repeat=repeat: cache.frame(f"{choice}{repeat}", make))
            )
    columns = len(frame.columns)
    print(f"\n{choice}: {count:,} bars, {columns} columns, {frame.values.nbytes / 1e6:.1f} MB (key {name[:8]})")
    for row, values in rows.items():
        print(f"  {row:12} {spread(values)} ms")
    ratio = median(rows["compute"]) / median(rows["key and hit"])
    print(f"  computing / (key and hit): {ratio:.0f}" + (" (wanted: at least 300)" if choice == "full" else ""))


def sizes(folder: Path, repeats: int) -> None:
    """Print what opening costs by size."""
    print("\nopening an entry of 100 columns, ms (wanted: at most 2, whatever the size)")
    for rows in (1_000, 10_000, 100_000, 1_000_000):
        values = np.ones((rows, 100), dtype=np.float32)
        names = tuple(f"column_{number}" for number in range(100))
        path = folder / f"{rows}.npy"
        write_entry(path, FeatureFrame(values, names, np.array([rows]), 1, {}), 1)
        timed = [milliseconds(lambda path=path: open_entry(path)) for _ in range(10 * repeats)]
        print(f"  {values.nbytes / 1e6:8.1f} MB {spread(timed)}")


def highest() -> int:
    """Largest resident memory of this process so far, bytes; getrusage would tell that of its parent."""
    status = Path("/proc/self/status").read_text().split("VmHWM:")[1]
    return int(status.split()[0]) * 1024


def peak(folder: str) -> None:
    """Print the memory of a miss beside the matrix; run in a process of its own."""
    bars = minutes(BARS)
    make, _ = made("full", bars)
    made("minimal", bars[:2000])[0]()
    before = highest()
    frame = DiskCache(folder).frame("peak", make)
    grown, size = highest() - before, frame.values.nbytes
    print(f"\nmemory of a miss of full, a matrix of {size / 1e6:.0f} MB: {grown / 1e6:.0f} MB more at the peak")
    print(f"  that is {grown / size:.2f} times the matrix (wanted: at most 2.5)")


def first_key() -> None:
    """Print what the first key of a process costs, in which the sources are read."""
    _, key = made("full", minutes(BARS))
    print(f"first key of a process: {milliseconds(key):.2f} ms, of which the next one takes {milliseconds(key):.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=5, help="repetitions (default 5)")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        peak(options.peak)
        first_key()
        return
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        hits("full", BARS, Path(name) / "full", options.n)
        hits("core", 5_000, Path(name) / "core", 4 * options.n)
        sizes(Path(name), options.n)
        print(end="", flush=True)
        subprocess.run([sys.executable, __file__, "--peak", f"{name}/peak"], check=True)


if __name__ == "__main__":
    main()
