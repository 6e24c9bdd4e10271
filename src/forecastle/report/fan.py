"""Forecasts of the last stretch of a part beside what happened, one picture for a symbol."""

from __future__ import annotations

import numpy as np

from forecastle.arrays import FloatArray, IntArray, TimeArray
from forecastle.report.axis import Axis, number_axis, time_axis
from forecastle.report.chart import Band, Dots, Line, Mark, draw, legend
from forecastle.report.figure import Figure
from forecastle.report.forecasts import Forecasts
from forecastle.report.words import day, span

FAN_BARS = 60
"""About so many bars are shown: enough to see fans, few enough to tell them apart."""

SERIES_BARS = 120

NOMINAL = (0.95, 0.8, 0.5)


def bands_of(levels: tuple[float, ...]) -> list[tuple[float, int, int]]:
    """Nominal coverage and the columns of its two ends, widest first, for 95, 80 and 50 % where the levels allow.

    >>> bands_of((0.025, 0.1, 0.5, 0.9, 0.975))
    [(0.95, 0, 4), (0.8, 1, 3)]
    """
    found = []
    for nominal in NOMINAL:
        ends = [np.flatnonzero(np.isclose(levels, (1 + side * nominal) / 2, atol=1e-6)) for side in (-1, 1)]
        if all(len(end) for end in ends):
            found.append((nominal, int(ends[0][0]), int(ends[1][0])))
    return found


def fan_figure(forecasts: Forecasts, symbol: str, target: str, unit: str, interval: str) -> Figure:
    """Picture of one symbol: price fans for ``log_return``, probabilities for classes, else a band in its unit.

    Parameters
    ----------
    forecasts
        Windows of that symbol only, at least one.
    symbol
        Its name.
    target
        Name of the target.
    unit
        Unit of the target.
    interval
        Of a bar, such as ``1D``: tells where in time a step lies that no origin marks.
    """
    clock = _Clock(forecasts, interval)
    if forecasts.classes:
        return _probabilities(forecasts, symbol, clock)
    if target != "log_return":
        label = target.replace("_", " ") + (f" ({unit})" if unit else "")
        return _series(forecasts.values[:, -1], forecasts.target[:, -1], label, symbol, clock, forecasts)
    if len(forecasts.steps) > 1:
        return _price_fans(forecasts, symbol, clock)
    price = np.exp(forecasts.log_close[:, None] + forecasts.values[:, 0])
    return _series(price, np.exp(forecasts.log_close + forecasts.target[:, 0]), "price", symbol, clock, forecasts)


class _Clock:
    """Times of the steps: the origins that follow where every bar is an origin, else a count of intervals."""

    def __init__(self, forecasts: Forecasts, interval: str) -> None:
        self.origin = forecasts.origin
        gaps = np.diff(self.origin)
        self.bar = span(interval) or (gaps.min() if len(gaps) else np.timedelta64(1, "D"))
        self.every_bar = bool(len(gaps)) and bool(
            np.quantile(gaps.astype(np.int64), 0.25) <= 1.01 * self.bar.astype("m8[us]").astype(np.int64)
        )

    def steps(self, window: int, horizon: int) -> TimeArray:
        """Known times of steps 1 … H of a window."""
        following = self.origin[window + 1 : window + 1 + horizon] if self.every_bar else self.origin[:0]
        start = following[-1] if len(following) else self.origin[window]
        rest = start + self.bar * np.arange(1, horizon - len(following) + 1)
        times: TimeArray = np.concatenate([following, rest]).astype("datetime64[us]")
        return times


