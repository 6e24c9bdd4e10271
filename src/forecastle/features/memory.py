"""How long TA-Lib's recursive functions remember: the bars until they have forgotten where their history began.

An exponential average weighs a bar that lies k bars back by pᵏ (its pole p is ``1 - 2/(n+1)``, and ``1 - 1/n`` in
Wilder's form), so that what it was started with never quite leaves it. A chain of such averages forgets like a sum of
geometric waiting times. `settle` counts the bars until the weight of everything older has fallen to `REMAINDER`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from forecastle.errors import ConfigError

REMAINDER = 1e-12
"""Weight that the unknown history may still have once an indicator counts as warm.

The warm-up contract allows 1e-9 of a column's standard deviation in float64; the rest is the room that a nonlinear
step (a ratio, a place between extremes) and one unit in the last place of float32 need.
"""

HILBERT = 0.945
"""Pole of the slowest loop in the Hilbert-transform functions, rounded up from the measured decay (0.92 per bar).

They clamp a period from bar to bar, for which there is no closed form."""

Stage = tuple[str | float, ...]
"""One smoother: its kind (or the parameter that holds a TA-Lib ``matype``), then its period or periods.

A period is a parameter's name or a number; of several (branches side by side) the slowest counts.
"""

_EMA: Stage = ("ema", "timeperiod")
_WILDER: Stage = ("wilder", "timeperiod")
_HILBERT: Stage = ("pole", HILBERT)

CHAINS: Mapping[str, tuple[Stage, ...]] = MappingProxyType(
    {
        "ADOSC": (("ema", "fastperiod", "slowperiod"),),
        "ADX": (_WILDER, _WILDER),
        "ADXR": (_WILDER, _WILDER),
        "APO": (("matype", "fastperiod", "slowperiod"),),
        "ATR": (_WILDER,),
        "BBANDS": (("matype", "timeperiod"),),
        "CMO": (_WILDER,),
        "CVI": (_EMA,),
        "DEMA": (_EMA, _EMA),
        "DX": (_WILDER,),
        "EFI": (_EMA,),
        "EMA": (_EMA,),
        "ERI": (_EMA,),
        "HA": (("pole", 0.5),),
        "HT_DCPERIOD": (_HILBERT,),
        "HT_DCPHASE": (_HILBERT,),
        "HT_PHASOR": (_HILBERT,),
        "HT_SINE": (_HILBERT,),
        "HT_TRENDLINE": (_HILBERT,),
        "HT_TRENDMODE": (_HILBERT,),
        "KAMA": (("kama", "timeperiod"),),
        "KC": (("ema", "timeperiod"), ("wilder", "atrperiod")),
        "KDJ": (("slowk_matype", "slowk_period"), ("slowd_matype", "slowd_period")),
        "MA": (("matype", "timeperiod"),),
        "MACD": (("ema", "fastperiod", "slowperiod"), ("ema", "signalperiod")),
        "MACDEXT": (("fastmatype", "fastperiod"), ("slowmatype", "slowperiod"), ("signalmatype", "signalperiod")),
        "MACDFIX": (("ema", 26), ("ema", "signalperiod")),
        "MAMA": (_HILBERT, ("limit", "slowlimit")),
        "MASSI": (("ema", "fastperiod"), ("ema", "fastperiod")),
        "MINUS_DI": (_WILDER,),
        "MINUS_DM": (_WILDER,),
        "NATR": (_WILDER,),
        "PLUS_DI": (_WILDER,),
        "PLUS_DM": (_WILDER,),
        "PPO": (("matype", "fastperiod", "slowperiod"),),
        "PVO": (("matype", "fastperiod", "slowperiod"),),
        "RMA": (_WILDER,),
        "RSI": (_WILDER,),
        "RVI": (_WILDER,),
        "SMI": (("ema", "slowperiod"), ("ema", "fastperiod"), ("ema", "signalperiod")),
        "STOCH": (("slowk_matype", "slowk_period"), ("slowd_matype", "slowd_period")),
        "STOCHF": (("fastd_matype", "fastd_period"),),
        "STOCHRSI": (_WILDER, ("fastd_matype", "fastd_period")),
        "T3": (_EMA,) * 6,
        "TEMA": (_EMA,) * 3,
        "TRIX": (_EMA,) * 3,
        "TSI": (("ema", "firstperiod"), ("ema", "secondperiod")),
        "ZLEMA": (_EMA,),
    }
)
"""The smoothers inside each TA-Lib function that has any, in the order in which a bar passes through them."""

ENDLESS = frozenset(
    {"AD", "CUMSUM", "NVI", "OBV", "PVI", "PVT", "SAR", "SAREXT", "SUPERTREND", "VWAP", "WAD"}
    | {"MAXINDEX", "MININDEX", "MINMAXINDEX"}
)
"""Functions whose value at a bar depends on the first bar that was ever given: no warm-up is long enough."""

_AVERAGES: Mapping[int, tuple[Stage, ...]] = MappingProxyType(
    {
        0: (),  # simple
        1: (_EMA,),
        2: (),  # weighted
        3: (_EMA,) * 2,  # DEMA
        4: (_EMA,) * 3,  # TEMA
        5: (),  # triangular
        6: (("kama", "timeperiod"),),
        7: (_HILBERT, ("limit", 0.05)),  # MAMA with its default limits
        8: (_EMA,) * 6,  # T3
        9: (),  # Hull
        10: (),  # none
        12: (_EMA,),  # zero-lag
        13: (_WILDER,),
    }
)


def _pole(kind: str, size: float) -> float:
    """Pole of one smoother, between 0 (no memory) and 1 (never forgets)."""
    if kind == "ema":
        return 1 - 2 / (size + 1)
    if kind == "wilder":
        return 1 - 1 / size
    if kind == "limit":
        return 1 - size
    if kind == "kama":
        # Kaufman (1995): the smoothing is (ER·(2/3 - 2/31) + 2/31)²; a random walk has an efficiency ratio ER of about
        # 1/√n. A market that goes nowhere for hundreds of bars forgets more slowly, at worst by 1 - (2/31)².
        return 1 - ((2 / 3 - 2 / 31) / math.sqrt(size) + 2 / 31) ** 2
    return size


def poles(function: str, parameters: Mapping[str, int | float]) -> tuple[float, ...]:
    """Poles of the chain of smoothers inside a TA-Lib function, none where its memory is finite.

    Parameters
    ----------
    function
        TA-Lib's name, such as ``ADX``.
    parameters
        All of the function's parameters.

    Raises
    ------
    ConfigError
        If a ``matype`` is not one whose memory is known.

    Examples
    --------
    >>> poles("ADX", {"timeperiod": 20})
    (0.95, 0.95)
    >>> poles("SMA", {"timeperiod": 20})
    ()
    """
    found: list[float] = []
    for kind, *periods in CHAINS.get(function, ()):
        size = max(parameters[period] if isinstance(period, str) else period for period in periods)
        if isinstance(kind, str) and kind.endswith("matype"):
            matype = int(parameters[kind])
            if matype not in _AVERAGES:
                allowed = ", ".join(map(str, _AVERAGES))
                raise ConfigError(f"{function}: {kind} must be one of {allowed} (TA-Lib's averages), got {matype}")
            found += [
                _pole(str(inner), size if value == "timeperiod" else float(value)) for inner, value in _AVERAGES[matype]
            ]
        else:
            found.append(_pole(str(kind), size))
    return tuple(found)


@lru_cache
def settle(chain: tuple[float, ...]) -> int:
    """Bars until a chain of smoothers gives less than `REMAINDER` of its weight to all that came before them.

    Each smoother has the weights (1-p)·pᵏ, the law of a geometric waiting time; the chain has the law of their sum,
    and what is counted is its tail.

    >>> settle(())
    0
    >>> settle((0.5,))  # 0.5 ** 40 = 9.1e-13
    40
    """
    weights = [1.0] * len(chain)
    bars = 0
    while weights and weights[-1] > REMAINDER:
        passed = 0.0
        for place, pole in enumerate(chain):
            weights[place] = passed = pole * weights[place] + (1 - pole) * passed
        bars += 1
    return bars
