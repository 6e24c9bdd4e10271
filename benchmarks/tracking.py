"""What a tracker costs a run of a sweep, and what sending the same runs later costs, in one push.

The same sweep of ridge variants is run with each tracker, offline and into an SQLite file: nothing leaves the machine.
What the first run of a process pays for importing the tracker's package is paid before, and left out.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measure import machine, spread

from forecastle.__main__ import main as forecastle

TRACKERS = {"files": [], "wandb": ["tracker.mode=offline"], "mlflow": []}
"""What follows ``tracker=…`` where it sends runs."""


def timed(*words: str) -> float:
    """Seconds of a command in this process, which has to go well."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        start = time.perf_counter()
        code = forecastle(list(words))
        taken = time.perf_counter() - start
    if code:
        raise SystemExit(f"{' '.join(words)} failed:\n{out.getvalue()}{err.getvalue()}")
    return taken


def in_a_folder(act: Callable[[], float]) -> float:
    """What an action gives in a new folder, in which W&B keeps what is its own too."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ |= {f"WANDB_{name}_DIR": folder for name in ("CONFIG", "CACHE", "DATA")}
        try:
            return act()
        finally:
            os.chdir(before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=3, help="repetitions (default 3)")
    parser.add_argument("--runs", type=int, default=20, help="runs in the sweep (default 20)")
    arguments = parser.parse_args()
    count = arguments.runs
    values = f"model.estimator.alpha={','.join(map(str, range(1, count + 1)))}"
    sweep = ("run", "-m", values, "indicator=minimal")

    def tracked(name: str) -> float:
        return timed(*sweep, f"tracker={name}", *TRACKERS[name])

    def pushed(name: str) -> float:
        timed(*sweep)
        return timed("track", "push", "last", "--no-table", f"tracker={name}", *TRACKERS[name])

    print(machine())
    print(f"a sweep of {count} runs; milliseconds a run, median [range]")
    for name in TRACKERS:
        in_a_folder(lambda name=name: tracked(name))  # imports
    found: dict[str, list[float]] = {}
    for _ in range(arguments.n):  # side by side, so that what else the machine does meets all
        for name in TRACKERS:
            found.setdefault(f"tracker={name}", []).append(in_a_folder(lambda name=name: tracked(name)))
        for name in list(TRACKERS)[1:]:
            found.setdefault(f"push to {name} later", []).append(in_a_folder(lambda name=name: pushed(name)))
    for what, seconds in found.items():
        print(f"{what:22} {spread([1000 * each / count for each in seconds])}")


if __name__ == "__main__":
    main()
