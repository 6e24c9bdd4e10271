"""`forecastle run`: Hydra's door, for one experiment or a sweep of them."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecastle import logs
from forecastle.config.compose import ROOT, choices, conf_folder, explain, validate
from forecastle.errors import ForecastleError
from forecastle.runs.execution import Memory
from forecastle.runs.sweep import Job, SweepRecord, sweep_id

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    multirun = any(word in ("-m", "--multirun") for word in words)
    if not multirun:
        _hydra(words)
        return 0
    from forecastle.terminal import print_sweep

    overrides = [word for word in words if not word.startswith("-")]
    store = Path(_setting(overrides, "output", os.environ.get("FORECASTLE_OUTPUT", "runs")))
    record = SweepRecord(store, sweep_id(overrides))
    record.begin(overrides, _count(overrides))
    _hydra([*words, f"sweep={record.id}"])
    print_sweep(store, record)
    return 1 if any(job.run is None for job in record.jobs()) else 0


def _hydra(words: Sequence[str]) -> None:
    """Let Hydra read the words and call `_job` for each configuration."""
    import hydra

    os.environ["HYDRA_FULL_ERROR"] = "1"
    decorate = hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name=ROOT)
    with _arguments(["forecastle run", *words]):
        try:
            decorate(_job)()
        except SystemExit as end:
            if end.code:
                raise ForecastleError("the command line could not be read (see the usage above)") from end
        except Exception as error:
            raise explain(error) from error


@contextmanager
def _arguments(words: list[str]) -> Iterator[None]:
    before, sys.argv = sys.argv, words
    try:
        yield
    finally:
        sys.argv = before


def _job(composed: Any) -> None:
    """Run one composed configuration; a job of a sweep writes down how it ended and never stops the others."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    if HydraConfig.get().mode != RunMode.MULTIRUN:
        _single(composed)
        return
    number = int(HydraConfig.get().job.num)
    chosen = tuple(word for word in HydraConfig.get().overrides.task if not word.startswith("sweep="))
    start = time.perf_counter()
    record = SweepRecord(Path(composed.output), str(composed.sweep))
    try:
        config = validate(composed, choices(HydraConfig.get().runtime.choices))
        logs.configure("WARNING" if config.log_level == "INFO" else config.log_level)
        finished = _execute(config)
        job = Job(number, chosen, finished.id, reused=finished.reused)
    except Exception as error:  # noqa: BLE001  whatever one job meets, the others go on
        known = isinstance(error, ForecastleError)
        line = " ".join((str(error) if known else f"{type(error).__name__}: {error}").split())
        job = Job(number, chosen, None, error=line, traceback=traceback.format_exc())
    record.write(job)
    state = f"failed: {job.error}" if job.run is None else f"{job.run}{' (reused)' if job.reused else ''}"
    seconds = time.perf_counter() - start
    print(f"[{number + 1}/{record.total()}] {' '.join(chosen)}: {state}, {seconds:.2f} s", file=sys.stderr)


def _single(composed: Any) -> None:
    from hydra.core.hydra_config import HydraConfig

    from forecastle.terminal import print_run

    config = validate(composed, choices(HydraConfig.get().runtime.choices))
    logs.configure(config.log_level)
    finished = _execute(config)
    print_run(finished)


def _execute(config: Any) -> Run:
    from forecastle.experiment import execute

    return execute(config, _memory)


def _setting(overrides: Sequence[str], key: str, default: str) -> str:
    """The value that the overrides give a root key."""
    found = [word.partition("=")[2] for word in overrides if word.startswith(f"{key}=")]
    return found[-1] if found else default


def _count(overrides: Sequence[str]) -> int:
    """Number of jobs that the overrides make."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    total = 1
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        if override.is_sweep_override():
            total *= sum(1 for _ in override.sweep_iterator())
    return total
