"""Search a user's own conf/ (in the current folder) before ours, and know what is ours by Hydra's usual names."""

from pathlib import Path
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.plugins.search_path_plugin import SearchPathPlugin

_QUEUE: dict[str, Any] = {
    "_target_": "hydra_plugins.forecastle_cluster.SubmititLauncher",
    "submitit_folder": "${output}/.submitit/%j",
    "runs_per_job": 1,
    "n_jobs": None,
    "timeout_min": 240,
    "cpus_per_task": "${threads}",
    "gpus_per_node": None,
    "mem_gb": None,
    "name": "forecastle",
}
_SLURM = (
    "partition",
    "account",
    "qos",
    "constraint",
    "gres",
    "mem_per_cpu",
    "exclude",
    "setup",
    "additional_parameters",
)

LAUNCHERS: dict[str, dict[str, Any]] = {
    "basic": {"_target_": "hydra_plugins.forecastle_launcher.ForecastleLauncher"},
    "joblib": {"_target_": "hydra_plugins.forecastle_launcher.WorkerLauncher", "n_jobs": None},
    "submitit_local": {**_QUEUE, "queue": "local"},
    "submitit_slurm": {**_QUEUE, "queue": "slurm", "max_num_timeout": 3, **{f"slurm_{key}": None for key in _SLURM}},
    "ray": {
        "_target_": "hydra_plugins.forecastle_cluster.RayLauncher",
        "init": {"address": None, "num_cpus": None},
        "num_cpus": "${threads}",
        "num_gpus": 0,
        "runs_per_job": 1,
        "n_jobs": None,
    },
}
"""Our launchers, by the names that people know from Hydra."""

SWEEPER: dict[str, Any] = {
    "_target_": "hydra_plugins.forecastle_sweeper.ForecastleSweeper",
    "max_batch_size": None,
    "params": None,
}
"""Our sweeper, in place of Hydra's ``basic``, which keeps no ledger and passes search spaces over."""


class ForecastleSearchPath(SearchPathPlugin):
    """Acts only where Hydra runs on Forecastle's conf/; other Hydra programs are left alone."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Prepend ``./conf`` where it is another folder than ours, and put ours in place of Hydra's plugins."""
        from forecastle.config.compose import conf_folder

        ours = conf_folder().resolve()
        mine = Path("conf").resolve()
        paths = [element.path for element in search_path.get_path() if element.path]
        if not any(_folder(path) == ours for path in paths):
            return
        if mine != ours and mine.is_dir():
            search_path.prepend("project", f"file://{mine}")
        for name, node in LAUNCHERS.items():  # a file of conf/ would be merged with those that plugins have put there
            ConfigStore.instance().store(group="hydra/launcher", name=name, node=dict(node), provider="forecastle")
        ConfigStore.instance().store(group="hydra/sweeper", name="basic", node=dict(SWEEPER), provider="forecastle")


def _folder(path: str) -> Path | None:
    """The folder of a ``file://`` entry or plain path."""
    plain = path.removeprefix("file://")
    return Path(plain).resolve() if plain.startswith("/") else None
