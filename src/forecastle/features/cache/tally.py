"""Tally: what the cache was asked and what it spared, counted by all processes in one small file."""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import astuple, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Tally:
    """Counts since the cache was cleared.

    Parameters
    ----------
    memory_hits, disk_hits
        Frames that were found.
    misses
        Frames that were not.
    damaged
        Entries that were thrown away because they were damaged.
    evicted
        Entries that were cleared away because they were too old or too much.
    computing
        Seconds that computing the misses took.
    saved
        Seconds that computing the hits would have taken.
    """

    memory_hits: float = 0
    disk_hits: float = 0
    misses: float = 0
    damaged: float = 0
    evicted: float = 0
    computing: float = 0
    saved: float = 0

    @property
    def hits(self) -> int:
        """Frames that were found, in memory or on disk."""
        return int(self.memory_hits + self.disk_hits)

    @property
    def rate(self) -> float | None:
        """Share of hits; None where nothing was asked."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None


_LAYOUT = struct.Struct(f"<{len(fields(Tally))}d")


def read_tally(path: Path) -> Tally:
    """Read the file; all 0 where there is none."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Tally()
    return Tally(*_LAYOUT.unpack(content)) if len(content) == _LAYOUT.size else Tally()


def count(path: Path, more: Tally) -> None:
    """Add to the file; processes that count at once wait for each other, some microseconds each."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        content = os.pread(descriptor, _LAYOUT.size + 1, 0)
        before = _LAYOUT.unpack(content) if len(content) == _LAYOUT.size else astuple(Tally())
        os.pwrite(descriptor, _LAYOUT.pack(*(a + b for a, b in zip(before, astuple(more), strict=True))), 0)
    finally:
        os.close(descriptor)
