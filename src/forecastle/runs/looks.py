"""The ledger of looks: each time that a test part is opened, by which run, is written down for good.

A test part that many runs have seen is no test part any more; the count stands beside every result.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecastle import paths
from forecastle.runs.lines import append_line


@dataclass(frozen=True)
class TestPart:
    """What is opened.

    Parameters
    ----------
    key
        Names the part: the same bars, target, horizon and split.
    symbols
        Symbols that it judges.
    start, end
        First origin and end of the last label, ISO 8601, UTC.
    """

    __test__ = False  # no test of pytest's

    key: str
    symbols: tuple[str, ...] = ()
    start: str = ""
    end: str = ""


def look(store: Path, part: TestPart, run: str, reason: str) -> dict[str, Any]:
    """Write down that `run` opens a test part, and tell how many runs have opened it, or seen some of its period."""
    note_look(store, part, run, reason)
    count, seen = count_looks(store, part.key), count_overlaps(store, part)
    runs = "1 run, this one" if count == 1 else f"{count} runs, this one included"
    text = f"this test part has been opened by {runs}"
    if seen > count:
        text += f"; {seen} runs have seen some of its period of {', '.join(part.symbols)}"
    return {"count": count, "seen": seen, "text": text}


def note_look(store: Path, part: TestPart, run: str, reason: str) -> None:
    """Write down that `run` opened a test part; one line, appended whole."""
    what = asdict(part)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    line = {"time": now, "test": what.pop("key"), "run": run, "reason": reason, **what}
    append_line(store / paths.LOOKS, line)


def count_looks(store: Path, key: str) -> int:
    """Number of different runs that have opened the test part `key`."""
    return len({entry.get("run") for entry in _entries(store) if entry.get("test") == key})


def count_overlaps(store: Path, part: TestPart) -> int:
    """Number of different runs whose test part shares a symbol and some time with this one, whatever they asked."""
    return len(
        {
            entry.get("run")
            for entry in _entries(store)
            if set(entry.get("symbols", ())) & set(part.symbols)
            and entry.get("start", "") < part.end
            and part.start < entry.get("end", "")
        }
    )


@dataclass(frozen=True)
class Opened:
    """A test part and who has opened it.

    Parameters
    ----------
    part
        What was opened.
    times
        When, ISO 8601, UTC, in order, once for each time.
    runs
        Ids of the runs that opened it, each once, in order.
    seen
        Number of different runs whose test part shares a symbol and some time with this one, whatever they asked.
    """

    part: TestPart
    times: tuple[str, ...]
    runs: tuple[str, ...]
    seen: int


def opened(store: Path) -> list[Opened]:
    """All test parts that were opened, the one opened first at the beginning."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in _entries(store):
        found.setdefault(str(entry.get("test")), []).append(entry)
    told = []
    for key, entries in found.items():
        first = entries[0]
        symbols = tuple(first.get("symbols", ()))
        part = TestPart(key, symbols, str(first.get("start", "")), str(first.get("end", "")))
        times = tuple(sorted(str(entry.get("time", "")) for entry in entries))
        runs = tuple(dict.fromkeys(str(entry.get("run")) for entry in entries))
        told.append(Opened(part, times, runs, max(len(runs), count_overlaps(store, part))))
    return sorted(told, key=lambda each: each.times[0])


def looks_of(store: Path, runs: Collection[str]) -> str:
    """How often the test parts that these runs opened have been opened, by any run; a line for people."""
    entries = list(_entries(store))
    keys = {entry.get("test") for entry in entries if entry.get("run") in runs}
    opened = [entry for entry in entries if entry.get("test") in keys]
    by = {entry.get("run") for entry in opened}
    if not opened:
        return "none of these runs has opened its test part"
    times = f"{len(opened)} time{'s' * (len(opened) != 1)} by {len(by)} run{'s' * (len(by) != 1)}"
    return f"{len(by & set(runs))} of these runs opened the test part; it has been opened {times} in all"


def _entries(store: Path) -> Iterator[dict[str, Any]]:
    path = store / paths.LOOKS
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
        except ValueError:  # a line cut short by a full disk counts for nothing
            continue
        if isinstance(entry, dict):
            yield entry
