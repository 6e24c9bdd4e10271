"""`forecastle run`: Hydra's door, for one experiment or a sweep of them."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from hydra.experimental.callback import Callback

from forecastle import logs
from forecastle.config.compose import ROOT, choices, compose, conf_folder, explain, opened, validate
from forecastle.config.schema import Config
from forecastle.errors import ConfigError, ForecastleError
from forecastle.runs.execution import Memory
from forecastle.runs.sweep import Job, Limits, SweepRecord, sweep_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from forecastle.runs.store import Run

_memory = Memory()
"""What the jobs of one process share: bars, features and baselines by the hash of their content."""


def run(words: Sequence[str]) -> int:
    """Run what the command line asks for and print its table.

    Parameters
    ----------
    words
        Overrides and flags, as Hydra reads them.

    Returns
    -------
    int
        0, or 1 where a job of a sweep failed.

    Raises
    ------
    ForecastleError
        If the configuration cannot be composed, or the one run fails.
    """
    if not any(word.startswith(("-", "hydra.", "hydra/", "+hydra", "~hydra")) for word in words):
        _single(compose(words))  # what Hydra's own door would do, without composing twice to learn its mode
        return 0
    _words[:] = _without_limits(words)
    words = opened(_words)
    overrides = [word for word in words if ("=" in word and not word.startswith("-")) or word.startswith("~")]
    flags = [word for word in words if word not in overrides]
    if {"-m", "--multirun"}.isdisjoint(flags):
        _hydra([*overrides, *flags])  # Hydra wants overrides side by side
        return 0
    from forecastle.terminal import print_sweep

    global _home  # noqa: PLW0603  workers of a launcher are other processes
    _home = os.getpid()
    _begun.clear()
    _put_off.clear()
    _hydra([*overrides, f"sweep='{sweep_id(overrides)}'", *flags])
    if not _begun:  # a flag such as --cfg shows something and runs nothing
        return 0
    for record, number, chosen, config in _put_off:
        _end(record, number, chosen, partial(_known, config), wait=True)
    print_sweep(_begun[-1])
    jobs = _begun[-1].jobs()
    return 1 if len(jobs) < _begun[-1].total() or any(job.run is None for job in jobs) else 0


def _without_limits(words: Sequence[str]) -> list[str]:
    """The words but those that say what a sweep does about failures, which are taken out and kept.

    Raises
    ------
    ConfigError
        If one of them has a value that it cannot have.
    """
    given = {key: value for key, _, value in (word.partition("=") for word in words) if key in LIMITS}
    retry, most = given.get("retry", "failed"), given.get("max_failures", "null")
    stop = given.get("stop_on_error", "false")
    if retry not in ("failed", "none"):
        raise ConfigError(f"retry must be failed or none, got {retry!r}")
    if most != "null" and not (most.isdigit() and int(most)):
        raise ConfigError(f"max_failures must be a number of at least 1 or null, got {most!r}")
    if stop not in ("true", "false"):
        raise ConfigError(f"stop_on_error must be true or false, got {stop!r}")
    limit = 1 if stop == "true" else None if most == "null" else int(most)
    _limits[:] = [Limits("none" if retry == "none" else "failed", limit)]
    return [word for word in words if word.partition("=")[0] not in LIMITS]


LIMITS = ("retry", "max_failures", "stop_on_error")
"""Words of a sweep that are no configuration."""

_words: list[str] = []
"""The command line of the sweep that Hydra composes, without its limits, which hold for one time."""

_limits: list[Limits] = [Limits()]
"""What it does about failures."""

_home: int | None = None
"""The process that a sweep was asked of: it puts off what others compute. A launcher's workers wait for it."""

_put_off: list[tuple[SweepRecord, int, tuple[str, ...], Config]] = []
"""Jobs that another process was computing when their turn came."""

_begun: list[SweepRecord] = []
"""The sweep that Hydra has composed."""

_failed: list[Exception] = []
"""What stopped a job, kept from Hydra, which would print it in its own way."""


class SweepBegins(Callback):
    """Hydra's callback that opens the record of a sweep, once its output folder is composed."""

    def on_multirun_start(self, config: Any, **_: Any) -> None:
        """Write down the command and its number of jobs."""
        if config.sweep is None:
            return
        overrides = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
        command = [word for word in config.hydra.overrides.task if not word.startswith("sweep=")]
        record = SweepRecord(Path(config.output), config.sweep)
        with suppress(OSError):  # Hydra meets the same folder next, and its error is told
            record.begin(_words, _count([*overrides, *command]), _limits[-1])
        _begun.append(record)


