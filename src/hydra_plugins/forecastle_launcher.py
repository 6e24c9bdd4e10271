"""Launchers: the jobs of a sweep one after the other, or by workers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn

    from forecastle.runs.workers import Crew


class ForecastleLauncher(Launcher):
    """One job after the other, in this process; Ctrl-C finishes the one in progress."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what the jobs share."""
        from forecastle.sweeps.turns import Setting

        self.setting: Setting = Setting(hydra_context, config, task_function)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> "Sequence[JobReturn]":
        """Run all jobs."""
        from forecastle.sweeps.turns import here

        return here(self.setting, job_overrides, initial_job_idx)


class WorkerLauncher(ForecastleLauncher):
    """Several jobs at once, each by a process that does one after the other.

    Parameters
    ----------
    n_jobs
        How many processes; None: the cores divided by the threads of a run; -1: as many as there are cores.
    """

    def __init__(self, n_jobs: int | None = None) -> None:
        self.count = n_jobs
        self._crew: Crew | None = None

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> "Sequence[JobReturn]":
        """Run all jobs."""
        from forecastle.sweeps.turns import apart, crew

        if self._crew is None:
            self._crew = crew(self.setting, self.count)
        return apart(self._crew, job_overrides, initial_job_idx)
