"""Training: a network as a Lightning module, its losses and what it is watched by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from forecastle.errors import ModelError
from forecastle.models.neural.monitored import CRPS, LOSS, QuantileCRPS
from forecastle.models.neural.network import Batch, MarginalNetwork, Network, PathNetwork

WATCHED_WINDOWS, WATCHED_SAMPLES = 256, 32
"""Validation windows, evenly spaced, and samples of each by which a network of paths is watched."""

CHECK_EVERY = 20
"""Steps between two looks at the loss on an accelerator, where each look waits for it."""


class Training(pl.LightningModule):
    """Trains a network and watches it on the validation windows.

    Each epoch draws its random numbers from the seed and its own number, so that it is the same after a restart.

    Parameters
    ----------
    network
        What is trained.
    optimizer
        Makes the optimizer from the parameters.
    levels
        Quantile levels at which it is watched.
    steps
        Steps, in bars, where the target is increments between them, which add up to a path; else none.
    seed
        Of everything that is drawn.
    """

    average: dict[str, Tensor] | None
    """Averaged weights, where a callback keeps them; they are what is watched and kept."""

    def __init__(
        self,
        network: Network,
        optimizer: Callable[[Iterable[Any]], torch.optim.Optimizer],
        levels: tuple[float, ...],
        steps: tuple[int, ...],
        seed: int,
    ) -> None:
        super().__init__()
        self.network = network
        self.average = None
        self.loss: Callable[[Batch], Tensor] = network.loss
        """The network's loss, or the same compiled."""
        self.crps = QuantileCRPS()
        self._optimizer = optimizer
        self._levels = levels
        self._steps = steps
        self._seed = seed
        self._total, self._count = torch.zeros(()), 0

    def weights(self) -> dict[str, Tensor]:
        """The weights that are kept, on the CPU."""
        state = self.network.state_dict() if self.average is None else self.average
        return {name: value.detach().cpu().clone() for name, value in state.items()}

    def epoch(self) -> int:
        """Number of the epoch that runs or is about to; right while Lightning takes up a stopped training too."""
        progress: Any = self.trainer.fit_loop.epoch_progress.current
        return int(progress.processed)

    def trained(self) -> int:
        """Epochs of training behind a validation: 0 where it is the untrained network's."""
        return 0 if self.trainer.sanity_checking else self.current_epoch + 1

    def mean_loss(self) -> Tensor:
        """Mean loss over the windows of the epoch so far."""
        return self._total / self._count

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimizer of all parameters."""
        return self._optimizer(self.network.parameters())

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Loss of a batch.

        Raises
        ------
        ModelError
            If it is not finite.
        """
        if index == 0:  # and not where an epoch starts: Lightning leaves that out in the first epoch after a restart
            torch.manual_seed(_mixed(self._seed, self.epoch(), self.global_rank))
            self._total, self._count = torch.zeros((), device=self.device), 0
        loss = self.loss(batch)
        if self.device.type == "cpu" or index % CHECK_EVERY == 0:
            self._check(loss, "train/loss")
        self._total += loss.detach() * len(batch)
        self._count += len(batch)
        return loss

    def on_train_epoch_end(self) -> None:
        """Log the mean loss of the epoch."""
        self._check(self.mean_loss(), "train/loss")
        self.log("train/loss", self.mean_loss(), sync_dist=True)

    def on_validation_epoch_start(self) -> None:
        """Seed what the watched loss draws: the same for every epoch."""
        torch.manual_seed(_mixed(self._seed, 0, self.global_rank))

    def validation_step(self, batch: Batch, index: int) -> None:
        """Watch a batch."""
        loss = self.network.loss(batch)
        self.log(LOSS, loss, on_epoch=True, batch_size=len(batch), sync_dist=True)
        levels = torch.tensor(self._levels, device=self.device)
        if isinstance(self.network, MarginalNetwork):
            self.crps.update(self.network.quantiles(batch, levels), batch.answers(), levels)
        elif isinstance(self.network, PathNetwork):
            self._watch_paths(self.network, batch, index, levels)

    def on_validation_epoch_end(self) -> None:
        """Log the CRPS.

        Raises
        ------
        ModelError
            If the loss is not finite.
        """
        self.log(CRPS, self.crps.compute().float())
        self.crps.reset()
        self._check(self.trainer.callback_metrics[LOSS], LOSS)

    def _watch_paths(self, network: PathNetwork, batch: Batch, index: int, levels: Tensor) -> None:
        """CRPS of some of the batch's windows, by noise that is the same in every epoch."""
        loaders: Any = self.trainer.val_dataloaders
        batch = batch.every(-(-len(loaders.dataset) // WATCHED_WINDOWS))
        generator = torch.Generator().manual_seed(_mixed(self._seed, index, self.global_rank))
        noise = torch.randn(len(batch), WATCHED_SAMPLES, *network.noise_shape, generator=generator)
        samples, target = network.sample(batch, noise.to(self.device)), batch.answers()
        if self._steps:
            ahead = torch.tensor(self._steps, device=self.device)
            wide, root = ahead.diff(prepend=ahead.new_zeros(1)).sqrt(), ahead.sqrt()
            samples, target = (samples * wide).cumsum(2) / root, (target * wide).cumsum(1) / root
        quantiles = torch.quantile(samples.float(), levels, dim=1).permute(1, 2, 0)
        self.crps.update(quantiles, target, levels)

    def _check(self, value: Tensor, name: str) -> None:
        if not torch.isfinite(value):
            raise ModelError(
                f"training diverged in epoch {self.trained()}: {name} is {float(value.detach()):g} "
                "(a lower model.optimizer.lr may help; the best checkpoint so far is kept)"
            )


def _mixed(*parts: int) -> int:
    """One seed from several numbers."""
    import numpy as np

    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))
