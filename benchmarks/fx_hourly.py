"""The fx_hourly benchmark: CRPS and coverage of networks on ten hourly currency pairs, against the random walk.

Train to 2018, validate on 2019, test from 2020; 24 hours ahead, all pairs pooled in one network. The bars are not part
of the project: they are read from ``FORECASTLE_SHARED``, or ``../shared`` beside the checkout.

The skill is 1 - CRPS / CRPS of the random walk; its interval holds 95 %, from resampled blocks of at least 48 origins
with all pairs of an origin together (`forecastle.evaluation.bootstrap`). Origins stand `--stride` hours apart, a number
without a factor in common with 24, so that every hour of the day is met.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from measure import machine

from forecastle.arrays import IntArray
from forecastle.config.compose import compose
from forecastle.config.schema import Config
from forecastle.evaluation.score import Scored
from forecastle.pipeline import compute_features, fit, load_bars, make_sample
from forecastle.scoring import score, score_baselines
from forecastle.windows.fold import Sample

QUESTION = (
    "data=parquet",
    "data.columns.time=ts",
    "data.timezone=EET",
    "indicator=[minimal,calendar]",
    "split.validation_start=2019-01-01",
    "split.test_start=2020-01-01",
    "horizon=24",
    "context_length=48",
)
PARTS = ("validation", "test")
HOUR = 3_600_000_000
"""Microseconds."""


def source() -> str:
    """The override that names the file."""
    shared = Path(os.environ.get("FORECASTLE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    path = shared / "data" / "fx" / "ejtrader_h1.parquet"
    if not path.is_file():
        sys.exit("the hourly candles are absent: set FORECASTLE_SHARED to the folder that holds data/fx")
    return f"data.path={path}"


def thinned(sample: Sample, stride: int) -> Sample:
    """The same parts with the origins of each `stride`-th hour."""
    hour = sample.windows.context.origin.astype(np.int64) // HOUR

    def some(part: IntArray) -> IntArray:
        return part[hour[part] % stride == 0]

    fold = sample.fold
    parts = {"train": some(fold.train), "validation": some(fold.validation), "test": some(fold.test)}
    return Sample(sample.windows, replace(fold, **parts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=["nlinear", "lstm", "flow_matching"], help="of conf/model")
    parser.add_argument("--seeds", type=int, default=1, help="of each model (default 1)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stride", type=int, default=13, help="hours between two origins (default 13)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="further overrides")
    options = parser.parse_args()
    base = compose([*QUESTION, source()])
    panel, _ = load_bars(base)
    sample = thinned(make_sample(base, panel, compute_features(base, panel)), options.stride)
    baselines = {part: score_baselines(base, sample, part) for part in PARTS}
    counts = ", ".join(f"{len(sample.part(name))} {name}" for name in ("train", *PARTS))
    print(f"{machine()}, {options.threads} threads; windows: {counts}")
    print(
        f"{'model':14s} {'seed':>4s} {'part':10s} {'CRPS':>9s} {'cover 80':>8s} {'skill':>7s} {'interval':>18s}", end=""
    )
    print(f" {'train s':>7s} {'cpu s':>6s} {'sample s':>8s}")
    for name in ("random_walk", "last_value"):
        for part in PARTS:
            scores = baselines[part][name].scores
            print(f"{name:14s} {'':4s} {part:10s} {scores['crps']:9.3e} {scores['coverage_80']:8.3f}", flush=True)
    for model in options.models:
        for seed in range(options.seeds):
            parts = (f"model={model}", f"seed={seed}", f"threads={options.threads}", *options.set)
            for line in measured(compose([*QUESTION, source(), *parts]), sample, baselines):
                print(f"{model:14s} {seed:4d} {line}", flush=True)


def measured(config: Config, sample: Sample, baselines: Mapping[str, Mapping[str, Scored]]) -> Iterator[str]:
    """Scores of one model on each part, with seconds of its training and of its forecasts."""
    begun, used = time.perf_counter(), time.process_time()
    fitted = fit(config, sample)
    training, used = time.perf_counter() - begun, time.process_time() - used
    for part in PARTS:
        begun = time.perf_counter()
        found = score(config, sample, fitted, part, baselines[part]).scores
        scores, skill = found["scores"]["model"], found["skill"]["random_walk"]
        told = f"{part:10s} {scores['crps']:9.3e} {scores['coverage_80']:8.3f} {skill['value']:7.4f}"
        between = f"[{skill['low']:7.4f}, {skill['high']:7.4f}]"
        yield f"{told} {between} {training:7.0f} {used:6.0f} {time.perf_counter() - begun:8.1f}"


if __name__ == "__main__":
    main()
