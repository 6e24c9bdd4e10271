"""Parcels of jobs as those of SLURM, or as processes beside this one, by submitit."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecastle.errors import ConfigError, MissingExtraError, RunError
from forecastle.sweeps.cluster.spreading import LostError, Parcel


class Submitit:
    """Jobs of a queue.

    Parameters
    ----------
    queue
        ``slurm`` or ``local``.
    folder
        Where submitit keeps what it sends and each job's output; on a file system that all machines share.
    settings
        What submitit's ``AutoExecutor.update_parameters`` takes; a value that is None is left to the cluster.

    Raises
    ------
    MissingExtraError
        If submitit is not installed.
    ConfigError
        If there is no SLURM here, or a setting is not known.
    """

    def __init__(self, queue: str, folder: str, settings: Mapping[str, Any]) -> None:
        if importlib.util.find_spec("submitit") is None:
            raise MissingExtraError(
                f"hydra/launcher=submitit_{queue} needs the package submitit, which is not installed: "
                "pip install 'forecastle[submitit]'"
            )
        import submitit

        self._local = queue == "local"
        given = {key: value for key, value in settings.items() if value is not None}
        again = given.pop("max_num_timeout", None)
        try:
            self._executor = submitit.AutoExecutor(
                str(Path(folder).absolute()), queue, **({} if again is None else {f"{queue}_max_num_timeout": again})
            )
            self._executor.update_parameters(**given)
        except (
            RuntimeError,
            NameError,
            TypeError,
            ValueError,
            AssertionError,
        ) as error:  # no SLURM here, an unknown setting
            raise ConfigError(f"hydra/launcher=submitit_{queue}: {' '.join(str(error).split())}") from error

    def submit(self, parcels: Sequence[Parcel]) -> list[Any]:
        """Hand parcels over, to SLURM as one array.

        Raises
        ------
        RunError
            If SLURM refuses them.
        """
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        work = [_Interruptible(parcel) for parcel in parcels] if self._local else parcels
        try:
            with self._executor.batch():
                return [self._executor.submit(each) for each in work]
        except (FailedJobError, FailedSubmissionError) as error:
            raise RunError(f"SLURM refuses the jobs: {' '.join(str(error).split())}") from error

    def done(self, handles: Sequence[Any]) -> list[Any]:
        """Jobs that have ended, well or not."""
        return [job for job in handles if job.done()]

    def result(self, handle: Any) -> list[Any]:
        """What the job's file of results holds."""
        from submitit.core.utils import FailedJobError, UncompletedJobError

        try:
            return list(handle.results()[0])
        except (FailedJobError, UncompletedJobError) as error:
            told = [line for line in str(error).splitlines() if line.strip(" -")]
            reason = told[-1].strip() if isinstance(error, FailedJobError) else "it left no result"
            where = f"job {handle.job_id} ended in state {handle.state}: {reason} (see {handle.paths.stderr})"
            raise LostError(where) from error

    def withdraw(self, handle: Any, *, begun: bool) -> bool:
        """Take a job out of the queue."""
        if not begun and handle.state != "PENDING":
            return False
        if self._local:
            for child in _children(int(handle.job_id)):  # submitit's own process ends with it
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGTERM)
        else:
            handle.cancel(check=False)
        return True


@dataclass(frozen=True)
class _Interruptible:
    """A parcel that SIGTERM interrupts, as Ctrl-C would; submitit passes over it."""

    parcel: Parcel

    def __call__(self) -> list[Any]:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        return self.parcel()


def _children(pid: int) -> list[int]:
    """The processes that one has started, on Linux."""
    with suppress(OSError):
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
