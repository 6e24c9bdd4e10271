"""Resampling one million one-minute bars to five timeframes, against pandas and its `resample().agg()`.

Both are timed in turn on the candles of a market that is open five days a week, with every minute of it and with one in
ten missing in its two quietest hours; what they give is compared first. Prints milliseconds of the wall clock and their
ratio pair by pair, and the ratio of the processor's time, which a busy machine disturbs less. Wanted: at least 10, for
all five together.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from measure import machine, spread

from forecastle.data.bars import Bars
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.data.resampling import resample, resample_each
from forecastle.data.synthetic import SyntheticSource

TIMEFRAMES = ("5min", "15min", "1h", "4h", "1D")
RULES = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "spread": "last"}


def by_pandas(table: pd.DataFrame, timeframe: str) -> pd.DataFrame:
    """What a user writes: weekends make empty rows, which are left out."""
    return table.resample(timeframe).agg(RULES).dropna()


def milliseconds(call: Callable[[], object]) -> tuple[float, float]:
    """Of the wall clock, and of the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - processor)


def without_quiet(bars: Bars) -> Bars:
    """Leave out one in ten of the minutes from 21:00 to 23:00 UTC, when little is traded, at random."""
    minute = bars.time.view(np.int64) // 60_000_000 % 1440
    quiet = (minute >= 21 * 60) & (minute < 23 * 60)
    kept = ~(quiet & (np.random.default_rng(0).random(len(bars)) < 0.1))
    return replace(bars, time=bars.time[kept], **{name: getattr(bars, name)[kept] for name in RULES})


def check(ours: Bars, theirs: pd.DataFrame) -> None:
    """Both are the same, but for a last bar that is not complete."""
    expected = theirs.iloc[: len(ours)]
    assert len(theirs) - len(ours) <= 1
    assert (expected.index.tz_localize(None).to_numpy() == ours.time).all()
    for name in RULES:
        assert (expected[name].to_numpy() == getattr(ours, name)).all(), name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=15, help="pairs of measurements (default 15)")
    parser.add_argument("--bars", type=int, default=1_000_000, help="one-minute bars (default 1,000,000)")
    given = parser.parse_args()
    bars = load(SyntheticSource(count=given.bars, interval="1min"), QualityPolicy())[0].members[0]
    bars = replace(bars, spread=1e-4 * bars.close)
    print(f"{machine()}\nmilliseconds; median [least, most] n of repetitions")
    for name, those in {"every minute": bars, "missing minutes": without_quiet(bars)}.items():
        print(f"\n{name}: {len(those):,} one-minute bars")
        compare(those, given.n)


def compare(bars: Bars, repeats: int) -> None:
    """Print what each timeframe costs, and all five together."""
    table = pd.DataFrame({name: getattr(bars, name) for name in RULES}, index=pd.DatetimeIndex(bars.time, tz="UTC"))
    for timeframe in TIMEFRAMES:
        check(resample(bars, timeframe), by_pandas(table, timeframe))
    cases: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        each: (partial(resample, bars, each), partial(by_pandas, table, each)) for each in TIMEFRAMES
    }
    cases["all five"] = (
        partial(resample_each, bars, TIMEFRAMES),
        lambda: [by_pandas(table, each) for each in TIMEFRAMES],
    )
    for name, (ours, theirs) in cases.items():
        timed = [(milliseconds(ours), milliseconds(theirs)) for _ in range(repeats)]
        print(f"{name:9} ours   {spread([one[0] for one, _ in timed])}")
        print(f"{'':9} pandas {spread([other[0] for _, other in timed])}")
        print(f"{'':9} ratio  {spread([other[0] / one[0] for one, other in timed])}")
        print(f"{'':9} of processor time {spread([other[1] / one[1] for one, other in timed])}")


if __name__ == "__main__":
    main()
