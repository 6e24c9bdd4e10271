"""What a run of a sweep costs beside its fit: 50 ridge variants in one multirun against a loop of bare fits.

Everything that a run leaves behind counts: baselines, scores, manifest, model and forecasts safely on disk. Hydra's own
composing (which the basic sweeper does twice for each job) is measured apart and printed. Wanted: at most 60 ms a run,
and at most 110 ms of composing with `indicator=core`.
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
from forecastle.experiment import Experiment
from forecastle.launch import run


def composing(overrides: list[list[str]]) -> float:
    """Seconds that Hydra takes to compose these jobs, as its basic sweeper does: once to check, once to run."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir

    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        start = time.perf_counter()
        for words in overrides * 2:
            hydra_compose(ROOT, words, return_hydra_config=True)
        return time.perf_counter() - start


def bare_fits(alphas: list[str], indicator: str) -> float:
    """Seconds of scikit-learn's fits and predictions alone, on ready features, without calibration."""
    from sklearn.linear_model import Ridge

    sample = Experiment(compose([f"indicator={indicator}"])).sample
    train, asked = sample.part("train"), sample.part("validation")
    x = np.ascontiguousarray(train.context.features[:, -1])
    x_asked = np.ascontiguousarray(asked.context.features[:, -1])
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
        timed = [(sweep(alphas, indicator), composing(jobs), bare_fits(alphas, indicator)) for _ in range(arguments.n)]
        each = np.array(timed) * 1000 / len(alphas)
        print(f"indicator={indicator}, {len(alphas)} runs, ms a run")
        print(f"  whole sweep           {spread(list(each[:, 0]))}")
        print(f"  Hydra's composing     {spread(list(each[:, 1]))}")
        print(f"  bare fits             {spread(list(each[:, 2]))}")
        print(f"  overhead (60 wanted)  {spread(list(each[:, 0] - each[:, 1] - each[:, 2]))}")


if __name__ == "__main__":
    main()
