#!/usr/bin/env python3
"""Compute the features of several symbols on a local Ray, through its joblib backend, and compare them with one worker.

The bits must be the same; the exit code is 1 where they are not. It wants the extra ``ray``, which lives in one
environment with all the others: ``uv pip install -c requirements/constraints.txt -e '.[ray]'``. On a cluster that runs
already, ``ray.init(address="auto")`` takes the place of the local one, and nothing else changes.

    .venv/bin/python scripts/on_ray.py
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when Ray is imported: it shall report to nobody

import joblib
import ray
from ray.util.joblib import register_ray

from forecastle.config.compose import compose
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.data.synthetic import SyntheticSource
from forecastle.features.engine import compute
from forecastle.features.timeframes import build_indicators


def main() -> int:
    """Print seconds of both, and whether the bits are equal."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--bars", type=int, default=20_000, help="of each symbol (default 20000)")
    parser.add_argument("--symbols", type=int, default=4, help="number of symbols (default 4)")
    parser.add_argument("--workers", type=int, default=2, help="of Ray (default 2)")
    options = parser.parse_args()
    names = [f"SYN{number}" for number in range(options.symbols)]
    panel, _ = load(SyntheticSource(names, count=options.bars), QualityPolicy())
    indicators = build_indicators(compose(["indicator=full"]).indicator, panel.interval)
    begin = time.perf_counter()
    alone = compute(panel, indicators).values.tobytes()
    print(f"one worker  {time.perf_counter() - begin:6.2f} s")
    with tempfile.TemporaryDirectory(prefix="ray") as folder:
        ray.init(num_cpus=options.workers, include_dashboard=False, log_to_driver=False, _temp_dir=folder)
        try:
            register_ray()
            for turn in ("at first", "again"):
                begin = time.perf_counter()
                with joblib.parallel_config(backend="ray"):
                    found = compute(panel, indicators, workers=options.workers, pool="process")
                print(f"Ray {turn:8}{time.perf_counter() - begin:6.2f} s, {options.workers} workers")
        finally:
            ray.shutdown()
    equal = found.values.tobytes() == alone
    print(
        f"{found.values.shape[0]:,} rows, {found.values.shape[1]} columns: the bits are {'' if equal else 'NOT '}equal"
    )
    return not equal


if __name__ == "__main__":
    sys.exit(main())
