"""CRPS against seconds over samplers and steps: 100 samples of 40 series-windows of 30 steps of the exchange rates.

One training, then every sampler on the same network and the same noise by seed; `published` is the way of the papers'
own code, one sample at a time by ancestral sampling in 50 steps: once with all windows side by side, as in CSDI's
evaluation, once with each window alone. The latter is measured on some of the windows and multiplied.

Wanted: the default at most 1.5 s, its CRPS within 2 % of that of 100 steps, and 30 times faster than the published way.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from exchange_data import load, score, split
from measure import machine, spread

from forecastle.config.compose import compose
from forecastle.models.baseline import RandomWalk
from forecastle.models.forecast import SampleForecast
from forecastle.models.neural.diffusion.path import PathDiffusion
from forecastle.models.neural.diffusion.sampler import SAMPLERS, Sampler
from forecastle.models.neural.examples import Examples
from forecastle.models.neural.forecaster import LightningForecaster
from forecastle.models.neural.sampling import draw, noise
from forecastle.models.neural.scale import Scale
from forecastle.pipeline import fit
from forecastle.runs.execution import limited_threads
from forecastle.windows.context import Windows

SAMPLES, ALONE = 100, 25
"""Samples of each window; samples of one window that are measured and multiplied for the slowest way."""


@dataclass
class Bench:
    """A trained network, the windows that it forecasts, and how often each way is measured."""

    forecaster: LightningForecaster
    network: PathDiffusion
    examples: Examples
    asked: Windows
    repetitions: int

    def paths(self, seed: int) -> SampleForecast:
        """All samples of all windows, log return."""
        scale = Scale.from_json(self.forecaster._state["scale"])
        found = draw(self.network, self.examples, SAMPLES, seed, self.forecaster.memory, torch.device("cpu"))
        context = self.asked.context
        return SampleForecast(scale.paths(found, context.task.target, context.scale))

    def show(self, name: str, steps: int, mark: str = "") -> float:
        """Print one sampler's line and return its median seconds."""
        self.network.sampler = Sampler(self.network.schedule, name, steps)
        scores = [score(self.paths(seed), self.asked) for seed in range(3)]
        seconds = []
        for seed in range(self.repetitions):
            begun = time.perf_counter()
            self.paths(seed)
            seconds.append(time.perf_counter() - begun)
        crps, coverage = (float(np.mean([getattr(each, key) for each in scores])) for key in ("crps", "coverage"))
        print(f"{name:12s} {steps:5d}  {crps:8.5f} {coverage:8.3f}  {spread(seconds)}{mark}", flush=True)
        return median(seconds)

    def published(self) -> tuple[float, float]:
        """Seconds of one sample at a time: with all windows side by side, and with each window alone."""
        self.network.sampler = Sampler(self.network.schedule, "ancestral", 50)
        drawn = torch.from_numpy(noise(self.examples.context, SAMPLES, self.network.noise_shape, 0))
        batch = self.examples.__getitems__(np.arange(len(self.examples)))
        alone = self.examples.__getitems__([0])
        with torch.inference_mode():
            begun = time.perf_counter()
            for number in range(SAMPLES):
                self.network.sample(batch, drawn[:, number : number + 1])
            together = time.perf_counter() - begun
            begun = time.perf_counter()
            for number in range(ALONE):
                self.network.sample(alone, drawn[:1, number : number + 1])
            each = (time.perf_counter() - begun) * SAMPLES / ALONE * len(self.examples)
        return together, each


def trained(model: str, epochs: int, threads: int, repetitions: int) -> Bench:
    """Train a model on the exchange rates."""
    parts = (f"model={model}", "indicator=minimal", "horizon=30", "context_length=64")
    config = compose([*parts, f"trainer.max_epochs={epochs}", f"threads={threads}"])
    sample = split(config, load())
    start = time.perf_counter()
    fitted = fit(config, sample, 0)
    print(f"{machine()}, {threads} threads; {model} trained in {time.perf_counter() - start:.0f} s")
    forecaster = fitted.forecaster
    assert isinstance(forecaster, LightningForecaster)
    network = forecaster._fitted
    assert isinstance(network, PathDiffusion)
    shown = fitted.transforms.apply(sample.windows.context)[sample.folds[0].test]
    examples = Examples(shown, forecaster._state["symbols"])
    return Bench(forecaster, network.eval(), examples, sample.part("test", 0), repetitions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="diffusion", help="of conf/model (default diffusion)")
    parser.add_argument("--epochs", type=int, default=10, help="at most (default 10)")
    parser.add_argument("-n", type=int, default=3, help="repetitions (default 3)")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    bench = trained(options.model, options.epochs, options.threads, options.n)
    walk = score(RandomWalk().predict(bench.asked.context), bench.asked)
    print(f"random walk: CRPS {walk.crps:.5f}, coverage {walk.coverage:.3f}; each of ours is the mean over three seeds")
    print(f"{'sampler':12s} {'steps':>5s}  {'CRPS':>8s} {'coverage':>8s}  seconds")
    default = bench.network.sampler
    with limited_threads(options.threads):
        ours = bench.show(default.name, default.steps, "  the default")
        for name in SAMPLERS:
            for steps in (5, 10, 20, 50, 100):
                bench.show(name, steps)
        together, each = bench.published()
    print(f"published, all windows side by side: {together:.2f} s, {together / ours:.1f} times the default's")
    print(f"published, each window alone: {each:.1f} s, {each / ours:.1f} times the default's")


if __name__ == "__main__":
    main()
