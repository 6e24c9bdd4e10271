"""Whether training in epochs can be what is asked for, and what it came to."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from forecastle.errors import ConfigError

logger = logging.getLogger(__name__)


def check_training(trainer: Any, estimator: Any, callbacks: Mapping[str, Any]) -> None:
    """Refuse a trainer or callbacks of networks, and an estimator that cannot be trained in epochs."""
    if trainer is None:
        if callbacks:
            raise ConfigError(f"callbacks need a trainer (trainer=epochs), got {', '.join(callbacks)} and none")
        return
    if not callable(getattr(trainer, "check", None)):
        got = getattr(trainer, "func", type(trainer)).__name__
        raise ConfigError(f"trainer must be one for scikit-learn's estimators (trainer=epochs), got {got}")
    trainer.check(estimator, callbacks)


def log_epochs(name: str, fitted: Sequence[Any], most: int) -> None:
    """Tell for how many epochs the estimators were trained."""
    done = sorted(len(next(iter(each.epochs_.values()))) for each in fitted if hasattr(each, "epochs_"))
    if done:
        span = f"{done[0]}" if done[0] == done[-1] else f"{done[0]} to {done[-1]}"
        logger.info("%s: trained for %s of %d epochs", name, span, most)
