"""The exchange_rate benchmark: CRPS of each model over seeds, with seconds of training and of forecasting.

The protocol and the score are those of the published tables (`exchange_data`). Beside our models stand the random walk,
the last value, ETS by statsmodels, and the best figures that papers report. Seconds are of the wall clock; processor
seconds, of all threads together, do not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
from exchange_data import LEVELS, Score, load, score, split
from measure import machine

from forecastle.arrays import FloatArray
from forecastle.config.compose import compose
from forecastle.data.bars import Panel
from forecastle.models.forecast import QuantileForecast
from forecastle.pipeline import fit
from forecastle.runs.execution import limited_threads
from forecastle.windows.context import Windows

PUBLISHED = {"CSDI (ProbTS)": 0.008, "PatchTST (ProbTS)": 0.010, "TimeGrad (ProbTS)": 0.011}
BASELINES = ("random_walk", "last_value")
NETWORKS = (
    *("diffusion", "flow_matching", "csdi", "sssd", "latent_diffusion"),
    *("deepar", "lstm", "patch_tst", "dlinear", "nlinear"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=["diffusion", "flow_matching"], help="of conf/model, or all")
    parser.add_argument("--seeds", type=int, default=3, help="of each model (default 3)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="further overrides")
    options = parser.parse_args()
    panel = load()
    print(f"{machine()}, {options.threads} threads")
    print(f"{'model':18s} {'n':>2s} {'CRPS':>8s} {'deviation':>9s} {'coverage':>8s}", end="")
    print(f" {'train s':>8s} {'cpu s':>7s} {'sample s':>8s}")
    common = ("indicator=minimal", "horizon=30", "context_length=64", f"threads={options.threads}")
    for model in BASELINES:
        show(model, [measured(panel, [f"model={model}", *common])])
    show("ETS (statsmodels)", [smoothed(panel, [*common])])
    for model in NETWORKS if options.models == ["all"] else options.models:
        parts = [f"model={model}", *common, *options.set]
        show(model, [measured(panel, [*parts, f"seed={seed}"]) for seed in range(options.seeds)])
    for name, crps in PUBLISHED.items():
        print(f"{name:18s} {'':2s} {crps:8.3f}")


def measured(panel: Panel, overrides: Sequence[str]) -> tuple[float, ...]:
    """CRPS, coverage, seconds and processor seconds of training, seconds of forecasting."""
    config = compose([*overrides])
    sample = split(config, panel)
    begun, used = time.perf_counter(), time.process_time()
    fitted = fit(config, sample, 0)
    trained, used = time.perf_counter(), time.process_time() - used
    with limited_threads(config.threads):
        shown = fitted.transforms.apply(sample.windows.context)[sample.folds[0].test]
        found = score(fitted.forecaster.predict(shown), sample.part("test", 0))
    return _row(found, trained - begun, used, time.perf_counter() - trained)


def smoothed(panel: Panel, overrides: Sequence[str]) -> tuple[float, ...]:
    """The same of ETS with additive error and damped trend, fitted anew on all that is known at each origin."""
    sample = split(compose([*overrides]), panel)
    asked = sample.part("test", 0)
    begun, used = time.perf_counter(), time.process_time()
    forecast = QuantileForecast(LEVELS, smooth(asked))
    seconds, used = time.perf_counter() - begun, time.process_time() - used
    return _row(score(forecast, asked), seconds, used, 0.0)


def smooth(asked: Windows) -> FloatArray:
    """Quantiles of the log return, shape (N, H, Q), by ETS(A, Ad, N) of the log close: normal, its variance exact."""
    from scipy.special import ndtri
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    context, horizon = asked.context, asked.target.shape[1]
    values = np.empty((*asked.target.shape, len(LEVELS)))
    for window, (row, symbol) in enumerate(zip(context.row, context.symbol, strict=True)):
        first = int(np.searchsorted(context.timeline.symbol, symbol))
        known = context.timeline.log_close[first : row + 1]
        found = ETSModel(pd.Series(known - known[-1]), error="add", trend="add", damped_trend=True).fit(disp=False)
        ahead = found.get_prediction(len(known), len(known) + horizon - 1)
        mean, wide = np.asarray(ahead.predicted_mean), np.sqrt(np.asarray(ahead.forecast_variance))
        values[window] = mean[:, None] + wide[:, None] * ndtri(np.array(LEVELS))
    return values


def show(name: str, rows: Sequence[tuple[float, ...]]) -> None:
    """Print one line of means over seeds, with the standard deviation of the CRPS."""
    crps, coverage, training, used, sampling = np.mean(rows, axis=0)
    deviation = np.std([row[0] for row in rows])
    print(f"{name:18s} {len(rows):2d} {crps:8.5f} {deviation:9.5f} {coverage:8.3f}", end="")
    print(f" {training:8.1f} {used:7.1f} {sampling:8.2f}", flush=True)


def _row(found: Score, training: float, used: float, sampling: float) -> tuple[float, ...]:
    return found.crps, found.coverage, training, used, sampling


if __name__ == "__main__":
    main()
