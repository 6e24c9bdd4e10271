"""Contract of what watches a run from outside, and what it is told about the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class RunInfo:
    """What is known about a run before it starts.

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
        The choices that were made, such as ``"model=ridge"``.
    """

    id: str
    name: str
    config: Mapping[str, Any]
    group: str | None = None
    tags: tuple[str, ...] = ()


class Tracker(Protocol):
    """Somewhere beside the run's own folder to which the run is reported.

    A run calls `start` once, `log` any number of times, and then either `finish` or `abort`. Several runs may follow
    one another on one tracker, never at the same time. A tracker may raise whatever it likes: the run calls it through
    `forecastle.tracking.guard.Guarded`. An optional package that is missing is told by the constructor, before any
    work starts.
    """

    wants_report: bool
    """Whether it sends the report somewhere."""

    def start(self, info: RunInfo) -> None:
        """Open the run."""
        ...

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Add one point to each named curve, at an epoch or iteration; steps may begin again from zero."""
        ...

    def finish(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        """Close a run that succeeded; `folder` is its finished folder, `metrics` the content of its metrics file."""
        ...

    def abort(self) -> None:
        """Close a run that failed."""
        ...
