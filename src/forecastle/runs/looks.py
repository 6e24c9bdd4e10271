"""The ledger of looks: each time that a test part is opened, by which run, is written down for good.

A test part that many runs have seen is no test part any more; the count stands beside every result.
"""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecastle import paths


def look(store: Path, key: str, run: str, reason: str) -> dict[str, Any]:
    """Write down that `run` opens the test part `key`, and tell by how many runs it has been opened."""
    note_look(store, key, run, reason)
    count = count_looks(store, key)
    runs = "1 run, this one" if count == 1 else f"{count} runs, this one included"
    return {"count": count, "text": f"the test part of these data has been opened by {runs}"}


def note_look(store: Path, key: str, run: str, reason: str) -> None:
    """Write down that `run` opened the test part `key`; one line, appended whole."""
    line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "test": key, "run": run, "reason": reason}
    store.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(store / paths.LOOKS, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        cut_short = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        text = b"\n" * cut_short + json.dumps(line).encode() + b"\n"
        if os.write(descriptor, text) < len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(store / paths.LOOKS))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def count_looks(store: Path, key: str) -> int:
    """Number of different runs that have opened the test part `key`."""
    path = store / paths.LOOKS
    if not path.is_file():
        return 0
    runs = set()
    for line in path.read_text().splitlines():
        try:
            entry = json.loads(line)
        except ValueError:  # a line cut short by a full disk counts for nothing
            continue
        if entry.get("test") == key:
            runs.add(entry.get("run"))
    return len(runs)
