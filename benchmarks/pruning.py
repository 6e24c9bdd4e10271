"""What pruning saves, and what it costs: searches of one space with and without it, side by side.

Each seed of the sampler is searched without a pruner, with the median rule and with Hyperband, in turns, from the
command's words to the table. Printed are the time, and over that of the same seed without a pruner; how much higher the
best loss on the validation part is than there (negative: better); and the share of trials that was stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import tempfile
import time
from pathlib import Path

from measure import machine, spread

from forecastle.launch import run
from forecastle.runs.store import read_json
from forecastle.runs.sweep import sweeps

PRUNERS = ("none", "median", "hyperband")


def search(words: list[str]) -> tuple[float, float, int]:
    """Seconds of a search, its best score on the validation part, and how many trials it stopped."""
    with tempfile.TemporaryDirectory() as folder:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            start = time.perf_counter()
            code = run(["-m", "hydra/sweeper=optuna", f"output={folder}", *words])
            taken = time.perf_counter() - start
        best = re.search(r"^best: trial \d+, run (\w{16}), ", out.getvalue(), re.MULTILINE)
        if code or best is None:
            raise SystemExit(f"the search failed:\n{out.getvalue()}")
        part = read_json(Path(folder) / best[1] / "metrics.json")["validation"]
        (record,) = sweeps(Path(folder))
        return taken, part["scores"]["model"][part["objective"]], record.state().pruned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=3, help="seeds of the sampler (default 3)")
    parser.add_argument("--trials", type=int, default=20, help="trials of a search (default 20)")
    parser.add_argument("--experiment", default="search_lightgbm", help="what is searched (default search_lightgbm)")
    parser.add_argument("overrides", nargs="*", default=["horizon=1"], help="further overrides (default horizon=1)")
    given = parser.parse_args()
    words = [f"experiment={given.experiment}", *given.overrides]
    fixed = [*words, f"hydra.sweeper.n_trials={given.trials}"]
    run_all: dict[str, list[tuple[float, float, int]]] = {name: [] for name in PRUNERS}
    search([*words, "hydra.sweeper.n_trials=1"])  # libraries are imported and features computed before
    for seed in range(given.n):
        for name in PRUNERS[seed % 3 :] + PRUNERS[: seed % 3]:
            run_all[name].append(search([*fixed, f"hydra.sweeper.seed={seed}", f"hydra.sweeper.pruner={name}"]))
    print(machine())
    print(f"{' '.join(fixed)}: {given.n} seeds; median [smallest, largest]")
    whole = run_all["none"]
    print(f"{'none':10} {spread([taken for taken, *_ in whole])} s")
    for name in PRUNERS[1:]:
        found = run_all[name]
        ratio = [taken / before for (taken, *_), (before, *_) in zip(found, whole, strict=True)]
        worse = [100 * (best / before - 1) for (_, best, _), (_, before, _) in zip(found, whole, strict=True)]
        stopped = [count / given.trials for *_, count in found]
        print(f"{name:10} {spread([taken for taken, *_ in found])} s")
        print(f"{'':10} {spread(ratio)} times the time")
        print(f"{'':10} {spread(worse)} % higher, the best loss")
        print(f"{'':10} {spread(stopped)} of the trials stopped")


if __name__ == "__main__":
    main()
