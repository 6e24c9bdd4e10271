"""What sweeps cost: a run beside its fit, composing, two workers, a finished sweep again, the memory of the parent.

Everything that a run leaves behind counts: baselines, scores, manifest, model and forecasts safely on disk. Composing
is measured apart: as the sweep does it, and as Hydra alone does it once for each job. Wanted: at most 30 ms a run
beside composing and its bare fit, and at most 40 ms of composing, both in a sweep of 200 ridges; two workers at least
1.7 times as fast as one where a fit takes half a second; at most 5 s to repeat a finished sweep of 1,000 runs; a
parent that is not larger after 1,000 runs than after 200.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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


SLOW = """\
import time
from forecastle.models.baseline import RandomWalk

class Slow(RandomWalk):
    def fit(self, train, validation=None):
        end = time.thread_time() + 0.5
        while time.thread_time() < end:
            pass
        return super().fit(train, validation)
"""
"""A model whose fit takes half a second of a core."""


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """An empty folder in which commands are run, with a slow model."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "slow.py").write_text(SLOW)
        (folder / "conf" / "model").mkdir(parents=True)
        (folder / "conf" / "model" / "slow.yaml").write_text("_target_: slow.Slow\n")
        yield folder


def command(folder: Path, words: list[str]) -> subprocess.Popen[bytes]:
    """A process of its own, as people start it."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("FORECASTLE_")}
    start = [sys.executable, "-m", "forecastle", "run", "-m", *words]
    return subprocess.Popen(start, cwd=folder, env=plain, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def throughput(runs: int, workers: int) -> tuple[float, float]:
    """Runs a second of a sweep of slow fits: from start to end, and between the ends of its first and last quarter."""
    words = ["data=synthetic", "data.count=1500", "indicator=minimal", "allowed_targets=[slow.]", "model=slow"]
    words += [f"season=range(2,{runs + 2})", "hydra/launcher=joblib", f"hydra.launcher.n_jobs={workers}"]
    with workplace() as folder:
        start = time.perf_counter()
        if command(folder, words).wait():
            raise SystemExit("the sweep of slow fits failed")
        whole = runs / (time.perf_counter() - start)
        ends = sorted(path.stat().st_mtime for path in folder.glob("runs/sweeps/*/[0-9]*.json"))
    first, last = runs // 4, 3 * runs // 4
    return whole, (last - first) / (ends[last] - ends[first])


def finished(runs: int, repetitions: int) -> tuple[list[float], list[float]]:
    """Megabytes of the parent of a sweep after each fifth of its runs, and seconds of repeating it when finished."""
    alphas = ",".join(f"{alpha:.6g}" for alpha in np.geomspace(1, 1e4, runs))
    words = ["data=synthetic", "data.count=1500", "indicator=minimal", f"model.estimator.alpha={alphas}"]
    with workplace() as folder:
        running, sizes = command(folder, words), list[float]()
        while running.poll() is None:
            done = len(list(folder.glob("runs/sweeps/*/[0-9]*.json")))
            if done >= runs * (len(sizes) + 1) // 5 - 1:
                status = Path(f"/proc/{running.pid}/statm").read_text().split()
                sizes.append(int(status[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20)
            time.sleep(0.05)
        if running.returncode:
            raise SystemExit("the sweep failed")
        seconds = []
        for _ in range(repetitions):
            start = time.perf_counter()
            if command(folder, words).wait():
                raise SystemExit("the repeated sweep failed")
            seconds.append(time.perf_counter() - start)
    return sizes, seconds


def overhead(alphas: list[str], repetitions: int) -> None:
    """Print what a run costs beside its fit."""
    for indicator in ("minimal", "core"):
        jobs = [[f"model.estimator.alpha={alpha}", f"indicator={indicator}"] for alpha in alphas]
        sweep(alphas[:2], indicator)
        timed = [(sweep(alphas, indicator), *composing(jobs), bare_fits(alphas, indicator)) for _ in range(repetitions)]
        each = np.array(timed) * 1000 / len(alphas)
        print(f"indicator={indicator}, {len(alphas)} runs, ms a run")
        print(f"  whole sweep           {spread(list(each[:, 0]))}")
        print(f"  composing (40 wanted) {spread(list(each[:, 1]))}")
        print(f"  composing by Hydra    {spread(list(each[:, 2]))}")
        print(f"  bare fits             {spread(list(each[:, 3]))}")
        print(f"  overhead (30 wanted)  {spread(list(each[:, 0] - each[:, 1] - each[:, 3]))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=5, help="repetitions (default 5)")
    parser.add_argument("--runs", type=int, default=200, help="runs in the sweep of ridges (default 200)")
    parser.add_argument("--slow", type=int, default=48, help="runs of half a second (default 48; 0: leave out)")
    parser.add_argument(
        "--finished", type=int, default=1000, help="runs of a finished sweep (default 1000; 0: leave out)"
    )
    arguments = parser.parse_args()
    print(machine())
    overhead([f"{alpha:.6g}" for alpha in np.geomspace(1, 1e4, arguments.runs)], arguments.n)
    if arguments.slow:
        rates = np.array([[*throughput(arguments.slow, 1), *throughput(arguments.slow, 2)] for _ in range(arguments.n)])
        print(f"{arguments.slow} fits of .5 s, runs a second")
        print(f"  one worker, two       {spread(list(rates[:, 0]))}   {spread(list(rates[:, 2]))}")
        print(f"  two to one, whole     {spread(list(rates[:, 2] / rates[:, 0]))}")
        print(f"  under way (1.7 wanted){spread(list(rates[:, 3] / rates[:, 1]))}")
    if arguments.finished:
        sizes, seconds = finished(arguments.finished, arguments.n)
        print(f"{arguments.finished} runs")
        print(f"  parent, MB, by fifths {', '.join(f'{size:.0f}' for size in sizes)}")
        print(f"  repeated, s (5 wanted){spread(seconds)}")


if __name__ == "__main__":
    main()
