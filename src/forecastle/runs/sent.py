"""The ledger of what was sent: which run, as it stood when, lies at which tracker's place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecastle import paths
from forecastle.runs.lines import append_line


@dataclass(frozen=True)
class Sending:
    """One run that was sent.

    Parameters
    ----------
    run
        Its id.
    place
        Where it was sent, as the tracker names it.
    content
        Hash of what the tracker was told.
    tracker
        The configuration node of the tracker, by which it is made again.
    """

    run: str
    place: str
    content: str
    tracker: Mapping[str, Any]


def note_sending(store: Path, sending: Sending) -> None:
    """Write down that a run was sent; one line, appended whole."""
    append_line(store / paths.TRACKED, {"time": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(sending)})


def sendings(store: Path, run: str = "") -> dict[tuple[str, str], Sending]:
    """The latest sending to each place of each run, or of one, by place and run."""
    path = store / paths.TRACKED
    found: dict[tuple[str, str], Sending] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        if run not in line:
            continue
        try:
            node = json.loads(line)
            sending = Sending(node["run"], node["place"], node["content"], node["tracker"])
        except (ValueError, KeyError, TypeError):  # a line cut short by a full disk counts for nothing
            continue
        if run in ("", sending.run):
            found[sending.place, sending.run] = sending
    return found
