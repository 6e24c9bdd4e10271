"""Launchers: the jobs of a sweep on other machines, by SLURM or by Ray."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn

QUEUED = 256
"""Jobs that SLURM has at once; sites limit their number, and the size of an array, mostly to 1,000."""


class SubmititLauncher(Launcher):
    """Jobs of SLURM, or processes beside this one that are started in the same way.

    Parameters
    ----------
    queue
        ``slurm`` or ``local``.
    submitit_folder
        Where submitit keeps what it sends and each job's output.
    runs_per_job
        Runs that one job of the queue does, one after the other.
    n_jobs
        Jobs that are in the queue at once; None: 256 of SLURM's, and beside this process as many as there are cores
        for their threads.
    settings
        Other arguments of submitit: ``timeout_min``, ``cpus_per_task``, ``mem_gb``, ``slurm_partition``, …
    """

    def __init__(
        self, queue: str, submitit_folder: str, runs_per_job: int = 1, n_jobs: int | None = None, **settings: Any
    ) -> None:
        self.queue, self.folder, self.size, self.most = queue, submitit_folder, runs_per_job, n_jobs
        self.settings = {key: _plain(value) for key, value in settings.items()}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what the jobs share."""
        from forecastle.sweeps.turns import Setting

        self.setting: Setting = Setting(hydra_context, config, task_function)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> "Sequence[JobReturn]":
        """Run all jobs."""
        from forecastle.runs.workers import cores
        from forecastle.sweeps.cluster.spreading import spread
        from forecastle.sweeps.cluster.submitit import Submitit

        usual = max(1, cores() // int(self.setting.config.threads)) if self.queue == "local" else QUEUED
        cluster = Submitit(self.queue, self.folder, self.settings)
        most = usual if self.most is None else self.most
        return spread(self.setting, job_overrides, initial_job_idx, cluster, self.size, most)


class RayLauncher(Launcher):
    """Tasks of Ray, of one that is started on this machine or of a cluster that runs.

    Parameters
    ----------
    init
        What ``ray.init`` takes.
    num_cpus, num_gpus
        What Ray sets aside for a task.
    runs_per_job
        Runs that one task does, one after the other.
    n_jobs
        Tasks that Ray has at once; None: as many as it has CPUs for.
    """

    def __init__(
        self,
        init: Mapping[str, Any] | None = None,
        num_cpus: float = 1,
        num_gpus: float = 0,
        runs_per_job: int = 1,
        n_jobs: int | None = None,
    ) -> None:
        self.init = _plain(init) or {}
        self.num_cpus, self.num_gpus, self.size, self.most = num_cpus, num_gpus, runs_per_job, n_jobs

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what the jobs share."""
        from forecastle.sweeps.turns import Setting

        self.setting: Setting = Setting(hydra_context, config, task_function)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> "Sequence[JobReturn]":
        """Run all jobs."""
        from forecastle.sweeps.cluster.ray import Ray, connected
        from forecastle.sweeps.cluster.spreading import spread

        with connected(self.init) as cpus:
            most = max(1, int(cpus // max(self.num_cpus, 0.01))) if self.most is None else self.most
            cluster = Ray(self.num_cpus, self.num_gpus)
            return spread(self.setting, job_overrides, initial_job_idx, cluster, self.size, most)


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
