"""TALib: any function of TA-Lib as an indicator, by configuration alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.data.bars import PRICES, Bars
from forecastle.errors import ConfigError, nearest
from forecastle.features.frame import ByColumn
from forecastle.features.library import FUNCTIONS, call, describe, lookback
from forecastle.features.memory import CHAINS, ENDLESS, poles, settle

ATR_PERIOD = 14
"""Bars of the average true range (Wilder) in which ``unit="atr"`` measures."""

STILL = 1e-9
"""Share of the close below which an average true range is rounding: far less than a tick of any market."""

UNITS: Mapping[str, str] = MappingProxyType(
    {"raw": "as TA-Lib gives it", "close": "fraction of the close", "atr": "average true ranges"}
)
"""What a value can be measured in, and the words for it."""

SCALES: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("ADX", "ADXR", "DX", "MFI", "MINUS_DI", "PLUS_DI", "RSI", "STOCH", "STOCHF", "ULTOSC"), "0 to 100")
    | {"AROONOSC": "-100 to 100", "CCI": "mean deviations / 0.015", "CMO": "-100 to 100", "ROC": "per cent"}
    | {"WILLR": "-100 to 0"}
)
"""Range or unit of the functions that have one of their own."""


class TALib(ByColumn):
    """One function of TA-Lib (https://ta-lib.org), with one column for each output and each set of parameters.

    The warm-up is TA-Lib's own look-back plus, where a recursive average stands in the function, the bars until
    it has forgotten its start (`forecastle.features.memory`).

    Parameters
    ----------
    function
        TA-Lib's name of the function, such as ``RSI``.
    name
        First part of the column names; the function's name in lower case where it is None.
    outputs
        Which outputs are kept, in this order: TA-Lib's name of each and the word for it in the column's name,
        ``{upperband: upper}``. All under TA-Lib's names where it is None.
    from_close
        True gives the distance from the output up to the close (``close - output``): for outputs that are price
        levels, such as moving averages.
    unit
        ``raw``: as TA-Lib gives it. ``close``: divided by the close, a fraction of the price. ``atr``: divided by
        the average true range of 14 bars (0 where that is 0). The last two make prices and price differences
        free of the price level.
    **parameters
        TA-Lib's own parameters of the function, such as ``timeperiod`` (bars), checked against what TA-Lib tells of
        it; its defaults stand for those that are not given. A list gives one column for each of its values (lists of
        several parameters: each with each). Column names hold every ``…period`` and whatever was given as a list:
        ``rsi_14``, ``bollinger_upper_20``.

    Attributes
    ----------
    columns : tuple of str
        Column names.
    warmup : int
        Bars until a row is right; the rows before are NaN.
    scale : str
        Unit or range of the values, in words.
    about : str
        TA-Lib's long name of the function.
    needs : tuple of str
        ``("volume",)`` where the function reads the volume.
    tolerance : float
        1e-9, relative.

    Raises
    ------
    ConfigError
        If the function, a parameter, an output or the unit is unknown, a value is out of TA-Lib's range, or the
        function remembers its first bar for ever (``OBV``, ``SAR``, …), so that no warm-up is long enough.

    Examples
    --------
    >>> rsi = TALib("RSI", timeperiod=[7, 14])
    >>> rsi.columns, rsi.warmup
    (('rsi_7', 'rsi_14'), 388)
    """

    tolerance: float = 1e-9

    def __init__(
        self,
        function: str,
        name: str | None = None,
        outputs: Mapping[str, str] | None = None,
        from_close: bool = False,
        unit: str = "raw",
        **parameters: int | float | Sequence[int | float],
    ) -> None:
        described = describe(function)
        if function in ENDLESS or (described.recursive and function not in CHAINS):
            raise ConfigError(
                f"{function}: a function with a finite memory wanted, this one never forgets its first bar"
            )
        if unknown := [series for series in described.inputs if series not in (*PRICES, "volume")]:
            raise ConfigError(f"{function}: a function of candles wanted, this one also needs {', '.join(unknown)}")
        if unit not in UNITS:
            raise ConfigError(f"{function}: unit must be one of {', '.join(UNITS)}, got {unit!r}{nearest(unit, UNITS)}")
        self.function = function
        self.from_close = from_close
        self.unit = unit
        self._inputs = described.inputs
        self._places, words = _choose(function, described.outputs, outputs)
        self._calls = _combine(function, described.parameters, parameters)
        listed = {key for key, value in parameters.items() if not isinstance(value, (int, float))}
        self.columns = tuple(
            "_".join((name or function.lower(), *word, *_shown(values, listed)))
            for values in self._calls
            for word in words
        )
        if len(set(self.columns)) != len(self.columns):
            raise ConfigError(f"{function}: each value and output once wanted, got columns {', '.join(self.columns)}")
        self.needs = ("volume",) if "volume" in self._inputs else ()
        self.warmup = max(_warmup(function, values) for values in self._calls)
        if unit == "atr":
            self.warmup = max(self.warmup, RANGE_WARMUP)
        self.scale = SCALES.get(function, UNITS[unit]) if unit == "raw" else UNITS[unit]
        self.about = f"{'Close less ' if from_close else ''}{described.title} (TA-Lib)."

    @classmethod
    def accepts(cls, node: Mapping[str, Any]) -> tuple[str, ...]:
        """Names that a config node may hold beside the constructor's own: the parameters of its function, in order."""
        function = node.get("function")
        return tuple(describe(function).parameters) if function in FUNCTIONS else ()

    def each(self, bars: Bars) -> Iterator[FloatArray]:
        """The columns in their order, each of shape (T,), float64."""
        series = [getattr(bars, name) for name in self._inputs]
        size = {"raw": lambda _: None, "close": lambda bars: bars.close, "atr": ranges}[self.unit](bars)
        for parameters in self._calls:
            outputs = call(self.function, *series, **parameters)
            for place in self._places:
                column = bars.close - outputs[place] if self.from_close else outputs[place]
                yield column if size is None else column / size


def ranges(bars: Bars) -> FloatArray:
    """Average true range of 14 bars, price, shape (T,); infinite where there is none, so that a share of it is 0.

    In a market that stands still Wilder's average fades and never ends; below `STILL` of the close it is no range.
    """
    (size,) = call("ATR", bars.high, bars.low, bars.close, timeperiod=ATR_PERIOD)
    size[size <= STILL * bars.close] = np.inf
    return size


def _choose(
    function: str, known: Sequence[str], chosen: Mapping[str, str] | None
) -> tuple[tuple[int, ...], tuple[tuple[str, ...], ...]]:
    """Places of the chosen outputs in TA-Lib's answer, and the words for them (none where there is only one)."""
    if chosen is None:
        return tuple(range(len(known))), tuple((word,) for word in known) if len(known) > 1 else ((),)
    if not isinstance(chosen, Mapping) or not chosen:
        raise ConfigError(f"{function}: outputs must be a mapping from {', '.join(known)} to words, got {chosen!r}")
    for output in chosen:
        if output not in known:
            raise ConfigError(
                f"{function}: outputs must be among {', '.join(known)}, got {output!r}{nearest(str(output), known)}"
            )
    return tuple(known.index(output) for output in chosen), tuple((str(word),) for word in chosen.values())


def _combine(
    function: str, defaults: Mapping[str, int | float], given: Mapping[str, int | float | Sequence[int | float]]
) -> tuple[dict[str, int | float], ...]:
    """Every set of parameters to call the function with; the last parameter of the function varies fastest."""
    for key in given:
        if key not in defaults:
            allowed = ", ".join(defaults) or "none"
            raise ConfigError(f"{function}: parameters are {allowed}, got {key!r}{nearest(key, defaults)}")
    choices = []
    for key, default in defaults.items():
        value = given.get(key, default)
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        if not values:
            raise ConfigError(f"{function}: {key} must be a number or a list of them, got an empty list")
        choices.append([_number(f"{function}: {key}", item, type(default)) for item in values])
    return tuple(dict(zip(defaults, combination, strict=True)) for combination in itertools.product(*choices))


def _number(where: str, value: object, kind: type[int] | type[float]) -> int | float:
    """Return `value` as TA-Lib's type of the parameter, or refuse it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (kind is int and value % 1 != 0):
        wanted = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{where} must be {wanted} or a list of such, got {value!r}")
    return kind(value)


def _shown(parameters: Mapping[str, int | float], listed: set[str]) -> list[str]:
    """The parameters that a column's name holds: periods, and whatever was given as a list."""
    return [f"{value:g}" for key, value in parameters.items() if "period" in key or key in listed]


def _warmup(function: str, parameters: Mapping[str, int | float]) -> int:
    """Bars until a row is right: TA-Lib's look-back, the bar itself, and the bars until the start is forgotten."""
    return lookback(function, parameters) + 1 + settle(poles(function, parameters))


RANGE_WARMUP = _warmup("ATR", {"timeperiod": ATR_PERIOD})
"""Bars until the average true range that `ranges` gives is right."""
