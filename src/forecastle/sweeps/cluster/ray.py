"""Parcels of jobs as tasks of Ray, on this machine or on a cluster that runs already."""

from __future__ import annotations

import importlib.util
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from forecastle.errors import ConfigError, MissingExtraError
from forecastle.sweeps.cluster.spreading import LostError, Parcel

PATIENCE = 5.0
"""Seconds that a cluster has to answer."""


class Ray:
    """Tasks of a Ray that is connected; see `connected`.

    Parameters
    ----------
    num_cpus, num_gpus
        What Ray sets aside for a task.
    """

    def __init__(self, num_cpus: float, num_gpus: float) -> None:
        self._ray = _imported()
        self._task = self._ray.remote(num_cpus=num_cpus, num_gpus=num_gpus, max_retries=0)(_do)

    def submit(self, parcels: Sequence[Parcel]) -> list[Any]:
        """Hand parcels over."""
        return [self._task.remote(parcel) for parcel in parcels]

    def done(self, handles: Sequence[Any]) -> list[Any]:
        """Tasks that have ended, well or not."""
        return list(self._ray.wait(list(handles), num_returns=len(handles), timeout=0)[0]) if handles else []

    def result(self, handle: Any) -> list[Any]:
        """What a task returned."""
        try:
            return list(self._ray.get(handle))
        except self._ray.exceptions.RayError as error:
            reason = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
            raise LostError(f"Ray lost the task: {type(error).__name__}: {reason}") from error

    def withdraw(self, handle: Any, *, begun: bool) -> bool:
        """Take a task back; Ray does not tell which ones have begun, so they are left alone where that matters."""
        if begun:
            self._ray.cancel(handle)  # interrupts it
        return begun


@contextmanager
def connected(settings: Mapping[str, Any]) -> Iterator[float]:
    """Connect to Ray for a block, and start one where there is none; give its number of CPUs.

    Parameters
    ----------
    settings
        What ``ray.init`` takes: ``{"address": "auto"}`` for a cluster that runs, ``{"num_cpus": 2}`` for a local one.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    ConfigError
        If it cannot be connected to.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingExtraError(
            "hydra/launcher=ray needs the package ray, which is not installed: pip install 'forecastle[ray]'"
        )
    _check(settings.get("address"))
    ray = _imported()
    ours = not ray.is_initialized()
    try:
        if ours:
            ray.init(**{"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR", **settings})
    except (ConnectionError, RuntimeError, TypeError, ValueError) as error:
        raise ConfigError(f"hydra/launcher=ray: {' '.join(str(error).split())} (hydra.launcher.init)") from error
    try:
        yield float(ray.cluster_resources().get("CPU", 1))
    finally:
        if ours:
            ray.shutdown()


def _check(address: str | None) -> None:
    """Raise ConfigError where nothing answers at ``host:port``, which would end Ray's process, and with it ours."""
    host, _, port = (address or "").rpartition(":")
    if not port.isdigit() or "//" in host:
        return
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(
            f"hydra/launcher=ray: nothing answers at {address}: {reason} (hydra.launcher.init)"
        ) from error


def _imported() -> Any:
    """Ray, which asks at its import what it may tell and to whom."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it shall report to nobody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of a change that concerns GPUs
    import ray

    return ray


def _do(parcel: Parcel) -> list[Any]:
    """The task."""
    return parcel()
