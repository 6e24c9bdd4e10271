"""Logging: one logger for each module, one console handler, and run.log in a run's folder; progress on a terminal."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from forecastle.errors import ConfigError, nearest

T = TypeVar("T")

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_ROOT = "forecastle"


class _Console(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to whatever standard error is when a line is written."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(logging.Formatter("%(message)s"))

    @property
    def stream(self) -> object:
        return sys.stderr


def configure(level: str) -> None:
    """Give our logger its console handler, once, and its level.

    Raises
    ------
    ConfigError
        If the level is none of `LEVELS`.
    """
    if level.upper() not in LEVELS:
        known = ", ".join(LEVELS)
        raise ConfigError(f"log_level must be one of {known}, got {level!r}{nearest(level.upper(), LEVELS)}")
    logger = logging.getLogger(_ROOT)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    console = next((handler for handler in logger.handlers if isinstance(handler, _Console)), None)
    if console is None:
        console = _Console()
        logger.addHandler(console)
    console.setLevel(level.upper())


@contextmanager
def run_log(path: Path) -> Iterator[None]:
    """Write every line of our logger, with time (UTC), level and module, to a file while the block runs."""
    logger = logging.getLogger(_ROOT)
    formatter = logging.Formatter("%(asctime)sZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(formatter)
    handler.setLevel(logging.DEBUG)
    before = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.close()


@contextmanager
def collected() -> Iterator[list[logging.LogRecord]]:
    """Collect the lines of our logger, and show neither them nor progress, while the block runs.

    It is for a process that works for another one, which is given the lines to `replay`.
    """
    logger = logging.getLogger(_ROOT)
    handler = _Collector()
    before = logger.handlers, logger.level, logger.propagate
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.DEBUG)
    try:
        yield handler.records
    finally:
        logger.handlers, logger.propagate = before[0], before[2]
        logger.setLevel(before[1])


class _Collector(logging.Handler):
    """Keeps lines, their arguments filled in, so that they can be sent to another process."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        record.msg, record.args, record.exc_info = record.getMessage(), None, None
        self.records.append(record)


def replay(records: Iterable[logging.LogRecord]) -> None:
    """Log lines that another process has collected."""
    for record in records:
        logging.getLogger(record.name).handle(record)


_drawn: list[str] = []
"""Who draws the last line of the terminal, where somebody does."""


@contextmanager
def line_of(owner: str) -> Iterator[None]:
    """Leave the last line of the terminal to one who draws on it: while the block runs, no other bar is shown."""
    _drawn.append(owner)
    try:
        yield
    finally:
        _drawn.pop()


def shows_progress() -> bool:
    """Whether long work may draw a bar: on a terminal, on which no other one is drawn, and for nobody else."""
    collecting = any(isinstance(handler, _Collector) for handler in logging.getLogger(_ROOT).handlers)
    return not collecting and not _drawn and sys.stderr.isatty()


def progress(items: Iterable[T], total: int, what: str) -> Iterable[T]:
    """Show a progress bar over long work on a terminal, nothing elsewhere."""
    if not shows_progress():
        return items
    from tqdm import tqdm

    bar: Iterable[T] = tqdm(items, total=total, desc=what, delay=0.5, leave=False)
    return bar
