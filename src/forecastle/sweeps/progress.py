"""The progress of a sweep: how far it is, how fast, how long still, and what is best so far, read from its ledger."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from forecastle.errors import ConfigError, RunError
from forecastle.runs.store import Run
from forecastle.runs.sweep import SweepRecord

REDRAWN, WRITTEN = 0.5, 15.0
"""Seconds between two looks at the ledger for a terminal, and between two lines where there is none."""

READ = 50
"""Most runs that are opened in one look, so that the sweep itself is not slowed."""

CLEAR = "\r\x1b[2K"
"""Goes to the beginning of a terminal's line and empties it."""


def say(line: str) -> None:
    """Print a line on standard error, in place of a terminal's line of progress, which is drawn again below it."""
    print(f"{CLEAR if sys.stderr.isatty() else ''}{line}", file=sys.stderr)


@dataclass
class Best:
    """The best run so far.

    Parameters
    ----------
    value, name, direction
        Of the objective on the validation part; ``min`` or ``max``.
    run
        Its id.
    choices
        The overrides that make it.
    """

    value: float
    name: str
    direction: str
    run: str
    choices: tuple[str, ...]

    def beats(self, other: Best | None) -> bool:
        """Whether it is better than another one; runs of different objectives are not compared."""
        if other is None:
            return True
        same = (self.name, self.direction) == (other.name, other.direction)
        return same and (self.value > other.value if self.direction == "max" else self.value < other.value)


@dataclass
class Progress:
    """How far a sweep is.

    Parameters
    ----------
    record
        Its ledger.
    known
        Runs by number that were finished before: their jobs are not begun.
    began
        Seconds since 1970; jobs that ended later were done since.
    """

    record: SweepRecord
    known: Mapping[int, str]
    began: float = field(default_factory=time.time)
    ended: set[int] = field(default_factory=set)
    failed: int = 0
    pruned: int = 0
    best: Best | None = None
    shared: set[str] | None = None
    waiting: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def look(self) -> None:
        """Read what the ledger says by now."""
        for number in self.record.ended(self.began) - self.ended:
            self._take(number)
        for number in set(self.known) - self.ended:
            self._take(number)
        now, self.waiting = self.waiting[:READ], self.waiting[READ:]
        for run, choices in now:
            self._open(run, choices)

    def _take(self, number: int) -> None:
        self.ended.add(number)
        job = self.record.job(number)
        if job is None:
            return
        self.shared = set(job.choices) if self.shared is None else self.shared & set(job.choices)
        self.failed += job.failed
        self.pruned += job.pruned is not None
        if job.run is not None:
            self.waiting.append((job.run, job.choices))

    def _open(self, run: str, choices: tuple[str, ...]) -> None:
        """Take a run for the best so far where it is, by what the sweep's search is after, where it is one."""
        from forecastle.evaluation.aim import Aim, figure

        with suppress(RunError, ConfigError, KeyError):
            part = Run(run, self.record.store / run).metrics["validation"]
            aim = Aim.sought(self.record.folder)
            name, way = part["objective"], part["direction"]
            if aim is not None:
                name, way = aim.first, aim.objectives[aim.first].value
            value = figure(part, name)
            if value is None or (aim is not None and aim.broken(part)):
                return
            found = Best(value, name, way, run, choices)
            if found.beats(self.best):
                self.best = found

    def numbers(self) -> str:
        """Runs per minute, time left, failures, and the best so far."""
        done, total = len(self.ended), self.record.total()
        here, seconds = done - len(self.known), time.time() - self.began
        told = []
        if here > 0:
            told.append(f"{60 * here / seconds:.{0 if here > seconds / 6 else 1}f} runs a minute")
        if here > 0 and done < total:
            told.append(f"{_span((total - done) * seconds / here)} left")
        if self.failed:
            told.append(f"{self.failed} failed")
        if self.pruned:
            told.append(f"{self.pruned} pruned")
        if self.best is not None:
            varied = " ".join(each for each in self.best.choices if each not in (self.shared or ()))
            which = f"{varied} ({self.best.run[:8]})" if varied else f"run {self.best.run[:8]}"
            told.append(f"best {self.best.name} {self.best.value:.5g}: {which}")
        return ", ".join(told)

    def line(self) -> str:
        """One line without a bar."""
        return f"{len(self.ended)} of {self.record.total()} done, {self.numbers()}".rstrip(", ")

    def bar(self, width: int) -> str:
        """One line with a bar, for a terminal so wide."""
        from tqdm import tqdm

        drawn = tqdm.format_meter(
            len(self.ended), self.record.total(), 0, ncols=min(width - 1, 40), bar_format="{n_fmt}/{total_fmt} |{bar}|"
        )
        return f"{drawn} {self.numbers()}"[: width - 1]


@contextmanager
def watched(progress: Progress) -> Iterator[None]:
    """Show the progress of a sweep while the block runs: a line that is rewritten on a terminal, else one at times."""
    over = threading.Event()
    shown = sys.stderr.isatty()
    watcher = threading.Thread(target=_watch, args=(progress, over, shown), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        if shown:
            print(CLEAR, end="", file=sys.stderr, flush=True)


def _watch(progress: Progress, over: threading.Event, shown: bool) -> None:
    while not over.wait(REDRAWN if shown else WRITTEN):
        with suppress(RunError, OSError):  # a ledger that is damaged meanwhile is told of at the end
            progress.look()
            if shown:
                width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
                print(f"{CLEAR}{progress.bar(width)}", end="", file=sys.stderr, flush=True)
            else:
                print(progress.line(), file=sys.stderr)


def _span(seconds: float) -> str:
    """A time for people: ``42 s``, ``3 min 20 s``, ``2 h 05 min``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