def _price_fans(forecasts: Forecasts, symbol: str, clock: _Clock) -> Figure:
    horizon = forecasts.horizon
    windows = _apart(clock, len(forecasts.origin), horizon)
    first = max(0, int(windows[0]) - max(horizon, FAN_BARS // 4)) if clock.every_bar else int(windows[0])
    history: IntArray = np.arange(first, len(forecasts.origin)) if clock.every_bar else windows
    columns = np.array(forecasts.steps) - 1
    ahead = [clock.steps(int(window), horizon)[columns] for window in windows]
    moments = np.concatenate([forecasts.origin[history], *ahead])
    log_price = np.concatenate(
        [forecasts.log_close[history], *(forecasts.log_close[windows, None] + forecasts.target[windows])]
    )
    times, index = np.unique(moments, return_index=True)
    price = np.exp(log_price[index])

    x, fans = [], []
    for window, steps in zip(windows, ahead, strict=True):
        start = np.zeros((1, len(forecasts.levels)))
        path = np.concatenate([start, forecasts.values[window], np.full_like(start, np.nan)])
        x.append(np.searchsorted(times, np.concatenate([forecasts.origin[[window]], steps, steps[-1:]])))
        fans.append(np.exp(forecasts.log_close[window] + path))
    place, fan = np.concatenate(x).astype(np.float64), np.concatenate(fans)
    begins = np.searchsorted(times, forecasts.origin[windows])
    marks = [
        *_bands(place, fan, forecasts.levels),
        Line("price", "actual", np.arange(len(times), dtype=np.float64), price),
        Dots("origin of a forecast", "actual", begins.astype(np.float64), price[begins]),
    ]
    caption = (
        f"Each fan starts at a dot, the close at its origin, and covers the next {horizon} bars. "
        "The fans that are shown do not overlap."
    )
    return _figure(symbol, marks, times, number_axis(price, fan, label="price"), caption)


def _series(
    values: FloatArray, happened: FloatArray, label: str, symbol: str, clock: _Clock, forecasts: Forecasts
) -> Figure:
    """Band of the last step over time, shape of `values` (N, Q)."""
    horizon = forecasts.horizon
    windows = np.arange(len(happened))[-SERIES_BARS:]
    times = np.array([clock.steps(int(window), horizon)[-1] for window in windows])
    x = np.arange(len(windows), dtype=np.float64)
    values, happened = values[windows], happened[windows]
    marks = [*_bands(x, values, forecasts.levels), Line("what happened", "actual", x, happened)]
    before = "one bar" if horizon == 1 else f"{horizon} bars"
    caption = f"At each time, what was forecast {before} before, and what happened."
    return _figure(symbol, marks, times, number_axis(values, happened, label=label), caption)


def _probabilities(forecasts: Forecasts, symbol: str, clock: _Clock) -> Figure:
    count = len(forecasts.origin)
    windows = np.arange(max(0, count - SERIES_BARS), count)
    first = forecasts.steps[0]
    times = np.array([clock.steps(int(window), first)[-1] for window in windows])
    x = np.arange(len(windows), dtype=np.float64)
    shown = range(1, 2) if len(forecasts.classes) == 2 else range(len(forecasts.classes))
    marks: list[Mark] = []
    for place, number in enumerate(shown):
        name, style = forecasts.classes[number], f"s{place % 6 + 1}"
        probability, happened = forecasts.values[windows, 0, number], forecasts.target[windows, 0] == number
        marks += [
            Line(f"probability of {name}", style, x, probability.astype(np.float64)),
            Dots(f"{name} happened", style, x[happened], np.ones(int(happened.sum()))),
        ]
        if len(shown) == 1:
            marks.append(
                Dots(
                    f"{forecasts.classes[0]} happened", "actual hollow", x[~happened], np.zeros(int((~happened).sum()))
                )
            )
    before = "one bar" if first == 1 else f"{first} bars"
    caption = f"At each bar, the probability that was forecast {before} before, and what happened."
    return _figure(symbol, marks, times, number_axis([0.0, 1.0], label="probability"), caption)


def _figure(symbol: str, marks: list[Mark], times: TimeArray, y: Axis, caption: str) -> Figure:
    between = f"{day(times[0])} to {day(times[-1])}"
    svg = draw(marks, time_axis(times), y, title=f"Forecasts of {symbol}, {between}", description=caption, shape="tall")
    return Figure(symbol, svg, f"{between}. {caption}", legend(marks))


def _bands(x: FloatArray, values: FloatArray, levels: tuple[float, ...]) -> list[Mark]:
    marks: list[Mark] = [
        Band(
            f"{round(100 * nominal)}\u202f% interval", f"band{round(100 * nominal)}", x, values[:, low], values[:, high]
        )
        for nominal, low, high in bands_of(levels)
    ]
    middle = np.flatnonzero(np.isclose(levels, 0.5))
    if len(middle):
        marks.append(Line("median forecast", "median", x, values[:, int(middle[0])].astype(np.float64)))
    return marks


def _apart(clock: _Clock, count: int, horizon: int) -> IntArray:
    """The last windows whose steps do not overlap, ascending, over about `FAN_BARS` bars and three at least."""
    chosen = [count - 1]
    most = max(3, round(FAN_BARS / horizon))
    for window in range(count - 2, -1, -1):
        if len(chosen) == most:
            break
        if clock.steps(window, horizon)[-1] <= clock.origin[chosen[-1]]:
            chosen.append(window)
    return np.array(chosen[::-1])
