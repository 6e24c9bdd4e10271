"""Training throughput of a network through LightningForecaster beside a bare PyTorch loop.

The same network, windows, batches and optimizer on the default data. The bare loop holds every window in one tensor and
takes each batch out of it by its indices; it computes the loss, clips the gradient and steps, and does nothing else: no
averaged weights, no learning-rate schedule, no curves, no look at the loss. The two take turns, epoch by epoch. Ours is
measured from the start of an epoch to that of its validation. Processor time is printed beside: it tells the same on a
busy machine, where that of several threads holds their waiting too (`--threads 1`).

Wanted: at least 85 % of the bare loop's.
"""

from __future__ import annotations

import argparse
import copy
import time
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from measure import machine, spread

from forecastle.config.compose import compose
from forecastle.config.target import build
from forecastle.experiment import Experiment
from forecastle.models.neural.network import Batch
from forecastle.runs.execution import limited_threads


class Bare:
    """The loop by hand."""

    def __init__(self, network: Any, optimizer: Any, windows: Batch, size: int, clip: float) -> None:
        self.network = copy.deepcopy(network).train()
        self.optimizer = optimizer(self.network.parameters())
        self.windows, self.size, self.clip = windows, size, clip

    def epoch(self) -> None:
        """All windows once."""
        windows = self.windows
        order = torch.randperm(len(windows))
        for start in range(0, len(windows), self.size):
            rows = order[start : start + self.size]
            batch = Batch(windows.features[rows], windows.past[rows], windows.symbol[rows], windows.answers()[rows])
            loss = self.network.loss(batch)
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
            self.optimizer.step()


def now() -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    return time.perf_counter(), time.process_time()


class Clock(pl.Callback):
    """Measures each epoch of a training, and before it one of the bare loop: seconds of the clock and the processor."""

    def __init__(self, forecaster: Any) -> None:
        self.forecaster = forecaster
        self.ours: list[tuple[float, float]] = []
        self.bare: list[tuple[float, float]] = []
        self.windows = 0
        self._begun = (0.0, 0.0)

    def __deepcopy__(self, memory: Any) -> Clock:
        return self

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Set the bare loop up with a copy of the untrained network."""
        made = self.forecaster
        examples: Any = trainer.train_dataloader.dataset  # type: ignore[union-attr]
        windows, self.windows = examples.__getitems__(np.arange(len(examples))), len(examples)
        clip = trainer.gradient_clip_val or 0.0
        self._loop = Bare(pl_module.network, made.optimizer, windows, made.batch_size, clip)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Measure the bare loop, and begin to measure ours."""
        begun = now()
        self._loop.epoch()
        self._begun = now()
        self.bare.append(_between(begun, self._begun))

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Note how long ours took."""
        if not trainer.sanity_checking:
            self.ours.append(_between(self._begun, now()))


def _between(begun: tuple[float, float], ended: tuple[float, float]) -> tuple[float, float]:
    return ended[0] - begun[0], ended[1] - begun[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="diffusion", help="of conf/model (default diffusion)")
    parser.add_argument("--epochs", type=int, default=20, help="that are measured (default 20)")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    limits = (f"trainer.max_epochs={options.epochs + 1}", "callback.early_stopping.patience=1000")
    config = compose([f"model={options.model}", f"threads={options.threads}", *limits])
    sample = Experiment(config).sample
    forecaster: Any = build(config.model, "model")
    clock = Clock(forecaster)
    forecaster.callbacks = {**forecaster.callbacks, "clock": clock}
    with limited_threads(options.threads):
        forecaster.fit(sample.part("train", 0), sample.part("validation", 0))
    print(f"{machine()}, {options.threads} threads; {options.model}, {clock.windows} windows, seconds of an epoch")
    for kind, name in enumerate(("clock", "processor")):
        ours, bare = ([each[kind] for each in seconds[1:]] for seconds in (clock.ours, clock.bare))  # the first is slow
        shares = [theirs / mine for theirs, mine in zip(bare, ours, strict=True)]
        print(f"{name:10s} bare loop           {spread(bare)}")
        print(f"{name:10s} LightningForecaster {spread(ours)}")
        print(f"{name:10s} throughput of ours over the bare loop's, epoch by epoch: {spread(shares)}", flush=True)


if __name__ == "__main__":
    main()
