"""Hydra's basic sweeper, with composing that is not done again for jobs that differ in values only."""

from typing import cast

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class ForecastleSweeper(BasicSweeper):
    """Every combination of the values that are given, as Hydra's own sweeper makes them, composed several times faster.

    Parameters
    ----------
    max_batch_size
        Jobs that are launched together; None: all.
    params
        Overrides that belong to the sweep, ``{"model": "ridge,lasso"}``.
    """

    def __init__(self, max_batch_size: int | None = None, params: dict[str, str] | None = None) -> None:
        super().__init__(max_batch_size, params)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take Hydra's context with a loader that remembers what it composed."""
        from forecastle.config.values import ValueLoader

        loader = cast("ConfigLoader", ValueLoader(hydra_context.config_loader))
        context = HydraContext(loader, hydra_context.callbacks)
        super().setup(hydra_context=context, task_function=task_function, config=config)
