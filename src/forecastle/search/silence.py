"""Silence: which trials of a search no pruner can stop on the way, since their fits tell nothing to judge them by.

A split of several folds tells the runs' objective after each of them, whatever the model. On one fold the model itself
has to learn in steps, in this process, and for all symbols at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from forecastle.config.schema import Config
from forecastle.config.target import build
from forecastle.models.forecast import Watched

ONE_FOLD = ("forecastle.windows.split.Holdout", "forecastle.windows.split.RollingOrigin")
"""Splits of one fold."""


def silence(configs: Sequence[Config], pruner: str) -> list[str]:
    """A line for each reason for which a pruner stops none of some trials.

    Parameters
    ----------
    configs
        Those that the search may try.
    pruner
        Its name, for the lines.
    """
    found: dict[str, set[str]] = {}
    talking = False
    for config in configs:
        reason = _reason(config)
        talking = talking or reason is None
        if reason is not None:
            found.setdefault(reason, set()).add(config.choices.get("model", "this model"))
    head = f"hydra.sweeper.pruner={pruner} stops {'not all' if talking else 'none'} of these trials"
    return [
        f"{head}: {reason}, so nothing is told on the way by {', '.join(sorted(models))}; several folds tell"
        for reason, models in found.items()
    ]


def _reason(config: Config) -> str | None:
    """Why the fit of a run tells nothing; None where it does."""
    if config.split["_target_"] not in ONE_FOLD:
        return None
    if config.pooling == "per_symbol":
        return "pooling=per_symbol fits a model for each symbol"
    model = build(config.model, "model")
    if hasattr(model, "members"):
        return "an ensemble fits its members one after the other"
    trainer = getattr(model, "trainer", True)
    if not isinstance(model, Watched) or trainer is None:
        return "the model learns in one step"
    return (
        "several processes train the network" if isinstance(trainer, partial) and _several(trainer.keywords) else None
    )


def _several(settings: dict[str, Any]) -> bool:
    """Whether settings of a trainer name more than one process."""
    devices = settings.get("devices", 1)
    count = len(devices) if isinstance(devices, (list, tuple)) else int(devices) if str(devices).isdigit() else 1
    return count > 1 or int(settings.get("num_nodes") or 1) > 1
