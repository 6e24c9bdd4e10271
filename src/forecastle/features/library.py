"""The one door to TA-Lib: what a function takes and gives, and a call that it can digest."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import talib
import talib.abstract

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, nearest

_functions: Any = talib
_abstract: Any = talib.abstract

FUNCTIONS: tuple[str, ...] = tuple(_functions.get_functions())
"""Names of all functions of the installed TA-Lib."""


@dataclass(frozen=True)
class Description:
    """What TA-Lib tells of a function.

    Parameters
    ----------
    title
        Its long name, such as ``Relative Strength Index``.
    inputs
        Columns of the bars that it reads, in order.
    parameters
        Names and defaults; the type of a default is the parameter's type.
    outputs
        Names of what it gives, in order.
    recursive
        True where TA-Lib says that a value depends on more history than the look-back.
    """

    title: str
    inputs: tuple[str, ...]
    parameters: Mapping[str, int | float]
    outputs: tuple[str, ...]
    recursive: bool


@cache
def describe(function: str) -> Description:
    """Describe a function.

    Raises
    ------
    ConfigError
        If TA-Lib has no function of that name.

    Examples
    --------
    >>> describe("ATR").inputs
    ('high', 'low', 'close')
    """
    if function not in FUNCTIONS:
        suggestion = nearest(str(function).upper(), FUNCTIONS)
        raise ConfigError(f"function must be a TA-Lib function, got {function!r}{suggestion}")
    info = _abstract.Function(function).info
    inputs = ([name] if isinstance(name, str) else name for name in info["input_names"].values())
    flags = info["function_flags"] or ()
    return Description(
        title=info["display_name"],
        inputs=tuple(itertools.chain.from_iterable(inputs)),
        parameters=dict(info["parameters"]),
        outputs=tuple(info["output_names"]),
        recursive=any("unstable period" in flag or "path-dependent" in flag for flag in flags),
    )


def lookback(function: str, parameters: Mapping[str, int | float]) -> int:
    """Bars before the first value, without those in which a recursive function settles.

    Raises
    ------
    ConfigError
        If a parameter is out of TA-Lib's range.

    Examples
    --------
    >>> lookback("SMA", {"timeperiod": 20})
    19
    """
    abstract = _abstract.Function(function)
    abstract.parameters = dict(parameters)
    if abstract.lookback < 0:
        got = ", ".join(f"{key}={value}" for key, value in parameters.items())
        raise ConfigError(f"{function}: parameters inside TA-Lib's range wanted, got {got}")
    return int(abstract.lookback)


def call(function: str, *series: FloatArray, **parameters: int | float) -> tuple[FloatArray, ...]:
    """Call a function and return its outputs, each of shape (T,).

    An output is NaN (0 where it is a whole number) before it begins. The series must be finite: after one NaN,
    TA-Lib gives NaN or even 0 for all later bars. They are handed over as contiguous float64, all that it reads.
    """
    ready = (np.ascontiguousarray(values, dtype=np.float64) for values in series)
    found = getattr(_functions, function)(*ready, **parameters)
    return tuple(found) if isinstance(found, (tuple, list)) else (found,)
