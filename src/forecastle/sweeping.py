"""The jobs of a sweep: what the process that it was asked of, and each worker, does about one."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hydra.experimental.callback import Callback

from forecastle import logs
from forecastle.config.compose import choices, validate
from forecastle.config.schema import Config
from forecastle.errors import ConfigError, ForecastleError, Pruned
from forecastle.runs.sweep import Job, Limits, SweepRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from forecastle.runs.execution import Memory
    from forecastle.runs.sweep import Retry

LIMITS = ("retry", "max_failures", "stop_on_error")
"""Words of a sweep that are no configuration: what it does about failures."""


def limits_of(words: Sequence[str]) -> Limits:
    """What the words of a command say that a sweep does about failures.

    Raises
    ------
    ConfigError
        If one of them has a value that it cannot have.
    """
    given = {key: value for key, _, value in (word.partition("=") for word in words) if key in LIMITS}
    retry, most = given.get("retry", "failed"), given.get("max_failures", "null")
    stop = given.get("stop_on_error", "false")
    if retry not in ("failed", "all", "none"):
        raise ConfigError(f"retry must be failed, all or none, got {retry!r}")
    if most != "null" and not (most.isdigit() and int(most)):
        raise ConfigError(f"max_failures must be a number of at least 1 or null, got {most!r}")
    if stop not in ("true", "false"):
        raise ConfigError(f"stop_on_error must be true or false, got {stop!r}")
    limit = 1 if stop == "true" else None if most == "null" else int(most)
    return Limits(cast("Retry", retry), limit)


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
    """

    words: tuple[str, ...]
    limits: Limits
    home: int = field(default_factory=os.getpid)
    record: SweepRecord | None = None
    put_off: list[tuple[Place, Config]] = field(default_factory=list)

    def finish(self, memory: Memory) -> int:
        """Do what was put off, print the table, and return the exit code."""
        if self.record is None:  # a flag such as --cfg shows something and runs nothing
            return 0
        from forecastle.terminal import print_sweep

        for place, config in self.put_off:
            _end(place, lambda config=config: config, memory, wait=True)  # type: ignore[misc]
        print_sweep(self.record)
        jobs = self.record.jobs()
        return 1 if len(jobs) < self.record.total() or any(job.failed for job in jobs) else 0


_asked: list[Sweep] = []
"""The sweep of this process; none in a worker."""


@contextmanager
def asked(words: Sequence[str], limits: Limits) -> Iterator[Sweep]:
    """Make a sweep the one of this process while the block runs."""
    sweep = Sweep(tuple(words), limits)
    _asked[:] = [sweep]
    try:
        yield sweep
    finally:
        _asked.clear()


class SweepBegins(Callback):
    """Hydra's callback that opens the record of a sweep, once its output folder is composed."""

    def on_multirun_start(self, config: Any, **_: Any) -> None:
        """Write down the command and its number of jobs."""
        if config.sweep is None:
            return
        sweep = _asked[-1]
        overrides = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
        command = [word for word in config.hydra.overrides.task if not word.startswith("sweep=")]
        sweep.record = SweepRecord(Path(config.output), config.sweep)
        with suppress(OSError):  # Hydra meets the same folder next, and its error is told
            sweep.record.begin(sweep.words, _count([*overrides, *command]), sweep.limits)


@dataclass(frozen=True)
class Place:
    """Where a job stands: its sweep's record, its number from 0, and the overrides that make it."""

    record: SweepRecord
    number: int
    chosen: tuple[str, ...]

    def tell(self, text: str) -> None:
        """Print what became of it."""
        print(f"[{self.number + 1}/{self.record.total()}] {' '.join(self.chosen)}: {text}", file=sys.stderr)


def run_job(composed: Any, memory: Memory) -> None:
    """Run one composed configuration and write down how it ended; it never stops the others.

    Raises
    ------
    ConfigError
        If the configuration belongs to no sweep of ours.
    """
    from hydra.core.hydra_config import HydraConfig

    if composed.sweep is None:
        raise ConfigError("a sweep is asked for by -m, right after `forecastle run`")
    hydra = HydraConfig.get()
    chosen = tuple(word for word in hydra.overrides.task if not word.startswith("sweep="))
    place = Place(SweepRecord(Path(composed.output), str(composed.sweep)), int(hydra.job.num), chosen)
    if reason := place.record.spent(place.number):
        place.tell(reason)
        return
    named = choices(hydra.runtime.choices)
    waits = not _asked or _asked[-1].home != os.getpid()
    _end(place, lambda: validate(composed, named), memory, wait=waits)


def _end(place: Place, make: Callable[[], Config], memory: Memory, *, wait: bool) -> None:
    """Bring a job to its end and write it down; what another process computes is waited for, or put off."""
    from forecastle.keeping import attempt

    start = time.perf_counter()
    try:
        config = make()
        logs.configure("WARNING" if config.log_level == "INFO" else config.log_level)
        finished = attempt(config, memory, wait=wait)
        if finished is None:
            _asked[-1].put_off.append((place, config))
            return
        job = Job(place.number, place.chosen, finished.id, reused=finished.reused)
    except Pruned as error:
        job = Job(place.number, place.chosen, None, pruned=str(error))
    except Exception as error:  # noqa: BLE001  whatever one job meets, the others go on
        known = isinstance(error, ForecastleError)
        line = " ".join((str(error) if known else f"{type(error).__name__}: {error}").split())
        job = Job(place.number, place.chosen, None, error=line, traceback=traceback.format_exc())
    place.record.write(job)
    state = f"failed: {job.error}" if job.failed else job.pruned or f"{job.run}{' (reused)' if job.reused else ''}"
    place.tell(f"{state}, {time.perf_counter() - start:.2f} s")


def _count(overrides: Sequence[str]) -> int:
    """Number of jobs that the overrides make."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser

    total = 1
    for override in OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides(list(overrides)):
        if override.is_sweep_override():
            total *= sum(1 for _ in override.sweep_iterator())
    return total
