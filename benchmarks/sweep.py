"""What a run of a sweep costs beside its fit: 50 ridge variants in one multirun against a loop of bare fits.

Everything that a run leaves behind counts: baselines, scores, manifest, model and forecasts safely on disk. Composing
is measured apart: as the sweep does it, and as Hydra alone does it once for each job. Wanted: at most 60 ms a run
beside composing, and at most 110 ms of composing with `indicator=core`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import machine, spread

from forecastle.config.compose import ROOT, compose, conf_folder
from forecastle.config.values import ValueLoader
from forecastle.experiment import Experiment
from forecastle.launch import run
from forecastle.runs.execution import limited_threads


def composing(overrides: list[list[str]]) -> tuple[float, float]:
    """Seconds of composing these jobs as the sweep does (to check, then to run), and as Hydra does it once."""
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode

    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        master = loader.load_configuration(ROOT, [], run_mode=RunMode.MULTIRUN)
        start = time.perf_counter()
        ours = ValueLoader(loader)
        for words in overrides * 2:
            ours.load_sweep_config(master, words)
        between = time.perf_counter()
        for words in overrides:
            loader.load_sweep_config(master, words)
        return between - start, time.perf_counter() - between


def bare_fits(alphas: list[str], indicator: str) -> float:
    """Seconds of scikit-learn's fits and predictions alone, on ready features, without calibration."""
    from sklearn.linear_model import Ridge

    sample = Experiment(compose([f"indicator={indicator}"])).sample
    train, asked = sample.part("train", 0), sample.part("validation", 0)
    x = np.ascontiguousarray(train.context.features[:, -1])
    x_asked = np.ascontiguousarray(asked.context.features[:, -1])
    x, x_asked = (x - x.mean(0)) / x.std(0), (x_asked - x.mean(0)) / x.std(0)
    with limited_threads(1):  # as the runs of the sweep have it
        start = time.perf_counter()
        for alpha in alphas:
            Ridge(float(alpha)).fit(x, train.target).predict(x_asked)
        return time.perf_counter() - start


def sweep(alphas: list[str], indicator: str) -> float:
    """Seconds of the whole multirun in this process, from the command's words to its table."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["-m", f"model.estimator.alpha={','.join(alphas)}", f"indicator={indicator}", f"output={folder}"]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            start = time.perf_counter()
            code = run(words)
            taken = time.perf_counter() - start
        kept = len(list(Path(folder).glob("*/manifest.json")))
    if code or kept != len(alphas):
        raise SystemExit(f"the sweep failed: {kept} of {len(alphas)} runs were kept")
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=5, help="repetitions (default 5)")
    parser.add_argument("--runs", type=int, default=50, help="runs in the sweep (default 50)")
    arguments = parser.parse_args()
    alphas = [f"{alpha:.6g}" for alpha in np.geomspace(1, 1e4, arguments.runs)]
    print(machine())
    for indicator in ("minimal", "core"):
        jobs = [[f"model.estimator.alpha={alpha}", f"indicator={indicator}"] for alpha in alphas]
        sweep(alphas[:2], indicator)
        timed = [(sweep(alphas, indicator), *composing(jobs), bare_fits(alphas, indicator)) for _ in range(arguments.n)]
        each = np.array(timed) * 1000 / len(alphas)
        print(f"indicator={indicator}, {len(alphas)} runs, ms a run")
        print(f"  whole sweep           {spread(list(each[:, 0]))}")
        print(f"  composing             {spread(list(each[:, 1]))}")
        print(f"  composing by Hydra    {spread(list(each[:, 2]))}")
        print(f"  bare fits             {spread(list(each[:, 3]))}")
        print(f"  overhead (60 wanted)  {spread(list(each[:, 0] - each[:, 1] - each[:, 3]))}")


if __name__ == "__main__":
    main()
