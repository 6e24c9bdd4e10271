"""The record of a sweep: what each of its jobs did, one small file each, so that processes never write the same one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from forecastle import paths
from forecastle.config.schema import PASSIVE
from forecastle.runs.identity import digest
from forecastle.runs.store import read_json, write_json


@dataclass(frozen=True)
class Job:
    """One job of a sweep.

    Parameters
    ----------
    number
        Its place in the sweep, from 0.
    choices
        The overrides that make it, ``("model=ridge", "indicator=core")``.
    run
        Id of its run, or None where it failed.
    error
        What went wrong, in one line, or None.
    traceback
        Where, or None.
    reused
        True where the run was finished before.
    """

    number: int
    choices: tuple[str, ...]
    run: str | None
    error: str | None = None
    traceback: str | None = None
    reused: bool = False


def sweep_id(command: Sequence[str]) -> str:
    """Id of the sweep that a command line makes, 8 hexadecimal digits; what can change no number does not count.

    An experiment file counts: its name changes nothing, what it holds may.
    """
    silent = PASSIVE - {"experiment"}
    kept = [word for word in command if re.split(r"[=.]", word.lstrip("+~"), maxsplit=1)[0] not in silent]
    return digest([word for word in kept if not word.startswith(("hydra/launcher=", "hydra.launcher."))])[:8]


class SweepRecord:
    """The jobs of one sweep below ``runs/sweeps/ID``."""

    def __init__(self, store: Path, identity: str) -> None:
        self.id = identity
        self.store = store
        self.folder = store / paths.SWEEPS / identity

    def begin(self, command: Sequence[str], total: int) -> None:
        """Write down the command and its number of jobs, and forget how jobs ended before; their runs stay."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob("[0-9]*.json"):
            path.unlink(missing_ok=True)
        write_json(self.folder / "sweep.json", {"command": list(command), "total": total})

    def total(self) -> int:
        """Number of jobs that the command makes."""
        return int(read_json(self.folder / "sweep.json")["total"])

    def write(self, job: Job) -> None:
        """Write down what a job did."""
        write_json(self.folder / f"{job.number:05d}.json", asdict(job))

    def jobs(self) -> list[Job]:
        """All jobs that have ended, in order."""
        nodes = [read_json(path) for path in sorted(self.folder.glob("[0-9]*.json"))]
        return [Job(**{**node, "choices": tuple(node["choices"])}) for node in nodes]
