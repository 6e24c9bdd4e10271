"""Processes: a name for this one, which what it leaves behind carries, and whether another is still there."""

from __future__ import annotations

import os
import platform
import zlib
from pathlib import Path


def process() -> str:
    """A name for this process that none has on any machine which shares the file system."""
    return f"{os.getpid()}@{_machine()}"


def ended(name: str) -> bool:
    """Whether the process that `process` named so has ended; False where it belongs to another machine."""
    number, _, machine = name.partition("@")
    if machine != _machine() or not number.isdigit() or not Path("/proc/self").exists():
        return False
    return born(int(number)) is None


def born(process: int) -> int | None:
    """When a process of this machine began, in ticks since the system did; None where there is none, or it has ended.

    A number of a process is given again, to one that began later; and it stays with one that has ended until its parent
    asks what became of it.
    """
    try:
        told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if told[0] in "ZX" else int(told[19])


def _machine() -> str:
    return f"{zlib.crc32(platform.node().encode()):08x}"
