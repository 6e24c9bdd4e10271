"""CRPS against seconds over samplers and steps: 100 samples of 40 series-windows of 30 steps of the exchange rates.

One training, then every way on the same network: the default sampler, diffusers' DDIM with as many steps and all paths
in one batch, and the published way, one sample at a time by ancestral sampling in 50 steps: once with all windows side
by side, as in CSDI's evaluation, once with each window alone. The published ways are measured on some of the samples
and multiplied. The ways take turns in each repetition, so that what else the machine does falls on all of them;
processor time is printed beside, which on a busy machine tells more where there is one thread (`--threads 1`).

Wanted: the default at most 1.5 s on two cores and 1.1 times diffusers' DDIM, its CRPS within 2 % of that of 100 steps,
and 30 times faster than the published way.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from diffusers import DDIMScheduler
from exchange_data import load, score, split
from measure import machine, spread

from forecastle.config.compose import compose
from forecastle.models.baseline import RandomWalk
from forecastle.models.forecast import SampleForecast
from forecastle.models.neural.diffusion.path import PathDiffusion
from forecastle.models.neural.diffusion.sampler import SAMPLERS, Sampler
from forecastle.models.neural.diffusion.volatility import spread as deviation
from forecastle.models.neural.examples import Examples
from forecastle.models.neural.forecaster import LightningForecaster
from forecastle.models.neural.sampling import draw, noise
from forecastle.models.neural.scale import Scale
from forecastle.pipeline import fit
from forecastle.runs.execution import limited_threads
from forecastle.windows.context import Windows

SAMPLES = 100
"""Of each window."""

MEASURED = 10
"""Samples of each window, or of one window, by which the published ways are measured."""

PUBLISHED = 50
"""Steps of the published way."""


@dataclass
class Bench:
    """A trained network and the windows that it forecasts."""

    forecaster: LightningForecaster
    network: PathDiffusion
    examples: Examples
    asked: Windows

    def paths(self, seed: int) -> SampleForecast:
        """All samples of all windows by our sampler, log return."""
        found = draw(self.network, self.examples, SAMPLES, seed, self.forecaster.memory, torch.device("cpu"))
        return self.forecast(found)

    def forecast(self, found: np.ndarray) -> SampleForecast:
        """Log returns from what the network gives."""
        context = self.asked.context
        scale = Scale.from_json(self.forecaster._state["scale"])
        return SampleForecast(scale.paths(found, context.task, context.scale))

    def diffusers(self, seed: int) -> SampleForecast:
        """The same by diffusers' DDIM, all in one batch."""
        network, angles = self.network, self.network.sampler.angles
        left = np.cos(np.array(angles[-2::-1])) ** 2
        scheduler = DDIMScheduler(
            num_train_timesteps=len(left),
            trained_betas=1 - left / np.concatenate([[1.0], left[:-1]]),
            prediction_type="v_prediction",
            timestep_spacing="trailing",
            clip_sample=False,
        )
        scheduler.set_timesteps(len(left))
        batch = self.examples.__getitems__(np.arange(len(self.examples)))
        generator = torch.Generator().manual_seed(seed)
        with torch.inference_mode():
            condition = network.encoder(batch)
            x = torch.randn(len(batch), SAMPLES, network.horizon, generator=generator)
            for step, angle in zip(scheduler.timesteps, angles[:-1], strict=True):
                velocity = network.denoiser(x, x.new_full((1, 1, 1), angle), condition)
                x = scheduler.step(velocity, step, x).prev_sample
            x = x * deviation(network.volatility(condition.summary, batch)).unsqueeze(1)
        return self.forecast(x.numpy())

    def published(self, rows: np.ndarray) -> None:
        """Some samples, one at a time, of windows side by side."""
        network, default = self.network, self.network.sampler
        network.sampler = Sampler(network.schedule, "ancestral", PUBLISHED)
        drawn = torch.from_numpy(noise(self.examples.context[rows], MEASURED, network.noise_shape, 0))
        batch = self.examples.__getitems__(rows)
        with torch.inference_mode():
            for number in range(MEASURED):
                network.sample(batch, drawn[:, number : number + 1])
        network.sampler = default


