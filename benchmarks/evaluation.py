"""What evaluation costs beside the fits. ``python benchmarks/evaluation.py [folds]`` runs the sections that are named.

``folds``: a walk forward of 20 folds over the daily S&P 500 (core indicators), from windows to the written run folder:
forecasts and scores of both parts, baselines, files and what is kept in case of a kill. Fits are transforms and model.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from measure import machine, spread

from forecastle.config.compose import compose
from forecastle.experiment import Experiment
from forecastle.models.estimator import SklearnForecaster
from forecastle.windows.fold import TEST, VALIDATION
from forecastle.windows.transform import Chain

REPETITIONS = 5
FOLDS = 20
WALK = ("split=walk_forward", "split.refit=120", "split.validation=250", "log_level=ERROR")
MODELS = {
    "ridge": ("model=ridge",),
    "random_forest": ("model=random_forest", "model.estimator.n_estimators=30"),
    "gradient_boosting": ("model=gradient_boosting", "horizon=1"),
}


@contextmanager
def timed(kind: Any, method: str, seconds: list[tuple[float, float]]) -> Iterator[None]:
    """Add the seconds of every call of a method of a class, on the clock and of the processor."""
    real = getattr(kind, method)

    def call(*arguments: Any) -> Any:
        begun, processor = time.perf_counter(), time.process_time()
        found = real(*arguments)
        seconds.append((time.perf_counter() - begun, time.process_time() - processor))
        return found

    setattr(kind, method, call)
    try:
        yield
    finally:
        setattr(kind, method, real)


def folds() -> None:
    heads = ("a fit, s", "beside it, ms", "of the processor, ms", "of which saving the model, ms")
    print(f"{'20 folds':18s} {''.join(f'{head:35s}' for head in heads)}whole / fits, and of the processor")
    for name, words in MODELS.items():
        fits, beside, used, saved, ratios, shares = [], [], [], [], [], []
        sample = Experiment(compose([*WALK, *words])).sample
        assert len(sample.folds) in range(FOLDS, FOLDS + 2), len(sample.folds)
        for _ in range(REPETITIONS):
            experiment = Experiment(compose([*WALK, *words]))
            experiment.identity  # noqa: B018  bars, features and windows are not measured
            count = len(experiment.sample.folds)
            seconds: list[tuple[float, float]] = []
            saving: list[tuple[float, float]] = []
            with (
                tempfile.TemporaryDirectory() as folder,
                tempfile.TemporaryDirectory() as kept,
                timed(SklearnForecaster, "fit", seconds),
                timed(Chain, "fit", seconds),
                timed(SklearnForecaster, "save", saving),
            ):
                experiment.checkpoints = Path(kept)
                begun, processor = time.perf_counter(), time.process_time()
                experiment.write(Path(folder), (VALIDATION, TEST))
                whole, processor = time.perf_counter() - begun, time.process_time() - processor
            spent, worked = (sum(each) for each in zip(*seconds, strict=True))
            fits.append(spent / count)
            beside.append(1000 * (whole - spent) / count)
            used.append(1000 * (processor - worked) / count)
            saved.append(1000 * sum(worth for _, worth in saving) / count)
            ratios.append(whole / spent)
            shares.append(processor / worked)
        columns = "".join(f"{spread(each):35s}" for each in (fits, beside, used, saved))
        print(f"{name:18s} {columns}{median(ratios):.2f}, {median(shares):.2f}", flush=True)


SECTIONS: dict[str, Callable[[], None]] = {"folds": folds}


def main() -> None:
    print(machine())
    for name in sys.argv[1:] or SECTIONS:
        SECTIONS[name]()


if __name__ == "__main__":
    main()
