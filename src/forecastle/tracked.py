"""Finished runs told to a tracker: each once, as it stands, and again where something was added to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Literal

from forecastle import paths
from forecastle.config.schema import Config, parse
from forecastle.config.target import build
from forecastle.errors import ForecastleError, RunError
from forecastle.runs.claim import claim
from forecastle.runs.identity import digest
from forecastle.runs.membership import sweeps_by_run, told_apart, varied_keys
from forecastle.runs.sent import Sending, note_sending, sendings
from forecastle.runs.settings import config_of, flatten
from forecastle.runs.store import Run, RunStore
from forecastle.runs.sweep import SweepRecord
from forecastle.runs.watching import Measure, Watch
from forecastle.tracking.guard import Guarded
from forecastle.tracking.tracker import RunInfo, Table

logger = logging.getLogger(__name__)

State = Literal["sent", "known", "failed"]
"""A run was sent, had been sent as it stands, or could not be."""

ASKED = ("model", "data", "target")
"""Choices that tag a run that belongs to no sweep."""


class Teller:
    """Tells a tracker of the finished runs of a store.

    What was told is written down, so that a run that is there as it stands is not told of again, whoever asks. Two
    processes that tell of the same run wait for one another.

    Parameters
    ----------
    tracker
        Who is told.
    node
        Its configuration, kept with what was told, so that it can be made again.
    store
        Where the runs lie.
    """

    def __init__(self, tracker: Guarded, node: Mapping[str, Any], store: RunStore) -> None:
        self.tracker = tracker
        self._node = dict(node)
        self._store = store
        self._varied = cache(_varied_keys)

    def tell(self, run: Run, sweeps: Sequence[SweepRecord], *, opened: bool = False) -> State:
        """Tell of a run that belongs to some sweeps, of which the last one groups it; `opened` where it was begun.

        Raises
        ------
        RunError
            If the run's folder is damaged.
        """
        place = self.tracker.place
        if place is None:
            return "known"
        info, content = self.described(run, sweeps)
        metrics, curves = run.metrics, _curves(run)
        with claim(self._store.folder, _claimed(place, run.id), wait=True):
            if not opened and self.knows(run.id, content):
                return "known"
            if not opened:
                self.tracker.start(info)
            for step, values in sorted(curves.items()):
                self.tracker.log(step, values)
            self.tracker.finish(run.folder, metrics)
            return self._noted(run.id, place, content)

    def show(self, info: RunInfo, table: Table) -> State:
        """Show a comparison of runs, where it is not shown as it stands."""
        place = self.tracker.place
        if place is None:
            return "known"
        content = digest([info.name, list(info.tags), list(table.columns), [list(row) for row in table.rows]])
        with claim(self._store.folder, _claimed(place, info.id), wait=True):
            if self.knows(info.id, content):
                return "known"
            self.tracker.compare(info, table)
            return self._noted(info.id, place, content)

    def knows(self, identity: str, content: str) -> bool:
        """Whether what was told last is this, and is there still."""
        before = sendings(self._store.folder, identity).get((str(self.tracker.place), identity))
        return before is not None and before.content == content and self.tracker.holds(identity)

    def _noted(self, identity: str, place: str, content: str) -> State:
        if self.tracker.error is not None:
            return "failed"
        note_sending(self._store.folder, Sending(identity, place, content, self._node))
        return "sent"

    def described(self, run: Run, sweeps: Sequence[SweepRecord]) -> tuple[RunInfo, str]:
        """What a tracker is told of a run beside its numbers, and the hash of all that it is told.

        Raises
        ------
        RunError
            If the run's folder is damaged.
        """
        node, created = config_of(run), run.manifest.get("created")
        if created is None:
            raise RunError(f"{run.folder / paths.MANIFEST} does not say when the run was made")
        info = self.begun(run.id, node, sweeps, datetime.fromisoformat(created))
        added = [(run.folder / each).is_file() for each in (paths.REPORT, paths.IMPORTANCE)]
        return info, digest([info.name, info.group, list(info.tags), run.metrics, added])

    def begun(
        self, identity: str, node: Mapping[str, Any], sweeps: Sequence[SweepRecord], created: datetime | None = None
    ) -> RunInfo:
        """What is known of a run before it is finished."""
        config, settings = parse(node), flatten(node)
        newest = sweeps[-1] if sweeps else None
        told = told_apart(settings, self._varied(newest, tuple(config.search))) if newest else ()
        name = " ".join(told) or config.experiment or f"{config.name('model')} on {config.name('data')}"
        tags = (*(told or told_apart(settings, ASKED)), *(f"sweep={each.id}" for each in sweeps))
        return RunInfo(identity, name, config.settings, newest.id if newest else None, tags, created)


class Stream:
    """What a fit tells while it runs, told on to a tracker, where the run is opened with the first value.

    Parameters
    ----------
    teller
        Who tells the tracker.
    config, identity
        Of the run.
    store
        Where it will lie.
    watch
        Who else is told, and may stop the fit; None: nobody.
    """

    def __init__(
        self, teller: Teller, config: Config, identity: str, store: RunStore, watch: Watch | None = None
    ) -> None:
        self._teller, self._config, self._identity, self._store, self._watch = teller, config, identity, store, watch
        self._opened = False

    def __call__(self, measure: Measure, step: int, value: float) -> None:
        """Tell a value after a step."""
        tracker = self._teller.tracker
        if not self._opened:
            self._opened = True
            tracker.start(self._teller.begun(self._identity, self._config.node, self._sweeps(())))
        tracker.log(step, {f"live/{measure.name}": value})
        if self._watch is not None:
            self._watch(measure, step, value)

    def finish(self, run: Run) -> None:
        """Tell of the finished run; a tracker that cannot be told is warned of, and changes nothing."""
        belongs = sweeps_by_run(self._store.folder).get(run.id, ()) if run.reused else ()
        try:
            self._teller.tell(run, self._sweeps(belongs), opened=self._opened)
        except (ForecastleError, OSError) as error:
            logger.warning("run %s is not tracked: %s", run.id, " ".join(str(error).split()))

    def abort(self, *, pruned: bool) -> None:
        """Tell of a run that was begun and is not finished."""
        if self._opened:
            self._teller.tracker.abort(pruned=pruned)

    def _sweeps(self, belongs: Sequence[SweepRecord]) -> list[SweepRecord]:
        """The sweeps of the run, the one that asks for it now at the end."""
        name = self._config.sweep
        return [
            *(each for each in belongs if each.id != name),
            *([SweepRecord(self._store.folder, name)] if name else []),
        ]


def renew(run: Run, store: RunStore) -> None:
    """Tell every tracker that has a run what was added to it; one that cannot be told is warned of."""
    for sending in sendings(store.folder, run.id).values():
        try:
            tracker = Guarded(build(dict(sending.tracker), "tracker"))
            if tracker.place != sending.place:  # a folder that was named as it was seen from another one
                raise RunError(f"run {run.id} was sent from another folder; `forecastle track push` there renews it")
            Teller(tracker, sending.tracker, store).tell(run, sweeps_by_run(store.folder).get(run.id, ()))
        except (ForecastleError, OSError) as error:
            logger.warning("%s is not told of the change: %s", sending.place, " ".join(str(error).split()))


def _curves(run: Run) -> dict[int, dict[str, float]]:
    try:
        return run.curves()
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"{run.folder / paths.CURVES} cannot be read: {' '.join(str(error).split())}") from error


def _varied_keys(record: SweepRecord, searched: tuple[str, ...]) -> tuple[str, ...]:
    """Keys that a sweep varies; none where its record is damaged."""
    try:
        return varied_keys(record, searched)
    except RunError as error:
        logger.warning("runs of sweep %s are not tagged: %s", record.id, error)
        return ()


def _claimed(place: str, identity: str) -> str:
    return f"track-{digest([place])[:8]}-{identity}"
