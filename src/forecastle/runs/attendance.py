"""Attendance: which folders living processes are at work on, told by locks that end when the process does."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = ".at-work"
"""What the processes at work on a folder lock together."""

LOOKS = (0.001, 0.005, 0.02)
"""Seconds between tries to lock it alone: `is_locked` takes the lock for some microseconds."""


@contextmanager
def attend(folder: Path, begin: Callable[[bool], None]) -> Iterator[None]:
    """Be at work on a folder for a block; others may be, too.

    Parameters
    ----------
    folder
        Made where it is not there.
    begin
        Called first, and told whether no other process is at work on it; those that come meanwhile wait.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        alone = _alone(descriptor)
        if not alone:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        begin(alone)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _alone(descriptor: int) -> bool:
    """Whether a lock is had that no other process has; who only looks has it for a moment."""
    for wait in (*LOOKS, None):
        if _taken(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return True
        if wait:
            time.sleep(wait)
    return False


def is_attended(folder: Path) -> bool:
    """Whether a living process is at work on a folder, on this machine or one whose locks are seen here."""
    return is_locked(folder / FILE)


def is_locked(path: Path) -> bool:
    """Whether a living process has a lock on a file; False where there is none."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _taken(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on a file for a block, once no other process does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        return False
    return True
