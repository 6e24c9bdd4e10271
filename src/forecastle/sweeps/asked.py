"""The sweep that a process was asked for: begun, what was put off caught up with, and told of at its end."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from forecastle.config.schema import Config
from forecastle.runs import stopping
from forecastle.runs.claim import computing
from forecastle.runs.entry import Ended, now
from forecastle.runs.sweep import FILE, Limits, SweepRecord
from forecastle.runs.weights import trim
from forecastle.sweeps.job import Place, bring_to_end, tell_alike
from forecastle.sweeps.origin import origin
from forecastle.sweeps.progress import Progress, say, watched
from forecastle.terminal import added_up, print_sweep

if TYPE_CHECKING:
    from forecastle.runs.execution import Memory
    from forecastle.runs.stopping import Stop


AGAIN = 0.1
"""Seconds between two looks at a job that another process computes."""


@dataclass
class Sweep:
    """The sweep that this process was asked for.

    Parameters
    ----------
    words
        The command line, without its limits, which hold for one time.
    limits
        What it does about failures.
    home
        The process: it puts off the jobs that others compute. A launcher's workers wait for them.
    record
        The jobs that it has, once Hydra has composed it.
    put_off
        Jobs that another process was computing when their turn came.
    known
        Runs by number of the jobs that are not begun, since the ledger says what they give.
    met
        How the jobs ended whose turn it was in this process or its workers, by number.
    began
        When it opened the record.
    in_turn
        True where jobs hang on what came of those before: none is put off, and what failed is not tried again.
    keep_models
        How many of its runs keep their weights; None: all.
    anew
        True where a search that has changed is begun anew.
    task
        All overrides, where some of them are held back from what Hydra composes of the whole sweep; else none.
    """

    words: tuple[str, ...]
    limits: Limits
    home: int = field(default_factory=os.getpid)
    record: SweepRecord | None = None
    put_off: list[tuple[Place, Config]] = field(default_factory=list)
    known: dict[int, str] = field(default_factory=dict)
    met: dict[int, Ended] = field(default_factory=dict)
    began: str = field(default_factory=now)
    in_turn: bool = False
    keep_models: int | None = None
    anew: bool = False
    task: tuple[str, ...] = ()
    shown: ExitStack = field(default_factory=ExitStack)

    def begin(self, record: SweepRecord, total: int) -> None:
        """Open the record, and show from now on how far the sweep is."""
        self.record = record
        limits = replace(self.limits, retry="none") if self.in_turn else self.limits
        with suppress(OSError):  # Hydra meets the same folder next, and its error is told
            self.shown.enter_context(record.attended(self.words, total, limits))
            if (theirs := record.limits()) != limits:
                say(
                    f"sweep {record.id} is under way in another process, and what that one was told of failures holds: "
                    f"retry={theirs.retry} max_failures={theirs.max_failures or 'null'}"
                )
            self.shown.enter_context(watched(Progress(record, self.known)))

    def finish(self, memory: Memory) -> int:
        """Do what was put off, print the table, and return the exit code."""
        if self.record is None:  # a flag such as --cfg shows something and runs nothing
            return 0
        with stoppable(workers=1) as stop:
            for place, config in self.put_off:
                stop.check()
                self._catch_up(place, config, memory)
        self.shown.close()
        if isinstance(self.keep_models, int) and self.keep_models >= 0:  # fewer than before, where nothing is computed
            trim(self.record.store, self.record.id, self.keep_models)
        tell_alike(self.record)
        counted = self.counted()
        found = print_sweep(self.record, counted)
        return 0 if found and not counted["failed"] and not counted["left"] else 1

    def _catch_up(self, place: Place, config: Config, memory: Memory) -> None:
        """Do a job that another process was computing, unless it has brought it to an end."""
        while place.number in computing(place.record.store).get(place.record.id, ()):
            time.sleep(AGAIN)
        if spent := place.record.spent(place.number):
            self.met[place.number] = spent[0]
            place.tell(spent[1])
            return
        ended = bring_to_end(place, lambda: config, memory, origin(), wait=True)
        if isinstance(ended, str):
            self.met[place.number] = ended

    def counted(self) -> Counter[Ended]:
        """How many of its jobs ended how, as this process met them; together they are all.

        What was known, or finished by another process meanwhile, is reused; in a search what failed stays so.
        """
        assert self.record is not None
        ended: dict[int, Ended] = dict.fromkeys(self.known, "reused")
        for job in self.record.jobs():
            if (job.ended or "") >= self.began or (self.in_turn and job.run is None):
                ended[job.number] = job.what if job.run is None else "reused"
        ended |= self.met
        return Counter(ended.get(number, "left") for number in range(self.record.total()))

    def standing(self) -> str:
        """What is told when it was stopped: what there is, and how it is gone on with; nothing where it never began."""
        if self.record is None or not (self.record.folder / FILE).is_file() or not (total := self.record.total()):
            return ""
        counted = self.counted()
        done, told = counted["computed"] + counted["reused"], added_up(counted)
        if counted["left"] == total and (
            before := self.record.state().done
        ):  # stopped before it looked at what is there
            done, told = before, "none of them computed now"
        place = "" if self.record.store == Path("runs") else f"FORECASTLE_OUTPUT={self.record.store} "
        how = f"`{place}forecastle sweep resume {self.record.id}` goes on with it"
        return f"{done} of {total} runs of sweep {self.record.id} are finished and kept ({told}); {how}"


def stoppable(workers: int) -> AbstractContextManager[Stop]:
    """Listen to Ctrl-C while jobs are run by so many processes."""
    jobs = "job" if workers == 1 else "jobs"
    return stopping.stoppable(lambda: say(f"finishing the {jobs} in progress; Ctrl-C again stops now"))
