"""What a run's folder holds, read for its report."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from forecastle import paths
from forecastle.arrays import FloatArray, TimeArray
from forecastle.errors import RunError
from forecastle.report.forecasts import Forecasts, read_forecasts

PARTS = ("test", "validation")
"""Parts in the order in which a report prefers them."""

BASELINES = ("random_walk", "last_value", "seasonal_naive")
"""The usual baselines in the order in which a report shows them; the first is the one that judges."""


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
