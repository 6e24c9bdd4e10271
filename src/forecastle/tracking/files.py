"""The default tracker: a run's own folder is all there is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecastle.tracking.tracker import RunInfo, Table


class FilesTracker:
    """Sends nothing anywhere.

    Every run keeps its configuration, metrics, curves, model and report in its folder, whichever tracker is chosen;
    this one adds nothing to that and takes nothing away.
    """

    wants_report = False
    place = None

    def holds(self, identity: str) -> bool:  # noqa: ARG002  what is kept in a run's folder is there with it
        """Say yes."""
        return True

    def start(self, info: RunInfo) -> None:
        """Do nothing."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Do nothing."""

    def finish(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        """Do nothing."""

    def abort(self, *, pruned: bool = False) -> None:
        """Do nothing."""

    def compare(self, info: RunInfo, table: Table) -> None:
        """Do nothing."""
