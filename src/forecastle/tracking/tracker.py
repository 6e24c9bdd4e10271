"""Contract of what watches a run from outside, and what it is told about the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class RunInfo:
    """What is known about a run when it is told of.

    Attributes
    ----------
    id : str
        The run's identity; the same id means the same result, so a tracker may file by it.
    name : str
        What people call the run.
    config : Mapping
        The composed configuration, plain and resolved.
    group : str or None
        Id of the sweep that the run belongs to.
    tags : tuple of str
        What tells the run from the others of its sweep, such as ``"model=ridge"``.
    created : datetime or None
        When it was finished; None while it is computed.
    """

    id: str
    name: str
    config: Mapping[str, Any]
    group: str | None = None
    tags: tuple[str, ...] = ()
    created: datetime | None = None


@dataclass(frozen=True)
class Table:
    """Rows of numbers and texts below named columns; a missing value is None."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | bool | None, ...], ...]


class Tracker(Protocol):
    """Somewhere beside the run's own folder to which the run is reported.

    A run calls `start` once, `log` any number of times, and then either `finish` or `abort`. Several runs may follow
    one another on one tracker, never at the same time. Who is told of a run that it has, by its id, brings what it has
    up to date and makes no second one of it. A tracker may raise whatever it likes: it is called through
    `forecastle.tracking.guard.Guarded`. An optional package that is missing is told by the constructor, before any
    work starts.
    """

    wants_report: bool
    """Whether it sends the report somewhere."""

    @property
    def place(self) -> str | None:
        """Where runs are sent, in words that hold no password; None: nowhere."""
        ...

    def holds(self, identity: str) -> bool:
        """Whether a run that was sent there is there still; True where that cannot be seen from here."""
        ...

    def start(self, info: RunInfo) -> None:
        """Open the run."""
        ...

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Add one point to each named curve, at an epoch or iteration; steps may begin again from zero."""
        ...

    def finish(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        """Close a run that succeeded; `folder` is its finished folder, `metrics` the content of its metrics file."""
        ...

    def abort(self, *, pruned: bool = False) -> None:
        """Close a run that failed, or that a search stopped on the way."""
        ...

    def compare(self, info: RunInfo, table: Table) -> None:
        """Show a comparison of runs; `info` has its id and name, and as its group the sweep that it is about."""
        ...
