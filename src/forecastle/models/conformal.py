"""Conformal: quantiles of any forecaster, moved by what its errors on the validation part say of them."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from forecastle.arrays import BoolArray, FloatArray, IntArray, TimeArray
from forecastle.errors import ConfigError, ModelError
from forecastle.models.forecast import ClassForecast, Forecast, QuantileForecast, SampleForecast
from forecastle.windows.context import Windows

FILE = "conformal.npz"
"""What the correction is saved in."""

FEWEST = 100
"""Windows below which errors say too little for a correction; see also `Conformal` on labels that overlap."""

MOST = 4000
"""Errors of at most so many validation windows are kept, spread evenly over time."""

REFITS = 20
"""In how many stretches the validation part is gone through when it is itself corrected."""


class Conformal:
    r"""A correction of quantile forecasts at each step and level, split or adaptive.

    **Split** (`rate` 0). Conformalized quantile regression, each level by itself: with the errors of the validation
    windows in spreads of the target, :math:`E_i = (y_i - \hat q_\tau(x_i)) / s_i`, the forecast at level τ becomes

    .. math:: \hat q_\tau(x) + s(x)\, Q_\tau(E),

    where the k-th smallest of n errors stands for the level k/(n + 1), between them linearly, beyond them the extremes
    (Romano, Patterson & Candès, Conformalized Quantile Regression, NeurIPS 2019, theorem 2: the form in which both
    ends are corrected apart). Were errors exchangeable, an outcome would lie below with probability τ. In time they
    are not; coverage is measured on later data, not promised.

    **Adaptive** (`rate` γ > 0). The level that is looked up follows what happened (Gibbs & Candès, Adaptive Conformal
    Inference Under Distribution Shift, NeurIPS 2021, equation 2), for each step and level

    .. math:: \tau_{t+1} = \tau_t + \gamma\,(\tau - 1\{y_t \le \hat q_t\}),

    so that over T origins the share of outcomes below differs from τ by at most about (1 + γ)/(γT), as long as the
    level stays inside (0, 1): beyond, where the paper forecasts infinity, the largest error of the validation part is
    the end. Symbols of one origin count as one.

    **Nothing looks ahead.** An outcome counts once its label has ended at or before the origin: with labels of h bars
    the answer comes h bars late. A forecast inside the validation part is corrected by what had ended before it, in
    `REFITS` stretches, and not at all as long as that are too few windows; so scores on the validation
    part are honest, and sweeps may rank ``conformal=none,split,adaptive`` by them. Later parts are corrected by all of
    the validation part. (So are parts before it, in splits that train on what comes after the test.)

    **Too few windows** are fewer than `FEWEST`, or fewer than 1/τ − 1 whose labels follow one another without overlap,
    for the level τ nearest to 0 (or to 1): of fewer errors that are not nearly the same one, the most extreme does not
    reach that level. For 39 levels, k/40, that are 39; at a horizon of 30 bars they take some 1,170 windows.

    A forecaster that is stopped early on the validation part has seen it, if only to choose an epoch: its errors there
    are, if anything, a little too small. The part is not halved for that; it would be too few windows twice.

    Corrected quantiles that cross are put in order (Chernozhukov, Fernández-Val & Galichon 2010), and cut at the
    target's lower bound. Sample paths become quantiles.

    Parameters
    ----------
    rate
        γ, at least 0 and less than 1; 0 is the split form, 0.005 what the paper takes for daily returns.

    Raises
    ------
    ConfigError
        If `rate` is outside.
    """

    def __init__(self, rate: float = 0.0) -> None:
        if not 0 <= rate < 1:
            raise ConfigError(f"rate must be at least 0 and less than 1, got {rate}")
        self.rate = rate
        self._errors: FloatArray | None = None
        self._end: TimeArray = np.empty(0, dtype="datetime64[us]")
        self._first = self._ready = np.datetime64("NaT", "us")
        self._level: FloatArray = np.empty(0)

    def fit(self, forecast: Forecast, windows: Windows) -> Self:
        """Take the errors of a forecast of the validation windows.

        Raises
        ------
        ModelError
            If it is one of classes, or there are too few windows.
        """
        if len(windows) < FEWEST:
            raise ModelError(f"conformal needs at least {FEWEST} validation windows, got {len(windows)}")
        apart = _ends_apart(windows)
        levels = windows.context.task.quantile_levels
        wanted = math.ceil(1 / min(levels[0], 1 - levels[-1]) - 1 - 1e-9)
        if len(apart) < wanted:
            raise ModelError(
                f"conformal needs at least {wanted} validation windows whose labels do not overlap, got {len(apart)} "
                f"of {len(windows)}: shorten the horizon, lengthen the validation part or ask for fewer quantile_levels"
            )
        values = _quantiles(forecast, windows)
        spread = windows.context.task.spread(windows.context.scale)
        order = np.argsort(windows.label_end, kind="stable")
        kept = order[np.linspace(0, len(order) - 1, min(len(order), MOST)).round().astype(int)]
        self._errors = ((windows.target[kept, :, None] - values[kept]) / spread[kept, :, None]).astype(np.float32)
        self._end, self._first = windows.label_end[kept], windows.context.origin.min()
        self._ready = np.max([apart[wanted - 1], self._end[FEWEST - 1]])
        _, self._level = self._run(values, windows)
        return self

    def correct(self, forecast: Forecast, windows: Windows) -> QuantileForecast:
        """The corrected forecast of some windows, which have to be those of one part, all of it.

        Parameters
        ----------
        forecast
            Of these windows.
        windows
            N windows in any order. A target is read only for origins at or after the end of its label.

        Raises
        ------
        ModelError
            Before `fit`, or for other steps or levels than at `fit`.
        """
        values = _quantiles(forecast, windows)
        if self._errors is None:
            raise ModelError("conformal must be fitted before it corrects")
        if self._errors.shape[1:] != values.shape[1:]:
            was, got = (
                f"{shape[0]} steps of {shape[1]} levels" for shape in (self._errors.shape[1:], values.shape[1:])
            )
            raise ModelError(f"conformal was fitted for {was}, got {got}")
        corrected, _ = self._run(values, windows)
        task = windows.context.task
        return QuantileForecast(task.quantile_levels, corrected.astype(np.float32))

    def save(self, folder: Path) -> None:
        """Write everything that `load` needs into an existing folder.

        Raises
        ------
        ModelError
            Before `fit`.
        """
        if self._errors is None:
            raise ModelError("conformal must be fitted before it is saved")
        state = {"errors": self._errors, "level": self._level, "end": self._end}
        np.savez(folder / FILE, first=self._first, ready=self._ready, **state)  # type: ignore[arg-type]

    def load(self, folder: Path) -> Self:
        """Read what `save` wrote; opening it runs no code from the file.

        Raises
        ------
        ModelError
            If it is missing or damaged.
        """
        path = folder / FILE
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as state:
                self._errors, self._level = state["errors"], state["level"]
                self._end, self._first, self._ready = state["end"], state["first"][()], state["ready"][()]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise ModelError(f"{path} holds no correction: {' '.join(str(error).split())}") from error
        return self

    def _run(self, values: FloatArray, windows: Windows) -> tuple[FloatArray, FloatArray]:
        """Corrected quantiles, (N, H, Q), and the levels (H, Q) at the end, once every label has ended."""
        task, origin = windows.context.task, windows.context.origin
        wanted = np.broadcast_to(np.asarray(task.quantile_levels), values.shape[1:])
        spread = task.spread(windows.context.scale)[:, :, None]
        inside = bool(self._first <= origin.min() < self._end[-1])
        level = np.array(wanted if inside else self._level)
        corrected, feedback = np.empty_like(values), _Feedback(windows.label_end, wanted)
        for rows in _stretches(origin, REFITS if inside else 1):
            known = self._known(origin[rows[0]], inside=inside)
            for now in _by_origin(origin, rows) if self.rate else [rows]:
                level = level + self.rate * feedback.until(origin[now[0]])
                moved = values[now] + (0 if known is None else spread[now] * _at(known, level))
                moved = np.sort(moved, axis=-1)
                corrected[now] = moved if task.target.lower is None else np.maximum(moved, task.target.lower)
                feedback.give(now, windows.target[now, :, None] <= corrected[now])
        return corrected, level + self.rate * feedback.until(windows.label_end.max())

    def _known(self, time: np.datetime64, *, inside: bool) -> FloatArray | None:
        """Errors that may be used at a time, ascending along the windows (n, H, Q); None where there are too few."""
        assert self._errors is not None
        if inside and time < self._ready:
            return None
        count = int(np.searchsorted(self._end, time, side="right")) if inside else len(self._end)
        return np.sort(self._errors[:count].astype(np.float64), axis=0)


class _Feedback:
    """Outcomes below the quantiles that were given, handed on once their label has ended."""

    def __init__(self, label_end: TimeArray, wanted: FloatArray) -> None:
        self._order = np.argsort(label_end, kind="stable")
        self._end = label_end[self._order]
        self._wanted = wanted
        self._below = np.zeros((len(label_end), *wanted.shape), dtype=bool)
        self._done = 0

    def give(self, rows: IntArray, below: BoolArray) -> None:
        """Keep what becomes known later."""
        self._below[rows] = below

    def until(self, time: np.datetime64) -> FloatArray:
        """Sum over the ends of labels up to a time, since the last call, of τ less the share below, shape (H, Q)."""
        stop = int(np.searchsorted(self._end, time, side="right"))
        ended = slice(self._done, stop)
        self._done = stop
        total = np.zeros(self._wanted.shape)
        for rows in np.split(self._order[ended], np.flatnonzero(np.diff(self._end[ended])) + 1):
            if len(rows):
                total += self._wanted - self._below[rows].mean(axis=0)
        return total


def _ends_apart(windows: Windows) -> list[np.datetime64]:
    """Ends of the most labels that follow one another without overlap, ascending; symbols count together."""
    order = np.argsort(windows.label_end, kind="stable")
    found: list[np.datetime64] = []
    for origin, end in zip(windows.context.origin[order], windows.label_end[order], strict=True):
        if not found or origin >= found[-1]:
            found.append(end)
    return found


def _quantiles(forecast: Forecast, windows: Windows) -> FloatArray:
    """Quantiles at the task's levels, shape (N, H, Q), float64."""
    if isinstance(forecast, ClassForecast):
        classes = ", ".join(windows.context.task.target.classes)
        raise ModelError(f"conformal corrects quantiles, but {windows.context.task.target.name} has classes {classes}")
    if isinstance(forecast, SampleForecast):
        forecast = forecast.quantiles(windows.context.task.quantile_levels)
    return forecast.values.astype(np.float64)


def _stretches(origin: TimeArray, count: int) -> Iterator[IntArray]:
    """Rows in order of origin, in about `count` stretches of as many origins; an origin is in one of them."""
    order = np.argsort(origin, kind="stable")
    distinct, first = np.unique(origin[order], return_index=True)
    starts = first[np.unique(np.arange(count) * len(distinct) // count)]
    yield from np.split(order, starts[1:])


def _by_origin(origin: TimeArray, rows: IntArray) -> list[IntArray]:
    """Rows, which are in order of origin, origin by origin."""
    return np.split(rows, np.flatnonzero(np.diff(origin[rows])) + 1)


def _at(ascending: FloatArray, level: FloatArray) -> FloatArray:
    """Empirical quantile at a level of its own for each step and quantile, shape (H, Q); see `Conformal`."""
    last = len(ascending) - 1
    place = np.clip(level * (last + 2) - 1, 0, last)
    below = np.floor(place).astype(np.intp)
    low = np.take_along_axis(ascending, below[None], axis=0)[0]
    high = np.take_along_axis(ascending, np.minimum(below + 1, last)[None], axis=0)[0]
    return np.asarray(low + (place - below) * (high - low))
