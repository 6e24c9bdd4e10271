"""`forecastle looks`: the ledger of looks, by test part: how often it was opened, by how many trials, and when."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from forecastle import paths
from forecastle.comparison.questions import question as question_of
from forecastle.comparison.questions import tried
from forecastle.errors import ConfigError, RunError, nearest
from forecastle.evaluation.layout import WIDTH
from forecastle.runs.looks import Opened, opened
from forecastle.runs.settings import settings_of
from forecastle.runs.store import Run, RunStore, usual_store

FLAGS = ("--json",)

USAGE = """\
usage: forecastle looks [--json]

Lists the test parts that were opened (runs/looks.jsonl): what they judge, by how many runs each was opened and how
often, when, how many trials of the same question are on record, and how many runs saw some of its period.
"""


def looks(words: Sequence[str]) -> int:
    """Print the ledger of looks.

    Raises
    ------
    ConfigError
        If an argument is unknown.
    """
    for word in words:
        if word in ("-h", "--help", "help"):
            print(USAGE, end="")
            return 0
        if word not in FLAGS:
            raise ConfigError(f"forecastle looks takes --json and nothing else, got {word!r}{nearest(word, FLAGS)}")
    store = usual_store()
    parts = opened(store.folder)
    told = [{**asdict(part), **_asked(store, part)} for part in parts]
    if words:
        print(json.dumps(told, indent=1))
    elif not told:
        print(f"no test part was opened in {store.folder} yet: `forecastle evaluate RUN part=test` opens one")
    else:
        print("\n\n".join(_as_text(each) for each in told))
        ledger = store.folder / paths.LOOKS
        print(f"\n{len(told)} test part{'s' * (len(told) != 1)} on record in {ledger}")
    return 0


def _asked(store: RunStore, part: Opened) -> dict[str, Any]:
    """The question that the runs answer that opened a test part, and its trials; nothing where none can be read."""
    for name in part.runs:
        run = store.find(name)
        question = None if run is None else _question(run)
        if run is not None and question is not None:
            return {"question": dict(question), "trials": tried(store, {question: [run]})[question].count}
    return {"question": None, "trials": None}


def _question(run: Run) -> tuple[tuple[str, str], ...] | None:
    try:
        return question_of(run, settings_of(run))
    except (RunError, KeyError):
        return None


def _as_text(told: dict[str, Any]) -> str:
    part, question, times = told["part"], told["question"], told["times"]
    what = [f"{key} {question[key]}" for key in ("target", "steps", "split")] if question else ["its runs are gone"]
    period = f"{part['start'][:10]} to {part['end'][:10]}" if part["start"] else "period not written down"
    runs, count = told["runs"], len(times)
    when = times[0][:16] if count == 1 else f"{times[0][:16]} to {times[-1][:16]}"
    shown = ", ".join(run[:8] for run in runs[:6]) + (f" and {len(runs) - 6} more" if len(runs) > 6 else "")
    lines = [
        f"{', '.join(part['symbols']) or 'unknown symbols'}, {period}: {', '.join(what)}",
        f"opened {count} time{'s' * (count != 1)} by {len(runs)} run{'s' * (len(runs) != 1)} ({shown})",
        f"when (UTC) {when.replace('T', ' ')}",
    ]
    if told["trials"] is not None:
        lines.append(f"trials of this question on record: {told['trials']}")
    if told["seen"] > len(runs):
        lines.append(f"{told['seen']} runs have seen some of its period of {', '.join(part['symbols'])}")
    first, *rest = (textwrap.wrap(line, WIDTH - 2, break_on_hyphens=False) for line in lines)
    return "\n".join(["\n  ".join(first), *(f"  {line}" for each in rest for line in each)])
