"""A fence around a tracker, so that what watches a run cannot fail it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from forecastle.errors import ForecastleError, RunError
from forecastle.tracking.tracker import RunInfo, Table, Tracker

logger = logging.getLogger(__name__)


class Guarded:
    """A tracker whose failures are told in one warning and then left behind.

    After a failure the tracker hears nothing more of that run; the next `start` gives it another chance.

    Parameters
    ----------
    tracker : Tracker
        The tracker to call.
    strict : bool
        Raise errors of ours, such as a login that is missing, and what cannot be asked: the next run would meet the
        same.

    Attributes
    ----------
    error : Exception or None
        What went wrong in the run that was started last.
    """

    def __init__(self, tracker: Tracker, *, strict: bool = False) -> None:
        self.error: Exception | None = None
        self._tracker = tracker
        self._strict = strict
        self._listening = False

    @property
    def wants_report(self) -> bool:
        """Whether the report is sent somewhere, so that it must be there when a run is finished."""
        return self._tracker.wants_report

    @property
    def place(self) -> str | None:
        """Where runs are sent."""
        return self._tracker.place

    def holds(self, identity: str) -> bool:
        """Whether a run that was sent is there still; True where that cannot be seen.

        Raises
        ------
        RunError
            If the tracker is strict and cannot be asked.
        """
        try:
            return self._tracker.holds(identity)
        except Exception as error:  # a server that is out of reach, say
            if self._strict:
                reason = " ".join(str(error).split()) or type(error).__name__
                self.error = RunError(f"{self.place} cannot be asked what it has: {reason}")
                raise self.error from error
            logger.debug("%s cannot be asked for run %s: %s", type(self._tracker).__name__, identity, error)
            return True

    def start(self, info: RunInfo) -> None:
        """Open the run."""
        self._begin()
        self._call("start", lambda: self._tracker.start(info))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Add one point to each named curve."""
        self._call("log", lambda: self._tracker.log(step, values))

    def finish(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        """Close a run that succeeded."""
        self._call("finish", lambda: self._tracker.finish(folder, metrics))
        self._listening = False

    def abort(self, *, pruned: bool = False) -> None:
        """Close a run that failed, or that a search stopped on the way."""
        self._call("abort", lambda: self._tracker.abort(pruned=pruned))
        self._listening = False

    def compare(self, info: RunInfo, table: Table) -> None:
        """Show a comparison of runs."""
        self._begin()
        self._call("compare", lambda: self._tracker.compare(info, table))
        self._listening = False

    def _begin(self) -> None:
        self.error = None
        self._listening = True

    def _call(self, what: str, action: Callable[[], None]) -> None:
        if not self._listening:
            return
        try:
            action()
        except Exception as error:
            self._listening = False
            self.error = error
            if self._strict and isinstance(error, ForecastleError):
                raise
            reason = " ".join(str(error).split()) or "no reason given"
            logger.warning(
                "%s failed at %s and is not told the rest of this run: %s: %s",
                type(self._tracker).__name__,
                what,
                type(error).__name__,
                reason,
            )
