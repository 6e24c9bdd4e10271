"""What people see on the terminal: a run's tables, a sweep's ranking, and errors in one line."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from forecastle import paths
from forecastle.errors import ForecastleError, RunError
from forecastle.runs.entry import Ended
from forecastle.runs.settings import short
from forecastle.runs.store import Run
from forecastle.runs.sweep import SweepRecord
from forecastle.runs.tags import tags_of
from forecastle.runs.weights import reason


def guarded(action: Callable[[], int | None]) -> int:
    """Do something, tell whatever goes wrong in one line, and return the exit code.

    0 done, 1 a run failed or differs, 2 wrong input, 3 a defect of ours, 130 interrupted.
    """
    try:
        code = action() or 0
        return _flushed(code)
    except KeyboardInterrupt as interrupt:
        usual = "interrupted: the run in progress left nothing; finished runs are kept"
        return complain(str(interrupt) or usual, 130)
    except ForecastleError as error:
        return complain(str(error), 2)
    except BrokenPipeError:
        _silence()
        return 0
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            place = f" at {error.filename}" if error.filename else ""
            return complain(f"the disk is full{place}: the run was not kept; finished runs are", 2)
        return complain(f"{error.strerror or error}: {error.filename or 'no file name'}", 2)
    except Exception as error:  # noqa: BLE001  the last resort of the program: one line in place of a traceback
        return complain(f"unexpected {type(error).__name__}: {error} (FORECASTLE_DEBUG=1 shows where)", 3)


def _flushed(code: int) -> int:
    """Write out what was printed, so that a refusal is met here and not when Python ends."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _silence()
        return complain(f"{error.strerror}: what was printed could not be written", 2)
    return code


def _silence() -> None:
    """Send to nowhere what is still to be printed, since nobody reads it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(line: str, code: int) -> int:
    """Print one line on standard error, with the traceback under FORECASTLE_DEBUG=1, and return the code."""
    if os.environ.get("FORECASTLE_DEBUG") == "1":
        traceback.print_exc()
    print(f"forecastle: {' '.join(line.split())}", file=sys.stderr)
    return code


def print_run(finished: Run) -> None:
    """Print a run's tables and where its report lies."""
    from forecastle.evaluation.table import render

    manifest, metrics = finished.manifest, finished.metrics
    report = str(finished.folder / paths.REPORT)
    if not Path(report).is_file():
        from forecastle.report.page import write_report

        try:
            write_report(finished.folder)
        except OSError as error:  # a folder of somebody else, or a full disk: what is known is shown
            report = f"not written: {error.strerror}"
    for part in metrics:
        print(f"\n{part}")
        print(render(metrics[part], manifest["name"]))
        if "trading" in metrics[part]:
            from forecastle.evaluation.trading.verdict import render as render_trading

            print(f"\n{render_trading(metrics[part]['trading'])}")
    if "test" in metrics:
        print(f"\n{manifest['looks']['text']}")
    else:
        print(f"\nthe test part was not opened: forecastle evaluate {finished.word} part=test")
    print(f"run     {finished.id}{' (finished before: nothing was computed)' if finished.reused else ''}")
    if told := tags_of(finished.folder.parent, finished.id):
        print(f"tags    {', '.join(told)} (protected)")
    if not finished.has_weights:
        print(f"weights not kept: {reason(finished)} (forecastle restore {finished.word} fits the run again)")
    print(f"report  {report}")


def print_sweep(record: SweepRecord, counted: Mapping[Ended, int]) -> bool:
    """Print the ranking of a sweep, on the validation part, and how many of its jobs ended how.

    False where it is a search that found nothing.
    """
    from forecastle.evaluation.aim import Aim
    from forecastle.evaluation.ranking import render_ranking

    jobs = record.jobs()
    shared = set.intersection(*(set(job.choices) for job in jobs)) if len(jobs) > 1 else set()
    told = {job.number: [choice.partition("=") for choice in job.choices if choice not in shared] for job in jobs}
    last = short(list(dict.fromkeys(key for words in told.values() for key, _, _ in words)))
    rows: list[dict[str, Any]] = []
    shown: set[str] = set()
    for job in jobs:
        if job.pruned or job.run in shown:  # a search may try the same again
            continue
        shown.update([job.run] if job.run else ())
        name = " ".join(last[key] + sign + value for key, sign, value in told[job.number]) or "default"
        part, error = None, job.error
        if job.run is not None:
            try:
                part = Run(job.run, record.store / job.run).metrics["validation"]
            except RunError as damaged:
                error = str(damaged)
        rows.append({"name": name, "run": job.run, "error": error, "part": part})
    if rows:
        print(render_ranking(rows, Aim.sought(record.folder)))
    print(
        f"sweep {record.id}: {record.total()} run{'s' * (record.total() != 1)}, {added_up(counted)}"
        f"{_weights(record.store, {job.run for job in jobs if job.run})}"
    )
    if not (record.folder / paths.STUDY).is_file():
        return True
    from forecastle.search.summary import summarise

    summary, found = summarise(record)
    print(summary)
    return found


def added_up(counted: Mapping[Ended, int]) -> str:
    """How many jobs of a sweep ended how; together they are all of them."""
    seldom = [f"{counted[how]} {how}" for how in ("pruned", "left") if counted[how]]
    usual = [f"{counted[how]} {how}" for how in ("computed", "reused", "failed")]
    return ", ".join([*usual, *seldom])


def _weights(store: Path, runs: Collection[str]) -> str:
    """How many of the runs have kept their weights, where not all have."""
    kept = sum(Run(run, store / run).has_weights for run in runs)
    return "" if kept == len(runs) else f"; {kept} of {len(runs)} kept their weights"
