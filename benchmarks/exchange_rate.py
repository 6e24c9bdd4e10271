"""The exchange_rate benchmark: CRPS of each model over seeds, with seconds of training and of forecasting.

The protocol and the score are those of the published tables (`exchange_data`). Beside our models stand the random walk
and the last value, and the best figures that papers report.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from exchange_data import load, score, split
from measure import machine

from forecastle.config.compose import compose
from forecastle.pipeline import fit
from forecastle.runs.execution import limited_threads

PUBLISHED = {"CSDI (ProbTS)": 0.008, "PatchTST (ProbTS)": 0.010, "TimeGrad (ProbTS)": 0.011}
BASELINES = ("random_walk", "last_value")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=["diffusion", "flow_matching"], help="of conf/model")
    parser.add_argument("--seeds", type=int, default=3, help="of each model (default 3)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="further overrides")
    options = parser.parse_args()
    panel = load()
    print(f"{machine()}, {options.threads} threads, {options.seeds} seeds")
    print(f"{'model':18s} {'CRPS':>8s} {'deviation':>9s} {'coverage':>8s} {'train s':>8s} {'sample s':>8s}")
    for model in (*BASELINES, *options.models):
        rows = []
        for seed in range(1 if model in BASELINES else options.seeds):
            parts = (f"model={model}", "indicator=minimal", "horizon=30", "context_length=64", f"seed={seed}")
            further = [] if model in BASELINES else options.set
            config = compose([*parts, f"threads={options.threads}", *further])
            sample = split(config, panel)
            begun = time.perf_counter()
            fitted = fit(config, sample)
            trained = time.perf_counter()
            with limited_threads(options.threads):
                shown = fitted.transforms.apply(sample.windows.context)[sample.fold.test]
                found = score(fitted.forecaster.predict(shown), sample.part("test"))
            rows.append((found.crps, found.coverage, trained - begun, time.perf_counter() - trained))
        crps, coverage, training, sampling = np.mean(rows, axis=0)
        deviation = np.std([row[0] for row in rows])
        print(f"{model:18s} {crps:8.5f} {deviation:9.5f} {coverage:8.3f} {training:8.1f} {sampling:8.2f}", flush=True)
    for name, crps in PUBLISHED.items():
        print(f"{name:18s} {crps:8.3f}")


if __name__ == "__main__":
    main()
