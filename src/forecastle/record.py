"""What a run leaves behind: its forecasts as a table, its curves, its manifest."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecastle.config.schema import Config
from forecastle.data.bars import Panel
from forecastle.evaluation.metric import Outcome
from forecastle.evaluation.slices import REGIMES
from forecastle.features.frame import FeatureFrame
from forecastle.models.forecast import ClassForecast, QuantileForecast
from forecastle.runs.identity import Identity, git_state, machine
from forecastle.windows.context import Task, Windows
from forecastle.windows.fold import Fold
from forecastle.windows.sample import missing_features

if TYPE_CHECKING:
    import pyarrow as pa

    from forecastle.arrays import FloatArray, IntArray
    from forecastle.evaluation.trading.desk import Traded


BUFFER = 1 << 20
"""Bytes of a table that are gathered before they are written: Arrow writes each column by itself."""


@dataclass(frozen=True, eq=False)
class Part:
    """A scored part of a run.

    Parameters
    ----------
    scores
        JSON-ready scores of the model and the baselines.
    outcome
        What was scored: the model's forecasts of all folds, one after the other.
    table
        One row for each window and step: what was forecast, what happened, what was lost.
    equity
        What became of the capital, one row for each point in time (`equity_table`); None where nothing was traded.
    """

    scores: dict[str, Any]
    outcome: Outcome
    table: pa.Table
    equity: pa.Table | None = None


def as_outcome(
    forecast: QuantileForecast | ClassForecast, windows: Windows, fold: int, path: IntArray, regime: IntArray
) -> Outcome:
    """Lay the forecast of a fold's windows beside what happened."""
    context = windows.context
    close = context.timeline.log_close[context.row]
    number = np.full(len(windows), fold)
    return Outcome(forecast, windows.target, close, context.origin, context.symbol, number, path, regime)


def forecast_table(
    part: str, outcome: Outcome, losses: Mapping[str, FloatArray], task: Task, symbols: Sequence[str]
) -> pa.Table:
    """Rows of a part: part, fold, path, symbol, regime, origin, step, log_close, target, the forecast, and all losses.

    Quantile columns are ``q0.025``…, class columns ``p_up``…; ``loss`` is the model's, ``loss_random_walk`` that of a
    baseline, in the unit of the objective.
    """
    import pyarrow as pa

    count, horizon = outcome.target.shape
    steps = np.tile(np.array(task.steps, dtype=np.int16), count)
    names = pa.DictionaryArray.from_arrays(
        pa.array(np.repeat(outcome.symbol, horizon).astype(np.int32)), pa.array(symbols)
    )
    regime = np.repeat(outcome.regime, horizon)
    columns: dict[str, Any] = {
        "part": pa.DictionaryArray.from_arrays(pa.array(np.zeros(count * horizon, np.int32)), pa.array([part])),
        "fold": np.repeat(outcome.fold, horizon).astype(np.int16),
        "path": np.repeat(outcome.path, horizon).astype(np.int16),
        "symbol": names,
        "regime": pa.DictionaryArray.from_arrays(
            pa.array(regime.astype(np.int32), mask=regime < 0), pa.array(list(REGIMES))
        ),
        "origin": pa.array(np.repeat(outcome.origin, horizon), pa.timestamp("us", "UTC")),
        "step": steps,
        "log_close": np.repeat(outcome.log_close, horizon),
        "target": outcome.target.ravel(),
    }
    values = np.ascontiguousarray(outcome.forecast.values.reshape(count * horizon, -1).T)
    if isinstance(outcome.forecast, QuantileForecast):
        titles = [f"q{level:g}" for level in outcome.forecast.levels]
    else:
        titles = [f"p_{name}" for name in task.target.classes]
    columns.update(zip(titles, values, strict=True))
    for name, loss in losses.items():
        columns["loss" if name == "model" else f"loss_{name}"] = loss.ravel()
    return pa.table(columns)


