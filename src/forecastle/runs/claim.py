"""A claim: one process at a time computes the run of an id; what holds it ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from forecastle import paths
from forecastle.runs.attendance import is_locked


@contextmanager
def claim(store: Path, identity: str, *, wait: bool, job: tuple[str, int] | None = None) -> Iterator[bool]:
    """Hold the claim to a run for a block.

    Parameters
    ----------
    store
        Folder of the runs.
    identity
        Id of the run, or a name of what else one process at a time may do.
    wait
        Until the process that holds it has ended or is done; else the block is told at once.
    job
        For which sweep the run is computed, and the number of its job there, for others to see.

    Yields
    ------
    bool
        False where another process holds it and it was not to be waited for.
    """
    path = store / paths.CLAIMS / identity
    descriptor = _locked(path, wait=wait)
    if descriptor is None:
        yield False
        return
    try:
        with suppress(OSError):  # a full disk: what the run meets is told
            os.ftruncate(descriptor, 0)  # of what a process that was killed has left
            os.pwrite(descriptor, b"" if job is None else f"{job[0]} {job[1]}".encode(), 0)
        yield True
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
        os.close(descriptor)
        with suppress(OSError):  # others hold claims
            path.parent.rmdir()


def computing(store: Path) -> dict[str, set[int]]:
    """Numbers of the jobs by sweep that living processes compute, here or on a machine whose locks are seen here."""
    found: dict[str, set[int]] = {}
    for path in (store / paths.CLAIMS).glob("*"):
        with suppress(OSError, ValueError):  # removed in this moment, or held for no sweep
            sweep, number = path.read_text().split()
            if is_locked(path):
                found.setdefault(sweep, set()).add(int(number))
    return found


def _locked(path: Path, *, wait: bool) -> int | None:
    """A descriptor that locks the file that stands at the path now, which a holder before may have removed."""
    while True:
        with suppress(FileExistsError):  # it was there, and is removed in this moment
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:  # the folder was removed in this moment
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            with suppress(FileNotFoundError):
                if os.fstat(descriptor).st_ino == path.stat().st_ino:
                    return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
