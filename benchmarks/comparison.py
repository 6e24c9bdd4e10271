"""What a comparison of runs costs: bootstrap and tests of 50 runs, and the ranking and page of 1,000 by their scores.

The runs are copies of one small run with scores and losses of their own, so that what is timed is reading and
comparing, as `forecastle compare` does it.

    python benchmarks/comparison.py [-n REPETITIONS]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measure import machine, spread

from forecastle import paths, run
from forecastle.comparison.overview import write_overview
from forecastle.comparison.standings import contests
from forecastle.runs.store import Run, RunStore

FEW, MANY = 50, 1000


def main(repetitions: int) -> None:
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(Path(folder))
        first = run(["data=synthetic", "data.count=6000", "indicator=minimal", f"output={folder}", "log_level=ERROR"])
        for number in range(1, FEW):
            copied(first, store, number, losses=True)
        origins = json.loads((first.folder / paths.METRICS).read_text())["validation"]["origins"]
        few = [timed(store, sure=True) for _ in range(repetitions)]
        print(f"{FEW} runs of {origins} origins, tests, intervals, confidence set and SPA: {spread(few)} s (wanted 10)")
        for number in range(FEW, MANY):
            copied(first, store, number, losses=False)
        many = [timed(store, sure=False) for _ in range(repetitions)]
        print(f"{MANY} runs without: {spread(many)} s (wanted 5)")
        pages = [timed(store, sure=False, page=True) for _ in range(repetitions)]
        size = (store.folder / paths.COMPARISON).stat().st_size / 1e3
        print(f"the same with the page, {size:.0f} kB: {spread(pages)} s (wanted 5)")


def timed(store: RunStore, *, sure: bool, page: bool = False) -> float:
    """Seconds of a comparison of all runs, and of its page."""
    start = time.perf_counter()
    groups = contests(store, [], sure=sure)
    if page:
        write_overview(groups, store, [])
    return time.perf_counter() - start


def copied(first: Run, store: RunStore, number: int, *, losses: bool) -> None:
    """A run beside the first, with other settings and losses."""
    random = np.random.default_rng(number)
    place = store.folder / f"{number:016x}"
    place.mkdir()
    manifest = json.loads((first.folder / paths.MANIFEST).read_text())
    (place / paths.MANIFEST).write_text(json.dumps({**manifest, "id": place.name}))
    config = (first.folder / paths.CONFIG).read_text().replace("alpha: ", f"alpha: {number}")
    (place / paths.CONFIG).write_text(config)
    metrics = json.loads((first.folder / paths.METRICS).read_text())
    part = metrics["validation"]
    part["scores"]["model"][part["objective"]] *= 1 + 0.01 * random.standard_normal()
    (place / paths.METRICS).write_text(json.dumps(metrics))
    if losses:
        table = pq.read_table(first.folder / paths.FORECAST)
        loss = table["loss"].to_numpy() * (1 + 0.05 * random.standard_normal(len(table)))
        table = table.set_column(table.schema.get_field_index("loss"), "loss", pa.array(loss))
        pq.write_table(table, place / paths.FORECAST)
    else:
        os.link(first.folder / paths.FORECAST, place / paths.FORECAST)
    shutil.copy(first.folder / paths.QUALITY, place)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=5, help="repetitions")
    main(parser.parse_args().n)
