"""What TA-Lib and pandas-ta-classic both compute, side by side in one run.

On synthetic one-minute bars, on one core, with the same parameters; pandas-ta-classic on a data frame and with its own
code (its default, not TA-Lib's), ours by each indicator's `compute`. What both give is compared on the last half first,
where each has forgotten its start; only the money flow differs, where a typical price moves by a rounding error, which
pandas-ta-classic takes for a fall. Wanted: all together at least 15 times faster. pandas-ta-classic is no dependency;
it may stand in an environment of its own:
``PYTHONPATH=ENVIRONMENT/lib/python3.11/site-packages python benchmarks/pandas_ta.py``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from measure import machine, spread

from features import minutes
from forecastle.data.bars import PRICES, Bars
from forecastle.features.frame import Indicator
from forecastle.features.talib import TALib

LIBRARY = "pandas_ta_classic"

WANTED = 15
"""How many times faster all of them together are to be."""

Pair = tuple[Indicator, Callable[[], Any]]


def pairs(theirs: Any, bars: Bars) -> dict[str, Pair]:
    """Our indicator and the call of theirs that gives the same columns."""
    time_ = pd.DatetimeIndex(bars.time, tz="UTC")
    table = pd.DataFrame({name: getattr(bars, name) for name in (*PRICES, "volume")}, index=time_)
    high, low, close, volume = (table[name] for name in ("high", "low", "close", "volume"))
    bands = {"upperband": "upper", "middleband": "middle", "lowerband": "lower"}
    return {
        "sma": (TALib("SMA", timeperiod=50), lambda: theirs.sma(close, 50)),
        "ema": (TALib("EMA", timeperiod=30), lambda: theirs.ema(close, 30)),
        "kama": (TALib("KAMA", timeperiod=10), lambda: theirs.kama(close, 10)),
        "macd": (TALib("MACD"), lambda: theirs.macd(close).iloc[:, [0, 2, 1]]),
        "adx": (TALib("ADX", timeperiod=14), lambda: theirs.adx(high, low, close, 14).iloc[:, [0]]),
        "aroon": (TALib("AROONOSC", timeperiod=14), lambda: theirs.aroon(high, low, 14).iloc[:, [2]]),
        "linear_slope": (
            TALib("LINEARREG_SLOPE", timeperiod=14),
            lambda: theirs.linreg(close, 14, slope=True),
        ),
        "rsi": (TALib("RSI", timeperiod=14), lambda: theirs.rsi(close, 14)),
        "stochastic": (
            TALib("STOCH", fastk_period=14, slowk_period=3, slowd_period=3),
            lambda: theirs.stoch(high, low, close, 14, 3, 3).iloc[:, :2],
        ),
        "cci": (TALib("CCI", timeperiod=20), lambda: theirs.cci(high, low, close, 20)),
        "roc": (TALib("ROC", timeperiod=10), lambda: theirs.roc(close, 10)),
        "williams_r": (TALib("WILLR", timeperiod=14), lambda: theirs.willr(high, low, close, 14)),
        "mfi": (TALib("MFI", timeperiod=14), lambda: theirs.mfi(high, low, close, volume, 14)),
        "ultimate": (TALib("ULTOSC"), lambda: theirs.uo(high, low, close)),
        "atr": (TALib("ATR", timeperiod=14), lambda: theirs.atr(high, low, close, 14)),
        "bollinger": (
            TALib("BBANDS", timeperiod=20, nbdevup=2.0, nbdevdn=2.0, outputs=bands),
            lambda: theirs.bbands(close, 20, 2.0).iloc[:, [2, 1, 0]],
        ),
    }


def differs(ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> float:
    """Share of the last half's rows that are apart by more than 1e-6 standard deviations of their column."""
    half = len(ours) // 2
    one, other = ours[half:], theirs.reshape(len(ours), -1)[half:]
    return float(np.mean(~(np.abs(one - other) <= 1e-6 * np.std(other, axis=0)).all(axis=1)))


def seconds(action: Callable[[], Any]) -> float:
    """Of processor time: both work in one thread, and other work on the machine disturbs that least."""
    start = time.process_time()
    action()
    return time.process_time() - start


def main() -> None:
    """Print one line for each indicator, and one for all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=7, help="pairs of measurements (default 7)")
    parser.add_argument("--bars", type=int, default=130_000)
    given = parser.parse_args()
    if find_spec(LIBRARY) is None:
        print(f"{LIBRARY} is absent: nothing to compare with")
        return
    library = import_module(LIBRARY)
    bars = minutes(given.bars)
    print(f"{machine()}, pandas {pd.__version__}, {LIBRARY} {library.version}")
    print(f"{given.bars} one-minute bars, synthetic; milliseconds of processor time, ratio; median [least, most] n")
    totals = np.zeros((given.n, 2))
    below = []
    for name, (indicator, call) in pairs(library, bars).items():
        apart = differs(indicator.compute(bars), np.asarray(call(), dtype=np.float64))
        timed = np.array([[seconds(lambda: indicator.compute(bars)), seconds(call)] for _ in range(given.n)])  # noqa: B023
        totals += timed
        if (ratio := float(np.median(timed[:, 1] / timed[:, 0]))) < WANTED:
            below.append(f"{name} {ratio:.1f}")
        print(
            f"{name:13} ours {1e3 * np.median(timed[:, 0]):8.2f}   theirs {1e3 * np.median(timed[:, 1]):8.2f}"
            f"   ratio {spread((timed[:, 1] / timed[:, 0]).tolist())}   differ {apart:.1%}"
        )
    print(f"together      ours    {spread((1e3 * totals[:, 0]).tolist())}")
    print(f"              theirs  {spread((1e3 * totals[:, 1]).tolist())}")
    print(f"              ratio   {spread((totals[:, 1] / totals[:, 0]).tolist())}")
    print(f"below {WANTED} by themselves: {', '.join(below) or 'none'}")


if __name__ == "__main__":
    main()
