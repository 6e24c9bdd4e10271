"""A claim: one process at a time computes the run of an id; what holds it ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from forecastle import paths


@contextmanager
def claim(store: Path, identity: str, *, wait: bool) -> Iterator[bool]:
    """Hold the claim to a run for a block.

    Parameters
    ----------
    store
        Folder of the runs.
    identity
        Id of the run.
    wait
        Until the process that holds it has ended or is done; else the block is told at once.

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
        yield True
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
        os.close(descriptor)
        with suppress(OSError):  # others hold claims
            path.parent.rmdir()


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
