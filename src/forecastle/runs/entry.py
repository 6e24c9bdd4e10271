"""An entry of a sweep's ledger: what came of one job."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

from forecastle.errors import RunError
from forecastle.runs.store import read_json

Ended = Literal["computed", "reused", "failed", "pruned", "left"]
"""What a process did about a job; ``left``: nothing."""


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
        Id of its run, or None where it failed or was stopped.
    error
        What went wrong, in one line, or None.
    traceback
        Where, or None.
    reused
        True where the run was finished before.
    ground
        Hash of what its run follows from beside the choices (`forecastle.runs.ground`); None: not known.
    pruned
        Why a search stopped it on the way, in one line; it is neither done nor failed, and left no run.
    ended
        When, ISO 8601, UTC.
    seconds
        How long it took the process that computed it, or found that it fails.
    by
        That process, ``1234@host``.
    """

    number: int
    choices: tuple[str, ...]
    run: str | None
    error: str | None = None
    traceback: str | None = None
    reused: bool = False
    pruned: str | None = None
    ground: str | None = None
    ended: str | None = field(default=None, compare=False)
    seconds: float | None = field(default=None, compare=False)
    by: str | None = field(default=None, compare=False)

    @property
    def what(self) -> Ended:
        """How it ended, for who ran it."""
        if self.failed:
            return "failed"
        return "pruned" if self.pruned is not None else "reused" if self.reused else "computed"

    @property
    def failed(self) -> bool:
        """Whether it went wrong."""
        return self.run is None and self.pruned is None


def read_job(path: Path) -> Job | None:
    """What a file says of a job; None where it is not there or damaged."""
    try:
        node = read_json(path)
        return Job(**{**node, "choices": tuple(node["choices"])})
    except (RunError, KeyError, TypeError):
        return None


@lru_cache(maxsize=65536)
def failure(path: str, changed: int) -> tuple[str, str | None]:  # noqa: ARG001  written again, read again
    """When a job ended, and what went wrong; no error where nothing did. Each file is read once by a process."""
    job = read_job(Path(path))
    return ("", None) if job is None or not job.failed else (job.ended or "", job.error)


def now() -> str:
    """The time, ISO 8601, UTC; as a text it is later than another one where it is."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
