"""What a run's folder holds, read for its report."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from forecastle import paths
from forecastle.arrays import FloatArray, IntArray, TimeArray
from forecastle.errors import RunError
from forecastle.evaluation.slices import REGIMES

PARTS = ("test", "validation")
"""Parts in the order in which a report prefers them."""

BASELINES = ("random_walk", "last_value", "seasonal_naive")
"""The usual baselines in the order in which a report shows them; the first is the one that judges."""


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Forecasts of one part, windows sorted by symbol, origin and fold.

    Parameters
    ----------
    symbol
        Name of each window's symbol, shape (N,).
    origin
        UTC, shape (N,).
    log_close
        At the origin, shape (N,).
    target
        What happened, shape (N, H); class numbers for classes.
    values
        Quantiles (N, H, Q) or class probabilities (N, H, K).
    levels
        Q levels, ascending; empty for classes.
    classes
        K names; empty for quantiles.
    loss
        Pointwise objective of the model (``model``) and of each baseline, shape (N, H); empty where it is no mean.
    steps
        The H steps, in bars after the origin.
    path
        Number of the path of each window, shape (N,): no window stands twice in one.
    regime
        Third of volatility at the origin, a number in `forecastle.evaluation.slices.REGIMES`, −1 where it is not known,
        shape (N,); None where the run keeps none.
    """

    symbol: np.ndarray[Any, np.dtype[np.object_]]
    origin: TimeArray
    log_close: FloatArray
    target: FloatArray
    values: FloatArray
    levels: tuple[float, ...]
    classes: tuple[str, ...]
    loss: dict[str, FloatArray]
    steps: tuple[int, ...]
    path: IntArray
    regime: IntArray | None = None

    @property
    def horizon(self) -> int:
        """Bars from an origin to the last step."""
        return self.steps[-1]

    def of(self, symbol: str) -> Forecasts:
        """The windows of one symbol, along the first path."""
        rows = self.symbol == symbol
        rows &= self.path == self.path[rows].min(initial=np.iinfo(np.int64).max)
        return Forecasts(
            self.symbol[rows],
            self.origin[rows],
            self.log_close[rows],
            self.target[rows],
            self.values[rows],
            self.levels,
            self.classes,
            {name: values[rows] for name, values in self.loss.items()},
            self.steps,
            self.path[rows],
            None if self.regime is None else self.regime[rows],
        )


@dataclass(frozen=True, eq=False)
class Equity:
    """What became of the capital of one part, in units of it, shape (P,) each.

    Parameters
    ----------
    time
        UTC.
    net, gross, hold
        After costs; what the prices changed, before any costs; and had every symbol been held.
    """

    time: TimeArray
    net: FloatArray
    gross: FloatArray
    hold: FloatArray


@dataclass(frozen=True, eq=False)
class RunFolder:
    """A run's folder.

    Parameters
    ----------
    metrics, manifest, quality
        The JSON files; `quality` is empty where there is none.
    config
        Text of the resolved configuration, empty where there is none.
    curves
        Learning curves by name: (steps, values).
    part
        The part that is judged: the test part where it was opened, else the validation part.
    forecasts
        Those of `part`; None where the run keeps none.
    equity
        That of `part`; None where nothing was traded.
    importance
        What the model leans on; empty where it was not asked for.
    """

    metrics: dict[str, Any]
    manifest: dict[str, Any]
    quality: dict[str, Any]
    config: str
    curves: dict[str, tuple[list[float], list[float]]]
    part: str
    forecasts: Forecasts | None
    equity: Equity | None
    importance: dict[str, Any] = field(default_factory=dict)

    @property
    def scores(self) -> dict[str, Any]:
        """Metrics of `part`."""
        scores: dict[str, Any] = self.metrics[self.part]
        return scores


def baselines(found: Iterable[str]) -> list[str]:
    """Names of the baselines among those found, the usual ones first.

    >>> baselines(["model", "climatology", "last_value", "random_walk"])
    ['random_walk', 'last_value', 'climatology']
    """
    names = [name for name in found if name != "model"]
    return [*(name for name in BASELINES if name in names), *(name for name in names if name not in BASELINES)]