def equity_table(part: str, traded: Traded) -> pa.Table:
    """Rows of a part that was traded: part, time, and in units of the capital net, gross and buy_and_hold.

    ``net`` is the equity after costs, ``gross`` what the prices changed before any costs, ``buy_and_hold`` the equity,
    had every symbol been held.
    """
    import pyarrow as pa

    path = traded.path
    name = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(path.time), np.int32)), pa.array([part]))
    time = pa.array(path.time, pa.timestamp("us", "UTC"))
    return pa.table(
        {"part": name, "time": time, "net": path.equity, "gross": path.gross, "buy_and_hold": traded.hold.equity}
    )


def write_tables(tables: Sequence[pa.Table], path: Path) -> None:
    """Write the tables of all parts as one Parquet file; where there are none, nothing is written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not tables:
        return
    whole = pa.concat_tables([table.unify_dictionaries() for table in tables]).unify_dictionaries()
    with pa.output_stream(str(path), compression=None, buffer_size=BUFFER) as stream:
        pq.write_table(
            whole.combine_chunks(),
            stream,
            compression="lz4",
            use_dictionary=["part", "symbol", "regime"],
            write_statistics=False,
        )


def read_tables(path: Path) -> list[pa.Table]:
    """Read what `write_tables` wrote: one table, or none where nothing was written."""
    import pyarrow.parquet as pq

    return [pq.read_table(path)] if path.is_file() else []


def curves_text(curves: Mapping[str, Sequence[float]]) -> str:
    """Learning curves as CSV text: name, step (from 1), value."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("name", "step", "value"))
    for name, values in curves.items():
        writer.writerows((name, step, repr(float(value))) for step, value in enumerate(values, 1))
    return stream.getvalue()


def span(windows: Windows) -> dict[str, Any]:
    """Number of windows of a part and its first and last origin (UTC)."""
    if not len(windows):
        return {"windows": 0, "start": None, "end": None}
    origin = windows.context.origin
    return {"windows": len(windows), "start": f"{origin.min()}Z", "end": f"{origin.max()}Z"}


def details(
    windows: Windows,
    folds: Sequence[Fold],
    transforms: Sequence[Mapping[str, Any]],
    steps: Sequence[Any],
    looks: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The part of a manifest that tells of target, folds, time spent and looks at the test part.

    Each fold has the spans of its parts, how many windows were purged and embargoed, and what its transforms report.
    """
    target = windows.context.task.target
    told = [
        {
            **{name: span(windows[fold.part(name)]) for name in ("train", "validation", "test")},
            "purged": fold.purged,
            "embargoed": fold.embargoed,
            "transform": dict(transform),
        }
        for fold, transform in zip(folds, transforms, strict=True)
    ]
    return {
        "target": {"name": target.name, "unit": target.unit, "classes": list(target.classes)},
        "folds": told,
        "steps": list(steps),
        "looks": looks,
    }


def manifest(
    config: Config,
    identity: Identity,
    panel: Panel,
    frame: FeatureFrame,
    details: Mapping[str, Any],
) -> dict[str, Any]:
    """How a run was made, JSON-ready; `details` holds what the pipeline adds (target, folds, steps, looks)."""
    return {
        "id": identity.id,
        "name": config.name("model"),
        "data": config.name("data"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "experiment": config.experiment,
        "sweep": config.sweep,
        "config_hash": identity.config,
        "bars": identity.bars,
        "code": identity.code,
        "git": git_state(),
        "versions": dict(identity.versions),
        "platform": machine(),
        "seed": config.seed,
        "threads": config.threads,
        "symbols": list(panel.symbols),
        "interval": str(panel.interval.astype("timedelta64[m]")),
        "features": {
            "columns": list(frame.columns),
            "left_out": frame.left_out,
            "missing": missing_features(frame, config.context_length).columns,
            "warmup": frame.warmup,
        },
        **details,
    }
