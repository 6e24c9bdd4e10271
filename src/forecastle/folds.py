"""The folds of a run: each is fitted and asked on its own, here or side by side in processes, and kept when it is done.

What is kept lies in a folder for each fold, counted from 0, until the run is complete: ``fit`` is the state of a fit
under way, ``fitted`` a finished one (``model/`` and ``curves.json``), ``validation.npz`` and ``test.npz`` what it
forecast. A file or folder is written under another name and renamed, so that whatever lies there is whole, and a run
that was killed goes on with the folds that it lacks. (It need not outlive a loss of power, so nothing waits for the
disk; what cannot be read is computed again.)

Folds never run in threads: seeds and the number of threads of the libraries belong to a process.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np

from forecastle import paths, pipeline, scoring
from forecastle.config.schema import Config
from forecastle.errors import ForecastleError
from forecastle.evaluation.metric import Outcome
from forecastle.features import pool
from forecastle.logs import collected, progress, replay
from forecastle.models.forecast import ClassForecast, QuantileForecast
from forecastle.pipeline import Fitted
from forecastle.runs.store import replace_folder
from forecastle.runs.watching import Watch
from forecastle.windows.fold import VALIDATION, Sample

logger = logging.getLogger(__name__)

T = TypeVar("T")

STATE, FITTED, CURVES = "fit", "fitted", "curves.json"


def fit_folds(
    config: Config, sample: Sample, place: Path | None = None, watch: Watch | None = None
) -> tuple[Fitted, ...]:
    """Fit transforms and model anew in each fold.

    Parameters
    ----------
    config
        With `workers` above 1 so many folds are fitted at once, each by a process; the numbers are the same.
    sample
        Windows and folds.
    place
        Folder in which finished folds are kept and found again; None: each is fitted.
    watch
        What one fold's fit tells of itself, and of several folds each, in their order, once it is finished
        (`forecastle.runs.watching`); None: nobody.

    Raises
    ------
    Pruned
        If `watch` stops them.
    """
    calls = [(config, sample, number, place) for number in range(len(sample.folds))]
    if watch is None:
        return tuple(_each(_fit, calls, "fit, folds"))
    if len(calls) == 1:
        return (_fit(*calls[0], watch),)
    fitted: list[Fitted] = []
    outcomes: list[Outcome] = []
    with closing(_each(_judged, calls, "fit, folds")) as judged:
        for each, outcome in judged:
            fitted.append(each)
            outcomes.append(outcome)
            if len(fitted) < len(calls):  # after the last one there is nothing left to save
                measure, value = scoring.judge(config, sample, outcomes)
                if math.isfinite(value):
                    watch(measure, len(fitted), value)
    return tuple(fitted)


def forecast_folds(
    config: Config, sample: Sample, fitted: Sequence[Fitted], part: str, place: Path | None = None
) -> list[Outcome]:
    """Ask the model of each fold for a part of its fold; the arguments are those of `fit_folds`."""
    calls = [(config, sample, number, each, part, place) for number, each in enumerate(fitted)]
    return list(_each(_forecast, calls, f"forecast {part}, folds"))


def save_folds(fitted: Sequence[Fitted], folder: Path, place: Path | None = None) -> None:
    """Write a new folder with one folder for each fold; what is kept already is copied."""
    for number, each in enumerate(fitted):
        kept = None if place is None else place / str(number) / FITTED / paths.MODEL
        if kept is not None and kept.is_dir():
            shutil.copytree(kept, folder / str(number))
        else:
            each.save(folder / str(number))


def load_folds(config: Config, folder: Path, count: int) -> tuple[Fitted, ...]:
    """Read what `save_folds` wrote of so many folds."""
    return tuple(pipeline.load_fitted(config, folder / str(number)) for number in range(count))


def curves(fitted: Sequence[Fitted]) -> dict[str, list[float]]:
    """Learning curves by name; with several folds ``fold_0/train/loss``."""
    if len(fitted) == 1:
        return fitted[0].forecaster.curves
    return {
        f"fold_{number}/{name}": values
        for number, each in enumerate(fitted)
        for name, values in each.forecaster.curves.items()
    }


def _fit(config: Config, sample: Sample, number: int, place: Path | None, watch: Watch | None = None) -> Fitted:
    folder = None if place is None else place / str(number)
    if folder is None or len(sample.folds) == 1:
        return pipeline.fit(config, sample, number, None if folder is None else folder / STATE, watch)
    found = _found(config, folder)
    if found is None:
        found = pipeline.fit(config, sample, number, folder / STATE)
        _keep(found, folder)
    return found


def _judged(config: Config, sample: Sample, number: int, place: Path | None) -> tuple[Fitted, Outcome]:
    """A fold's fit and its forecasts of the validation part, which are kept and need not be made again."""
    fitted = _fit(config, sample, number, place)
    return fitted, _forecast(config, sample, number, fitted, VALIDATION, place)


def _found(config: Config, folder: Path) -> Fitted | None:
    """A fold that was finished before; None where there is none, or none that can be read."""
    kept = folder / FITTED
    if not kept.is_dir():
        return None
    try:
        fitted = pipeline.load_fitted(config, kept / paths.MODEL)
        fitted.forecaster.curves = json.loads((kept / CURVES).read_text())
    except (ForecastleError, OSError, ValueError) as error:
        logger.warning("fold %s is fitted again: %s", folder.name, error)
        return None
    logger.info("fold %s was fitted before: it is gone on with", folder.name)
    return fitted


def _keep(fitted: Fitted, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".tmp-{os.getpid()}-", dir=folder))
    fitted.save(temporary / paths.MODEL)
    (temporary / CURVES).write_text(json.dumps(fitted.forecaster.curves))
    replace_folder(temporary, folder / FITTED)
    shutil.rmtree(folder / STATE, ignore_errors=True)


def _forecast(config: Config, sample: Sample, number: int, fitted: Fitted, part: str, place: Path | None) -> Outcome:
    if place is None or len(sample.folds) == 1:
        return pipeline.forecast(config, sample, number, fitted, part)
    path = place / str(number) / f"{part}.npz"
    forecast = _read(path)
    if forecast is not None:
        return scoring.beside(forecast, sample, number, part)
    outcome = pipeline.forecast(config, sample, number, fitted, part)
    _write(outcome.forecast, path)
    return outcome


def _write(forecast: QuantileForecast | ClassForecast, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    levels = forecast.levels if isinstance(forecast, QuantileForecast) else ()
    np.savez(temporary, values=forecast.values, levels=np.array(levels, dtype=np.float64))
    temporary.replace(path)


def _read(path: Path) -> QuantileForecast | ClassForecast | None:
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            values, levels = stored["values"], tuple(stored["levels"].tolist())
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        logger.warning("%s is made again: %s", path, error)
        return None
    return QuantileForecast(levels, values) if levels else ClassForecast(values)


def _each(task: Callable[..., T], calls: Sequence[tuple[Any, ...]], what: str) -> Generator[T, None, None]:
    """Call a function for each fold, in this process or in several, and give the results in order."""
    workers = min(calls[0][0].workers, len(calls))
    if workers == 1:
        for arguments in progress(calls, len(calls), what) if len(calls) > 1 else calls:
            yield task(*arguments)
        return
    done = pool.run(_apart, [(task, *arguments) for arguments in calls], workers, "process")
    for result, records in progress(done, len(calls), what):
        replay(records)
        yield result


def _apart(task: Callable[..., T], *arguments: Any) -> tuple[T, list[logging.LogRecord]]:
    """In a process of its own: the result, and what was logged on the way."""
    with collected() as records:
        return task(*arguments), records