def _hydra(words: Sequence[str]) -> None:
    """Let Hydra read the words and call `_job` for each configuration."""
    import hydra

    _check_flags(words)
    os.environ["HYDRA_FULL_ERROR"] = "1"
    _failed.clear()
    decorate = hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name=ROOT)
    with _arguments(["forecastle run", *words]):
        try:
            decorate(_kept)()
        except SystemExit:  # after a flag that shows something
            return
        except ValueError as error:  # flags that exclude each other
            raise ConfigError(str(error)) from error
        except Exception as error:
            raise explain(error) from error
    if _failed:
        raise _failed[0]


def _check_flags(words: Sequence[str]) -> None:
    """Raise ConfigError where Hydra's parser would print its usage and end the process."""
    from hydra._internal.utils import get_args_parser

    def refuse(message: str) -> NoReturn:
        raise ConfigError(f"{message} (see forecastle run --hydra-help)")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    parser.parse_args(list(words))


@contextmanager
def _arguments(words: list[str]) -> Iterator[None]:
    before, sys.argv = sys.argv, words
    try:
        yield
    finally:
        sys.argv = before


def _kept(composed: Any) -> None:
    """Run one composed configuration and keep its error from Hydra."""
    try:
        _job(composed)
    except Exception as error:  # noqa: BLE001  raised again by `_hydra`
        _failed.append(error)


def _job(composed: Any) -> None:
    """Run one composed configuration; a job of a sweep writes down how it ended and never stops the others."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    if HydraConfig.get().mode != RunMode.MULTIRUN:
        _single(validate(composed, choices(HydraConfig.get().runtime.choices)))
        return
    if composed.sweep is None:
        raise ConfigError("a sweep is asked for by -m, right after `forecastle run`")
    number = int(HydraConfig.get().job.num)
    chosen = tuple(word for word in HydraConfig.get().overrides.task if not word.startswith("sweep="))
    record = SweepRecord(Path(composed.output), str(composed.sweep))
    if reason := record.spent(number):
        print(f"[{number + 1}/{record.total()}] {' '.join(chosen)}: {reason}", file=sys.stderr)
        return
    named = choices(HydraConfig.get().runtime.choices)
    _end(record, number, chosen, lambda: validate(composed, named), wait=os.getpid() != _home)


def _end(record: SweepRecord, number: int, chosen: tuple[str, ...], make: Callable[[], Config], *, wait: bool) -> None:
    """Bring a job to its end and write it down; what another process computes is waited for, or put off."""
    start = time.perf_counter()
    try:
        config = make()
        logs.configure("WARNING" if config.log_level == "INFO" else config.log_level)
        finished = _attempt(config, wait=wait)
        if finished is None:
            _put_off.append((record, number, chosen, config))
            return
        job = Job(number, chosen, finished.id, reused=finished.reused)
    except Exception as error:  # noqa: BLE001  whatever one job meets, the others go on
        known = isinstance(error, ForecastleError)
        line = " ".join((str(error) if known else f"{type(error).__name__}: {error}").split())
        job = Job(number, chosen, None, error=line, traceback=traceback.format_exc())
    record.write(job)
    state = f"failed: {job.error}" if job.run is None else f"{job.run}{' (reused)' if job.reused else ''}"
    seconds = time.perf_counter() - start
    print(f"[{number + 1}/{record.total()}] {' '.join(chosen)}: {state}, {seconds:.2f} s", file=sys.stderr)


def _single(config: Config) -> None:
    from forecastle.terminal import print_run

    logs.configure(config.log_level)
    from forecastle.keeping import execute

    print_run(execute(config, _memory))


def _known(config: Config) -> Config:
    return config


def _attempt(config: Config, *, wait: bool) -> Run | None:
    from forecastle.keeping import attempt

    return attempt(config, _memory, wait=wait)


def _count(overrides: Sequence[str]) -> int:
    """Number of jobs that the overrides make."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser

    total = 1
    for override in OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides(list(overrides)):
        if override.is_sweep_override():
            total *= sum(1 for _ in override.sweep_iterator())
    return total
