"""EarlyStopping: Lightning's, knowing which way a value is better, and stopped for good after a restart."""

from __future__ import annotations

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping as LightningEarlyStopping

from forecastle.errors import ConfigError
from forecastle.models.neural.monitored import CRPS, direction


class EarlyStopping(LightningEarlyStopping):
    """Stops training when a monitored value has not got better for some epochs; the untrained network's is the first.

    Parameters
    ----------
    monitor
        ``validation/crps``, ``validation/loss``, or what another callback logs.
    patience
        Epochs without a gain after which it stops.
    min_delta
        What counts as a gain, in the value's unit; a CRPS is in units of the random walk (.56 for a standard normal).
    mode
        ``min`` or ``max``, for a value of one's own; the others know it.

    Raises
    ------
    ConfigError
        If the monitor is unknown, `patience` is below 1 or `min_delta` is negative.
    """

    def __init__(
        self, monitor: str = CRPS, patience: int = 5, min_delta: float = 0.001, mode: str | None = None
    ) -> None:
        if patience < 1:
            raise ConfigError(f"patience must be at least 1, got {patience}")
        if min_delta < 0:
            raise ConfigError(f"min_delta must be at least 0, got {min_delta}")
        super().__init__(
            monitor,
            min_delta,
            patience,
            mode=direction(monitor, mode),
            check_finite=False,
            check_on_train_epoch_end=False,  # after validation, so that the last checkpoint knows the decision
            log_rank_zero_only=True,
        )

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compare with the best value so far, or note that of the untrained network, which is the first best."""
        super().on_validation_end(trainer, pl_module)
        first = trainer.callback_metrics.get(self.monitor)
        if trainer.sanity_checking and first is not None and torch.isfinite(first):
            self.best_score = first.detach().clone()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop at once where a training that had been stopped is taken up again."""
        super().on_train_start(trainer, pl_module)
        if self.wait_count >= self.patience:
            trainer.should_stop = True