def read_folder(folder: Path) -> RunFolder:
    """Read a run's folder; only metrics and manifest must be there.

    Raises
    ------
    RunError
        If a file that must be there is missing, or one that is there cannot be read.
    """
    metrics = _json(folder / paths.METRICS)
    part = next((part for part in PARTS if metrics.get(part)), None)
    if part is None:
        raise RunError(
            f"a run's metrics must hold a part test or validation, got {sorted(metrics)} ({folder / paths.METRICS})"
        )
    config = folder / paths.CONFIG
    quality, curves, forecast = folder / paths.QUALITY, folder / paths.CURVES, folder / paths.FORECAST
    equity = folder / paths.EQUITY
    importance = folder / paths.IMPORTANCE
    return RunFolder(
        metrics,
        _json(folder / paths.MANIFEST),
        _json(quality) if quality.is_file() else {},
        config.read_text(encoding="utf-8") if config.is_file() else "",
        read_curves(curves) if curves.is_file() else {},
        part,
        read_forecasts(forecast, part) if forecast.is_file() else None,
        read_equity(equity, part) if equity.is_file() else None,
        _json(importance) if importance.is_file() else {},
    )


def read_forecasts(path: Path, part: str) -> Forecasts | None:
    """Read one part of a forecast table, whatever the order of its rows; None where the part has no rows.

    Raises
    ------
    RunError
        If the file cannot be read, lacks a column, or does not hold the same steps for every window.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        table = table.filter(pc.equal(table["part"], part)).combine_chunks()
        columns = {name: table[name] for name in table.column_names}
        step = columns["step"].to_numpy().astype(np.int64)
        origin = columns["origin"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
        fold, path_number = columns["fold"].to_numpy(), columns["path"].to_numpy().astype(np.int64)
        codes = columns["symbol"].cast(pa.string()).combine_chunks().dictionary_encode()
    except (pa.ArrowException, KeyError, OSError) as error:
        raise RunError(f"cannot read the forecasts: {' '.join(str(error).split())} ({path})") from None
    if not len(step):
        return None
    symbol = codes.indices.to_numpy()
    order = np.lexsort((step, fold, origin, symbol))
    steps = np.unique(step)
    if len(order) % len(steps) or (step[order].reshape(-1, len(steps)) != steps).any():
        raise RunError(f"every window must have the same steps, got others in part {part!r} ({path})")

    def values(name: str) -> FloatArray:
        array: FloatArray = columns[name].to_numpy()[order].reshape(-1, len(steps))
        return array

    levels = sorted((float(name[1:]), name) for name in columns if name.startswith("q0."))
    classes = [name for name in columns if name.startswith("p_")]
    names = [name for _, name in levels] or classes
    if not names:
        raise RunError(f"the forecasts must have columns q0.… or p_…, got {sorted(columns)} ({path})")
    first = order[:: len(steps)]
    return Forecasts(
        np.array(codes.dictionary.to_pylist(), dtype=object)[symbol[first]],
        origin[first].astype("datetime64[us]"),
        values("log_close")[:, 0],
        values("target"),
        np.stack([values(name) for name in names], axis=-1),
        tuple(level for level, _ in levels),
        () if levels else tuple(name[2:] for name in classes),
        {"model" if name == "loss" else name[5:]: values(name) for name in columns if name.startswith("loss")},
        tuple(steps.tolist()),
        path_number[first],
        _regimes(columns["regime"].to_pylist(), first) if "regime" in columns else None,
    )


def read_equity(path: Path, part: str) -> Equity | None:
    """Read what a run keeps of its account; None where the part has no rows.

    Raises
    ------
    RunError
        If the file cannot be read or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        table = table.filter(pc.equal(table["part"], part))
        columns = [table[name].to_numpy().astype(np.float64) for name in ("net", "gross", "buy_and_hold")]
        time = table["time"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy().astype("datetime64[us]")
    except (pa.ArrowException, KeyError, OSError) as error:
        raise RunError(f"cannot read the equity: {' '.join(str(error).split())} ({path})") from None
    return Equity(time, *columns) if len(time) else None


def _regimes(names: Sequence[str | None], rows: IntArray) -> IntArray:
    """Numbers of the regimes of some rows."""
    numbers = {name: number for number, name in enumerate(REGIMES)}
    return np.array([numbers.get(names[row] or "", -1) for row in rows], dtype=np.int8)


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"a run's folder must hold {path.name}, but there is none in {path.parent}") from None
    except (OSError, ValueError) as error:
        raise RunError(f"cannot read {path}: {error}") from None
    if not isinstance(content, dict):
        raise RunError(f"{path.name} must hold an object, got {type(content).__name__} ({path})")
    return content


def read_curves(path: Path) -> dict[str, tuple[list[float], list[float]]]:
    """Read learning curves by name: steps and values.

    Raises
    ------
    RunError
        If the file cannot be read or lacks a column.
    """
    curves: dict[str, tuple[list[float], list[float]]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                steps, values = curves.setdefault(row["name"], ([], []))
                steps.append(float(row["step"]))
                values.append(float(row["value"]) if row["value"] else float("nan"))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"cannot read the learning curves: {error!r} ({path})") from None
    return curves