def trained(model: str, epochs: int, batches: int, threads: int) -> Bench:
    """Train a model on the exchange rates."""
    parts = (f"model={model}", "indicator=minimal", "horizon=30", "context_length=64")
    limits = (f"trainer.max_epochs={epochs}", f"trainer.limit_train_batches={batches}")
    config = compose([*parts, *limits, f"threads={threads}"])
    sample = split(config, load())
    start = time.perf_counter()
    fitted = fit(config, sample, 0)
    print(f"{machine()}, {threads} threads; {model} trained in {time.perf_counter() - start:.0f} s", flush=True)
    forecaster = fitted.forecaster
    assert isinstance(forecaster, LightningForecaster)
    network = forecaster._fitted
    assert isinstance(network, PathDiffusion)
    shown = fitted.transforms.apply(sample.windows.context)[sample.folds[0].test]
    examples = Examples(shown, forecaster._state["symbols"])
    return Bench(forecaster, network.eval(), examples, sample.part("test", 0))


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds that it takes, of the clock and of the processor."""
    begun = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - begun[0], time.process_time() - begun[1]


def compare(bench: Bench, repetitions: int) -> None:
    """Print the default beside diffusers' and the published way."""
    default, everything = bench.network.sampler, np.arange(len(bench.examples))
    times = SAMPLES / MEASURED
    ways: dict[str, tuple[float, Callable[[int], object]]] = {
        f"default, {default.name} of {default.steps} steps": (1, bench.paths),
        f"diffusers' DDIM of {default.steps} steps": (1, bench.diffusers),
        "published, windows side by side": (times, lambda seed: bench.published(everything)),  # noqa: ARG005
        "published, each window alone": (
            times * len(everything),
            lambda seed: bench.published(everything[seed : seed + 1]),
        ),
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _, act in ways.values():  # once for nothing: the first time is the slowest
        act(0)
    for repetition in range(repetitions):
        for name, (factor, act) in ways.items():
            clock, processor = timed(partial(act, repetition))
            seconds[name].append((factor * clock, factor * processor))
    ours = next(iter(seconds.values()))
    for kind, word in enumerate(("clock", "processor")):
        for name, values in seconds.items():
            ratios = [mine[kind] / other[kind] for other, mine in zip(values, ours, strict=True)]
            shown = spread([value[kind] for value in values])
            print(f"{word:9s} {name:34s} {shown}; the default's over it {spread(ratios)}", flush=True)


def table(bench: Bench, repetitions: int) -> None:
    """Print CRPS, coverage and seconds of each sampler and number of steps."""
    walk = score(RandomWalk().predict(bench.asked.context), bench.asked)
    print(f"\nrandom walk: CRPS {walk.crps:.5f}, coverage {walk.coverage:.3f}; each below: mean of {repetitions} seeds")
    print(f"{'sampler':12s} {'steps':>5s}  {'CRPS':>8s} {'of 100':>7s} {'coverage':>8s}  seconds")
    for name in SAMPLERS:
        finest = 0.0
        for steps in (100, 50, 20, 10, 5):
            bench.network.sampler = Sampler(bench.network.schedule, name, steps)
            seconds, scores = [], []
            for seed in range(repetitions):
                begun = time.perf_counter()
                found = bench.paths(seed)
                seconds.append(time.perf_counter() - begun)
                scores.append(score(found, bench.asked))
            crps, coverage = (float(np.mean([getattr(each, key) for each in scores])) for key in ("crps", "coverage"))
            finest = finest or crps
            print(
                f"{name:12s} {steps:5d}  {crps:8.5f} {crps / finest:7.3f} {coverage:8.3f}  {spread(seconds)}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="diffusion", help="of conf/model (default diffusion)")
    parser.add_argument("--epochs", type=int, default=10, help="at most (default 10)")
    parser.add_argument("--batches", type=int, default=100, help="of each epoch, at most (default 100)")
    parser.add_argument("-n", type=int, default=5, help="repetitions (default 5)")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    bench = trained(options.model, options.epochs, options.batches, options.threads)
    with limited_threads(options.threads):
        compare(bench, options.n)
        table(bench, min(options.n, 3))


if __name__ == "__main__":
    main()
